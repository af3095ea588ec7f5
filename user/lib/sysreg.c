/* SPDX-License-Identifier: MIT */
/*
 * Names of system registers and instructions whose access the kernel traps.
 * Encodings: DDI 0487J.a, D17 (registers) and C5 (instructions).
 */
#include "sysreg.h"

#include <stddef.h>

/* Where the ISS has op0, op1, CRn, CRm and op2. */
#define ISS(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define ISS_MASK ISS(3U, 7U, 15U, 15U, 7U)

static const struct {
	uint32_t iss;
	const char *name;
} names[] = {
	{ ISS(3U, 0U, 1U, 0U, 0U), "SCTLR_EL1" },
	{ ISS(3U, 0U, 1U, 0U, 1U), "ACTLR_EL1" },
	{ ISS(3U, 0U, 1U, 0U, 2U), "CPACR_EL1" },
	{ ISS(3U, 0U, 2U, 0U, 0U), "TTBR0_EL1" },
	{ ISS(3U, 0U, 2U, 0U, 1U), "TTBR1_EL1" },
	{ ISS(3U, 0U, 2U, 0U, 2U), "TCR_EL1" },
	{ ISS(3U, 0U, 5U, 1U, 0U), "AFSR0_EL1" },
	{ ISS(3U, 0U, 5U, 1U, 1U), "AFSR1_EL1" },
	{ ISS(3U, 0U, 5U, 2U, 0U), "ESR_EL1" },
	{ ISS(3U, 0U, 6U, 0U, 0U), "FAR_EL1" },
	{ ISS(3U, 0U, 10U, 2U, 0U), "MAIR_EL1" },
	{ ISS(3U, 0U, 10U, 3U, 0U), "AMAIR_EL1" },
	{ ISS(3U, 0U, 12U, 11U, 5U), "ICC_SGI1R_EL1" },
	{ ISS(3U, 0U, 13U, 0U, 1U), "CONTEXTIDR_EL1" },
	{ ISS(3U, 1U, 0U, 0U, 0U), "CCSIDR_EL1" },
	{ ISS(3U, 1U, 0U, 0U, 1U), "CLIDR_EL1" },
	{ ISS(3U, 1U, 0U, 0U, 7U), "AIDR_EL1" },
	{ ISS(3U, 2U, 0U, 0U, 0U), "CSSELR_EL1" },
	{ ISS(3U, 3U, 0U, 0U, 1U), "CTR_EL0" },
	{ ISS(3U, 3U, 9U, 12U, 0U), "PMCR_EL0" },
	{ ISS(3U, 3U, 9U, 13U, 0U), "PMCCNTR_EL0" },
	{ ISS(3U, 3U, 14U, 0U, 1U), "CNTPCT_EL0" },
	{ ISS(3U, 3U, 14U, 2U, 0U), "CNTP_TVAL_EL0" },
	{ ISS(3U, 3U, 14U, 2U, 1U), "CNTP_CTL_EL0" },
	{ ISS(3U, 3U, 14U, 2U, 2U), "CNTP_CVAL_EL0" },
	{ ISS(2U, 0U, 0U, 2U, 2U), "MDSCR_EL1" },
	{ ISS(2U, 0U, 1U, 0U, 4U), "OSLAR_EL1" },
	{ ISS(1U, 0U, 7U, 1U, 0U), "IC IALLUIS" },
	{ ISS(1U, 0U, 7U, 5U, 0U), "IC IALLU" },
	{ ISS(1U, 3U, 7U, 5U, 1U), "IC IVAU" },
	{ ISS(1U, 0U, 7U, 6U, 1U), "DC IVAC" },
	{ ISS(1U, 0U, 7U, 6U, 2U), "DC ISW" },
	{ ISS(1U, 0U, 7U, 10U, 2U), "DC CSW" },
	{ ISS(1U, 0U, 7U, 14U, 2U), "DC CISW" },
	{ ISS(1U, 3U, 7U, 10U, 1U), "DC CVAC" },
	{ ISS(1U, 3U, 7U, 11U, 1U), "DC CVAU" },
	{ ISS(1U, 3U, 7U, 14U, 1U), "DC CIVAC" },
};

/* Whole groups: every op2 of CRm in some range. */
static const char *group_name(uint64_t iss)
{
	uint64_t op0 = iss >> 20 & 3, crn = iss >> 10 & 15, crm = iss >> 1 & 15;

	if (op0 == 1 && crn == 8)
		return "TLBI";
	if (op0 == 3 && (iss >> 14 & 7) == 0 && crn == 0 && crm > 0 && crm < 8)
		return "an ID register";
	if (op0 == 2)
		return "a debug register";
	return NULL;
}

const char *sysreg_name(uint64_t iss)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].iss == (iss & ISS_MASK))
			return names[i].name;
	return group_name(iss);
}
