/* SPDX-License-Identifier: MIT */
/*
 * The registers of a process beyond the general ones: to and from its context
 * page. EL2, no stack; offsets come from state.h.
 */
#include "asm-offsets.h"
#include "context_asm.h"

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

/*
 * context_save(x0 = cpu, x1 = context). Clobbers x2, x3, x4.
 * Afterwards FP/SIMD is trapped and no Q register is live.
 */
	.balign	16
	.globl	context_save
	.type	context_save, %function
context_save:
	save_common_registers x1
	save_further_registers x0, x1
	ldr	x2, [x0, #CPU_MORE]
	tbnz	x2, #MORE_FP, context_save_fp
	ret
	.size	context_save, . - context_save

/*
 * context_save_fp(x0 = cpu, x1 = context), with live Q registers. Clobbers
 * x2, x3. Afterwards FP/SIMD is trapped and no Q register is live.
 */
	.balign	16
	.globl	context_save_fp
	.type	context_save_fp, %function
context_save_fp:
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [x1, #OFF_FPCR]
	add	x2, x1, #OFF_Q0
	q_registers stp, x2
	ldr	x2, [x0, #CPU_MORE]
	bic	x2, x2, #(1 << MORE_FP)
	str	x2, [x0, #CPU_MORE]
	adrp	x2, machine
	add	x2, x2, :lo12:machine
	ldr	x2, [x2, #MACHINE_CPTR]
	msr	cptr_el2, x2
	ret
	.size	context_save_fp, . - context_save_fp

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
	ldr	x2, [x0, #CPU_MORE]
	orr	x2, x2, #(1 << MORE_FP)
	str	x2, [x0, #CPU_MORE]
	ret
	.size	context_load_fp, . - context_load_fp
