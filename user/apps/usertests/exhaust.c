/* SPDX-License-Identifier: MIT */
/*
 * Running out of everything ends in an error, and everything comes back: the
 * runner compares what is held before and after each test.
 */
#include "insn.h"
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* From here on the libos has its own store of pages and no more. */
static void leave_init(void)
{
	DO(close, (hv_pid)hv_self(), HV8_HANDLE_MEM);
}

TEST(exhaust_pages)
{
	hv_page first = 0, page;
	uint64_t count = 0;

	leave_init();
	while ((page = hv_page_alloc()) != 0) {
		CHECK_EQ(hv_page_descs[page].owner, hv_self());
		CHECK_EQ(hv_page_descs[page].type, HV_PAGE_FREE);
		first = first ? first : page;
		count++;
	}
	CHECK(count >= 300);
	CHECK_EQ(hv_page_alloc(), 0);
	CHECK_EQ(hv_map(0x5000000000, HV_PERM_W), -HV_ENOMEM);
	errno = 0;
	CHECK_EQ(fork(), -1);
	CHECK(errno == ENOMEM || errno == EAGAIN);
	hv_page_free(first);
	CHECK_EQ(hv_page_alloc(), first);
}

/* A fork that stops anywhere gives back what it had taken. */
TEST(exhaust_pages_during_fork)
{
	static const struct hv_grants none = { 0 };
	unsigned failures = 0, successes = 0;

	leave_init();
	while (hv_page_count() > 0) {
		uint64_t pages = hv_page_count(), pids = hv_pid_count();
		pid_t pid = hv_fork_attr(&none);

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
		failures += pid < 0;
		successes += pid > 0;
		CHECK_EQ(hv_page_count(), pages);
		CHECK_EQ(hv_pid_count(), pids);
		for (int i = 0; i < 3; i++)
			hv_page_alloc();
	}
	CHECK(failures > 10);
	CHECK(successes > 10);
}

TEST(exhaust_malloc)
{
	enum { CHUNK = 64 * 1024 };
	uint64_t count = 0;
	char *chunk;

	leave_init();
	while (count < 100000 && (chunk = malloc(CHUNK)) != NULL)
		count++;
	/* pages come at the first touch: address space ends, or memory does */
	CHECK(count > 0);
}

TEST(exhaust_pids)
{
	pid_t pids[HV_NPROC];
	unsigned count = 0;

	while (count < HV_NPROC && (pids[count] = hv_embryo_new()) > 0)
		count++;
	CHECK(count >= 8 && count < HV_NPROC);
	CHECK_EQ(fork(), -1);
	CHECK_EQ(hv_pid_alloc(), 0);
	while (count > 0)
		CHECK_EQ(hv_reclaim((hv_pid)pids[--count]), 0);
	CHECK(hv_embryo_new() > 0);
}

TEST(exhaust_files)
{
	unsigned count = 0;

	while (count < HV_NFILE && hv_endpoint_new(0) >= 0)
		count++;
	CHECK(count >= 8 && count < 16);
	CHECK(hv_endpoint_new(0) < 0);
}

TEST(exhaust_handles)
{
	hv_pid self = (hv_pid)hv_self();
	hv_handle from = endpoint_make();
	uint64_t before = hv_procs[self].handles_count, added = 0;

	for (hv_handle to = 0; to < HV_NHANDLE; to++)
		if (hv_handles[self][to].file == 0) {
			DO(dup, from, to, HV_RIGHT_WRITE);
			added++;
		}
	CHECK_EQ(before + added, HV_NHANDLE);
	CHECK_EQ(hv_procs[self].handles_count, HV_NHANDLE);
	FAILS(EBADF, dup, from, HV_NHANDLE, HV_RIGHT_WRITE);
	CHECK_EQ(hv_handle_alloc(), HV_NONE);
	CHECK(hv_endpoint_new(0) < 0);
	CHECK_EQ(hv_files[hv_handles[self][from].file].writers, added + 1);
}

/* ---- fork bombs ----------------------------------------------------------------------- */

/* Forks as deep and as wide as its grants allow, and waits for nobody. */
static void bomb(void *depth)
{
	uintptr_t left = (uintptr_t)depth;

	while (left > 0) {
		const struct hv_grants less = { .pages = 60 * left, .pids = left, .files = 1 };
		pid_t pid = hv_fork_attr(&less);

		if (pid < 0)
			return;
		if (pid == 0)
			left--;
	}
	hv_wait(hv_deadline_us(3000), HV_NONE);
}

