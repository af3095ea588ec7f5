/* SPDX-License-Identifier: MIT */
/* Deadlines of blocked processes and the scheduler's tick, on the EL2 physical timer. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <stdint.h>

#include "state.h"

/* Sets the deadline of a process, a counter value or HV_FOREVER. */
void timer_set(uint64_t pid, uint64_t deadline);
/* Handles the EL2 timer's interrupt: one deadline, and the tick. */
void timer_interrupt(struct hv_cpu *cpu);

#endif
