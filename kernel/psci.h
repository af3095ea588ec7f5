/* SPDX-License-Identifier: MIT */
/*
 * Power State Coordination Interface (DEN 0022E), through SMC. Boot has
 * refused a machine whose firmware does not offer it (boot_dt.c).
 */
#ifndef KERNEL_PSCI_H
#define KERNEL_PSCI_H

#include "prim.h"

#define PSCI_SYSTEM_OFF		0x84000008ULL	/* 5.10 */
#define PSCI_SYSTEM_RESET	0x84000009ULL	/* 5.11 */

/* Neither comes back from a firmware that keeps to the standard. */
static inline void psci_system_off(void) { (void)smc_call(PSCI_SYSTEM_OFF, 0, 0, 0); }
static inline void psci_system_reset(void) { (void)smc_call(PSCI_SYSTEM_RESET, 0, 0, 0); }

#endif
