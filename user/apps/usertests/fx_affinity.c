/* SPDX-License-Identifier: MIT */
/* Where a process runs, and where it does not: on one core some of this says little. */
#include "ipc.h"

static uint64_t core_count(void)
{
	return hv_bootinfo->cpu_count;
}

/* The cores that it may run on. */
static uint64_t cores_of(hv_pid pid)
{
	uint64_t cores = 0;

	for (uint64_t i = 0; i < HV_NCPU; i++)
		cores |= (uint64_t)set_has(&hv_sched->cpus[i].allowed, pid) << i;
	return cores;
}

/* The index of the core that runs it, or HV_NCPU. */
static uint64_t core_of(hv_pid pid)
{
	uint64_t number = hv_sched->core[pid];

	return number == 0 ? HV_NCPU : number % HV_NCPU;
}

TEST(affinity_is_all_cores)
{
	CHECK_EQ(cores_of((hv_pid)hv_self()), (1ULL << core_count()) - 1);
}

TEST(affinity_moves_self)
{
	hv_pid self = (hv_pid)hv_self();

	for (uint64_t round = 0; round < 20; round++) {
		uint64_t core = round * 3 % core_count();

		DO(set_affinity, self, 1ULL << core);
		CHECK_EQ(core_of(self), core);
		CHECK_EQ(cores_of(self), 1ULL << core);
		DO(yield);
		CHECK_EQ(core_of(self), core);
	}
}

TEST(affinity_is_inherited)
{
	hv_pid self = (hv_pid)hv_self(), child;

	DO(set_affinity, self, 1);
	child = raw_make(NULL);
	CHECK_EQ(cores_of(child), 1);
	DO(set_affinity, self, (1ULL << core_count()) - 1);
	CHECK_EQ(cores_of(child), 1);
	DO(set_affinity, child, 1ULL << (core_count() - 1));
	CHECK_EQ(cores_of(child), 1ULL << (core_count() - 1));
	raw_discard(child);
	child = raw_make(NULL);
	CHECK_EQ(cores_of(child), (1ULL << core_count()) - 1);
	raw_discard(child);
}

/* Until the child runs on that core. */
static void wait_until_on(hv_pid child, uint64_t core)
{
	while (core_of(child) != core)
		DO(yield);
}

/* Whether it spins elsewhere or waits for its turn, it gets there, and nowhere else. */
TEST(affinity_moves_a_child)
{
	hv_pid child = raw_launch(raw_spin, 0);

	for (uint64_t round = 0; round < 10; round++) {
		uint64_t core = (round * 3 + 1) % core_count();

		DO(set_affinity, child, 1ULL << core);
		if (core_count() > 1) {
			DO(set_affinity, (hv_pid)hv_self(), 1ULL << (core + 1) % core_count());
			wait_until_on(child, core);
		}
		for (int i = 0; i < 20; i++) {
			uint64_t at = core_of(child);

			CHECK(at == core || at == HV_NCPU);
			DO(yield);
		}
	}
	raw_discard(child);
}

/* All on one core: each has its turn, others do not help. */
TEST(affinity_shares_one_core)
{
	hv_pid spinners[3], child;
	uint64_t core = core_count() - 1;

	for (int i = 0; i < 3; i++) {
		spinners[i] = raw_launch(raw_spin, 0);
		DO(set_affinity, spinners[i], 1ULL << core);
	}
	child = raw_make(NULL);
	DO(set_affinity, child, 1ULL << core);
	raw_start(child, raw_exit, 5);
	CHECK_EQ(raw_wait(child).status, 5);
	for (int i = 0; i < 3; i++)
		raw_discard(spinners[i]);
}

/* Ready or running, it is not for this core. */
TEST(affinity_stops_switch_to)
{
	hv_pid self = (hv_pid)hv_self(), child;

	if (core_count() == 1)
		check_skip("one core");
	DO(set_affinity, self, 1);
	child = raw_make(NULL);
	DO(set_affinity, child, 2);
	raw_start(child, raw_spin, 0);
	for (int i = 0; i < 20; i++)
		FAILS(ESTATE, switch_to, child);
	raw_discard(child);
}

