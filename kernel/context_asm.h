/* SPDX-License-Identifier: MIT */
/*
 * Macros over the EL1 system registers of a process and its context page.
 * For the baseline's names of registers only; clobber x2, x3.
 */
#ifndef KERNEL_CONTEXT_ASM_H
#define KERNEL_CONTEXT_ASM_H

/*
 * Registers that not every core has; by encoding, as the baseline lacks the
 * names. A core with FEAT_SME is an Armv9 core and so has FEAT_RAS too.
 */
#define VDISR_EL2 S3_4_C12_C1_1		/* FEAT_RAS */
#define TPIDR2_EL0 S3_3_C13_C0_5	/* FEAT_SME; nothing traps it at EL1 without FEAT_FGT */

	/* \skip if the core has no FEAT_SME; clobbers x3 */
	.macro unless_sme skip
	adrp	x3, machine
	add	x3, x3, :lo12:machine
	ldr	x3, [x3, #MACHINE_HAS_SME]
	cbz	x3, \skip
	.endm

	.macro save_pair ctx, off, reg0, reg1
	mrs	x2, \reg0
	mrs	x3, \reg1
	stp	x2, x3, [\ctx, #\off]
	.endm

	.macro load_pair ctx, off, reg0, reg1
	ldp	x2, x3, [\ctx, #\off]
	msr	\reg0, x2
	msr	\reg1, x3
	.endm

	.macro save_common_registers ctx
	save_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2
	save_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1
	save_pair \ctx, OFF_ELR_EL1, elr_el1, spsr_el1
	save_pair \ctx, OFF_ESR_EL1, esr_el1, far_el1
	save_pair \ctx, OFF_VBAR_EL1, vbar_el1, par_el1
	save_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	save_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	save_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	.endm

	/* Of those that not every core has */
	.macro save_further_registers cpu, ctx
	ldr	x2, [\cpu, #CPU_MORE]
	tbz	x2, #MORE_RAS, .Lsaved\@
	mrs	x2, VDISR_EL2
	str	x2, [\ctx, #OFF_VDISR_EL2]
	unless_sme .Lsaved\@
	mrs	x2, TPIDR2_EL0
	str	x2, [\ctx, #OFF_TPIDR2_EL0]
.Lsaved\@:
	.endm

	.macro load_common_registers ctx
	load_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2
	load_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1
	load_pair \ctx, OFF_ELR_EL1, elr_el1, spsr_el1
	load_pair \ctx, OFF_ESR_EL1, esr_el1, far_el1
	load_pair \ctx, OFF_VBAR_EL1, vbar_el1, par_el1
	load_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	load_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	load_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	.endm

/*
 * AFSR0/1_EL1 are zeroed, not switched, where they keep anything: no value of
 * one process may be read by the next. A process cannot write them (HCR_EL2.TVM).
 */
	.macro load_further_registers cpu, ctx
	ldr	x2, [\cpu, #CPU_MORE]
	tbz	x2, #MORE_AFSR, .Lzeroed\@
	msr	afsr0_el1, xzr
	msr	afsr1_el1, xzr
.Lzeroed\@:
	tbz	x2, #MORE_RAS, .Lloaded\@
	ldr	x2, [\ctx, #OFF_VDISR_EL2]
	msr	VDISR_EL2, x2
	unless_sme .Lloaded\@
	ldr	x2, [\ctx, #OFF_TPIDR2_EL0]
	msr	TPIDR2_EL0, x2
.Lloaded\@:
	.endm

#endif
