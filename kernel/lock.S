/* SPDX-License-Identifier: MIT */
/*
 * The one lock, under which a core reads and writes whatever other cores may
 * write. A ticket lock: bits 31:16 of the word are the next ticket, bits 15:0
 * the one that is served; so it is had in the order in which it was asked for.
 * Not more than HV_NCPU tickets are out at a time.
 *
 * Both clobber x9 to x12 and the flags. EL2, no stack.
 */
#include "asm-offsets.h"

	.text

	.balign	16
	.globl	lock_take
	.type	lock_take, %function
lock_take:
	adrp	x9, kernel_lock
1:	ldaxr	w10, [x9]
	add	w11, w10, #0x10000
	stxr	w12, w11, [x9]
	cbnz	w12, 1b
	eor	w12, w10, w10, ror #16		/* 0: the ticket that is served is ours */
	cbnz	w12, 2f
	ret
2:	lsr	w11, w10, #16
	sevl
3:	wfe					/* event: the release clears the monitor (B2.9.4) */
	ldaxrh	w12, [x9]
	cmp	w12, w11
	b.ne	3b
	ret
	.size	lock_take, . - lock_take

	.balign	16
	.globl	lock_drop
	.type	lock_drop, %function
lock_drop:
	adrp	x9, kernel_lock
	ldrh	w10, [x9]
	add	w10, w10, #1
	stlrh	w10, [x9]
	ret
	.size	lock_drop, . - lock_drop

	.bss
	.balign	4096				/* adrp alone is its address */
	.globl	kernel_lock
	.type	kernel_lock, %object
kernel_lock:
	.word	0
	.size	kernel_lock, . - kernel_lock
	.balign	64				/* a cache line of its own */
