/* SPDX-License-Identifier: MIT */
/* ps: lists processes, from the kernel's tables; no hypercall is made. */
#include <hv8/app.h>
#include <hv8/view.h>

#include <getopt.h>
#include <inttypes.h>

/* The cores that it may run on, in hexadecimal, where there are several. */
static void print_cores(hv_pid pid)
{
	struct hv_sched sched = view_sched();

	if (view_bootinfo()->cpu_count > 1)
		printf(" %5" PRIx64, view_cores(&sched, pid));
}

static void print_process(hv_pid pid)
{
	struct hv_proc proc = view_proc(pid);
	char name[VIEW_NAME_BYTES];
	char words[VIEW_STATE_BYTES];

	if (proc.state == HV_PROC_UNUSED)
		return;
	view_name(&proc, name);
	view_state_words(pid, words);
	printf("%4" PRIu64 " %4" PRIu64 "  %-16s %8" PRIu64 " %5" PRIu64 " %5" PRIu64 " %4" PRIu64,
	       pid, proc.ppid, words, proc.pages_count, proc.handles_count, proc.files_count,
	       proc.pids_count);
	print_cores(pid);
	printf("  %s%s\n", name, view_owns_dma(pid) ? "  (DMA: trusted by all)" : "");
}

/* Unused pids are somebody's too: who may start how many processes. */
static void print_unused(void)
{
	uint64_t count[HV_NPROC] = { 0 };

	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		struct hv_proc proc = view_proc(pid);

		if (proc.state == HV_PROC_UNUSED)
			count[proc.ppid % HV_NPROC]++;
	}
	for (hv_pid owner = 0; owner < HV_NPROC; owner++)
		if (count[owner] > 0)
			printf("%4" PRIu64 " unused pids belong to %" PRIu64 "\n", count[owner],
			       owner);
}

int main(int argc, char **argv)
{
	bool all = false;
	int option;

	while ((option = getopt(argc, argv, "a")) != -1) {
		if (option != 'a')
			app_usage("ps [-a]    (-a: unused pids too)");
		all = true;
	}
	if (optind < argc)
		app_usage("ps [-a]    (-a: unused pids too)");
	view_require("ps");
	printf(" PID PPID  STATE               PAGES HNDLS FILES PIDS%s  NAME\n",
	       view_bootinfo()->cpu_count > 1 ? " CORES" : "");
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		print_process(pid);
	if (all)
		print_unused();
	return app_finish(0);
}
