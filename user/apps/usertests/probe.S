/* SPDX-License-Identifier: MIT */
/* Leaf functions for probe.c: see probe.h. */
	.arch	armv8-a+fp+simd
	.text

	.macro	function name
	.globl	\name
	.type	\name, %function
\name:
	.endm

/* The first instruction of each is the one that may fault. */
function probe_load
	ldr	x1, [x0]
	mov	x0, #0
	ret

function probe_store
	str	x1, [x0]
	mov	x0, #0
	ret

function probe_exec
	br	x0

/* ---- hypercalls ---------------------------------------------------------------- */

	.macro	x_registers op, base
	\op	x2, x3, [\base, #16]
	\op	x4, x5, [\base, #32]
	\op	x6, x7, [\base, #48]
	\op	x8, x9, [\base, #64]
	\op	x10, x11, [\base, #80]
	\op	x12, x13, [\base, #96]
	\op	x14, x15, [\base, #112]
	\op	x16, x17, [\base, #128]
	\op	x18, x19, [\base, #144]
	\op	x20, x21, [\base, #160]
	\op	x22, x23, [\base, #176]
	\op	x24, x25, [\base, #192]
	\op	x26, x27, [\base, #208]
	\op	x28, x29, [\base, #224]
	.endm

	.macro	q_registers op, base
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	q_pair	\op, \base, \n, %(\n + 1)
	.endr
	.endm

	.altmacro
	.macro	q_pair op, base, n, m
	\op	q\n, q\m, [\base, #16 * \n]
	.endm

	/* x0 = struct registers in, x1 = out */
	.macro	probe_hvc name, imm
function \name
	stp	x29, x30, [sp, #-192]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	stp	x1, x18, [sp, #160]
	ldr	x2, [x0, #8 * 31]
	msr	nzcv, x2
	add	x2, x0, #8 * 32
	q_registers ldp, x2
	x_registers ldp, x0
	ldr	x30, [x0, #8 * 30]
	ldp	x0, x1, [x0]
	hvc	#\imm
	str	x0, [sp, #176]
	ldr	x0, [sp, #160]			/* out */
	str	x1, [x0, #8]
	x_registers stp, x0
	str	x30, [x0, #8 * 30]
	ldr	x1, [sp, #176]
	str	x1, [x0]
	mrs	x1, nzcv
	str	x1, [x0, #8 * 31]
	add	x1, x0, #8 * 32
	q_registers stp, x1
	ldr	x18, [sp, #168]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #192
	ret
	.endm

	probe_hvc probe_hvc0, 0
	probe_hvc probe_hvc1, 1
	probe_hvc probe_hvcffff, 0xffff
