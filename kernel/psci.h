/* SPDX-License-Identifier: MIT */
/*
 * Power State Coordination Interface (DEN 0022E), through SMC. Boot has
 * refused a machine whose firmware does not offer it (boot_dt.c).
 */
#ifndef KERNEL_PSCI_H
#define KERNEL_PSCI_H

#include "prim.h"

#define PSCI_CPU_OFF		0x84000002ULL	/* 5.5 */
#define PSCI_CPU_ON		0xc4000003ULL	/* 5.6 */
#define PSCI_AFFINITY_INFO	0xc4000004ULL	/* 5.7 */
#define PSCI_SYSTEM_OFF		0x84000008ULL	/* 5.10 */
#define PSCI_SYSTEM_RESET	0x84000009ULL	/* 5.11 */

/* Starts a core at a physical address with a word in x0. 0, or one of the errors of 5.2.2. */
static inline int64_t psci_cpu_on(uint64_t mpidr, uint64_t pc, uint64_t word)
{
	return (int64_t)smc_call(PSCI_CPU_ON, mpidr, pc, word);
}

enum { PSCI_AFFINITY_OFF = 1 };
static inline int64_t psci_affinity_info(uint64_t mpidr)
{
	return (int64_t)smc_call(PSCI_AFFINITY_INFO, mpidr, 0, 0);
}

/* Switches this core off; comes back only if the firmware refuses. */
static inline void psci_cpu_off(void) { (void)smc_call(PSCI_CPU_OFF, 0, 0, 0); }

/* Neither comes back from a firmware that keeps to the standard. */
static inline void psci_system_off(void) { (void)smc_call(PSCI_SYSTEM_OFF, 0, 0, 0); }
static inline void psci_system_reset(void) { (void)smc_call(PSCI_SYSTEM_RESET, 0, 0, 0); }

#endif
