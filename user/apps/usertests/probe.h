/* SPDX-License-Identifier: MIT */
/* Accesses that may fault, and hypercalls with every register looked at. */
#ifndef USERTESTS_PROBE_H
#define USERTESTS_PROBE_H

#include "test.h"

/* Each returns 0, or the ESR_EL1 of the exception that it took. Needs probe_start. */
uint64_t probe_load(uintptr_t va);
uint64_t probe_store(uintptr_t va, uint64_t value);
uint64_t probe_exec(uintptr_t va);	/* of code that does x0 = 0 and returns */

/* Registers handlers for aborts that catch the three above. */
void probe_start(void);
/* FAR_EL1 of the last one that faulted. */
uint64_t probe_far(void);

#define ESR_IS_DATA_ABORT(esr) ((esr) >> 26 == 0x25)
#define ESR_IS_INSN_ABORT(esr) ((esr) >> 26 == 0x21)
#define ESR_FSC(esr) ((esr) & 0x3f)
#define FSC_IS_TRANSLATION(fsc) ((fsc) >= 4 && (fsc) <= 7)
#define FSC_IS_PERMISSION(fsc) ((fsc) >= 13 && (fsc) <= 15)

/* True if the access fails for want of a mapping / of a permission. */
static inline bool is_unmapped(uint64_t esr)
{
	return esr != 0 && FSC_IS_TRANSLATION(ESR_FSC(esr));
}

static inline bool is_forbidden(uint64_t esr)
{
	return esr != 0 && FSC_IS_PERMISSION(ESR_FSC(esr));
}

/* Registers before and after a hypercall. */
struct registers {
	uint64_t x[31];
	uint64_t nzcv;
	uint64_t q[64];
};

/* `hvc #imm` with registers from *in; afterwards they are in *out. */
void probe_hvc0(const struct registers *in, struct registers *out);
void probe_hvc1(const struct registers *in, struct registers *out);
void probe_hvcffff(const struct registers *in, struct registers *out);

#endif
