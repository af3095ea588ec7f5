/* SPDX-License-Identifier: MIT */
/*
 * fpdemo: two processes compute with floating point at the same time, and
 * each must get, to the last bit, what it gets alone. The kernel
 * has no use for the registers and saves them only when it must.
 */
#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2, TERMS = 20000, ROUNDS = 60, YIELD_EVERY = 500 };

/* pi^2/6 for one, pi/4 for the other: sums of different terms. */
static double series(int worker)
{
	double sum = 0.0;

	for (int k = 1; k <= TERMS; k++) {
		double term = worker == 0 ? 1.0 / ((double)k * (double)k)
					  : (k % 2 != 0 ? 1.0 : -1.0) / (2.0 * (double)k - 1.0);

		sum += term;
		if (k % YIELD_EVERY == 0)
			hv_yield(); /* with the sum in a register */
	}
	return sum;
}

static double expected_limit(int worker)
{
	return worker == 0 ? M_PI * M_PI / 6.0 : M_PI / 4.0;
}

/* Again and again, so that the two are switched in the middle of it. */
static int work(int worker, double alone)
{
	int wrong = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double sum = series(worker);

		wrong += memcmp(&sum, &alone, sizeof(sum)) != 0;
	}
	return wrong;
}

static void print_value(int worker, double value)
{
	printf("alone, series %d gives %.10f, off its limit by %.10f\n", worker, value,
	       fabs(value - expected_limit(worker)));
}

static pid_t start(int worker, double alone)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(work(worker, alone) == 0 ? 0 : 1);
	if (pid < 0)
		fprintf(stderr, "fpdemo: fork: %s\n", strerror(errno));
	return pid;
}

static bool ended_well(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* Switches of the processor from one process to another, of any. */
static uint64_t switches(void)
{
	struct hv_sched sched = view_sched();

	return view_switches(&sched);
}

int main(int argc, char **argv)
{
	pid_t pids[WORKERS];
	bool good = true;
	uint64_t before;

	(void)argv;
	if (argc > 1)
		app_usage("fpdemo");
	view_require("fpdemo");
	for (int i = 0; i < WORKERS; i++) {
		double alone = series(i);

		print_value(i, alone);
		pids[i] = start(i, alone);
	}
	before = switches();
	for (int i = 0; i < WORKERS; i++) {
		bool is_right = ended_well(pids[i]);

		printf("side by side, process %d: %d rounds, %s\n", (int)pids[i], ROUNDS,
		       is_right ? "every bit the same" : "WRONG");
		good = good && is_right;
	}
	printf("%" PRIu64 " switches meanwhile\n", switches() - before);
	return app_finish(good ? 0 : 1);
}
