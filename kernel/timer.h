/* SPDX-License-Identifier: MIT */
/* Deadlines of blocked processes and the scheduler's tick, on the EL2 physical timer. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <stdbool.h>

#include "prim.h"
#include "state.h"

void timer_arm(void);
void timer_set_key(uint64_t pid, uint64_t key);

/* Sets the deadline of a process, a counter value or HV_FOREVER. */
static inline void timer_set(uint64_t pid, uint64_t deadline)
{
	bool is_off = deadline == HV_FOREVER || deadline >> (64 - TIMER_PID_BITS) != 0;
	uint64_t key = is_off ? TIMER_OFF : deadline << TIMER_PID_BITS | pid;

	if (timer_tree[HV_NPROC + pid] != key)
		timer_set_key(pid, key);
}

/* Handles the EL2 timer's interrupt: one deadline, and the tick. */
void timer_interrupt(struct hv_cpu *cpu);

#endif
