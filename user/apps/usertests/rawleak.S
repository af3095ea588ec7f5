/* SPDX-License-Identifier: MIT */
/*
 * A second page for a raw child: fills every register it can with values made
 * from x0, spins across some ticks, and finds out whether they are all still
 * there. Several such children with different x0 run at once.
 */
#include "rawcode.h"

#include <hv8/numbers_asm.h>

	.arch	armv8-a+fp+simd
	.text

	/* compares \reg with x0 + \k; the difference is gathered in x1 */
	.macro	compare reg, k
	sub	x2, \reg, x0
	sub	x2, x2, #\k
	orr	x1, x1, x2
	.endm

	.balign	4096
	.globl	rawleak
/* In: x0 = seed | rounds << 32. */
rawleak:
	lsr	x1, x0, #32
	mov	w19, w0
	lsl	x2, x19, #11
	msr	vbar_el1, x2
	.set	k, 1
	.irp	r, sp_el0, elr_el1, tpidr_el0, tpidr_el1, tpidrro_el0, cntv_cval_el0
	add	x2, x19, #k
	msr	\r, x2
	.set	k, k + 1
	.endr
	and	x2, x19, #0xf
	lsl	x2, x2, #28
	msr	spsr_el1, x2
	msr	fpsr, xzr
	lsl	x2, x19, #22
	and	x2, x2, #0xc00000		/* rounding mode */
	msr	fpcr, x2
	and	x2, x19, #3
	msr	cntkctl_el1, x2
	.set	k, 40
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x2, x19, #k
	ins	v\n\().d[0], x2
	add	x2, x19, #k + 100
	ins	v\n\().d[1], x2
	.set	k, k + 1
	.endr
	add	x2, x19, #200
	mov	sp, x2
	mov	x0, x19

again:
	.irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30
	add	x\n, x0, #\n
	.endr
	mov	x2, #0x100000		/* about 2 million instructions */
1:	sub	x2, x2, #1
	cbnz	x2, 1b
	mov	x2, x1			/* rounds left */
	mov	x1, #0
	msr	tpidr_el1, x2		/* is checked by being the counter */
	.irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30
	compare x\n, \n
	.endr
	mov	x3, sp
	compare x3, 200
	.set	k, 1
	.irp	r, sp_el0, elr_el1, tpidr_el0, skipped, tpidrro_el0, cntv_cval_el0
	.ifnc	\r, skipped
	mrs	x3, \r
	compare x3, k
	.endif
	.set	k, k + 1
	.endr
	mrs	x3, vbar_el1
	sub	x3, x3, x0, lsl #11
	orr	x1, x1, x3
	mrs	x3, spsr_el1
	lsr	x3, x3, #28
	and	x4, x0, #0xf
	sub	x3, x3, x4
	orr	x1, x1, x3
	mrs	x3, fpcr
	lsr	x3, x3, #22
	and	x4, x0, #3
	sub	x3, x3, x4
	orr	x1, x1, x3
	mrs	x3, cntkctl_el1
	sub	x3, x3, x4
	orr	x1, x1, x3
	.set	k, 40
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	umov	x3, v\n\().d[0]
	compare x3, k
	umov	x3, v\n\().d[1]
	compare x3, k + 100
	.set	k, k + 1
	.endr
	cbnz	x1, 2f
	mrs	x1, tpidr_el1
	sub	x1, x1, #1
	cbnz	x1, again
	mov	x1, #RAW_GOOD
2:	mov	x27, x1
	mov	x8, #.LNR_self
	hvc	#0
	mov	x1, x27
	mov	x8, #.LNR_kill
	hvc	#0
	.org	rawleak + 4096
