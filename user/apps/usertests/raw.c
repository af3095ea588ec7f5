/* SPDX-License-Identifier: MIT */
/* Raw children: building, starting, and taking back. */
#include "raw.h"

#include <string.h>

enum { PATIENCE_US = 10000000 };

hv_page take_page(void)
{
	hv_page page = hv_page_alloc();

	CHECK(page != 0);
	return page;
}

hv_pid take_pid(void)
{
	hv_pid pid = hv_pid_alloc();

	CHECK(pid != 0);
	return pid;
}

hv_file take_file(void)
{
	hv_file file = hv_file_alloc();

	CHECK(file != 0);
	return file;
}

static unsigned char code_page[HV_PAGE_SIZE];

hv_pid raw_make(const struct raw_image *image)
{
	static const struct raw_image plain;
	pid_t pid = hv_embryo_new();

	CHECK(pid > 0);
	if (image == NULL)
		image = &plain;
	memcpy(code_page, rawcode, sizeof(code_page));
	if (image->patch != 0)
		memcpy(code_page + (raw_patch - rawcode), &image->patch, sizeof(image->patch));
	CHECK_EQ(hv_embryo_map(pid, RAW_CODE, HV_PERM_X, code_page, sizeof(code_page)), 0);
	CHECK_EQ(hv_embryo_map(pid, RAW_DATA, image->data_perm, image->data, image->data_size), 0);
	CHECK_EQ(hv_embryo_map(pid, RAW_STACK, HV_PERM_W, NULL, 0), 0);
	return (hv_pid)pid;
}

uint64_t raw_address(const char *program)
{
	return program == rawleak ? RAW_DATA : RAW_CODE + (uint64_t)(program - rawcode);
}

void raw_start(hv_pid pid, const char *program, uint64_t arg)
{
	DO(set_entry, pid, raw_address(program), arg);
	DO(set_runnable, pid);
}

static bool is_dead(hv_pid pid)
{
	return hv_procs[pid].state == HV_PROC_ZOMBIE;
}

/* Waits for a death, or lets others run if somebody is dead already. */
void wait_until_dead(hv_pid pid)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	while (!is_dead(pid)) {
		CHECK(hv_now() < deadline);
		if (hv_wait(HV_NOWAIT, HV_NONE) > 0)
			hv_yield();
		else
			hv_wait(deadline, HV_NONE);
	}
}

struct raw_end raw_wait(hv_pid pid)
{
	const volatile struct hv_proc *proc = &hv_procs[pid];
	struct raw_end end;

	wait_until_dead(pid);
	end.status = proc->status;
	end.esr = proc->cause_esr;
	end.elr = proc->cause_elr;
	end.far = proc->cause_far;
	raw_discard(pid);
	return end;
}

void raw_discard(hv_pid pid)
{
	CHECK_EQ(hv_reclaim(pid), 0);
	CHECK_EQ(hv_procs[pid].state, HV_PROC_UNUSED);
}

hv_pid raw_launch(const char *program, uint64_t arg)
{
	hv_pid pid = raw_make(NULL);

	raw_start(pid, program, arg);
	return pid;
}

struct raw_end raw_run(const struct raw_image *image, const char *program, uint64_t arg)
{
	hv_pid pid = raw_make(image);

	raw_start(pid, program, arg);
	return raw_wait(pid);
}

static bool is_in(const volatile struct hv_set *set, hv_pid pid)
{
	return (set->word[pid / 64] >> (pid % 64)) & 1;
}

static bool is_in_no_set(hv_pid pid)
{
	return hv_procs[pid].state == HV_PROC_LIVE && !is_in(&hv_sched->ready, pid) &&
	       hv_sched->core[pid] == 0;
}

/* Another core may be moving it from set to set: it has the lock, which a hypercall waits for. */
bool is_blocked(hv_pid pid)
{
	if (!is_in_no_set(pid))
		return false;
	hv_reap(0);
	return is_in_no_set(pid);
}

void wait_until_blocked(hv_pid pid)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	while (!is_blocked(pid)) {
		CHECK(hv_now() < deadline);
		hv_yield();
	}
}

uint64_t switches_so_far(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < HV_NCPU; i++)
		sum += hv_sched->cpus[i].switches;
	return sum;
}

void raw_bury(void)
{
	hv_pid self = (hv_pid)hv_self();
	hv_pid pid = 1;

	while (pid < HV_NPROC) {
		if (hv_procs[pid].ppid == self && hv_procs[pid].state != HV_PROC_UNUSED) {
			hv_reclaim(pid);
			pid = 1;	/* its children are self's now */
		} else {
			pid++;
		}
	}
}
