/* SPDX-License-Identifier: MIT */
/* IPC: deadlines, deaths and closed ends; nobody waits for ever, no right lasts. */
#include "ipc.h"

enum { SHORT_US = 5000 };

/* ---- deadlines --------------------------------------------------------------------- */

TEST(ipc_deadline_of_each_wait)
{
	hv_handle endpoint = endpoint_make();
	hv_file file = file_of(endpoint);
	hv_time deadline = hv_deadline_us(SHORT_US);

	FAILS(ETIMEDOUT, send, endpoint, deadline, 0, HV_NONE, 0, 0, 0, 0);
	CHECK(hv_now() >= deadline);
	CHECK(set_is_empty(&hv_files[file].senders));
	deadline = hv_deadline_us(SHORT_US);
	FAILS(ETIMEDOUT, call, endpoint, deadline, 0, HV_NONE, 0, 0, 0, 0);
	CHECK(hv_now() >= deadline);
	CHECK(set_is_empty(&hv_files[file].senders));
	deadline = hv_deadline_us(SHORT_US);
	FAILS(ETIMEDOUT, recv, endpoint, deadline, 0);
	CHECK(hv_now() >= deadline);
	CHECK(set_is_empty(&hv_files[file].receivers));
	FAILS(ETIMEDOUT, recv, endpoint, 2, 0);
	FAILS(EAGAIN, recv, endpoint, HV_NOWAIT, 0);
}

static void call_with_deadline(void *handle)
{
	hv_time deadline = hv_deadline_us(SHORT_US);

	FAILS(ETIMEDOUT, call, (uintptr_t)handle, deadline, 0, HV_NONE, 0, 0, 0, 0);
	CHECK(hv_now() >= deadline);
}

/* A server that lets a caller down: the right to reply ends with the deadline. */
TEST(ipc_deadline_while_served)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(call_with_deadline, (void *)endpoint);

	CHECK_EQ(receive(endpoint).from, peer);
	peer_join(peer);
	CHECK(set_is_empty(&hv_procs[hv_self()].callers));
	FAILS(EPERM, reply, peer, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EPERM, reply_wait, endpoint, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
}

static void call_once(void *handle)
{
	CHECK_EQ(hv_call((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0), 0);
}

TEST(ipc_deadline_of_reply_wait)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(call_once, (void *)endpoint);
	hv_time deadline;

	CHECK_EQ(receive(endpoint).from, peer);
	deadline = hv_deadline_us(SHORT_US);
	FAILS(ETIMEDOUT, reply_wait, endpoint, deadline, 0, HV_NONE, 0, 0, 0, 0);
	CHECK(hv_now() >= deadline);
	peer_join(peer);
	CHECK(set_is_empty(&hv_files[file_of(endpoint)].receivers));
}

/* ---- the right to reply -------------------------------------------------------------- */

TEST(ipc_reply_once)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(call_once, (void *)endpoint);

	CHECK_EQ(receive(endpoint).from, peer);
	DO(reply, peer, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EPERM, reply, peer, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EPERM, reply_wait, endpoint, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	peer_join(peer);
}

TEST(ipc_no_reply_to_the_killed)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(call_once, (void *)endpoint), again;

	CHECK_EQ(receive(endpoint).from, peer);
	DO(kill, peer, 0);
	CHECK(set_is_empty(&hv_procs[hv_self()].callers));
	FAILS(EPERM, reply, peer, 0, HV_NONE, 0, 0, 0, 0);
	peer_end(peer);
	/* nor to whoever has the pid next, blocked in a call of its own */
	again = peer_start(call_once, (void *)endpoint);
	wait_until_blocked(again);
	FAILS(EPERM, reply, again, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EPERM, reply_wait, endpoint, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	peer_kill(again);
}

static void reply_to_somebody(void *pid)
{
	FAILS(EPERM, reply, (uintptr_t)pid, 0, HV_NONE, 0, 0, 0, 0);
}

TEST(ipc_no_reply_for_another)
{
	hv_handle endpoint = endpoint_make();
	hv_pid caller = peer_start(call_once, (void *)endpoint), thief;

	CHECK_EQ(receive(endpoint).from, caller);
	thief = peer_start(reply_to_somebody, (void *)caller);
	peer_join(thief);
	DO(reply, caller, 0, HV_NONE, 0, 0, 0, 0);
	peer_join(caller);
}

