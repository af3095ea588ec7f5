/* SPDX-License-Identifier: MIT */
/* Nobody can keep the core: endless loops, storms of aborts, waits. And time. */
#include "insn.h"
#include "peer.h"

enum { TICKS = 6 };

/* Others go on while the program runs, and it can be killed. */
static void others_go_on(const char *program, uint64_t arg)
{
	hv_pid child = raw_launch(program, arg);
	uint64_t ticks = hv_sched->ticks;

	while (hv_sched->ticks < ticks + TICKS)
		hv_yield();
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	DO(kill, child, 0x77);
	CHECK_EQ(raw_wait(child).status, 0x77);
}

TEST(preempt_masked_loop) { others_go_on(raw_spin, 0); }
TEST(preempt_wfe_loop) { others_go_on(raw_wfe, 0); }
TEST(preempt_yield_loop) { others_go_on(raw_yield, 0); }
TEST(preempt_abort_storm) { others_go_on(raw_storm, 0xdead0000); }
TEST(preempt_abort_storm_high) { others_go_on(raw_storm, 0xffff000000000000); }
TEST(preempt_abort_storm_noncanonical) { others_go_on(raw_storm, 0x0123000000000000); }
TEST(preempt_abort_storm_in_data) { others_go_on(raw_storm, RAW_STACK & ~0x7ffUL); }

TEST(preempt_many_loops)
{
	enum { LOOPS = 8 };
	hv_pid pids[LOOPS];
	uint64_t ticks = hv_sched->ticks;

	for (int i = 0; i < LOOPS; i++)
		pids[i] = raw_launch(i % 2 ? raw_spin : raw_storm, 0xdead0000);
	while (hv_sched->ticks < ticks + 2 * LOOPS)
		hv_yield();
	for (int i = 0; i < LOOPS; i++)
		raw_discard(pids[i]);
}

/* How many places after self in circular order. */
static uint64_t places(hv_pid pid)
{
	return (pid - (hv_pid)hv_self()) % HV_NPROC;
}

/*
 * Two processes that hand the core to each other keep no third from it: here
 * at each tick it is self that runs, and who follows it gives the core back at
 * once. The third runs within HV_NPROC - 1 ticks (theorem T9).
 */
TEST(preempt_handed_over_core)
{
	hv_pid one = raw_make(NULL), two = raw_make(NULL);
	hv_pid giver = places(one) < places(two) ? one : two, third = one ^ two ^ giver;
	uint64_t ticks;

	raw_start(giver, raw_give, (uint64_t)hv_self());
	raw_start(third, raw_exit, 9);
	ticks = hv_sched->ticks;
	while (hv_procs[third].state == HV_PROC_LIVE && hv_sched->ticks < ticks + HV_NPROC)
		;
	CHECK_EQ(hv_procs[third].state, HV_PROC_ZOMBIE);
	CHECK_EQ(raw_wait(third).status, 9);
	raw_discard(giver);
}

/* Without a timer WFI waits for the kill, and costs nothing meanwhile. */
TEST(wfi_without_timer_blocks)
{
	hv_pid child = raw_launch(raw_wfi, 0);

	wait_until_blocked(child);
	CHECK(hv_procs[child].wait_flags & HV_WAIT_WFI);
	hv_wait(hv_deadline_us(20000), HV_NONE);
	CHECK(is_blocked(child));
	raw_discard(child);
}

/* Endless loops share the core. How much each gets depends on the host as well,
 * so the least is asked of it: that none gets next to nothing. */
static void count_for_a_second(void *arg)
{
	uint64_t until = hv_now() + hv_ticks_of_us(1000000), count = 0;

	(void)arg;
	while (hv_now() < until)
		count++;
	hv_kill((hv_pid)hv_self(), count);
}

TEST(loops_share_the_core)
{
	enum { PEERS = 4 };
	uint64_t least = ~0ULL, most = 0;
	hv_pid pids[PEERS];

	for (int i = 0; i < PEERS; i++)
		pids[i] = peer_start(count_for_a_second, NULL);
	for (int i = 0; i < PEERS; i++) {
		uint64_t count = peer_end(pids[i]).raw;

		least = count < least ? count : least;
		most = count > most ? count : most;
	}
	CHECK(least > 0);
	CHECK(most / least < 50);
}

/* ---- time -------------------------------------------------------------------------------- */

