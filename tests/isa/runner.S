/* SPDX-License-Identifier: MIT */
/*
 * isa_run(): loads the registers from isa_state, executes word CODE_BEFORE of
 * isa_code and then the instruction under test, and stores the registers
 * there. Runs at EL0 under qemu-aarch64. TPIDR_EL0 keeps x0 while x0 is the
 * pointer.
 */
#include "runner.h"

	.macro	each_quad operation
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	quad_pair \operation, \n, %(\n + 1)
	.endr
	.endm
	.altmacro
	.macro	quad_pair operation, low, high
	\operation q\low, q\high, [x0, #STATE_Q + 16 * \low]
	.endm

	.text
	.globl	isa_run
	.type	isa_run, %function
isa_run:
	stp	x29, x30, [sp, #-176]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	adrp	x0, isa_sp
	mov	x1, sp
	str	x1, [x0, :lo12:isa_sp]
	adrp	x0, isa_state
	ldr	x1, [x0, #STATE_NZCV]
	msr	nzcv, x1
	ldr	x1, [x0, #STATE_FPCR]
	msr	fpcr, x1
	ldr	x1, [x0, #STATE_FPSR]
	msr	fpsr, x1
	ldr	x1, [x0, #STATE_SP]
	mov	sp, x1
	each_quad ldp
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	b	isa_code + 4 * CODE_BEFORE

	/* x1 = index in isa_code of the word that was reached, x0 = isa_state. */
landed:
	str	x1, [x0, #STATE_LANDED]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	each_quad stp
	mrs	x1, nzcv
	str	x1, [x0, #STATE_NZCV]
	mrs	x1, fpcr
	str	x1, [x0, #STATE_FPCR]
	mrs	x1, fpsr
	str	x1, [x0, #STATE_FPSR]
	mov	x1, sp
	str	x1, [x0, #STATE_SP]
	mrs	x1, tpidr_el0
	str	x1, [x0]
	adrp	x0, isa_sp
	ldr	x1, [x0, :lo12:isa_sp]
	mov	sp, x1
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #176
	ret
	.size	isa_run, . - isa_run

	/* One way to `landed` for each word of isa_code. */
	.set	LANDING_BYTES, 20
landings:
	.set	n, 0
	.rept	CODE_WORDS
	msr	tpidr_el0, x0
	adrp	x0, isa_state
	str	x1, [x0, #8]
	mov	x1, #n
	b	landed
	.set	n, n + 1
	.endr

	.bss
	.balign	4096
	.globl	isa_state
isa_state:
	.zero	4096
isa_sp:
	.zero	8

	/* The runner makes these pages executable, too. */
	.data
	.balign	4096
	.globl	isa_code
isa_code:
	.set	n, 0
	.rept	CODE_WORDS
	.if	n == CODE_BEFORE + 1
	b	isa_code + 4 * CODE_SLOT
	.else
	b	landings + LANDING_BYTES * n
	.endif
	.set	n, n + 1
	.endr

	.section .note.GNU-stack, "", %progbits
