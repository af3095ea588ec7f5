/* SPDX-License-Identifier: MIT */
/*
 * top: what processes do, again and again. Between two pictures it wakes up
 * every few milliseconds and notes who is ready or running; no hypercall asks.
 */
#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLE_US = 10000 };

struct samples {
	uint64_t taken;
	uint64_t busy[HV_NPROC]; /* times seen ready or running */
};

static struct samples samples;

static const char usage[] = "top [-n PICTURES] [-d SECONDS]    (without -n, q ends it)";

static void take_sample(void)
{
	struct hv_sched sched = view_sched();
	hv_pid self = (hv_pid)hv_self();

	samples.taken++;
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		samples.busy[pid] += pid != self && (view_set_has(&sched.ready, pid) ||
						     sched.core[pid] != 0);
}

/* Watches for a while; false if q was typed. */
static bool watch(uint64_t us, bool keys)
{
	uint64_t end = hv_now() + hv_ticks_of_us(us);

	memset(&samples, 0, sizeof(samples));
	do {
		if (!keys)
			hv_sleep_until(hv_now() + hv_ticks_of_us(SAMPLE_US));
		else if (hv_getkey(STDIN_FILENO, SAMPLE_US) == 'q')
			return false;
		take_sample();
	} while (hv_now() < end);
	return true;
}

static void print_header(const struct hv_sched *before, const struct hv_sched *now)
{
	uint64_t free_pages = view_count_pages(HV_PAGE_FREE);
	uint64_t seconds = hv_us_of_ticks(hv_now() - view_bootinfo()->boot_time) / 1000000;

	printf("up %" PRIu64 " s; since the last picture %" PRIu64 " ticks, %" PRIu64
	       " switches; free pages %" PRIu64 " of %" PRIu64 "\n",
	       seconds, now->ticks - before->ticks,
	       view_switches(now) - view_switches(before), free_pages,
	       view_bootinfo()->ram_pages);
	printf(" PID PPID  BUSY  STATE               PAGES HNDLS  NAME\n");
}

static void print_process(hv_pid pid)
{
	struct hv_proc proc = view_proc(pid);
	char name[VIEW_NAME_BYTES];
	char words[VIEW_STATE_BYTES];
	uint64_t percent = samples.taken > 0 ? samples.busy[pid] * 100 / samples.taken : 0;

	if (proc.state == HV_PROC_UNUSED)
		return;
	view_name(&proc, name);
	view_state_words(pid, words);
	printf("%4" PRIu64 " %4" PRIu64 "  %3" PRIu64 "%%  %-16s %8" PRIu64 " %5" PRIu64 "  %s\n",
	       pid, proc.ppid, percent, words, proc.pages_count, proc.handles_count, name);
}

static int show(uint64_t pictures, uint64_t us)
{
	bool endless = pictures == 0;
	bool keys = endless && isatty(STDIN_FILENO);

	for (uint64_t i = 0; endless || i < pictures; i++) {
		struct hv_sched before = view_sched();
		struct hv_sched now;

		if (!watch(us, keys))
			break;
		now = view_sched();
		printf(endless ? "\033[H\033[J" : i > 0 ? "\n" : "");
		print_header(&before, &now);
		for (hv_pid pid = 1; pid < HV_NPROC; pid++)
			print_process(pid);
		if (app_finish(0) != 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t pictures = 0, ns = 1000000000;
	int option;

	while ((option = getopt(argc, argv, "n:d:")) != -1) {
		bool good = (option == 'n' && app_number(optarg, UINT32_MAX, &pictures) &&
			     pictures > 0) ||
			    (option == 'd' && app_seconds(optarg, &ns));

		if (!good)
			app_usage(usage);
	}
	if (optind < argc)
		app_usage(usage);
	view_require("top");
	return show(pictures, ns / 1000);
}
