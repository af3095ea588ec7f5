/* SPDX-License-Identifier: MIT */
/* Interrupts of processes: from the physical one to the process that owns its line. */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <stdbool.h>

#include "state.h"

/* Leaves an interrupt to its owner, who deactivates it; false if nobody has it. */
bool irq_forward(struct hv_cpu *cpu, uint64_t intid);
/* The virtual timer of the loaded process has fired. */
void irq_timer(struct hv_cpu *cpu);
/* Makes a process ready that waits for an interrupt; false if it does not. */
bool irq_wake(uint64_t pid);

#endif
