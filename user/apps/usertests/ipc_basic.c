/* SPDX-License-Identifier: MIT */
/* IPC: messages arrive whole, once, in both orders, fairly. */
#include "ipc.h"

static void send_words(void *handle)
{
	DO(send, (uintptr_t)handle, HV_FOREVER, 0, HV_NONE, ~0ULL, 0x1122334455667788, 0, 4);
}

static void check_words(const struct hv_msg *m, hv_pid from)
{
	CHECK_EQ(m->result, 0);
	CHECK_EQ(m->from, from);
	CHECK_EQ(m->page, 0);
	CHECK_EQ(m->handle, HV_NONE);
	CHECK_EQ(m->w[0], ~0ULL);
	CHECK_EQ(m->w[1], 0x1122334455667788);
	CHECK_EQ(m->w[2], 0);
	CHECK_EQ(m->w[3], 4);
}

TEST(ipc_sender_first)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(send_words, (void *)endpoint);
	struct hv_msg m;

	wait_until_blocked(peer);
	CHECK(set_has(&hv_files[file_of(endpoint)].senders, peer));
	m = receive(endpoint);
	check_words(&m, peer);
	CHECK(set_is_empty(&hv_files[file_of(endpoint)].senders));
	peer_join(peer);
}

static void receive_words(void *handle)
{
	struct hv_msg m = receive((uintptr_t)handle);

	check_words(&m, hv_procs[hv_self()].ppid);
}

TEST(ipc_receiver_first)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(receive_words, (void *)endpoint);

	wait_until_blocked(peer);
	CHECK(set_has(&hv_files[file_of(endpoint)].receivers, peer));
	send_words((void *)endpoint);
	CHECK(set_is_empty(&hv_files[file_of(endpoint)].receivers));
	peer_join(peer);
}

/* ---- calls ------------------------------------------------------------------------- */

enum { CALLS = 50 };

static void call_many(void *handle)
{
	hv_pid server = hv_procs[hv_self()].ppid;

	for (uint64_t i = 0; i < CALLS; i++) {
		struct hv_msg m = hv_call_msg((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, i, i + 1,
					      i + 2, i + 3);

		CHECK_EQ(m.result, 0);
		CHECK_EQ(m.from, server);
		CHECK_EQ(m.w[0], ~i);
		CHECK_EQ(m.w[3], i * i);
	}
}

TEST(ipc_call_and_reply)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(call_many, (void *)endpoint);

	for (uint64_t i = 0; i < CALLS; i++) {
		struct hv_msg m = receive(endpoint);

		CHECK_EQ(m.from, peer);
		CHECK_EQ(m.w[0], i);
		CHECK_EQ(m.w[3], i + 3);
		CHECK_EQ(hv_procs[hv_self()].reply_to, peer);
		CHECK(set_has(&hv_procs[hv_self()].callers, peer));
		CHECK(is_blocked(peer));
		DO(reply, peer, 0, HV_NONE, ~i, 0, 0, i * i);
		CHECK(!set_has(&hv_procs[hv_self()].callers, peer));
	}
	peer_join(peer);
}

