/* SPDX-License-Identifier: MIT */
/*
 * fault: what cannot be said in C. Each routine runs at EL1, takes its
 * argument in x0 if it has one, changes x0 and x1, needs no stack, and is not
 * expected to return.
 */
	.arch	armv8-a

	.macro	routine name
	.section .text.\name, "ax"
	.global	\name
	.type	\name, %function
	.balign	4
\name:
	.endm

	.macro	routine_end name
	ret
	.size	\name, . - \name
	.endm

routine attack_undefined
	udf	#0
routine_end attack_undefined

routine attack_brk
	brk	#42
routine_end attack_brk

routine attack_smc
	smc	#0
routine_end attack_smc

routine attack_mmu_off
	mrs	x0, sctlr_el1
	bic	x0, x0, #1
	msr	sctlr_el1, x0
routine_end attack_mmu_off

routine attack_ttbr
	mov	x0, #0x1000
	msr	ttbr0_el1, x0
routine_end attack_ttbr

routine attack_el2
	mrs	x0, hcr_el2
routine_end attack_el2

routine attack_set_way
	dc	csw, xzr
routine_end attack_set_way

routine attack_jump
	br	x0
routine_end attack_jump

/* The first exception finds no vector, which is an exception, and so on. */
routine attack_vbar_storm
	mov	x0, #0x0000800000000000
	msr	vbar_el1, x0
	isb	/* the new vectors, before the exception */
	udf	#0
routine_end attack_vbar_storm

routine attack_masked_loop
	msr	daifset, #0xf
1:	b	1b
routine_end attack_masked_loop

	.section .note.GNU-stack, "", %progbits
