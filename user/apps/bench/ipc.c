/* SPDX-License-Identifier: MIT */
/* Two processes: yield to each other, call and reply, with words and with a page. */
#include "bench.h"

#include <stdlib.h>
#include <unistd.h>

static hv_handle endpoint;
static hv_page travelling;

/* Answers words with words and a page with the same page, for ever. */
static void serve(void)
{
	struct hv_msg m = hv_recv_msg(endpoint, HV_FOREVER, 0);

	while (m.result == 0)
		m = hv_reply_wait_msg(endpoint, HV_FOREVER, m.page, HV_NONE, m.w[0], m.w[1],
				      m.w[2], m.w[3]);
	_exit(0);
}

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		must(-HV_EAGAIN, "fork");
	if (pid == 0)
		run();
	return pid;
}

static void end(pid_t pid)
{
	struct hv_exit exit;

	must(hv_kill((hv_pid)pid, 0), "kill");
	must(hv_waitpid(pid, 0, HV_NONE, &exit), "wait");
}

static void yield_for_ever(void)
{
	for (;;)
		hv_yield();
}

static uint64_t yield_batch(unsigned rounds)
{
	return TIMED(rounds, hv_yield());
}

static uint64_t call_batch(unsigned rounds)
{
	return TIMED(rounds, hv_call(endpoint, HV_FOREVER, 0, HV_NONE, 1, 2, 3, 4));
}

static uint64_t page_batch(unsigned rounds)
{
	return TIMED(rounds, travelling = hv_call_msg(endpoint, HV_FOREVER, travelling, HV_NONE, 1,
						       2, 3, 4).page);
}

void bench_ipc(void)
{
	pid_t other = start(yield_for_ever);

	hv_yield();
	measure("yield", yield_batch, 200);
	end(other);

	endpoint = (hv_handle)must(hv_endpoint_new(0), "endpoint");
	other = start(serve);
	must(hv_call(endpoint, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0), "call");
	measure("call", call_batch, 200);
	travelling = hv_page_alloc();
	measure("call_page", page_batch, 200);
	hv_page_free(travelling);
	end(other);
	hv_endpoint_close(endpoint);
}
