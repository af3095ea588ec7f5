/* SPDX-License-Identifier: MIT */
/*
 * fuzz SEED STEPS: rounds of a few processes that issue random hypercalls at
 * each other, each some hundred steps, until STEPS are done. Whatever they do
 * to themselves, the first process buries them and starts the next round. It
 * judges nothing: that is for who watches the kernel (tests/replay).
 */
#include "fuzz.h"

#include <hv8/app.h>
#include <hv8/irq.h>
#include <hv8/view.h>

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	WORKERS = 4, LINES = 6, ROUND_STEPS = 1000, ROUND_US = 3000000, POLL_US = 30000,
	MAX_STEPS = 1000000000, MAX_DEPTH = 2,
};

/* The first n of self's lines that are not in use are given away, too. */
static struct hv_grants grants_of(uint64_t pages, uint64_t pids, uint64_t files, unsigned n)
{
	struct hv_grants grants = { .pages = pages, .pids = pids, .files = files };
	uint64_t lines[HV_NIRQ / 64];

	hv_irq_lines(lines);
	for (hv_irq line = 0; line < HV_NIRQ && n > 0; line++)
		if (lines[line / 64] >> line % 64 & 1) {
			grants.irqs[line / 64] |= 1UL << line % 64;
			n--;
		}
	return grants;
}

static pid_t fork_small(void)
{
	struct hv_grants grants = grants_of(10, 1, 2, 2);

	return hv_fork_attr(&grants);
}

/* Only the endpoints are kept: no worker may talk to init, or write for others. */
static void close_others(void)
{
	hv_pid self = (hv_pid)hv_self();

	for (hv_handle handle = 0; handle < HV_NHANDLE; handle++) {
		uint64_t file = hv_handles[self][handle].file;
		bool is_console = hv_files[file].type == HV_FILE_CONSOLE;

		if (file != 0 && !is_console &&
		    (handle < FUZZ_FIRST_HANDLE || handle > FUZZ_LAST_HANDLE))
			hv_close(self, handle);
	}
}

static void use_fp(uint64_t seed)
{
	__asm__ volatile(".arch_extension fp\n\tfmov d7, %0" :: "r"(seed) : "v7");
}

/* A process that works on; its child, if it makes one, begins anew. */
static _Noreturn void work(uint64_t seed)
{
	uint64_t depth = 0;

	fuzz_seed(seed);
	close_others();
	fuzz_look();
	for (uint64_t n = 0; n < ROUND_STEPS; n++) {
		fuzz_step();
		if (fuzz_random(40) == 0)
			use_fp(n);
		if (fuzz_random(20) == 0)
			fuzz_interrupts();
		if (fuzz_random(60) == 0)
			hv_sleep_until(hv_now() + hv_ticks_of_us(fuzz_random(50)));
		if (fuzz_random(150) == 0)
			fuzz_look();
		if (depth < MAX_DEPTH && fuzz_random(120) == 0 && fork_small() == 0) {
			fuzz_seed(seed = fuzz_random(UINT64_MAX));
			fuzz_look();
			depth++;
			n = 0;
		}
	}
	for (;;)
		hv_kill((hv_pid)hv_self(), 0);
}

/* Every process that is self's ends; the children of a dead one come to self alive. */
static void bury(void)
{
	hv_pid self = (hv_pid)hv_self(), pid = 1;

	while (pid < HV_NPROC) {
		if (hv_procs[pid].ppid == self && hv_procs[pid].state != HV_PROC_UNUSED) {
			hv_reclaim(pid);
			pid = 1;
		} else {
			pid++;
		}
	}
}

/* Who is still there waits for what will not come. */
static bool nobody_is_ready(void)
{
	hv_pid self = (hv_pid)hv_self();

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (pid != self && hv_sched->core[pid] != 0)
			return false;
	return (hv_sched->ready.word[0] | hv_sched->ready.word[1]) == 0;
}

static void play(uint64_t seed)
{
	hv_handle endpoint[FUZZ_ENDPOINTS];
	hv_time end = hv_deadline_us(ROUND_US);
	int running = 0;

	for (int n = 0; n < FUZZ_ENDPOINTS; n++) {
		int64_t handle = hv_endpoint_new(0);

		endpoint[n] = handle < 0 ? HV_NONE : (hv_handle)handle;
	}
	for (uint64_t n = 0; n < WORKERS; n++) {
		struct hv_grants grants = grants_of(40, 4, 8, LINES);
		pid_t pid = hv_fork_attr(&grants);

		if (pid == 0)
			work(seed * WORKERS + n);
		running += pid > 0;
	}
	while (running > 0 && hv_now() < end) {
		int64_t dead = hv_wait(hv_deadline_us(POLL_US), HV_NONE);

		if (dead > 0) {
			hv_reclaim((hv_pid)dead);
			running--;
		} else if (dead == -HV_ETIMEDOUT && nobody_is_ready()) {
			break;
		}
	}
	bury();
	for (int n = 0; n < FUZZ_ENDPOINTS; n++)
		if (endpoint[n] != HV_NONE)
			hv_endpoint_close(endpoint[n]);
}

int main(int argc, char **argv)
{
	uint64_t seed, steps;

	if (argc != 3 || !app_number(argv[1], UINT64_MAX >> 8, &seed) ||
	    !app_number(argv[2], MAX_STEPS, &steps))
		app_usage("fuzz SEED STEPS");
	view_require("fuzz");
	hv_load_image();
	for (uint64_t round = 0; round * WORKERS * ROUND_STEPS < steps; round++) {
		if (hv_page_count() < WORKERS * 90)
			hv_page_reserve(WORKERS * 90);
		play(seed * 1000000 + round);
	}
	hv_dprintf(1, "fuzz: seed %" PRIu64 ", %" PRIu64 " steps\n", seed, steps);
	return 0;
}