static void serve_forever(void *handle)
{
	struct hv_msg m = receive((uintptr_t)handle);

	while (m.result == 0)
		m = hv_reply_wait_msg((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, ~m.w[0], 0, 0,
				      m.w[0] * m.w[0]);
}

TEST(ipc_reply_wait_serves)
{
	hv_handle endpoint = endpoint_make();
	hv_pid server = peer_start(serve_forever, (void *)endpoint);

	for (uint64_t i = 0; i < CALLS; i++) {
		struct hv_msg m = hv_call_msg(endpoint, HV_FOREVER, 0, HV_NONE, i, 0, 0, 0);

		CHECK_EQ(m.result, 0);
		CHECK_EQ(m.from, server);
		CHECK_EQ(m.w[0], ~i);
		CHECK_EQ(m.w[3], i * i);
	}
	peer_kill(server);
}

/* The answer of one caller can wait while others are served. */
TEST(ipc_replies_out_of_order)
{
	enum { CALLERS = 4 };
	hv_handle endpoint = endpoint_make();
	hv_pid peers[CALLERS];

	for (int i = 0; i < CALLERS; i++) {
		peers[i] = raw_make(NULL);
		DO(transfer, peers[i], endpoint, RAW_HANDLE, HV_RIGHT_WRITE);
		raw_start(peers[i], raw_client, 1);
		CHECK_EQ(receive(endpoint).from, peers[i]);
	}
	for (int i = CALLERS - 1; i >= 0; i--) {
		CHECK(is_blocked(peers[i]));
		DO(reply, peers[i], 0, HV_NONE, 4, 0, 0, 0);
		CHECK_EQ(raw_wait(peers[i]).status, RAW_GOOD);
	}
}

/* ---- fairness -------------------------------------------------------------------------- */

/* It has called again, or has no more calls. */
static void wait_until_back(hv_pid client)
{
	while (hv_procs[client].state == HV_PROC_LIVE && !is_blocked(client))
		hv_yield();
}

/* Nobody is served twice while another waits. */
TEST(ipc_callers_are_served_in_turn)
{
	enum { CLIENTS = 5, ROUNDS = 20 };
	hv_handle endpoint = endpoint_make();
	hv_pid clients[CLIENTS];
	uint64_t turns[HV_NPROC] = { 0 };

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = raw_make(NULL);
		DO(transfer, clients[i], endpoint, RAW_HANDLE, HV_RIGHT_WRITE);
		raw_start(clients[i], raw_client, ROUNDS);
		wait_until_blocked(clients[i]);
	}
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++) {
			struct hv_msg m = receive(endpoint);

			DO(reply, m.from, 0, HV_NONE, 3 * m.w[0] + 1, 0, 0, 0);
			turns[m.from]++;
			wait_until_back(m.from);
		}
		for (int i = 0; i < CLIENTS; i++)
			CHECK_EQ(turns[clients[i]], round);
	}
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(raw_wait(clients[i]).status, RAW_GOOD);
}

TEST_BIG(ipc_sixty_clients)
{
	enum { CLIENTS = 60, ROUNDS = 50 };
	static hv_pid clients[CLIENTS];
	static uint64_t served[HV_NPROC];
	hv_handle endpoint = endpoint_make();
	struct hv_msg m;

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = raw_make(NULL);
		DO(transfer, clients[i], endpoint, RAW_HANDLE, HV_RIGHT_WRITE);
		raw_start(clients[i], raw_client, ROUNDS);
	}
	m = receive(endpoint);
	for (int i = 1; i < CLIENTS * ROUNDS; i++) {
		/* each counts down: an answer lost or doubled would show */
		CHECK_EQ(m.w[0], ROUNDS - served[m.from]++);
		m = hv_reply_wait_msg(endpoint, HV_FOREVER, 0, HV_NONE, 3 * m.w[0] + 1, 0, 0, 0);
		CHECK_EQ(m.result, 0);
	}
	DO(reply, m.from, 0, HV_NONE, 3 * m.w[0] + 1, 0, 0, 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(raw_wait(clients[i]).status, RAW_GOOD);
}

/* Several receivers of one endpoint: each message goes to exactly one. */
static void count_received(void *handle)
{
	uint64_t count = 0;

	while (receive((uintptr_t)handle).w[0] != 0)
		count++;
	hv_kill((hv_pid)hv_self(), count);
}

TEST(ipc_several_receivers)
{
	enum { RECEIVERS = 4, MESSAGES = 100 };
	hv_handle endpoint = endpoint_make();
	hv_pid peers[RECEIVERS];
	uint64_t total = 0;

	for (int i = 0; i < RECEIVERS; i++)
		peers[i] = peer_start(count_received, (void *)endpoint);
	for (int i = 0; i < MESSAGES; i++)
		DO(send, endpoint, HV_FOREVER, 0, HV_NONE, 1, 0, 0, 0);
	for (int i = 0; i < RECEIVERS; i++)
		DO(send, endpoint, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
	for (int i = 0; i < RECEIVERS; i++)
		total += peer_end(peers[i]).raw;
	CHECK_EQ(total, MESSAGES);
}