TEST_BIG(fork_bomb)
{
	uint64_t in_use = hv_procs[hv_self()].pages_count - hv_page_count();
	uint64_t pids = hv_pid_count();

	for (int i = 0; i < 3; i++) {
		const struct hv_grants grants = { .pages = 600, .pids = 10, .files = 2 };
		hv_pid peer = peer_start_granted(bomb, (void *)4, &grants);

		peer_join(peer);
		raw_bury();
	}
	CHECK_EQ(hv_procs[hv_self()].pages_count - hv_page_count(), in_use);
	CHECK_EQ(hv_pid_count(), pids);
}

/* One that is killed in the middle of it. */
TEST_BIG(fork_bomb_killed)
{
	uint64_t pids = hv_pid_count();

	for (uint64_t us = 100; us < 20000; us *= 3) {
		const struct hv_grants grants = { .pages = 600, .pids = 10, .files = 2 };
		hv_pid peer = peer_start_granted(bomb, (void *)4, &grants);

		hv_sleep_until(hv_now() + hv_ticks_of_us(us));
		hv_kill(peer, 0);
		peer_end(peer);
		raw_bury();
		CHECK_EQ(hv_pid_count(), pids);
	}
}

/* ---- deaths of all kinds ------------------------------------------------------------------ */

static void crash(void *unused)
{
	volatile uintptr_t nowhere = 0x128;

	(void)unused;
	close(STDERR_FILENO);
	*(volatile int *)nowhere = 1;
}

static void leave_family(void *unused)
{
	(void)unused;
	raw_launch(raw_spin, 0);
	raw_launch(raw_sleep, 0);
	raw_make(NULL);
	raw_launch(raw_exit, 1);
	endpoint_make();
	CHECK_EQ(hv_map(0x5000000000, HV_PERM_W), 0);
	hv_unmap_parcel(0x5000000000);
}

/* Everything a child may leave behind comes back, kind by kind. */
static void comes_back(peer_fn fn, uint64_t pids)
{
	const struct hv_grants grants = { .pages = 100, .pids = pids, .files = 2 };
	hv_pid self = (hv_pid)hv_self();
	uint64_t pages_used = hv_procs[self].pages_count - hv_page_count();
	uint64_t pid_count = hv_pid_count(), file_count = hv_file_count();

	peer_end(peer_start_granted(fn, NULL, &grants));
	raw_bury();
	CHECK_EQ(hv_procs[self].pages_count - hv_page_count(), pages_used);
	CHECK_EQ(hv_pid_count(), pid_count);
	CHECK_EQ(hv_file_count(), file_count);
	CHECK_EQ(hv_procs[self].pids_count, pid_count);
}

TEST(crashed_child_comes_back) { comes_back(crash, 0); }
TEST(family_comes_back) { comes_back(leave_family, 4); }

TEST(many_deaths)
{
	for (int i = 0; i < 50; i++) {
		const struct hv_grants grants = { .pages = 100, .pids = 4, .files = 2 };
		struct hv_exit end =
			peer_end(peer_start_granted(i % 2 ? crash : leave_family, NULL, &grants));

		CHECK_EQ(WIFEXITED(end.status) || WIFSIGNALED(end.status), 1);
		if (i % 2)
			CHECK_EQ(HV_STATUS_ESR(end.raw) >> 26, EC_DABORT);
		raw_bury();
	}
}

/* Touches a page that there is none for; its code may not be there either. */
static void starve(void *unused)
{
	volatile char *area = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);

	(void)unused;
	close(STDERR_FILENO);
	leave_init();
	while (hv_page_alloc() != 0)
		;
	*area = 1;
}

TEST(out_of_memory_ends_the_process)
{
	struct hv_exit end = peer_run(starve, NULL);

	CHECK(WIFSIGNALED(end.status));
	CHECK(!end.by_kernel);
}

/* Every page of the machine, for once. */
TEST(exhaust_machine)
{
	uint64_t count = 0;

	while (hv_page_alloc() != 0)
		count++;
	CHECK(count > 1000);
	CHECK_EQ(hv_map(0x5000000000, HV_PERM_W), -HV_ENOMEM);
	CHECK_EQ(fork(), -1);
}
