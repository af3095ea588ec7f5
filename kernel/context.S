/* SPDX-License-Identifier: MIT */
/*
 * The registers of a process beyond the general ones: to and from its context
 * page. EL2, no stack; offsets come from state.h.
 */
#include "asm-offsets.h"

	/* the two registers become words off and off + 8 of the context \ctx */
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

	.macro q_registers op, base
	\op	q0, q1, [\base]
	\op	q2, q3, [\base, #32]
	\op	q4, q5, [\base, #64]
	\op	q6, q7, [\base, #96]
	\op	q8, q9, [\base, #128]
	\op	q10, q11, [\base, #160]
	\op	q12, q13, [\base, #192]
	\op	q14, q15, [\base, #224]
	\op	q16, q17, [\base, #256]
	\op	q18, q19, [\base, #288]
	\op	q20, q21, [\base, #320]
	\op	q22, q23, [\base, #352]
	\op	q24, q25, [\base, #384]
	\op	q26, q27, [\base, #416]
	\op	q28, q29, [\base, #448]
	\op	q30, q31, [\base, #480]
	.endm

	.arch	armv8-a+fp+simd
	.text

/* VDISR_EL2 exists with FEAT_RAS only; by encoding, as the baseline lacks the name. */
#define VDISR_EL2 S3_4_C12_C1_1

/*
 * context_save(x0 = cpu, x1 = context). Clobbers x2-x4.
 * Afterwards FP/SIMD is trapped and no Q register is live.
 */
	.balign	16
	.globl	context_save
	.type	context_save, %function
context_save:
	save_pair x1, OFF_ELR_EL2, elr_el2, spsr_el2
	save_pair x1, OFF_SP_EL0, sp_el0, sp_el1
	save_pair x1, OFF_ELR_EL1, elr_el1, spsr_el1
	save_pair x1, OFF_ESR_EL1, esr_el1, far_el1
	save_pair x1, OFF_VBAR_EL1, vbar_el1, par_el1
	save_pair x1, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	save_pair x1, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	save_pair x1, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	adrp	x4, machine
	add	x4, x4, :lo12:machine
	ldr	x2, [x4, #MACHINE_HAS_RAS]
	cbz	x2, 1f
	mrs	x2, VDISR_EL2
	str	x2, [x1, #OFF_VDISR_EL2]
1:	ldr	x2, [x0, #CPU_FP_LIVE]
	cbz	x2, 2f
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [x1, #OFF_FPCR]
	add	x2, x1, #OFF_Q0
	q_registers stp, x2
	str	xzr, [x0, #CPU_FP_LIVE]
	ldr	x2, [x4, #MACHINE_CPTR]
	msr	cptr_el2, x2
2:	ret
	.size	context_save, . - context_save

/*
 * context_load(x1 = context). Clobbers x2-x4.
 * AFSR0/1_EL1 are zeroed, not switched: no value of one process may be read
 * by the next, and the cores of the baseline never write them (DDI 0500J, 4.3).
 */
	.balign	16
	.globl	context_load
	.type	context_load, %function
context_load:
	load_pair x1, OFF_ELR_EL2, elr_el2, spsr_el2
	load_pair x1, OFF_SP_EL0, sp_el0, sp_el1
	load_pair x1, OFF_ELR_EL1, elr_el1, spsr_el1
	load_pair x1, OFF_ESR_EL1, esr_el1, far_el1
	load_pair x1, OFF_VBAR_EL1, vbar_el1, par_el1
	load_pair x1, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	load_pair x1, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	load_pair x1, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	msr	afsr0_el1, xzr
	msr	afsr1_el1, xzr
	adrp	x4, machine
	add	x4, x4, :lo12:machine
	ldr	x2, [x4, #MACHINE_HAS_RAS]
	cbz	x2, 1f
	ldr	x2, [x1, #OFF_VDISR_EL2]
	msr	VDISR_EL2, x2
1:	ret
	.size	context_load, . - context_load

/*
 * context_load_fp(x0 = cpu, x1 = context). Clobbers x2, x3 and every Q register,
 * which become the process's.
 */
	.balign	16
	.globl	context_load_fp
	.type	context_load_fp, %function
context_load_fp:
	adrp	x2, machine
	add	x2, x2, :lo12:machine
	ldr	x2, [x2, #MACHINE_CPTR]
	bic	x2, x2, #(1 << 10)	/* TFP */
	msr	cptr_el2, x2
	isb				/* before EL2 itself uses the Q registers */
	ldp	x2, x3, [x1, #OFF_FPCR]
	msr	fpcr, x2
	msr	fpsr, x3
	add	x2, x1, #OFF_Q0
	q_registers ldp, x2
	mov	x2, #1
	str	x2, [x0, #CPU_FP_LIVE]
	ret
	.size	context_load_fp, . - context_load_fp
