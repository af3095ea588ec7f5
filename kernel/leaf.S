/* SPDX-License-Identifier: MIT */
/*
 * The leaf routines over one 4 KiB page: the only loops that run after boot.
 * Each trip count is a constant. EL2, no stack.
 */
#include "asm-offsets.h"

	/* \reg, a page number, becomes the page's EL2 address; \tmp is clobbered */
	.macro page_address reg, tmp
	adrp	\tmp, pages
	add	\tmp, \tmp, :lo12:pages
	add	\reg, \tmp, \reg, lsl #12
	.endm

	.text

/*
 * page_zero(x0 = page). Clobbers x0, x1.
 * Boot has checked that DC ZVA zeroes a block of 64 to 2048 bytes.
 */
	.balign	16
	.globl	page_zero
	.type	page_zero, %function
page_zero:
	page_address x0, x1
	add	x1, x0, #ASM_PAGE_SIZE
1:
	.rept	16
	dc	zva, x0
	add	x0, x0, #64
	.endr
	cmp	x0, x1
	b.ne	1b
	ret
	.size	page_zero, . - page_zero

/*
 * page_copy(x0 = to, x1 = from). Clobbers x0-x10.
 */
	.balign	16
	.globl	page_copy
	.type	page_copy, %function
page_copy:
	page_address x0, x2
	page_address x1, x2
	add	x2, x0, #ASM_PAGE_SIZE
1:
	.irp	off, 0, 64, 128, 192, 256, 320, 384, 448
	ldp	x3, x4, [x1, #\off]
	ldp	x5, x6, [x1, #\off + 16]
	ldp	x7, x8, [x1, #\off + 32]
	ldp	x9, x10, [x1, #\off + 48]
	stp	x3, x4, [x0, #\off]
	stp	x5, x6, [x0, #\off + 16]
	stp	x7, x8, [x0, #\off + 32]
	stp	x9, x10, [x0, #\off + 48]
	.endr
	add	x0, x0, #512
	add	x1, x1, #512
	cmp	x0, x2
	b.ne	1b
	ret
	.size	page_copy, . - page_copy

/*
 * page_sync(x0 = page). Clobbers x0, x1. Changes no word of memory.
 * Data is cleaned to the point of unification (in steps of 64 bytes: boot has
 * checked that CTR_EL0.DminLine is no smaller), then every instruction cache
 * of the inner shareable domain is invalidated (DDI 0487J.a, B2.4.4).
 */
	.balign	16
	.globl	page_sync
	.type	page_sync, %function
page_sync:
	page_address x0, x1
	add	x1, x0, #ASM_PAGE_SIZE
1:
	.rept	16
	dc	cvau, x0
	add	x0, x0, #64
	.endr
	cmp	x0, x1
	b.ne	1b
	dsb	ish		/* the cleaned lines, before the invalidation */
	ic	ialluis
	dsb	ish		/* the invalidation, before the page is mapped */
	ret
	.size	page_sync, . - page_sync
