/* SPDX-License-Identifier: MIT */
/* Numbers that the assembly needs, taken from the C declarations at build time. */
#include <stddef.h>

#include "hypercall.h"
#include "layout.h"
#include "state.h"

/* Pairs that vectors.S loads or stores at once. */
_Static_assert(offsetof(struct hv_cpu, loaded) == offsetof(struct hv_cpu, current) + 8, "pair");
_Static_assert(offsetof(struct hv_cpu, ctx) == offsetof(struct hv_cpu, loaded) + 8, "pair");
_Static_assert(offsetof(struct hv_cpu, pages_pa) == offsetof(struct hv_cpu, switches) + 8, "pair");
_Static_assert(offsetof(struct hv_proc, ctx) == offsetof(struct hv_proc, root) + 8, "pair");

#define DEFINE(name, value) \
	asm volatile("\n.ascii \"->" #name " %0\"" :: "i"((long)(value)))

void asm_offsets(void);
void asm_offsets(void)
{
	DEFINE(CPU_CURRENT, offsetof(struct hv_cpu, current));
	DEFINE(CPU_LOADED, offsetof(struct hv_cpu, loaded));
	DEFINE(CPU_CTX, offsetof(struct hv_cpu, ctx));
	DEFINE(CPU_DOOMED, offsetof(struct hv_cpu, doomed));
	DEFINE(CPU_MORE, offsetof(struct hv_cpu, more));
	DEFINE(MORE_FP, __builtin_ctz(HV_CPU_FP));
	DEFINE(MORE_VGIC, __builtin_ctz(HV_CPU_VGIC));
	DEFINE(MORE_RAS, __builtin_ctz(HV_CPU_RAS));
	DEFINE(MORE_AFSR, __builtin_ctz(HV_CPU_AFSR));
	DEFINE(CPU_SWITCHES, offsetof(struct hv_cpu, switches));

	DEFINE(CPU_NUMBER, offsetof(struct hv_cpu, number));
	DEFINE(CPU_BIT, offsetof(struct hv_cpu, bit));
	DEFINE(SCHED_IDLE, offsetof(struct hv_sched, idle));

	DEFINE(PROC_SIZE_SHIFT, __builtin_ctz(sizeof(struct hv_proc)));
	DEFINE(PROC_ROOT, offsetof(struct hv_proc, root));
	DEFINE(PROC_HAS_VGIC, offsetof(struct hv_proc, has_vgic));

	DEFINE(MACHINE_EMPTY_ROOT, offsetof(struct machine, empty_root));
	DEFINE(MACHINE_HAS_SME, offsetof(struct machine, has_sme));
	DEFINE(MACHINE_CPTR, offsetof(struct machine, cptr));

	DEFINE(OFF_X0, 8 * CTX_X0);
	DEFINE(OFF_ELR_EL2, 8 * CTX_ELR_EL2);
	DEFINE(OFF_SP_EL0, 8 * CTX_SP_EL0);
	DEFINE(OFF_ELR_EL1, 8 * CTX_ELR_EL1);
	DEFINE(OFF_ESR_EL1, 8 * CTX_ESR_EL1);
	DEFINE(OFF_VBAR_EL1, 8 * CTX_VBAR_EL1);
	DEFINE(OFF_TPIDR_EL0, 8 * CTX_TPIDR_EL0);
	DEFINE(OFF_TPIDRRO_EL0, 8 * CTX_TPIDRRO_EL0);
	DEFINE(OFF_CNTV_CTL_EL0, 8 * CTX_CNTV_CTL_EL0);
	DEFINE(OFF_VDISR_EL2, 8 * CTX_VDISR_EL2);
	DEFINE(OFF_TPIDR2_EL0, 8 * CTX_TPIDR2_EL0);
	DEFINE(OFF_FPCR, 8 * CTX_FPCR);
	DEFINE(OFF_Q0, 8 * CTX_Q0);

	DEFINE(ASM_HC_FULL_FIRST, HC_FULL_FIRST);
	DEFINE(ASM_HC_COUNT, HC_COUNT);
	DEFINE(ASM_ENOSYS, HV_ENOSYS);
	DEFINE(ASM_PAGE_SIZE, HV_PAGE_SIZE);
	DEFINE(ASM_NCPU, HV_NCPU);
	DEFINE(ASM_STACK_SIZE, sizeof(cpu_stacks[0]));
}
