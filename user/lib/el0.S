/* SPDX-License-Identifier: MIT */
/*
 * Into EL0 and back. Registers of EL0 are in a struct hv_frame (offsets as in
 * vectors.S); the host's callee-saved ones stay on its stack meanwhile.
 */
	.set	FRAME_X30, 8 * 30
	.set	FRAME_ELR, 8 * 32
	.set	EL0_HOST_SP, 8 * 36	/* struct hv_el0, as el0.c asserts */
	.set	EL0_TPIDR, 8 * 37
	.set	EL0_HOST_SP1, 8 * 38
	.set	EL0_FP, 8 * 40
	.set	HOST_SIZE, 176		/* x19..x30, d8..d15, FPCR on the host's stack */

	.arch	armv8-a+fp+simd
	.text

	/* q0..q31 and FPCR, FPSR at x9 */
	.macro fp_all op
	\op	q0, q1, [x9]
	\op	q2, q3, [x9, #32]
	\op	q4, q5, [x9, #64]
	\op	q6, q7, [x9, #96]
	\op	q8, q9, [x9, #128]
	\op	q10, q11, [x9, #160]
	\op	q12, q13, [x9, #192]
	\op	q14, q15, [x9, #224]
	\op	q16, q17, [x9, #256]
	\op	q18, q19, [x9, #288]
	\op	q20, q21, [x9, #320]
	\op	q22, q23, [x9, #352]
	\op	q24, q25, [x9, #384]
	\op	q26, q27, [x9, #416]
	\op	q28, q29, [x9, #448]
	\op	q30, q31, [x9, #480]
	.endm

	/* what a function must keep, at sp */
	.macro host_registers op
	\op	x29, x30, [sp]
	\op	x19, x20, [sp, #16]
	\op	x21, x22, [sp, #32]
	\op	x23, x24, [sp, #48]
	\op	x25, x26, [sp, #64]
	\op	x27, x28, [sp, #80]
	\op	d8, d9, [sp, #96]
	\op	d10, d11, [sp, #112]
	\op	d12, d13, [sp, #128]
	\op	d14, d15, [sp, #144]
	.endm

/*
 * os_el0_enter(x0 = struct hv_el0). Returns when os_el0_return is called.
 * From EL1t (the program) only.
 */
	.globl	os_el0_enter
	.type	os_el0_enter, %function
os_el0_enter:
	sub	sp, sp, #HOST_SIZE
	host_registers stp
	mov	x29, sp
	mrs	x1, fpcr
	str	x1, [sp, #160]
	mov	x1, sp
	str	x1, [x0, #EL0_HOST_SP]
	add	x9, x0, #EL0_FP
	fp_all	ldp
	add	x9, x9, #512		/* beyond the reach of ldp */
	ldp	x1, x2, [x9]
	msr	fpcr, x1
	msr	fpsr, x2
	msr	spsel, #1		/* SP_EL0 is about to be EL0's */
	mov	x1, sp
	str	x1, [x0, #EL0_HOST_SP1]
	ldp	x30, x1, [x0, #FRAME_X30]
	msr	sp_el0, x1
	ldp	x1, x2, [x0, #FRAME_ELR]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	ldr	x1, [x0, #EL0_TPIDR]
	msr	tpidr_el0, x1
	ldp	x2, x3, [x0, #8 * 2]
	ldp	x4, x5, [x0, #8 * 4]
	ldp	x6, x7, [x0, #8 * 6]
	ldp	x8, x9, [x0, #8 * 8]
	ldp	x10, x11, [x0, #8 * 10]
	ldp	x12, x13, [x0, #8 * 12]
	ldp	x14, x15, [x0, #8 * 14]
	ldp	x16, x17, [x0, #8 * 16]
	ldp	x18, x19, [x0, #8 * 18]
	ldp	x20, x21, [x0, #8 * 20]
	ldp	x22, x23, [x0, #8 * 22]
	ldp	x24, x25, [x0, #8 * 24]
	ldp	x26, x27, [x0, #8 * 26]
	ldp	x28, x29, [x0, #8 * 28]
	ldp	x0, x1, [x0]
	eret
	.size	os_el0_enter, . - os_el0_enter

/*
 * os_el0_return(x0 = struct hv_el0). On SP_EL1; the way back to the caller of
 * os_el0_enter. What lies on the handler stack is dropped.
 */
	.globl	os_el0_return
	.type	os_el0_return, %function
os_el0_return:
	ldr	x1, [x0, #EL0_HOST_SP1]
	mov	sp, x1
	add	x9, x0, #EL0_FP
	fp_all	stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x9, x9, #512		/* beyond the reach of stp */
	stp	x1, x2, [x9]
	ldr	x1, [x0, #EL0_HOST_SP]
	msr	spsel, #0
	mov	sp, x1
	ldr	x1, [sp, #160]
	msr	fpcr, x1
	host_registers ldp
	add	sp, sp, #HOST_SIZE
	ret
	.size	os_el0_return, . - os_el0_return

/*
 * Copied in front of a function that hv_el0_run runs: x0 = its argument,
 * x1 = where it lies.
 */
	.globl	os_el0_gate
	.globl	os_el0_gate_end
os_el0_gate:
	blr	x1
	svc	#0
	udf	#0
os_el0_gate_end:
