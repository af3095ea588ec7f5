/* SPDX-License-Identifier: MIT */
/*
 * What cores must have in common. Boot decides by the first core's
 * identification registers, and a process that was there yesterday is
 * here today: its programs, cache lines and time must not change under it.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "prim.h"

/* Of the debug registers only what boot_sysregs.c uses: the number of breakpoints shows nowhere. */
#define DFR0_MASK (0xfULL << DFR0_PMUVER | 0xfULL << DFR0_PMSVER | 0xfULL << DFR0_TRACEFILT)

static const char *const names[] = {
	"ID_AA64PFR0_EL1", "ID_AA64PFR1_EL1", "ID_AA64DFR0_EL1", "ID_AA64ISAR0_EL1",
	"ID_AA64ISAR1_EL1", "ID_AA64MMFR0_EL1", "ID_AA64MMFR1_EL1", "CTR_EL0", "DCZID_EL0",
	"CNTFRQ_EL0",
};
enum { COUNT = sizeof(names) / sizeof(names[0]) };

static uint64_t first[COUNT];

static void read_all(uint64_t value[COUNT])
{
	value[0] = sysreg_read(id_aa64pfr0_el1);
	value[1] = sysreg_read(id_aa64pfr1_el1);
	value[2] = sysreg_read(id_aa64dfr0_el1) & DFR0_MASK;
	value[3] = sysreg_read(id_aa64isar0_el1);
	value[4] = sysreg_read(id_aa64isar1_el1);
	value[5] = sysreg_read(id_aa64mmfr0_el1);
	value[6] = sysreg_read(id_aa64mmfr1_el1);
	value[7] = sysreg_read(ctr_el0);
	value[8] = sysreg_read(dczid_el0);
	value[9] = sysreg_read(cntfrq_el0);
}

void features_keep(void)
{
	read_all(first);
}

void features_compare(void)
{
	uint64_t own[COUNT];

	read_all(own);
	for (uint64_t i = 0; i < COUNT; i++)
		if (own[i] != first[i])
			boot_fail("the core with MPIDR 0x%lx stays off: %s is 0x%lx, and 0x%lx "
				  "on the first", sysreg_read(mpidr_el1) & MPIDR_AFF_MASK,
				  names[i], own[i], first[i]);
}
