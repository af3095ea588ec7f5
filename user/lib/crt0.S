/* SPDX-License-Identifier: MIT */
/*
 * Where every program starts: EL1 with SP_EL1 selected, interrupts masked,
 * x0 = start-up block or 0, all other registers 0. Makes a place for
 * exceptions, then runs C on SP_EL0, so that a fault on the stack can be
 * handled on SP_EL1.
 */
	.section .text.hv_start, "ax"
	.globl	_start
	.type	_start, %function
_start:
	adrp	x1, hv_handler_stack_end
	add	x1, x1, :lo12:hv_handler_stack_end
	mov	sp, x1
	adrp	x1, hv_vectors
	add	x1, x1, :lo12:hv_vectors
	msr	vbar_el1, x1
	adrp	x1, __tls_base
	add	x1, x1, :lo12:__tls_base
	ldr	x2, =__tls_offset		/* TPIDR_EL0 is that much below (AAELF64) */
	sub	x1, x1, x2
	msr	tpidr_el0, x1
	msr	tpidrro_el0, x1			/* where handlers find it again */
	isb					/* VBAR_EL1, before anything faults */
	mov	x29, xzr			/* the end of every backtrace */
	mov	x30, xzr
	bl	os_start			/* on the handler stack: x0 = first SP */
	msr	spsel, #0
	mov	sp, x0
	mov	x29, xzr
	b	os_main
	.size	_start, . - _start

	.section .hv_handler_stack, "aw", %nobits
	.balign	4096
	.globl	hv_handler_stack
	.type	hv_handler_stack, %object
hv_handler_stack:
	.skip	8192
	.size	hv_handler_stack, . - hv_handler_stack
	.globl	hv_handler_stack_end
hv_handler_stack_end:
