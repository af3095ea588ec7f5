/* SPDX-License-Identifier: MIT */
/*
 * usertests: attacks on the kernel, and checks of what it promises, from
 * inside. Runs each test in a child and judges it by its exit status, its
 * reports, and whether everything came back.
 */
#include "coverage.h"
#include "device.h"
#include "irq.h"
#include "raw.h"
#include "system.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct test __start_usertests[], __stop_usertests[];

enum { TEST_SECONDS = 60 };
#define TEST_LIMIT_US (TEST_SECONDS * 1000000ULL)

static struct hv_grants usual_grants = { .pages = 400, .pids = 12, .files = 12 };
static struct hv_grants big_grants = { .pages = 1500, .pids = 64, .files = 12 };

/* ---- what came back -------------------------------------------------------------- */

/* Of self: what is in no store of the libos's. Of the system: what is in use. */
struct holdings {
	uint64_t pages, pids, files, handles, lines, devices;
	uint64_t processes, objects;
};

static struct holdings holdings_now(void)
{
	const volatile struct hv_proc *self = &hv_procs[hv_self()];
	struct holdings now = {
		.pages = self->pages_count - hv_page_count(),
		.pids = self->pids_count - hv_pid_count(),
		.files = self->files_count - hv_file_count(),
		.handles = self->handles_count,
		.lines = self->irqs_count,
		.devices = self->devices_count,
	};

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		now.processes += hv_procs[pid].state != HV_PROC_UNUSED;
	for (hv_file file = 1; file < HV_NFILE; file++)
		now.objects += hv_files[file].type != HV_FILE_NONE;
	return now;
}

/* ---- one test ---------------------------------------------------------------------- */

struct outcome {
	bool has_failed;
	const char *skipped;
};

static void fail(struct outcome *outcome, unsigned number, const char *name)
{
	outcome->has_failed = true;
	printf("FAIL %u %s: ", number, name);
}

static void print_value(uint64_t value)
{
	int64_t number = (int64_t)value;

	if (number < 0 && number > -HV_NPROC && strcmp(hv_strerror(number), "?") != 0)
		printf("%ld (%s)", (long)number, hv_strerror(number));
	else if (value < 4096)
		printf("%lu", (unsigned long)value);
	else
		printf("0x%lx", (unsigned long)value);
}

static void print_failure(uint64_t detail, const struct site *site, uint64_t got,
			  uint64_t expected)
{
	const char *file = strrchr(site->file, '/');

	printf("%s:%u: %s", file ? file + 1 : site->file, site->line, site->text);
	if (detail != 0)
		printf(" [case %lu]", (unsigned long)detail);
	printf(": expected ");
	print_value(expected);
	printf(" got ");
	print_value(got);
	printf("\n");
}

static void take_report(const struct hv_msg *m, unsigned number, const struct test *test,
			struct outcome *outcome)
{
	uint64_t detail = m->w[0] >> REPORT_KIND_BITS;

	switch ((enum report_kind)(m->w[0] & ((1U << REPORT_KIND_BITS) - 1))) {
	case REPORT_FAIL:
		fail(outcome, number, test->name);
		print_failure(detail, (const struct site *)m->w[1], m->w[2], m->w[3]);
		break;
	case REPORT_MET:
		coverage_met(m->w[1], m->w[2]);
		break;
	case REPORT_SKIP:
		outcome->skipped = (const char *)m->w[1];
		break;
	}
}

static bool is_dead(pid_t pid)
{
	return hv_procs[pid].state == HV_PROC_ZOMBIE;
}

/* Takes reports until the test's process is dead and nobody waits to report. */
static void attend(pid_t pid, unsigned number, const struct test *test, struct outcome *outcome)
{
	hv_time deadline = hv_deadline_us(TEST_LIMIT_US);

	for (;;) {
		struct hv_msg m = hv_recv_msg(report_handle, is_dead(pid) ? HV_NOWAIT : deadline,
					      is_dead(pid) ? 0 : HV_WAIT_CHILD);

		if (m.result == 0) {
			take_report(&m, number, test, outcome);
		} else if (m.result == -HV_ETIMEDOUT) {
			fail(outcome, number, test->name);
			printf("not ended after %u s\n", TEST_SECONDS);
			hv_stop((hv_pid)pid, HV_STATUS_SIGNAL | SIGKILL);
		} else if (is_dead(pid)) {
			return;
		}
	}
}

static void check_holdings(const struct holdings *before, unsigned number, const struct test *test,
			   struct outcome *outcome)
{
	struct holdings now = holdings_now();

