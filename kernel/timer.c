/* SPDX-License-Identifier: MIT */
/*
 * Deadlines and the tick. Keeps: node i of timer_tree is the smaller of its
 * children, and the EL2 timer is armed for the earlier of the next tick and
 * the earliest deadline.
 */
#include "timer.h"
#include "prim.h"
#include "sched.h"

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void timer_arm(void)
{
	sysreg_write(cnthp_cval_el2, min64(this_cpu()->next_tick, timer_tree[1] >> TIMER_PID_BITS));
}

/* Recomputes a node and returns its parent's number. */
static inline uint64_t timer_up(uint64_t node)
{
	timer_tree[node] = min64(timer_tree[2 * node], timer_tree[2 * node + 1]);
	return node / 2;
}

void timer_set_key(uint64_t pid, uint64_t key)
{
	_Static_assert(TIMER_LEVELS == 7, "seven levels above the leaves");
	uint64_t node = (HV_NPROC + pid) / 2;

	timer_tree[HV_NPROC + pid] = key;
	node = timer_up(node);
	node = timer_up(node);
	node = timer_up(node);
	node = timer_up(node);
	node = timer_up(node);
	node = timer_up(node);
	timer_up(node);
	timer_arm();
}

/* A deadline may be left over from a wait that has ended otherwise. */
static void timer_expire(uint64_t pid)
{
	timer_set_key(pid, TIMER_OFF);
	if (!sched_is_blocked(pid))
		return;
	sched_unwait(pid);
	if (!(procs[pid].wait_flags & HV_WAIT_WFI))
		ctx_of(pid)[CTX_X0] = (uint64_t)-HV_ETIMEDOUT;
	set_add(&sched.ready, pid);
}

void timer_interrupt(struct hv_cpu *cpu)
{
	uint64_t now = sysreg_read(cntpct_el0);

	if (timer_tree[1] >> TIMER_PID_BITS <= now)
		timer_expire(timer_tree[1] % HV_NPROC);
	if (cpu->next_tick <= now) {
		cpu->next_tick = cpu->current != 0 ? now + machine.tick_period : TIMER_OFF;
		sched.ticks++;
		if (cpu->current != 0)
			sched_yield(cpu);
	}
	timer_arm();
}