/* A plain send gives no right to reply. */
static void send_once(void *handle)
{
	DO(send, (uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
	receive((uintptr_t)handle);
}

TEST(ipc_no_reply_to_a_send)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(send_once, (void *)endpoint);

	CHECK_EQ(receive(endpoint).from, peer);
	wait_until_blocked(peer);
	CHECK_EQ(hv_procs[hv_self()].reply_to, 0);
	FAILS(EPERM, reply, peer, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EPERM, reply_wait, endpoint, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	CHECK(is_blocked(peer));
	peer_kill(peer);
}

/* ---- deaths ----------------------------------------------------------------------------- */

static void take_calls_and_die(void *handle)
{
	receive((uintptr_t)handle);
	receive((uintptr_t)handle);
	hv_kill((hv_pid)hv_self(), 0);
}

static void call_and_be_let_down(void *handle)
{
	FAILS(EPIPE, call, (uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
}

/* Who waits for the reply of a server that dies hears of it at once. */
TEST(ipc_server_dies)
{
	hv_handle endpoint = endpoint_make();
	hv_pid a = peer_start(call_and_be_let_down, (void *)endpoint);
	hv_pid b = peer_start(call_and_be_let_down, (void *)endpoint), server;

	wait_until_blocked(a);
	wait_until_blocked(b);
	server = peer_start(take_calls_and_die, (void *)endpoint);
	peer_join(a);
	peer_join(b);
	peer_join(server);
}

static void drop_and_send(void *handle)
{
	hv_handle sender = hv_handle_alloc();

	DO(dup, (uintptr_t)handle, sender, HV_RIGHT_WRITE);
	DO(close, (hv_pid)hv_self(), (uintptr_t)handle);
	FAILS(EPIPE, send, sender, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
}

static void hold_and_sleep(void *unused)
{
	(void)unused;
	hv_wait(HV_FOREVER, HV_NONE);
}

/* The last reader is a dead child: senders wait until its handle is closed. */
TEST(ipc_last_reader_dies)
{
	hv_pid self = (hv_pid)hv_self();
	hv_handle endpoint = endpoint_make();
	hv_file file = file_of(endpoint);
	hv_pid reader = peer_start(hold_and_sleep, NULL);
	hv_pid sender = peer_start(drop_and_send, (void *)endpoint);

	wait_until_blocked(reader);
	wait_until_blocked(sender);
	DO(close, self, endpoint);
	CHECK_EQ(hv_files[file].readers, 1);
	DO(kill, reader, 0);
	CHECK(is_blocked(sender));
	DO(close, reader, endpoint);
	CHECK_EQ(hv_files[file].readers, 0);
	peer_join(sender);
	peer_end(reader);
}

/* ---- kill in each blocked state ------------------------------------------------------------ */

static void block_in_recv(void *handle) { hv_recv((uintptr_t)handle, HV_FOREVER, 0); }

static void block_in_send(void *handle)
{
	hv_send((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
}

static void block_in_call(void *handle)
{
	hv_call((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
}

/* Long enough to be seen blocked on a host that has much else to do. */
enum { DEADLINE_US = 500000 };

static void block_with_deadline(void *handle)
{
	hv_recv((uintptr_t)handle, hv_deadline_us(DEADLINE_US), 0);
}

static void block_in_wait(void *handle)
{
	(void)handle;
	hv_wait(HV_FOREVER, HV_NONE);
}

static void check_in_no_set(hv_pid pid)
{
	for (hv_file file = 0; file < HV_NFILE; file++) {
		CHECK(!set_has(&hv_files[file].senders, pid));
		CHECK(!set_has(&hv_files[file].receivers, pid));
	}
	for (hv_pid other = 0; other < HV_NPROC; other++)
		CHECK(!set_has(&hv_procs[other].callers, pid));
	CHECK(!set_has(&hv_sched->ready, pid));
	CHECK(hv_sched->core[pid] == 0);
}

static void kill_blocked(peer_fn fn, bool is_served)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(fn, (void *)endpoint);

	wait_until_blocked(peer);
	if (is_served)
		CHECK_EQ(receive(endpoint).from, peer);
	DO(kill, peer, 0x1f);
	CHECK_EQ(hv_procs[peer].state, HV_PROC_ZOMBIE);
	check_in_no_set(peer);
	/* a deadline of the dead one must not bring it back */
	hv_wait(HV_NOWAIT, HV_NONE);
	hv_sleep_until(hv_deadline_us(fn == block_with_deadline ? DEADLINE_US + 5000 : 5000));
	CHECK_EQ(hv_procs[peer].state, HV_PROC_ZOMBIE);
	check_in_no_set(peer);
	CHECK_EQ(peer_end(peer).raw, 0x1f);
}

TEST(kill_in_recv) { kill_blocked(block_in_recv, false); }
TEST(kill_in_send) { kill_blocked(block_in_send, false); }
TEST(kill_in_call) { kill_blocked(block_in_call, false); }
TEST(kill_while_served) { kill_blocked(block_in_call, true); }
TEST(kill_with_deadline) { kill_blocked(block_with_deadline, false); }
TEST(kill_in_wait) { kill_blocked(block_in_wait, false); }

TEST(kill_in_wfi)
{
	hv_pid child = raw_launch(raw_wfi, 0);

	wait_until_blocked(child);
	DO(kill, child, 3);
	check_in_no_set(child);
	CHECK_EQ(raw_wait(child).status, 3);
}

/* ---- children ------------------------------------------------------------------------------- */

TEST(recv_hears_of_a_death)
{
	hv_handle endpoint = endpoint_make();
	hv_pid child = raw_launch(raw_exit, 1);

	FAILS(EINTR, recv, endpoint, HV_FOREVER, HV_WAIT_CHILD);
	FAILS(EINTR, recv, endpoint, HV_NOWAIT, HV_WAIT_CHILD);
	FAILS(EAGAIN, recv, endpoint, HV_NOWAIT, 0);
	FAILS(ETIMEDOUT, recv, endpoint, hv_deadline_us(SHORT_US), 0);
	raw_discard(child);
	FAILS(EAGAIN, recv, endpoint, HV_NOWAIT, HV_WAIT_CHILD);
}

/* A death does not disturb a wait that did not ask for it. */
static void die_soon(void *unused)
{
	(void)unused;
	hv_wait(hv_deadline_us(SHORT_US), HV_NONE);
}

TEST(recv_without_flag_does_not)
{
	hv_handle endpoint = endpoint_make();
	hv_pid child = peer_start(die_soon, NULL);
	hv_time deadline = hv_deadline_us(10 * SHORT_US);

	FAILS(ETIMEDOUT, recv, endpoint, deadline, 0);
	CHECK(hv_now() >= deadline);
	peer_join(child);
}

/* A call to oneself waits for nobody. */
TEST(call_to_oneself)
{
	hv_handle endpoint = endpoint_make();

	FAILS(EAGAIN, call, endpoint, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(ETIMEDOUT, call, endpoint, hv_deadline_us(SHORT_US), 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EAGAIN, recv, endpoint, HV_NOWAIT, 0);
}
