/* SPDX-License-Identifier: MIT */
/* Peers: forked children of a test. */
#include "peer.h"

#include <sys/wait.h>
#include <unistd.h>

static const struct hv_grants few = { .pages = 24, .pids = 1, .files = 2 };

hv_pid peer_start_granted(peer_fn fn, void *arg, const struct hv_grants *grants)
{
	pid_t pid = hv_fork_attr(grants);

	CHECK(pid >= 0);
	if (pid != 0)
		return (hv_pid)pid;
	fn(arg);
	check_end();
	_exit(0);
}

hv_pid peer_start(peer_fn fn, void *arg)
{
	return peer_start_granted(fn, arg, &few);
}

struct hv_exit peer_end(hv_pid pid)
{
	struct hv_exit end;

	CHECK_EQ(hv_waitpid((pid_t)pid, 0, HV_NONE, &end), pid);
	return end;
}

void peer_join(hv_pid pid)
{
	struct hv_exit end = peer_end(pid);

	CHECK_EQ(end.esr, 0);
	CHECK_EQ(end.raw, 0);
}

void peer_kill(hv_pid pid)
{
	CHECK_EQ(hv_reclaim(pid), 0);
}

struct hv_exit peer_run(peer_fn fn, void *arg)
{
	return peer_end(peer_start(fn, arg));
}

hv_handle endpoint_make(void)
{
	int64_t handle = hv_endpoint_new(0);

	CHECK(handle >= 0);
	return (hv_handle)handle;
}
