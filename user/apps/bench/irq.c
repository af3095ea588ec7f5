/* SPDX-License-Identifier: MIT */
/*
 * The process's own interrupts: how late its timer is, and, for who watches
 * from outside (tools/own.py), what the kernel has to do with them.
 */
#include "bench.h"

#include <hv8/irq.h>

enum { TIMERS = 100, APART = 1009, WATCHED = 20 };

static uint64_t entered;

HV_FAST_HANDLER static enum hv_handled bench_timer_handler(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	entered = ticks();
	return HV_HANDLED;
}

/* Ticks from the deadline to the handler; the deadline is `wait` ticks away. */
static uint64_t late_by(uint64_t wait)
{
	struct hv_timer timer = { 0 };

	entered = 0;
	hv_timer_set(&timer, ticks() + wait, bench_timer_handler, NULL);
	while (__atomic_load_n(&entered, __ATOMIC_RELAXED) == 0)
		;
	return entered - timer.deadline;
}

void bench_irq(void)
{
	uint64_t state = hv_irq_mask(), best = ~0ULL, most = 0;

	must(hv_irq_enable(), "interrupts");
	hv_irq_unmask();
	for (unsigned i = 0; i < TIMERS; i++) {
		uint64_t late = late_by(APART + 7 * i);

		best = late < best ? late : best;
		most = late > most ? late : most;
	}
	hv_irq_restore(state);
	report("timer_late", best * INSTRUCTIONS_PER_TICK);
	report("timer_latest", most * INSTRUCTIONS_PER_TICK);
}

/* A place to stop at: from here on it is as below. */
void bench_mark(uint64_t magic, uint64_t el0_code);
__attribute__((noinline)) void bench_mark(uint64_t magic, uint64_t el0_code)
{
	__asm__ volatile("" : : "r"(magic), "r"(el0_code) : "memory");
}

void bench_watch(void)
{
	must(hv_irq_enable(), "interrupts");
	hv_irq_unmask();
	bench_mark(BENCH_MAGIC, bench_el0_start());
	for (unsigned i = 0; i < WATCHED; i++) {
		late_by(APART);
		bench_el0_run(WATCHED);
	}
}
