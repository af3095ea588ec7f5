/* SPDX-License-Identifier: MIT */
/* uptime: how long the system has been running, and how busy it was. */
#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <inttypes.h>

int main(int argc, char **argv)
{
	uint64_t seconds, processes = 0;
	struct hv_sched sched;

	(void)argv;
	if (argc > 1)
		app_usage("uptime");
	view_require("uptime");
	sched = view_sched();
	seconds = hv_us_of_ticks(hv_now() - view_bootinfo()->boot_time) / 1000000;
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		processes += view_proc(pid).state != HV_PROC_UNUSED;
	printf("up %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ", %" PRIu64 " processes, %" PRIu64
	       " ticks, %" PRIu64 " switches",
	       seconds / 3600, seconds / 60 % 60, seconds % 60, processes, sched.ticks,
	       view_switches(&sched));
	if (view_bootinfo()->cpu_count > 1)
		printf(", %" PRIu64 " cores", view_bootinfo()->cpu_count);
	printf("\n");
	return app_finish(0);
}
