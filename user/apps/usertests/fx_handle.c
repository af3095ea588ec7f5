/* SPDX-License-Identifier: MIT */
/* What successful calls of the handle group do: counts of files, wake-ups. */
#include "peer.h"

static void check_counts(const struct site *site, hv_file file, uint64_t refs, uint64_t readers,
			 uint64_t writers)
{
	check_equal(site, hv_files[file].refs, refs);
	check_equal(site, hv_files[file].readers, readers);
	check_equal(site, hv_files[file].writers, writers);
}

#define CHECK_COUNTS(...) check_counts(SITE("refs, readers, writers"), __VA_ARGS__)

enum { H0 = 50, H1, H2, H3, H4 };

/* A new file at handle H0. The runner's report handle is none of H0 .. H4. */
static hv_file make(hv_word type, hv_word value)
{
	hv_pid self = (hv_pid)hv_self();
	hv_file file = take_file();

	for (hv_handle h = H0; h <= H4; h++)
		CHECK_EQ(hv_handles[self][h].file, 0);
	DO(create, H0, file, type, value);
	return file;
}

TEST(create_fills_the_file)
{
	hv_pid self = (hv_pid)hv_self();
	uint64_t handles = hv_procs[self].handles_count;
	hv_file file = make(HV_FILE_INODE, 0x123456789abcdef0);

	CHECK_EQ(hv_files[file].type, HV_FILE_INODE);
	CHECK_EQ(hv_files[file].value, 0x123456789abcdef0);
	CHECK_EQ(hv_files[file].offset, 0);
	CHECK_EQ(hv_files[file].owner, self);
	CHECK_COUNTS(file, 1, 1, 1);
	CHECK_EQ(hv_handles[self][H0].file, file);
	CHECK_EQ(hv_handles[self][H0].rights, HV_RIGHT_ALL);
	CHECK_EQ(hv_procs[self].handles_count, handles + 1);
	DO(seek, H0, 77);
	CHECK_EQ(hv_files[file].offset, 77);
	DO(close, self, H0);
	CHECK_EQ(hv_procs[self].handles_count, handles);
	CHECK_EQ(hv_files[file].type, HV_FILE_NONE);
	DO(create, H0, file, HV_FILE_INODE, 0);
	CHECK_EQ(hv_files[file].offset, 0);
	CHECK_EQ(hv_files[file].value, 0);
}

TEST(dup_counts)
{
	hv_pid self = (hv_pid)hv_self();
	hv_file file = make(HV_FILE_ENDPOINT, 0);

	DO(dup, H0, H1, HV_RIGHT_READ);
	CHECK_COUNTS(file, 2, 2, 1);
	DO(dup, H0, H2, HV_RIGHT_WRITE);
	CHECK_COUNTS(file, 3, 2, 2);
	DO(dup, H2, H3, HV_RIGHT_WRITE);
	CHECK_COUNTS(file, 4, 2, 3);
	DO(close, self, H0);
	CHECK_COUNTS(file, 3, 1, 2);
	FAILS(EPERM, dup, H1, H0, HV_RIGHT_ALL);
	FAILS(EPERM, dup, H1, H0, HV_RIGHT_WRITE);
	FAILS(EPERM, dup, H2, H0, HV_RIGHT_READ);
	DO(close, self, H1);
	DO(close, self, H2);
	DO(close, self, H3);
	CHECK_EQ(hv_files[file].type, HV_FILE_NONE);
	CHECK_COUNTS(file, 0, 0, 0);
}

TEST(dup2_replaces)
{
	hv_pid self = (hv_pid)hv_self();
	uint64_t handles = hv_procs[self].handles_count;
	hv_file first = make(HV_FILE_ENDPOINT, 0), second = take_file();

	DO(create, H1, second, HV_FILE_INODE, 0);
	DO(dup2, H0, H0);
	CHECK_COUNTS(first, 1, 1, 1);
	DO(dup2, H0, H1);
	CHECK_EQ(hv_files[second].type, HV_FILE_NONE);
	CHECK_COUNTS(first, 2, 2, 2);
	DO(dup2, H0, H2);
	CHECK_COUNTS(first, 3, 3, 3);
	DO(dup2, H2, H1);
	CHECK_COUNTS(first, 3, 3, 3);
	CHECK_EQ(hv_procs[self].handles_count, handles + 3);
	FAILS(EBADF, dup2, H3, H1);
	CHECK_COUNTS(first, 3, 3, 3);
}