enum { CROSSINGS = 60 };

static void call_across(void *handle)
{
	hv_pid self = (hv_pid)hv_self();

	for (uint64_t i = 0; i < CROSSINGS; i++) {
		uint64_t core = i % core_count();
		struct hv_msg m;

		DO(set_affinity, self, 1ULL << core);
		m = hv_call_msg((uintptr_t)handle, HV_FOREVER, 0, HV_NONE, i, 0, 0, 0);
		CHECK_EQ(m.result, 0);
		CHECK_EQ(m.w[0], i + 1);
		CHECK_EQ(core_of(self), core);
	}
}

/* A server on one core, its caller on each in turn: neither runs where it may not. */
static void serve_across(bool with_deadline)
{
	hv_handle endpoint = endpoint_make();
	hv_pid self = (hv_pid)hv_self(), peer;
	struct hv_msg m;

	DO(set_affinity, self, 1);
	peer = peer_start(call_across, (void *)endpoint);
	m = receive(endpoint);
	for (uint64_t i = 0; i < CROSSINGS - 1; i++) {
		hv_time deadline = with_deadline ? hv_deadline_us(10000000) : HV_FOREVER;

		CHECK_EQ(m.w[0], i);
		m = hv_reply_wait_msg(endpoint, deadline, 0, HV_NONE, i + 1, 0, 0, 0);
		CHECK_EQ(m.result, 0);
		CHECK_EQ(core_of(self), 0);
	}
	DO(reply, peer, 0, HV_NONE, CROSSINGS, 0, 0, 0);
	peer_join(peer);
}

TEST(affinity_call_crosses_cores)
{
	serve_across(false);
}

TEST(affinity_timed_call_crosses_cores)
{
	serve_across(true);
}

static void serve_once(void *handle)
{
	struct hv_msg m = receive((uintptr_t)handle);

	DO(reply, m.from, 0, HV_NONE, (hv_word)hv_self(), 0, 0, 0);
}

/* Of two receivers a call takes that which may run here, whichever has the lower pid. */
TEST(affinity_call_is_near)
{
	hv_handle endpoint = endpoint_make();
	hv_pid self = (hv_pid)hv_self(), servers[2];
	struct hv_msg m;

	if (core_count() == 1)
		check_skip("one core");
	for (int i = 0; i < 2; i++) {
		servers[i] = peer_start(serve_once, (void *)endpoint);
		DO(set_affinity, servers[i], 1ULL << i);
		wait_until_blocked(servers[i]);
	}
	for (int i = 0; i < 2; i++) {
		DO(set_affinity, self, 2ULL >> i);
		m = hv_call_msg(endpoint, HV_FOREVER, 0, HV_NONE, 0, 0, 0, 0);
		CHECK_EQ(m.result, 0);
		CHECK_EQ(m.w[0], servers[1 - i]);
	}
	peer_join(servers[0]);
	peer_join(servers[1]);
}

static void sleep_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		CHECK_EQ(hv_wait(hv_deadline_us(300), HV_NONE), (uint64_t)-HV_ETIMEDOUT);
}

/* Who wakes by a deadline that another core serves gets its own core, be that idle. */
TEST_BIG(affinity_wakes_its_core)
{
	hv_pid sleepers[HV_NCPU];

	for (uint64_t i = 0; i < core_count(); i++) {
		sleepers[i] = peer_start(sleep_often, NULL);
		DO(set_affinity, sleepers[i], 1ULL << i);
	}
	for (uint64_t i = 0; i < core_count(); i++)
		peer_join(sleepers[i]);
}

/* A process that has been told to move, and is killed at once, is dead. */
TEST(affinity_then_kill)
{
	for (uint64_t i = 0; i < 20; i++) {
		hv_pid child = raw_launch(raw_spin, 0);

		if (i % 2 == 0)
			DO(yield);
		DO(set_affinity, child, 1ULL << i % core_count());
		DO(kill, child, 6);
		wait_until_dead(child);
		CHECK_EQ(hv_procs[child].status, 6);
		FAILS(ESTATE, set_affinity, child, 1);
		raw_discard(child);
	}
}
