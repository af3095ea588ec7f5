/* SPDX-License-Identifier: MIT */
/*
 * Errors of the IPC group, in their order. The last checks of a call depend
 * on the state of the endpoint rather than on arguments, so each call is
 * tried in several states: the good vector itself violates the last check.
 */
#include "errors.h"
#include "peer.h"

/* What may not be attached to a message: page in `arg`, handle in `arg` + 1. */
#define BAD_ATTACHED(c, check, arg)						\
	NO_PAGE(check, arg, (c).free), { check, HV_EINVAL, arg, (c).own.frame },	\
	{ check, HV_EINVAL, arg, (c).own.l3 }, { check, HV_EINVAL, arg, (c).reserved }, \
	{ check, HV_EINVAL, arg, hv_procs[(c).self].ctx },			\
	{ (check) + 1, HV_EACCES, arg, (c).lent_free },				\
	{ (check) + 1, HV_EACCES, arg, (c).other_parcel },			\
	{ (check) + 2, HV_EBADF, (arg) + 1, HV_NHANDLE },				\
	{ (check) + 2, HV_EBADF, (arg) + 1, HV_NONE - 1 },			\
	{ (check) + 2, HV_EBADF, (arg) + 1, 1ULL << 60 },			\
	{ (check) + 2, HV_EBADF, (arg) + 1, (c).empty }

/* ---- send and call ------------------------------------------------------------ */

/* The vector through `handle` fails with `last` if nothing else is wrong. */
static void try_send(const struct cast *c, uint64_t nr, hv_handle handle, hv_handle passed,
		     unsigned last_check, uint64_t last)
{
	const struct vector good = { nr, { handle, HV_NOWAIT, c->free, passed, 1, 2, 3, 4 } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, *c),
		{ 2, HV_EINVAL, 0, c->inode },
		{ 3, HV_EPERM, 0, c->receiver },
		BAD_ATTACHED(*c, 4, 2),
		{ 7, HV_EINVAL, 3, handle },
		{ last_check, last, 4, 0 },
	};

	ERRORS(c, &good, bad);
}

/* An endpoint with a single handle, of the given right. */
static hv_handle half_endpoint(hv_right right)
{
	hv_handle whole = endpoint_make(), half = hv_handle_alloc();

	DO(dup, whole, half, right);
	DO(close, (hv_pid)hv_self(), whole);
	return half;
}

static void receive_one(void *handle)
{
	hv_recv((uintptr_t)handle, HV_FOREVER, 0);
}

static void send_errors(uint64_t nr)
{
	struct cast c;
	hv_handle mute;
	hv_pid receiver;

	cast_make(&c);
	try_send(&c, nr, c.sender, c.inode, 10, HV_EAGAIN);
	mute = half_endpoint(HV_RIGHT_WRITE);
	try_send(&c, nr, mute, c.inode, 8, HV_EPIPE);
	receiver = peer_start(receive_one, (void *)c.receiver);
	wait_until_blocked(receiver);
	try_send(&c, nr, c.sender, c.inode, 9, HV_ENOBUFS);
	CHECK(is_blocked(receiver));
}

TEST(errors_send)
{
	send_errors(HV_NR_send);
}

TEST(errors_call)
{
	send_errors(HV_NR_call);
}

/* ---- recv --------------------------------------------------------------------- */

static void try_recv(const struct cast *c, hv_handle handle, unsigned last_check, uint64_t last)
{
	const struct vector good = { HV_NR_recv, { handle, HV_NOWAIT, 0 } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, *c),
		{ 2, HV_EINVAL, 0, c->inode },
		{ 3, HV_EPERM, 0, c->sender },
		{ 4, HV_EINVAL, 2, HV_WAIT_CALL },
		{ 4, HV_EINVAL, 2, HV_WAIT_WFI },
		{ 4, HV_EINVAL, 2, ~0ULL },
		{ 4, HV_EINVAL, 2, 1ULL << 32 | HV_WAIT_CHILD },
		{ 5, HV_EINTR, 2, HV_WAIT_CHILD },
		{ last_check, last, 3, 0 },
	};

	ERRORS(c, &good, bad);
}

/* A sender that passes a handle along. */
static void send_with_handle(void *handle)
{
	hv_handle passed = endpoint_make();

	hv_send((uintptr_t)handle, HV_FOREVER, 0, passed, 0, 0, 0, 0);
}