TEST(dup2_keeps_rights)
{
	hv_pid self = (hv_pid)hv_self();

	make(HV_FILE_ENDPOINT, 0);
	DO(dup, H0, H1, HV_RIGHT_READ);
	DO(dup2, H1, H2);
	CHECK_EQ(hv_handles[self][H2].rights, HV_RIGHT_READ);
	FAILS(EPERM, send, H2, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	FAILS(EAGAIN, recv, H2, HV_NOWAIT, 0);
}

TEST(transfer_to_an_embryo)
{
	hv_pid child = raw_make(NULL);
	hv_file file = make(HV_FILE_ENDPOINT, 0);

	DO(transfer, child, H0, 9, HV_RIGHT_WRITE);
	CHECK_EQ(hv_handles[child][9].file, file);
	CHECK_EQ(hv_handles[child][9].rights, HV_RIGHT_WRITE);
	CHECK_EQ(hv_procs[child].handles_count, 1);
	CHECK_COUNTS(file, 2, 1, 2);
	DO(close, child, 9);
	CHECK_EQ(hv_procs[child].handles_count, 0);
	CHECK_COUNTS(file, 1, 1, 1);
	DO(transfer, child, H0, 9, HV_RIGHT_ALL);
	DO(kill, child, 0);
	CHECK_COUNTS(file, 2, 2, 2);
	DO(close, child, 9);
	CHECK_COUNTS(file, 1, 1, 1);
	raw_discard(child);
}

/* A handle to a live child can neither be given nor taken by its parent. */
TEST(live_child_keeps_its_handles)
{
	hv_pid child = raw_make(NULL);

	make(HV_FILE_ENDPOINT, 0);
	DO(transfer, child, H0, 9, HV_RIGHT_WRITE);
	raw_start(child, raw_sleep, 0);
	wait_until_blocked(child);
	FAILS(EPERM, close, child, 9);
	FAILS(EPERM, transfer, child, H0, 10, HV_RIGHT_WRITE);
	raw_discard(child);
}

TEST(grant_and_revoke_file)
{
	hv_pid self = (hv_pid)hv_self(), child = raw_make(NULL);
	hv_file file = take_file();
	uint64_t count = hv_procs[self].files_count;

	DO(grant_file, child, file);
	CHECK_EQ(hv_files[file].owner, child);
	CHECK_EQ(hv_procs[self].files_count, count - 1);
	CHECK_EQ(hv_procs[child].files_count, 1);
	FAILS(EACCES, create, H0, file, HV_FILE_INODE, 0);
	DO(revoke_file, file);
	CHECK_EQ(hv_files[file].owner, self);
	CHECK_EQ(hv_procs[self].files_count, count);
	CHECK_EQ(hv_procs[child].files_count, 0);
	raw_discard(child);
	hv_file_free(file);
}

/* ---- who hears of a close ------------------------------------------------------------- */

/* Peers drop H0, the inherited handle with every right, and block through H1. */
static void blocked_receiver(void *unused)
{
	(void)unused;
	DO(close, (hv_pid)hv_self(), H0);
	FAILS(EPIPE, recv, H1, HV_FOREVER, 0);
}

static void blocked_sender(void *unused)
{
	(void)unused;
	DO(close, (hv_pid)hv_self(), H0);
	FAILS(EPIPE, send, H1, HV_FOREVER, 0, HV_NONE, 1, 2, 3, 4);
}

static void blocked_caller(void *unused)
{
	(void)unused;
	DO(close, (hv_pid)hv_self(), H0);
	FAILS(EPIPE, call, H1, HV_FOREVER, 0, HV_NONE, 1, 2, 3, 4);
}

enum { BLOCKED = 3 };

/* Peers with one right wait for the other one, which self gives up. */
static void close_wakes(peer_fn fn, hv_right right)
{
	hv_pid peers[BLOCKED];
	hv_file file = make(HV_FILE_ENDPOINT, 0);

	DO(dup, H0, H1, right);
	for (int i = 0; i < BLOCKED; i++) {
		peers[i] = peer_start(fn, NULL);
		wait_until_blocked(peers[i]);
	}
	CHECK_EQ(hv_files[file].refs, BLOCKED + 2);
	DO(close, (hv_pid)hv_self(), H0);
	for (int i = 0; i < BLOCKED; i++)
		peer_join(peers[i]);
	CHECK_EQ(hv_files[file].refs, 1);
}

TEST(close_of_last_writer_wakes_receivers)
{
	close_wakes(blocked_receiver, HV_RIGHT_READ);
}

TEST(close_of_last_reader_wakes_senders)
{
	close_wakes(blocked_sender, HV_RIGHT_WRITE);
}

TEST(close_of_last_reader_wakes_callers)
{
	close_wakes(blocked_caller, HV_RIGHT_WRITE);
}

/* As long as one writer is left, closing others wakes nobody. */
TEST(close_of_another_writer_wakes_nobody)
{
	hv_pid self = (hv_pid)hv_self(), peer;

	make(HV_FILE_ENDPOINT, 0);
	DO(dup, H0, H1, HV_RIGHT_READ);
	DO(dup, H0, H2, HV_RIGHT_WRITE);
	peer = peer_start(blocked_receiver, NULL);
	wait_until_blocked(peer);
	DO(close, self, H0);
	CHECK(is_blocked(peer));
	DO(close, self, H2);
	/* the peer itself still holds its copy of H2 */
	CHECK(is_blocked(peer));
	peer_kill(peer);
}
