/* SPDX-License-Identifier: MIT */
/* Children from birth to burial. */
#include "bench.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void bury(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		must(-HV_ESTATE, "child");
}

static uint64_t fork_batch(unsigned rounds)
{
	return TIMED(rounds, {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		bury(pid);
	});
}

static uint64_t exec_batch(unsigned rounds)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };

	return TIMED(rounds, {
		pid_t pid = fork();

		if (pid == 0) {
			execve("true", argv, envp);
			_exit(1);
		}
		bury(pid);
	});
}

static uint64_t spawn_batch(unsigned rounds)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	const struct hv_grants few = { .pages = 4 };	/* what `true` touches */

	return TIMED(rounds, bury(hv_spawn("true", argv, envp, NULL, 0, &few)));
}

void bench_processes(void)
{
	measure("fork", fork_batch, 4);
	measure("exec", exec_batch, 4);
	measure("spawn", spawn_batch, 4);
}
