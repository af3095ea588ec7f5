/* SPDX-License-Identifier: MIT */
/*
 * time: runs a command and says how long it took, by the system counter, and
 * how many switches and ticks happened meanwhile. Under `-icount shift=0`
 * each nanosecond is one instruction.
 */
#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

enum { NOT_FOUND = 127, KILLED = 128 };

static void report(uint64_t counts, const struct hv_sched *before, const struct hv_sched *after)
{
	uint64_t frequency = view_bootinfo()->cntfrq;
	uint64_t ns = counts / frequency * 1000000000 + counts % frequency * 1000000000 / frequency;

	fprintf(stderr,
		"time: %" PRIu64 ".%06" PRIu64 " s = %" PRIu64 " ns (%" PRIu64 " counts at %" PRIu64
		" Hz), %" PRIu64 " switches, %" PRIu64 " ticks\n",
		ns / 1000000000, ns / 1000 % 1000000, ns, counts, frequency,
		view_switches(after) - view_switches(before), after->ticks - before->ticks);
}

int main(int argc, char **argv)
{
	struct hv_grants grants = {
		.pages = hv_default_grants.pages,
		.pids = hv_pid_count(),
		.files = hv_file_count(),
	};
	struct hv_sched before, after;
	struct hv_exit how;
	char words[160];
	uint64_t start;
	pid_t pid;

	if (argc < 2)
		app_usage("time COMMAND [ARGUMENT]...");
	view_require("time");
	if (grants.pids > 0)
		grants.pids--;
	before = view_sched();
	start = hv_now();
	pid = hv_spawn(argv[1], argv + 1, NULL, NULL, 0, &grants);
	if (pid < 0) {
		fprintf(stderr, "time: %s: %s\n", argv[1],
			errno == ENOENT ? "not found" : strerror(errno));
		return NOT_FOUND;
	}
	if (hv_waitpid(pid, 0, HV_NONE, &how) < 0)
		return 1;
	start = hv_now() - start;
	after = view_sched();
	if (*hv_describe_exit(&how, words, sizeof(words)) != '\0')
		fprintf(stderr, "time: %s\n", words);
	report(start, &before, &after);
	return WIFEXITED(how.status) ? WEXITSTATUS(how.status) : KILLED + WTERMSIG(how.status);
}
