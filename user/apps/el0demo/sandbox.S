/* SPDX-License-Identifier: MIT */
/*
 * el0demo: what runs at EL0. Each routine is copied to pages that EL0 may
 * execute; it uses x0..x7 only, no memory but its own text, and no stack.
 */
#include "sandbox.h"

#include <hv8/numbers_asm.h>

	.arch	armv8-a

	.macro	routine name
	.section .text.sandbox_\name, "ax"
	.global	sandbox_\name
	.type	sandbox_\name, %function
	.balign	8
sandbox_\name:
	.endm

	.macro	routine_end name
	.size	sandbox_\name, . - sandbox_\name
	.global	sandbox_\name\()_end
sandbox_\name\()_end:
	.endm

routine sum
	mov	x1, x0
	mov	x0, #0
1:	cbz	x1, 2f
	add	x0, x0, x1
	sub	x1, x1, #1
	b	1b
2:	ret
routine_end sum

routine read
	ldr	x0, [x0]
	ret
routine_end read

routine write
	str	x0, [x0]
	ret
routine_end write

routine jump
	br	x0
routine_end jump

routine hypercall
	mov	x8, #.LNR_self
	hvc	#0
	ret
routine_end hypercall

routine register
	mrs	x0, ttbr0_el1
	ret
routine_end register

routine own_code
	adr	x1, sandbox_own_code
	str	w0, [x1]
	ret
routine_end own_code

routine talk
	adr	x2, 3f
1:	ldrb	w1, [x2], #1
	cbz	w1, 2f
	mov	x0, #SANDBOX_PUT
	svc	#0
	b	1b
2:	mov	x0, #SANDBOX_DOUBLE
	mov	x1, #21
	svc	#0
	mov	x1, x0
	mov	x0, #SANDBOX_END
	svc	#0
	b	2b
3:	.asciz	"EL0 here"
routine_end talk

	.section .note.GNU-stack, "", %progbits
