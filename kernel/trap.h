/* SPDX-License-Identifier: MIT */
/* What vectors.S calls once a process's general registers are in its context page. */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include "state.h"

/* A synchronous exception other than a plain hypercall. */
void trap_sync(struct hv_cpu *cpu);
/* An interrupt; also called by the idle core, when no process is loaded. */
void trap_irq(struct hv_cpu *cpu);
/* The end of an interrupt: what waits for the loaded process is listed, then leave_idle(). */
void leave_irq(struct hv_cpu *cpu);
/* An idle core takes the next ready process; another one may have one too. */
void leave_idle(struct hv_cpu *cpu);
/* Stops the current process, which another core has killed. */
void trap_doomed(struct hv_cpu *cpu);
/* Stops the current process, with the syndrome as the cause. */
void trap_stop(struct hv_cpu *cpu);

#endif
