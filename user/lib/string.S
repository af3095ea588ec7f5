/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove and memset with general registers: those of the C library
 * go byte by byte, and FP registers would have to be switched.
 */
	.text

/* void *memcpy(x0 = to, x1 = from, x2 = n). Clobbers x1-x11. */
	.balign	16
	.globl	memcpy
	.type	memcpy, %function
memcpy:
	mov	x3, x0
copy_up:
	subs	x2, x2, #64
	b.lo	2f
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	stp	x8, x9, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hs	1b
2:	tbz	x2, #5, 3f		/* bits 5..0 are what is left */
	ldp	x4, x5, [x1], #16
	ldp	x6, x7, [x1], #16
	stp	x4, x5, [x3], #16
	stp	x6, x7, [x3], #16
3:	tbz	x2, #4, 4f
	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
4:	tbz	x2, #3, 5f
	ldr	x4, [x1], #8
	str	x4, [x3], #8
5:	tbz	x2, #2, 6f
	ldr	w4, [x1], #4
	str	w4, [x3], #4
6:	tbz	x2, #1, 7f
	ldrh	w4, [x1], #2
	strh	w4, [x3], #2
7:	tbz	x2, #0, 8f
	ldrb	w4, [x1]
	strb	w4, [x3]
8:	ret
	.size	memcpy, . - memcpy

/* void *memmove(x0 = to, x1 = from, x2 = n). Clobbers x1-x11. */
	.balign	16
	.globl	memmove
	.type	memmove, %function
memmove:
	mov	x3, x0
	sub	x4, x0, x1
	cmp	x4, x2
	b.hs	copy_up			/* `to` is not inside what is read later */
	add	x1, x1, x2
	add	x3, x3, x2
	subs	x2, x2, #32
	b.lo	2f
1:	ldp	x4, x5, [x1, #-16]
	ldp	x6, x7, [x1, #-32]!
	stp	x4, x5, [x3, #-16]
	stp	x6, x7, [x3, #-32]!
	subs	x2, x2, #32
	b.hs	1b
2:	tbz	x2, #4, 3f
	ldp	x4, x5, [x1, #-16]!
	stp	x4, x5, [x3, #-16]!
3:	tbz	x2, #3, 4f
	ldr	x4, [x1, #-8]!
	str	x4, [x3, #-8]!
4:	ands	x2, x2, #7
	b.eq	6f
5:	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	subs	x2, x2, #1
	b.ne	5b
6:	ret
	.size	memmove, . - memmove

/* void *memset(x0 = to, w1 = byte, x2 = n). Clobbers x1-x4. */
	.balign	16
	.globl	memset
	.type	memset, %function
memset:
	mov	x3, x0
	and	x1, x1, #0xff
	orr	x1, x1, x1, lsl #8
	orr	x1, x1, x1, lsl #16
	orr	x1, x1, x1, lsl #32
	subs	x2, x2, #64
	b.lo	2f
1:	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hs	1b
2:	tbz	x2, #5, 3f
	stp	x1, x1, [x3], #16
	stp	x1, x1, [x3], #16
3:	tbz	x2, #4, 4f
	stp	x1, x1, [x3], #16
4:	tbz	x2, #3, 5f
	str	x1, [x3], #8
5:	tbz	x2, #2, 6f
	str	w1, [x3], #4
6:	tbz	x2, #1, 7f
	strh	w1, [x3], #2
7:	tbz	x2, #0, 8f
	strb	w1, [x3]
8:	ret
	.size	memset, . - memset
