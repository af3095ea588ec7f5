/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that the process takes itself, at EL1. All registers go into a
 * struct hv_frame on SP_EL1; the handler registered for the kind is entered
 * next; what comes back in the frame is what the program goes on with.
 *
 * hv_exc is the table of dispatch.c: 64 bytes, the kind of each exception
 * class, then for each kind a function (bit 0 set: it uses FP registers, save
 * them) and its argument.
 */
	.set	FRAME_X30, 8 * 30	/* struct hv_frame */
	.set	FRAME_SP, 8 * 31
	.set	FRAME_ELR, 8 * 32
	.set	FRAME_SPSR, 8 * 33
	.set	FRAME_ESR, 8 * 34
	.set	FRAME_FAR, 8 * 35
	.set	FRAME_SIZE, 8 * 36
	.set	FP_SIZE, 16 * 32 + 16
	.set	MARGIN, 3072		/* HANDLER_STACK_MARGIN of os.h */
	.set	ESR_IRQ, 0x3f << 26	/* HV_ESR_IRQ */

	.macro save_x0_x29
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #8 * 2]
	stp	x4, x5, [sp, #8 * 4]
	stp	x6, x7, [sp, #8 * 6]
	stp	x8, x9, [sp, #8 * 8]
	stp	x10, x11, [sp, #8 * 10]
	stp	x12, x13, [sp, #8 * 12]
	stp	x14, x15, [sp, #8 * 14]
	stp	x16, x17, [sp, #8 * 16]
	stp	x18, x19, [sp, #8 * 18]
	stp	x20, x21, [sp, #8 * 20]
	stp	x22, x23, [sp, #8 * 22]
	stp	x24, x25, [sp, #8 * 24]
	stp	x26, x27, [sp, #8 * 26]
	stp	x28, x29, [sp, #8 * 28]
	.endm

	.macro fp_pairs op
	\op	q0, q1, [sp, #16 * 0]
	\op	q2, q3, [sp, #16 * 2]
	\op	q4, q5, [sp, #16 * 4]
	\op	q6, q7, [sp, #16 * 6]
	\op	q8, q9, [sp, #16 * 8]
	\op	q10, q11, [sp, #16 * 10]
	\op	q12, q13, [sp, #16 * 12]
	\op	q14, q15, [sp, #16 * 14]
	\op	q16, q17, [sp, #16 * 16]
	\op	q18, q19, [sp, #16 * 18]
	\op	q20, q21, [sp, #16 * 20]
	\op	q22, q23, [sp, #16 * 22]
	\op	q24, q25, [sp, #16 * 24]
	\op	q26, q27, [sp, #16 * 26]
	\op	q28, q29, [sp, #16 * 28]
	\op	q30, q31, [sp, #16 * 30]
	.endm

	.macro vector offset
	.org	hv_vectors + \offset
	.endm

	/* On SP_EL1 already: room for a frame, x0 and x1 in it, unless there is too little left. */
	.macro nested_frame
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, sp
	adrp	x1, hv_handler_stack + MARGIN
	add	x1, x1, :lo12:hv_handler_stack + MARGIN
	cmp	x0, x1
	b.lo	enter_overflow
	ldp	x0, x1, [sp]
	.endm

	.arch	armv8-a+fp+simd
	.section .text.hv_vectors, "ax"
	.balign	2048
	.globl	hv_vectors
	.type	hv_vectors, %object
hv_vectors:
	vector	0x000			/* the program, on SP_EL0 */
enter_from_sp0:
	sub	sp, sp, #FRAME_SIZE
	save_x0_x29
	mrs	x0, sp_el0
	stp	x30, x0, [sp, #FRAME_X30]
	b	enter_common
	vector	0x080
enter_irq:
	sub	sp, sp, #FRAME_SIZE
	save_x0_x29
	mrs	x0, sp_el0
	stp	x30, x0, [sp, #FRAME_X30]
	mov	x3, #ESR_IRQ
	b	enter_dispatch
	vector	0x100
	b	enter_async_sp0
	vector	0x180
	b	enter_async_sp0

	vector	0x200			/* a handler, on SP_EL1 */
	nested_frame
	b	enter_nested
	vector	0x280
	nested_frame
	b	enter_irq_sp1
	vector	0x300
	b	enter_async_sp1
	vector	0x380
	b	enter_async_sp1

	/*
	 * EL0. An svc for which a fast handler exists is a function call:
	 * x0..x5 and x8 in, x0 out, x1..x17 zeroed. TPIDR_EL1 is this path's.
	 */
	vector	0x400
	msr	tpidr_el1, x16
	mrs	x16, esr_el1
	lsr	x16, x16, #26
	cmp	x16, #0x15		/* SVC from AArch64 */
	b.ne	enter_from_el0
	adrp	x16, hv_svc_fast
	ldr	x16, [x16, :lo12:hv_svc_fast]
	cbz	x16, enter_from_el0
	b	enter_svc
	vector	0x480
	b	enter_irq_el0
	vector	0x500
	b	enter_async_el0
	vector	0x580
	b	enter_async_el0
	vector	0x600			/* EL0 in AArch32 */
	msr	tpidr_el1, x16
	b	enter_from_el0
	vector	0x680
	b	enter_irq_el0
	vector	0x700
	b	enter_async_el0
	vector	0x780
	b	enter_async_el0
	vector	0x800
	.size	hv_vectors, . - hv_vectors

	/* Thread-local data of the host's handlers is the host's, not what EL0
	 * made of TPIDR_EL0. TPIDRRO_EL0, which EL0 cannot write, says where. */
	.macro host_tpidr
	str	x17, [sp, #-16]!
	mrs	x16, tpidr_el0
	adrp	x17, hv_el0_tpidr
	str	x16, [x17, :lo12:hv_el0_tpidr]
	mrs	x16, tpidrro_el0
	msr	tpidr_el0, x16
	ldr	x17, [sp], #16
	mrs	x16, tpidr_el1
	.endm

enter_from_el0:
	host_tpidr
	b	enter_from_sp0

enter_irq_el0:
	msr	tpidr_el1, x16
	host_tpidr
	b	enter_irq

enter_async_el0:
	msr	tpidr_el1, x16
	host_tpidr
	b	enter_async_sp0

enter_svc:
	mrs	x9, elr_el1		/* a handler's page fault overwrites both */
	mrs	x10, spsr_el1
	mrs	x11, tpidr_el0
	mrs	x12, tpidrro_el0
	msr	tpidr_el0, x12
	stp	x9, x10, [sp, #-32]!
	stp	x30, x11, [sp, #16]
	mov	x6, x8
	blr	x16
	ldp	x30, x11, [sp, #16]
	ldp	x9, x10, [sp], #32
	msr	elr_el1, x9
	msr	spsr_el1, x10
	msr	tpidr_el0, x11
	adr	x17, zeros
	ldp	x1, x2, [x17]
	ldp	x3, x4, [x17]
	ldp	x5, x6, [x17]
	ldp	x7, x8, [x17]
	ldp	x9, x10, [x17]
	ldp	x11, x12, [x17]
	ldp	x13, x14, [x17]
	ldp	x15, x16, [x17]
	mov	x17, xzr
	eret
	.balign	16
zeros:	.quad	0, 0

enter_irq_sp1:
	save_x0_x29
	add	x0, sp, #FRAME_SIZE
	stp	x30, x0, [sp, #FRAME_X30]
	mov	x3, #ESR_IRQ
	b	enter_dispatch

	/* FIQ, SError: ESR_EL1 is an older one's; class 0 is "unknown". */
enter_async_sp0:
	sub	sp, sp, #FRAME_SIZE
	save_x0_x29
	mrs	x0, sp_el0
	stp	x30, x0, [sp, #FRAME_X30]
	mov	x3, xzr
	b	enter_dispatch
enter_async_sp1:
	sub	sp, sp, #FRAME_SIZE
	save_x0_x29
	add	x0, sp, #FRAME_SIZE
	stp	x30, x0, [sp, #FRAME_X30]
	mov	x3, xzr
	b	enter_dispatch

enter_nested:
	save_x0_x29
	add	x0, sp, #FRAME_SIZE
	stp	x30, x0, [sp, #FRAME_X30]
enter_common:
	mrs	x3, esr_el1
enter_dispatch:
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x1, x2, [sp, #FRAME_ELR]
	mrs	x4, far_el1
	stp	x3, x4, [sp, #FRAME_ESR]
	lsr	x5, x3, #26
	adrp	x6, hv_exc
	add	x6, x6, :lo12:hv_exc
	ldrb	w7, [x6, x5]
	add	x6, x6, x7, lsl #4
	ldp	x8, x1, [x6, #64]
	cbz	x8, enter_default
	tbnz	x8, #0, enter_with_fp
	mov	x0, sp
	blr	x8
enter_check:
	cbz	w0, enter_default
enter_leave:
	ldp	x1, x2, [sp, #FRAME_ELR]
	ldp	x30, x0, [sp, #FRAME_X30]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	tbnz	x2, #0, 1f		/* back to SP_EL1: SP_EL0 has not moved */
	msr	sp_el0, x0
	tbz	x2, #2, enter_leave_el0
1:	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #8 * 2]
	ldp	x4, x5, [sp, #8 * 4]
	ldp	x6, x7, [sp, #8 * 6]
	ldp	x8, x9, [sp, #8 * 8]
	ldp	x10, x11, [sp, #8 * 10]
	ldp	x12, x13, [sp, #8 * 12]
	ldp	x14, x15, [sp, #8 * 14]
	ldp	x16, x17, [sp, #8 * 16]
	ldp	x18, x19, [sp, #8 * 18]
	ldp	x20, x21, [sp, #8 * 20]
	ldp	x22, x23, [sp, #8 * 22]
	ldp	x24, x25, [sp, #8 * 24]
	ldp	x26, x27, [sp, #8 * 26]
	ldp	x28, x29, [sp, #8 * 28]
	add	sp, sp, #FRAME_SIZE
	eret

enter_leave_el0:
	adrp	x0, hv_el0_tpidr
	ldr	x0, [x0, :lo12:hv_el0_tpidr]
	msr	tpidr_el0, x0
	b	1b

enter_default:
	mov	x0, sp
	bl	os_exception
	b	enter_leave

	/* x8 = handler + 1, x1 = its argument */
enter_with_fp:
	sub	sp, sp, #FP_SIZE
	fp_pairs stp
	mrs	x2, fpcr
	mrs	x3, fpsr
	add	x0, sp, #FP_SIZE
	stp	x2, x3, [x0, #-16]
	sub	x8, x8, #1
	blr	x8
	fp_pairs ldp
	add	x9, sp, #FP_SIZE
	ldp	x2, x3, [x9, #-16]
	msr	fpcr, x2
	msr	fpsr, x3
	mov	sp, x9
	b	enter_check

	/* Handlers have nested too deep: nothing here can be returned to. */
enter_overflow:
	adrp	x0, hv_handler_stack_end
	add	x0, x0, :lo12:hv_handler_stack_end
	mov	sp, x0
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	os_die_overflow