static void wfi_until(uint64_t deadline)
{
	__asm__ volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1\n isb\n wfi\n"
			 "msr cntv_ctl_el0, xzr" :: "r"(deadline), "r"(1UL) : "memory");
}

TEST(wfi_wakes_on_time)
{
	for (uint64_t us = 500; us <= 32000; us *= 4) {
		uint64_t deadline = hv_now() + hv_ticks_of_us(us);

		wfi_until(deadline);
		CHECK(hv_now() >= deadline);
	}
}

TEST(wfi_of_a_passed_deadline_returns)
{
	wfi_until(hv_now() - 1000);
	wfi_until(0);
	wfi_until(1);
	CHECK_EQ(hv_procs[hv_self()].state, HV_PROC_LIVE);
}

/* It really sleeps: a peer that yields is alone meanwhile. */
TEST(wfi_leaves_the_core_to_others)
{
	hv_pid child = raw_launch(raw_spin, 0);
	uint64_t deadline = hv_now() + hv_ticks_of_us(30000);

	wfi_until(deadline);
	CHECK(hv_now() >= deadline);
	raw_discard(child);
}

static void sleep_and_exit(void *deadline)
{
	hv_wait((uintptr_t)deadline, HV_NONE);
	CHECK(hv_now() >= (uintptr_t)deadline);
}

/* Do processes whose deadlines differ by 15 ms end in the order of these? */
static bool end_in_order(void)
{
	enum { SLEEPERS = 6, START_US = 300000 };	/* by then all of them sleep */
	static const uintptr_t us[SLEEPERS] = { 90000, 30000, 75000, 15000, 60000, 45000 };
	static const int order[SLEEPERS] = { 3, 1, 5, 4, 2, 0 };
	uint64_t start = hv_now() + hv_ticks_of_us(START_US);
	hv_pid pids[SLEEPERS];
	bool in_order = true;

	for (int i = 0; i < SLEEPERS; i++)
		pids[i] = peer_start(sleep_and_exit, (void *)(start + hv_ticks_of_us(us[i])));
	for (int i = 0; i < SLEEPERS; i++) {
		struct hv_exit end;
		pid_t pid = hv_waitpid(-1, 0, HV_NONE, &end);

		CHECK(pid > 0);
		CHECK_EQ(end.esr, 0);
		CHECK_EQ(end.raw, 0);
		in_order = in_order && pid == (pid_t)pids[order[i]];
	}
	return in_order;
}

/*
 * One core keeps the order. What is due at once ends in any: a host that does
 * not run this machine for a while makes it so, now and then.
 */
TEST(deadlines_in_order)
{
	enum { TRIES = 10 };
	bool in_order = false;

	for (int i = 0; i < TRIES && !in_order; i++)
		in_order = end_in_order() || hv_bootinfo->cpu_count > 1;
	CHECK(in_order);
}

/* Deadlines that make no sense are long past, or never. */
TEST(deadlines_at_the_edge)
{
	static const hv_time never[] = { ~0ULL, ~0ULL >> 1, 1ULL << 63, 1ULL << 56, 1ULL << 55 };

	FAILS(ETIMEDOUT, wait, 2, HV_NONE);
	FAILS(ETIMEDOUT, wait, 255, HV_NONE);
	FAILS(ETIMEDOUT, wait, hv_now(), HV_NONE);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		hv_pid child = raw_launch(raw_exit, 1);
		int64_t result = hv_wait(never[i], HV_NONE);

		/* it may be dead already */
		CHECK(result == -HV_EINTR || result == (int64_t)child);
		raw_discard(child);
	}
}

/* A deadline that a wait no longer needs wakes nobody later. */
TEST(deadline_left_over)
{
	hv_time soon = hv_deadline_us(10000), late = hv_deadline_us(40000);
	hv_pid child = raw_launch(raw_exit, 1);
	int64_t result = hv_wait(soon, HV_NONE);

	CHECK(result == -HV_EINTR || result == (int64_t)child || result == -HV_ETIMEDOUT);
	raw_discard(child);
	FAILS(ETIMEDOUT, wait, late, HV_NONE);
	CHECK(hv_now() >= late);
}

TEST(counter_is_monotonic_and_shared)
{
	uint64_t last = hv_now();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = hv_now(), physical;

		__asm__ volatile("isb\n mrs %0, cntpct_el0" : "=r"(physical));
		CHECK(now >= last && physical >= now);
		last = now;
	}
}