	if (memcmp(before, &now, sizeof(now)) == 0)
		return;
	fail(outcome, number, test->name);
	printf("left behind: pages %+ld pids %+ld files %+ld handles %+ld lines %+ld devices %+ld; "
	       "in the system: processes %+ld objects %+ld\n",
	       (long)(now.pages - before->pages), (long)(now.pids - before->pids),
	       (long)(now.files - before->files), (long)(now.handles - before->handles),
	       (long)(now.lines - before->lines), (long)(now.devices - before->devices),
	       (long)(now.processes - before->processes), (long)(now.objects - before->objects));
}

static void check_system(unsigned number, const struct test *test, struct outcome *outcome)
{
	uint64_t which;
	const char *what = system_disagreement(&which);

	if (what == NULL)
		return;
	fail(outcome, number, test->name);
	printf("the tables disagree afterwards: %s (%lu)\n", what, (unsigned long)which);
}

static pid_t start(const struct test *test)
{
	struct hv_grants grants = test->kind == TEST_WITH_MUCH ? big_grants : usual_grants;
	pid_t pid;

	fflush(stdout);
	devices_into(&grants);
	pid = hv_fork_attr(&grants);
	if (pid == 0) {
		hv_load_image();	/* tests count pages, or have none left */
		test->run();
		check_end();
		_exit(0);
	}
	return pid;
}

static bool run(unsigned number, const struct test *test)
{
	struct outcome outcome = { false, NULL };
	struct holdings before = holdings_now();
	struct hv_exit end;
	char words[160];
	pid_t pid = start(test);

	if (pid < 0) {
		fail(&outcome, number, test->name);
		printf("no child to run it in\n");
		return false;
	}
	attend(pid, number, test, &outcome);
	hv_waitpid(pid, 0, HV_NONE, &end);
	raw_bury();
	if (end.raw != 0 || end.by_kernel) {
		if (!outcome.has_failed) {
			fail(&outcome, number, test->name);
			printf("ended with %s (raw 0x%lx)\n",
			       hv_describe_exit(&end, words, sizeof(words)),
			       (unsigned long)end.raw);
		}
	}
	check_holdings(&before, number, test, &outcome);
	check_system(number, test, &outcome);
	if (!outcome.has_failed && outcome.skipped != NULL)
		printf("ok %u %s # skipped: %s\n", number, test->name, outcome.skipped);
	else if (!outcome.has_failed)
		printf("ok %u %s\n", number, test->name);
	return !outcome.has_failed;
}

/* ---- the program ----------------------------------------------------------------------- */

static bool is_chosen(const struct test *test, char **names)
{
	if (*names == NULL)
		return test->kind != TEST_WHEN_ASKED;
	for (; *names != NULL; names++)
		if (strncmp(test->name, *names, strlen(*names)) == 0)
			return true;
	return false;
}

static int list(void)
{
	for (const struct test *test = __start_usertests; test < __stop_usertests; test++)
		printf("%s\n", test->name);
	return 0;
}

static int run_chosen(char **names)
{
	unsigned number = 0, passed = 0, failed = 0;

	for (const struct test *test = __start_usertests; test < __stop_usertests; test++) {
		number++;
		if (!is_chosen(test, names))
			continue;
		if (run(number, test))
			passed++;
		else
			failed++;
	}
	if (*names == NULL && !coverage_report())
		failed++;
	printf("usertests: %u passed, %u failed\n", passed, failed);
	return failed != 0 || passed == 0;
}

/* What self would only touch now and then is not to be counted as left behind. */
static void warm_up(void)
{
	enum { ROOM = 64 * 1024 };
	volatile char room[ROOM];
	char *heap = malloc(ROOM);

	for (size_t i = 0; i < ROOM; i += HV_PAGE_SIZE / 2) {
		room[i] = 0;
		if (heap != NULL)
			heap[i] = room[i];
	}
	free(heap);
	hv_load_image();
	printf("usertests\n");
}

/* Its lines for each test; the first one stays, for tests of what is another's. */
static void share_lines(void)
{
	hv_irq_lines(usual_grants.irqs);
	usual_grants.irqs[0] &= usual_grants.irqs[0] - 1;
	big_grants.irqs[0] = usual_grants.irqs[0];
	big_grants.irqs[1] = usual_grants.irqs[1];
}

int main(int argc, char **argv)
{
	int64_t endpoint;

	if (argc > 1 && strcmp(argv[1], "-l") == 0)
		return list();
	if (!hv_has_view()) {
		printf("usertests: needs to see the kernel's tables\n");
		return 1;
	}
	hv_load_image();	/* the tests count pages */
	endpoint = hv_endpoint_new(0);
	if (endpoint < 0) {
		printf("usertests: no endpoint: %s\n", hv_strerror(endpoint));
		return 1;
	}
	report_handle = (hv_handle)endpoint;
	warm_up();
	share_lines();
	return run_chosen(argv + 1);
}
