/* SPDX-License-Identifier: MIT */
/* Registers of a process beyond the general ones; the routines are in context.S. */
#ifndef KERNEL_CONTEXT_H
#define KERNEL_CONTEXT_H

#include "state.h"

/* SPSR of a process that starts: EL1h, debug, SError, IRQ and FIQ masked (C5.2.19). */
#define SPSR_START 0x3c5ULL

/*
 * Stores the system registers, and the Q registers if they are live, of the
 * loaded process into its context page. FP/SIMD is trapped afterwards.
 */
void context_save(struct hv_cpu *cpu, uint64_t *ctx);
/* Loads the Q registers of the loaded process and stops trapping them. */
void context_load_fp(struct hv_cpu *cpu, const uint64_t *ctx);

#endif