TEST(errors_recv)
{
	struct cast c;
	hv_pid sender;

	cast_make(&c);
	try_recv(&c, c.receiver, 8, HV_EAGAIN);
	try_recv(&c, half_endpoint(HV_RIGHT_READ), 7, HV_EPIPE);
	sender = peer_start(send_with_handle, (void *)c.sender);
	wait_until_blocked(sender);
	try_recv(&c, c.receiver, 6, HV_ENOBUFS);
	CHECK(is_blocked(sender));
}

/* ---- reply ---------------------------------------------------------------------- */

static void call_once(void *handle)
{
	hv_call((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
}

/* A peer whose call self has received. */
static hv_pid caller_of(hv_handle handle)
{
	hv_pid caller = peer_start(call_once, (void *)handle);
	struct hv_msg m = hv_recv_msg(handle, HV_FOREVER, 0);

	CHECK_EQ(m.result, 0);
	CHECK_EQ(m.from, caller);
	return caller;
}

TEST(errors_reply)
{
	struct cast c;
	hv_pid caller;

	cast_make(&c);
	caller = caller_of(c.endpoint);
	const struct vector good = { HV_NR_reply, { caller, c.free, c.inode, 1, 2, 3, 4 } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },   { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.live },   { 2, HV_EPERM, 0, c.embryo },
		{ 2, HV_EPERM, 0, c.zombie }, { 2, HV_EPERM, 0, c.unused },
		{ 2, HV_EPERM, 0, HV_INIT_PID },
		BAD_ATTACHED(c, 3, 1),
		{ 6, HV_ENOBUFS, 3, 0 },
	};

	ERRORS(&c, &good, bad);
	DO(reply, caller, c.free, HV_NONE, 0, 0, 0, 0);
	CHECK_EQ(hv_page_descs[c.free].owner, caller);
	FAILS(EPERM, reply, caller, 0, HV_NONE, 0, 0, 0, 0);
}

/* ---- reply_wait -------------------------------------------------------------------- */

#define BAD_REPLY_WAIT_HANDLE(c)						\
	BAD_HANDLE(1, 0, c), { 2, HV_EINVAL, 0, (c).inode }, { 3, HV_EPERM, 0, (c).sender }

/* With a caller that waits: every check on arguments, and the last one. */
static void try_reply_wait(const struct cast *c, hv_handle handle, hv_handle passed,
			   unsigned last_check, uint64_t last)
{
	const struct vector good = { HV_NR_reply_wait,
				     { handle, HV_NOWAIT, c->free, passed, 1, 2, 3, 4 } };
	const struct violation bad[] = {
		BAD_REPLY_WAIT_HANDLE(*c),
		BAD_ATTACHED(*c, 5, 2),
		{ 8, HV_EINVAL, 3, handle },
		{ last_check, last, 4, 0 },
	};

	ERRORS(c, &good, bad);
}

TEST(errors_reply_wait_nobody)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_reply_wait,
				     { c.receiver, HV_NOWAIT, c.free, c.inode, 1, 2, 3, 4 } };
	const struct violation bad[] = {
		BAD_REPLY_WAIT_HANDLE(c),
		{ 4, HV_EPERM, 4, 0 },
		BAD_ATTACHED(c, 5, 2),
	};
	struct violation all[sizeof(bad) / sizeof(bad[0])];

	/* everything after check 4 is hidden by it */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		all[i] = bad[i];
		if (bad[i].check > 4)
			all[i].error = HV_EPERM;
	}
	ERRORS(&c, &good, all);
}

TEST(errors_reply_wait)
{
	struct cast c;
	hv_pid sender;

	cast_make(&c);
	caller_of(c.endpoint);
	try_reply_wait(&c, c.receiver, c.inode, 9, HV_ENOBUFS);
	try_reply_wait(&c, c.receiver, HV_NONE, 12, HV_EAGAIN);
	try_reply_wait(&c, half_endpoint(HV_RIGHT_READ), HV_NONE, 11, HV_EPIPE);
	sender = peer_start(send_with_handle, (void *)c.sender);
	wait_until_blocked(sender);
	try_reply_wait(&c, c.receiver, HV_NONE, 10, HV_ENOBUFS);
	CHECK(is_blocked(sender));
}
