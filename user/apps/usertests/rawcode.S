/* SPDX-License-Identifier: MIT */
/*
 * One page of position-independent code that raw.c copies into the otherwise
 * empty address space of a raw child. A child starts at one of the labels
 * raw_<name>, at EL1 with interrupts masked, x0 = its argument and every other
 * register zero, and ends with kill(self, status).
 */
#include "rawcode.h"

#include <hv8/numbers_asm.h>

	.arch	armv8-a+fp+simd
	.text

	.macro	program name
	.globl	\name
\name:
	.endm

	/* Programs that expect exceptions begin with this. Clobbers x9. */
	.macro	use_vectors
	adr	x9, rawcode
	msr	vbar_el1, x9
	.endm

	.macro	hypercall name
	mov	x8, #.LNR_\name
	hvc	#0
	.endm

	.macro	load_constant reg, value
	movz	\reg, #(\value & 0xffff)
	movk	\reg, #(\value >> 16), lsl #16
	.endm

	/* Ends the child with status \reg, which is not x0 or x1. */
	.macro	die reg
	hypercall self
	mov	x1, \reg
	hypercall kill
	.endm

	.balign	4096
program rawcode

/* ---- vectors ----------------------------------------------------------------- */

	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	.balign	0x80
	mov	x1, #\n
	b	exception
	.endr
	.balign	0x80

exception:
	cmp	x25, #RAW_MODE_GO_ON
	b.ne	1f
	msr	elr_el1, x24
	eret
1:	cmp	x25, #RAW_MODE_SWEEP
	b.eq	sweep_note
	mrs	x27, esr_el1
	and	x27, x27, #0xffffffff
	orr	x27, x27, x1, lsl #32
	orr	x27, x27, #RAW_EXCEPTION
	die	x27

/* ---- programs that end at once, or never --------------------------------------- */

program raw_exit
	mov	x27, x0
	die	x27

program raw_spin
	b	.

/* waits for a child that never comes */
program raw_sleep
	mov	x0, #0
	mvn	x1, xzr
	hypercall wait
	b	raw_sleep

program raw_wfi
	wfi
	b	raw_wfi

program raw_wfe
	wfe
	b	raw_wfe

/* the vectors are at an unmapped address: every abort aborts again */
program raw_storm
	msr	vbar_el1, x0
	brk	#0
	b	.

program raw_yield
	hypercall yield
	b	raw_yield

/* gives the core back to process x0 whenever it gets it */
program raw_give
	mov	x20, x0
1:	mov	x0, x20
	hypercall switch_to
	b	1b

/* stores x0 at the address x0 */
program raw_store
	use_vectors
	str	x0, [x0]
	mov	x27, #RAW_GOOD
	die	x27

program raw_load
	use_vectors
	ldr	x27, [x0]
	die	x27

program raw_jump
	use_vectors
	blr	x0
	mov	x27, #RAW_GOOD
	die	x27

/* child of one's own: x0 = pid | ctx << 16 | root << 40; then waits for ever */
program raw_breed
	use_vectors
	ubfx	x1, x0, #16, #24
	ubfx	x2, x0, #40, #24
	and	x0, x0, #0xffff
	hypercall clone
	cbz	x0, raw_sleep
	mov	x27, x0
	die	x27

/* ---- a client: x0 calls through handle RAW_HANDLE with a counter; answer: 3n + 1 ----- */

program raw_client
	mov	x20, x0
1:	cbz	x20, 2f
	mov	x0, #RAW_HANDLE
	mov	x1, #0			/* HV_FOREVER */
	mov	x2, #0
	mvn	x3, xzr			/* HV_NONE */
	mov	x4, x20
	hypercall call
	cbnz	x0, 3f
	add	x21, x20, x20, lsl #1
	add	x21, x21, #1
	cmp	x4, x21
	b.ne	4f
	sub	x20, x20, #1
	b	1b
2:	mov	x27, #RAW_GOOD
	die	x27
3:	mov	x27, x0
	die	x27
4:	mov	x27, x4
	die	x27

/* ---- one instruction that raw.c chooses; x0 = operand in, status out -------------- */

program raw_patched
	use_vectors
	.globl	raw_patch
raw_patch:
	nop
	mov	x27, x0
	die	x27

/* the same with the virtual CPU interface */
program raw_vgic
	use_vectors
	mov	x20, x0
	hypercall enable_vgic
	mov	x0, x20
	b	raw_patch

/* ---- a page of instructions, each followed by one that clears x0 ------------------- */

/* status: bit n set = the n-th instruction was undefined here. x0 = how many. */
program raw_sweep
	use_vectors
	mov	x25, #RAW_MODE_SWEEP
	mov	x26, #0
	mov	x0, #0
	load_constant x23, RAW_DATA
	load_constant x24, RAW_STACK_TOP
	mov	sp, x24
	blr	x23
	mov	x27, x26
	die	x27

sweep_note:
	mrs	x1, elr_el1
	sub	x2, x1, x23
	lsr	x2, x2, #3
	mov	x3, #1
	lsl	x3, x3, x2
	orr	x26, x26, x3
	add	x1, x1, #4
	msr	elr_el1, x1
	eret

/* ---- into EL0 or elsewhere: ERET to RAW_DATA with SPSR = x0 --------------------------- */

program raw_eret
	use_vectors
	msr	spsr_el1, x0
	load_constant x1, RAW_DATA
	msr	elr_el1, x1
	mov	x0, xzr
	mov	x1, xzr
	eret

/* ---- a fresh process: status = OR of every register but x0 and PC -------------------- */

program raw_fresh
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30
	orr	x1, x1, x\n
	.endr
	mov	x2, sp
	orr	x1, x1, x2
	.irp	r, sp_el0, elr_el1, spsr_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1, vbar_el1, \
		   par_el1, tpidr_el0, tpidr_el1, tpidrro_el0, cntkctl_el1, fpcr, fpsr, nzcv
	mrs	x2, \r
	orr	x1, x1, x2
	.endr
	mrs	x2, cntv_ctl_el0
	and	x2, x2, #3		/* ISTATUS says nothing here */
	orr	x1, x1, x2
	mrs	x2, cntv_cval_el0
	orr	x1, x1, x2
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		   22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	umov	x2, v\n\().d[0]
	umov	x3, v\n\().d[1]
	orr	x1, x1, x2
	orr	x1, x1, x3
	.endr
	mov	x27, x1
	die	x27

/* PSTATE of a fresh process: DAIF | CurrentEL | SPSel */
program raw_pstate
	mrs	x27, daif
	mrs	x1, CurrentEL
	orr	x27, x27, x1
	mrs	x1, spsel
	orr	x27, x27, x1
	die	x27

/* ---- ESR_EL1 and FAR_EL1 stay the process's own: x0 = an unmapped address ------------- */

program raw_fault
	use_vectors
	mov	x25, #RAW_MODE_GO_ON
	adr	x24, 1f
	mov	x20, x0
	ldr	x1, [x0]
1:	mrs	x21, esr_el1
	mrs	x22, elr_el1
	mov	x23, #32
2:	hypercall yield
	mrs	x1, far_el1
	cmp	x1, x20
	b.ne	3f
	mrs	x1, esr_el1
	cmp	x1, x21
	b.ne	3f
	subs	x23, x23, #1
	b.ne	2b
	mov	x27, #RAW_GOOD
	die	x27
3:	mov	x27, x1
	die	x27

	.org	rawcode + 4096
