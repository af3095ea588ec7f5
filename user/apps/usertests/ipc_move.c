/* SPDX-License-Identifier: MIT */
/* IPC: pages and handles move with messages, whole and once. */
#include "ipc.h"
#include "probe.h"

#define SPARE_VA 0x5000000000UL

/* A parcel of self's whose words are seed + index. */
static hv_page make_parcel(uint64_t seed)
{
	uint64_t *word = (uint64_t *)SPARE_VA;
	int64_t parcel;

	CHECK_EQ(hv_map(SPARE_VA, HV_PERM_W), 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		word[i] = seed + i;
	parcel = hv_unmap_parcel(SPARE_VA);
	CHECK(parcel > 0);
	return (hv_page)parcel;
}

static void check_parcel(hv_page parcel, uint64_t seed)
{
	const uint64_t *word = (const uint64_t *)SPARE_VA;

	CHECK_EQ(hv_page_descs[parcel].type, HV_PAGE_PARCEL);
	CHECK_EQ(hv_page_descs[parcel].owner, hv_self());
	CHECK_EQ(hv_map_parcel(SPARE_VA, parcel, 0), 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(word[i], seed + i);
	CHECK_EQ(hv_unmap(SPARE_VA), 0);
}

static void call_with_parcel(void *handle)
{
	hv_pid self = (hv_pid)hv_self();
	hv_page parcel = make_parcel(1000);
	uint64_t pages = hv_procs[self].pages_count;
	struct hv_msg m = hv_call_msg((uintptr_t)handle, HV_FOREVER, parcel, HV_NONE, 0, 0, 0, 0);

	CHECK_EQ(m.result, 0);
	CHECK(hv_page_descs[parcel].owner != self);
	CHECK(m.page != parcel);
	CHECK_EQ(hv_procs[self].pages_count, pages);
	check_parcel(m.page, 2000);
}

/* There with call, another one back with reply, the caller waiting or not. */
static void call_moves_parcels(bool caller_first)
{
	hv_handle endpoint = endpoint_make();
	hv_page mine = make_parcel(2000);
	hv_pid peer = peer_start(call_with_parcel, (void *)endpoint);
	uint64_t pages = hv_procs[hv_self()].pages_count;
	struct hv_msg m;

	if (caller_first)
		wait_until_blocked(peer);
	m = receive(endpoint);
	CHECK_EQ(hv_procs[hv_self()].pages_count, pages + 1);
	check_parcel(m.page, 1000);
	DO(reply, m.from, mine, HV_NONE, 0, 0, 0, 0);
	CHECK_EQ(hv_page_descs[mine].owner, peer);
	CHECK_EQ(hv_procs[hv_self()].pages_count, pages);
	peer_join(peer);
}

TEST(ipc_parcels_caller_first) { call_moves_parcels(true); }
TEST(ipc_parcels_server_first) { call_moves_parcels(false); }

static void echo_parcels(void *handle)
{
	struct hv_msg m = receive((uintptr_t)handle);

	while (m.result == 0) {
		const uint64_t seed = m.w[0];

		check_parcel(m.page, seed);
		m = hv_reply_wait_msg((uintptr_t)handle, HV_FOREVER, make_parcel(seed + 1), HV_NONE,
				      0, 0, 0, 0);
	}
}

TEST(ipc_parcels_by_reply_wait)
{
	hv_handle endpoint = endpoint_make();
	hv_pid server = peer_start(echo_parcels, (void *)endpoint);

	for (uint64_t seed = 0; seed < 1000000; seed += 77777) {
		struct hv_msg m = hv_call_msg(endpoint, HV_FOREVER, make_parcel(seed), HV_NONE,
					      seed, 0, 0, 0);

		CHECK_EQ(m.result, 0);
		check_parcel(m.page, seed + 1);
	}
	peer_kill(server);
}

/* The page of a message that nobody takes stays the sender's. */
TEST(ipc_page_of_a_failed_send_stays)
{
	hv_handle endpoint = endpoint_make();
	hv_page parcel = make_parcel(5);

	FAILS(EAGAIN, send, endpoint, HV_NOWAIT, parcel, HV_NONE, 0, 0, 0, 0);
	FAILS(ETIMEDOUT, send, endpoint, hv_deadline_us(1000), parcel, HV_NONE, 0, 0, 0, 0);
	FAILS(ETIMEDOUT, call, endpoint, hv_deadline_us(1000), parcel, HV_NONE, 0, 0, 0, 0);
	check_parcel(parcel, 5);
}

/* ---- handles ---------------------------------------------------------------------- */

enum { SLOT = 55 };

static void pass_handle(void *handle)
{
	hv_pid self = (hv_pid)hv_self();
	hv_handle passed = endpoint_make();
	hv_file file = file_of(passed);
	uint64_t handles = hv_procs[self].handles_count;

	DO(send, (uintptr_t)handle, HV_FOREVER, 0, passed, file, 0, 0, 0);
	CHECK_EQ(hv_handles[self][passed].file, 0);
	CHECK_EQ(hv_procs[self].handles_count, handles - 1);
	FAILS(EBADF, send, passed, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	/* the object is self's: it must outlive the use of it */
	receive((uintptr_t)handle);
}

static void handle_moves(bool sender_first)
{
	hv_pid self = (hv_pid)hv_self();
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(pass_handle, (void *)endpoint);
	uint64_t handles = hv_procs[self].handles_count;
	struct hv_msg m;

	if (sender_first)
		wait_until_blocked(peer);
	DO(set_recv_slot, SLOT);
	m = receive(endpoint);
	CHECK_EQ(m.handle, SLOT);
	CHECK_EQ(hv_handles[self][SLOT].file, m.w[0]);
	CHECK_EQ(hv_handles[self][SLOT].rights, HV_RIGHT_ALL);
	CHECK_EQ(hv_procs[self].handles_count, handles + 1);
	CHECK_EQ(hv_procs[self].recv_slot, HV_NONE);
	CHECK_EQ(hv_files[m.w[0]].owner, peer);
	FAILS(EAGAIN, recv, SLOT, HV_NOWAIT, 0);
	DO(close, self, SLOT);
	CHECK_EQ(hv_files[m.w[0]].type, HV_FILE_NONE);
	DO(send, endpoint, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
	peer_join(peer);
}

TEST(ipc_handle_sender_first) { handle_moves(true); }
TEST(ipc_handle_receiver_first) { handle_moves(false); }

static void call_for_handle(void *handle)
{
	hv_pid self = (hv_pid)hv_self();
	struct hv_msg m;

	DO(set_recv_slot, SLOT);
	m = hv_call_msg((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
	CHECK_EQ(m.result, 0);
	CHECK_EQ(m.handle, SLOT);
	CHECK_EQ(hv_handles[self][SLOT].file, m.w[0]);
	CHECK_EQ(hv_handles[self][SLOT].rights, HV_RIGHT_WRITE);
	CHECK_EQ(hv_procs[self].recv_slot, HV_NONE);
}

TEST(ipc_handle_by_reply)
{
	hv_handle endpoint = endpoint_make(), given = endpoint_make(), copy = hv_handle_alloc();
	hv_pid peer = peer_start(call_for_handle, (void *)endpoint);
	hv_file file = file_of(given);

	DO(dup, given, copy, HV_RIGHT_WRITE);
	CHECK_EQ(receive(endpoint).from, peer);
	DO(reply, peer, 0, copy, file, 0, 0, 0);
	CHECK_EQ(hv_handles[hv_self()][copy].file, 0);
	peer_join(peer);
}

/* A slot that was free when it was named, and is taken when the message comes. */
TEST(ipc_slot_taken_meanwhile)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer;

	DO(set_recv_slot, SLOT);
	DO(dup, endpoint, SLOT, HV_RIGHT_WRITE);
	peer = peer_start(pass_handle, (void *)endpoint);
	wait_until_blocked(peer);
	FAILS(ENOBUFS, recv, endpoint, HV_NOWAIT, 0);
	FAILS(ENOBUFS, recv, endpoint, HV_FOREVER, 0);
	DO(close, (hv_pid)hv_self(), SLOT);
	CHECK_EQ(receive(endpoint).handle, SLOT);
	peer_kill(peer);
}

/* A sender that waits with a handle of the very endpoint's only reader. */
static void send_own_reader(void *handle)
{
	hv_handle copy = hv_handle_alloc();

	DO(dup, (uintptr_t)handle, copy, HV_RIGHT_READ);
	DO(send, (uintptr_t)handle, HV_FOREVER, 0, copy, 0, 0, 0, 0);
}

TEST(ipc_handle_of_the_endpoint_itself)
{
	hv_handle endpoint = endpoint_make();
	hv_file file = file_of(endpoint);
	hv_pid peer = peer_start(send_own_reader, (void *)endpoint);

	wait_until_blocked(peer);
	DO(set_recv_slot, SLOT);
	CHECK_EQ(receive(endpoint).handle, SLOT);
	CHECK_EQ(hv_handles[hv_self()][SLOT].file, file);
	peer_join(peer);
	CHECK_EQ(hv_files[file].refs, 2);
	CHECK_EQ(hv_files[file].readers, 2);
	CHECK_EQ(hv_files[file].writers, 1);
}

/* What waits in a message of a process that is killed stays with the dead one. */
TEST(ipc_attachments_of_the_killed)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(pass_handle, (void *)endpoint);

	wait_until_blocked(peer);
	DO(kill, peer, 0);
	CHECK(set_is_empty(&hv_files[file_of(endpoint)].senders));
	FAILS(EAGAIN, recv, endpoint, HV_NOWAIT, 0);
	peer_end(peer);
}

/* Whether init receives at that moment or not, it takes no harm, and keeps no handle. */
static void pass_to_init(void *handle)
{
	hv_handle copy = hv_handle_alloc();

	for (int i = 0; i < 200; i++) {
		struct hv_msg msg;

		DO(dup, (uintptr_t)handle, copy, HV_RIGHT_WRITE);
		msg = hv_call_msg(HV8_HANDLE_MEM, HV_FOREVER, 0, copy, HV_INIT_PING, 0, 0, 0);
		CHECK(msg.result == 0 || msg.result == -HV_ENOBUFS);
		CHECK_EQ(hv_handles[hv_self()][copy].file == 0, msg.result == 0);
		if (msg.result < 0)
			DO(close, (hv_pid)hv_self(), copy);
		CHECK_EQ(hv_call_msg(HV8_HANDLE_MEM, HV_FOREVER, 0, HV_NONE, HV_INIT_PING,
				     0, 0, 0).result, 0);
	}
}

TEST(ipc_handles_for_init)
{
	enum { PEERS = 3 };
	hv_handle endpoint = endpoint_make();
	uint64_t before = hv_procs[HV_INIT_PID].handles_count;
	hv_pid peers[PEERS];

	for (int i = 0; i < PEERS; i++)
		peers[i] = peer_start(pass_to_init, (void *)endpoint);
	for (int i = 0; i < PEERS; i++)
		peer_join(peers[i]);
	CHECK_EQ(hv_procs[HV_INIT_PID].handles_count, before);
}
