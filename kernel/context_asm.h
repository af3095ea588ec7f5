/* SPDX-License-Identifier: MIT */
/*
 * Macros of the ways in and out: the lock in place, the general registers of a
 * process and its EL1 system registers, to and from its context page. Those of
 * system registers clobber x2, x3, or \a, \b.
 */
#ifndef KERNEL_CONTEXT_ASM_H
#define KERNEL_CONTEXT_ASM_H

/*
 * Registers that not every core has; by encoding, as the baseline lacks the
 * names. A core with FEAT_SME is an Armv9 core and so has FEAT_RAS too.
 */
#define VDISR_EL2 S3_4_C12_C1_1		/* FEAT_RAS */
#define TPIDR2_EL0 S3_3_C13_C0_5	/* FEAT_SME; nothing traps it at EL1 without FEAT_FGT */

	/* \skip if the core has no FEAT_SME; clobbers x3 */
	.macro unless_sme skip
	adrp	x3, machine
	add	x3, x3, :lo12:machine
	ldr	x3, [x3, #MACHINE_HAS_SME]
	cbz	x3, \skip
	.endm

	/* A label that is a function of its own to those who read symbols. */
	.macro routine name
	.type	\name, %function
\name:
	.endm

	.macro end_routine name
	.size	\name, . - \name
	.endm

	/* x18..x30 into the context x17 */
	.macro save_x18_x30
	stp	x18, x19, [x17, #OFF_X0 + 8 * 18]
	stp	x20, x21, [x17, #OFF_X0 + 8 * 20]
	stp	x22, x23, [x17, #OFF_X0 + 8 * 22]
	stp	x24, x25, [x17, #OFF_X0 + 8 * 24]
	stp	x26, x27, [x17, #OFF_X0 + 8 * 26]
	stp	x28, x29, [x17, #OFF_X0 + 8 * 28]
	str	x30, [x17, #OFF_X0 + 8 * 30]
	.endm

	/* x8..x30 from the context x20 */
	.macro load_x8_x30
	ldp	x8, x9, [x20, #OFF_X0 + 8 * 8]
	ldp	x10, x11, [x20, #OFF_X0 + 8 * 10]
	ldp	x12, x13, [x20, #OFF_X0 + 8 * 12]
	ldp	x14, x15, [x20, #OFF_X0 + 8 * 14]
	ldp	x16, x17, [x20, #OFF_X0 + 8 * 16]
	ldp	x18, x19, [x20, #OFF_X0 + 8 * 18]
	ldp	x22, x23, [x20, #OFF_X0 + 8 * 22]
	ldp	x24, x25, [x20, #OFF_X0 + 8 * 24]
	ldp	x26, x27, [x20, #OFF_X0 + 8 * 26]
	ldp	x28, x29, [x20, #OFF_X0 + 8 * 28]
	ldr	x30, [x20, #OFF_X0 + 8 * 30]
	ldp	x20, x21, [x20, #OFF_X0 + 8 * 20]
	.endm

	/*
	 * A hypercall that C handles: zero for x0..x17 into the context of the core x16, and
	 * x18..x30. Then x16 = the handler of number x8, x19 = core, x20 = context.
	 */
	.macro leave_general_registers
	ldr	x17, [x16, #CPU_CTX]
	stp	xzr, xzr, [x17, #OFF_X0]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 2]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 4]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 6]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 8]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 10]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 12]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 14]
	stp	xzr, xzr, [x17, #OFF_X0 + 8 * 16]
	save_x18_x30
	mov	x19, x16
	mov	x20, x17
	adrp	x16, hypercall_table		/* starts a page */
	ldr	x16, [x16, x8, lsl #3]
	.endm

	/*
	 * lock_take once more (lock.S), without a call and a return: as a routine of that name,
	 * which is followed by the routine `next`. Who has to wait does so in `wait`.
	 */
	.macro take_lock_here name, wait
routine \name
	adrp	x9, kernel_lock
1:	ldaxr	w10, [x9]
	add	w11, w10, #0x10000
	stxr	w12, w11, [x9]
	cbnz	w12, 1b
	eor	w12, w10, w10, ror #16
	cbnz	w12, \wait
end_routine \name
	.endm

	.macro wait_for_lock_here name, next
routine \name
	lsr	w11, w10, #16
	sevl
1:	wfe
	ldaxrh	w12, [x9]
	cmp	w12, w11
	b.ne	1b
	b	\next
end_routine \name
	.endm

	/* lock_drop once more */
	.macro drop_lock_here name
routine \name
	adrp	x9, kernel_lock
	ldrh	w10, [x9]
	add	w10, w10, #1
	stlrh	w10, [x9]
end_routine \name
	.endm

	.macro save_pair ctx, off, reg0, reg1, a=x2, b=x3
	mrs	\a, \reg0
	mrs	\b, \reg1
	stp	\a, \b, [\ctx, #\off]
	.endm

	.macro load_pair ctx, off, reg0, reg1, a=x2, b=x3
	ldp	\a, \b, [\ctx, #\off]
	msr	\reg0, \a
	msr	\reg1, \b
	.endm

	.macro save_common_registers ctx
	save_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2
	save_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1
	save_pair \ctx, OFF_ELR_EL1, elr_el1, spsr_el1
	save_pair \ctx, OFF_ESR_EL1, esr_el1, far_el1
	save_pair \ctx, OFF_VBAR_EL1, vbar_el1, par_el1
	save_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	save_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	save_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	.endm

	/* The same, less what describes an exception taken to EL1. */
	.macro save_lasting_registers ctx, a, b
	save_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2, \a, \b
	save_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1, \a, \b
	mrs	\a, vbar_el1
	str	\a, [\ctx, #OFF_VBAR_EL1]
	save_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1, \a, \b
	save_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1, \a, \b
	save_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0, \a, \b
	.endm

	/* What describes an exception becomes zero. */
	.macro load_lasting_registers ctx, a, b
	load_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2, \a, \b
	load_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1, \a, \b
	ldr	\a, [\ctx, #OFF_VBAR_EL1]
	msr	vbar_el1, \a
	load_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1, \a, \b
	load_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1, \a, \b
	load_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0, \a, \b
	msr	elr_el1, xzr
	msr	spsr_el1, xzr
	msr	esr_el1, xzr
	msr	far_el1, xzr
	msr	par_el1, xzr
	.endm

	/* Of those that not every core has */
	.macro save_further_registers cpu, ctx
	ldr	x2, [\cpu, #CPU_MORE]
	tbz	x2, #MORE_RAS, .Lsaved\@
	mrs	x2, VDISR_EL2
	str	x2, [\ctx, #OFF_VDISR_EL2]
	unless_sme .Lsaved\@
	mrs	x2, TPIDR2_EL0
	str	x2, [\ctx, #OFF_TPIDR2_EL0]
.Lsaved\@:
	.endm

	.macro load_common_registers ctx
	load_pair \ctx, OFF_ELR_EL2, elr_el2, spsr_el2
	load_pair \ctx, OFF_SP_EL0, sp_el0, sp_el1
	load_pair \ctx, OFF_ELR_EL1, elr_el1, spsr_el1
	load_pair \ctx, OFF_ESR_EL1, esr_el1, far_el1
	load_pair \ctx, OFF_VBAR_EL1, vbar_el1, par_el1
	load_pair \ctx, OFF_TPIDR_EL0, tpidr_el0, tpidr_el1
	load_pair \ctx, OFF_TPIDRRO_EL0, tpidrro_el0, cntkctl_el1
	load_pair \ctx, OFF_CNTV_CTL_EL0, cntv_ctl_el0, cntv_cval_el0
	.endm

/*
 * AFSR0/1_EL1 are zeroed, not switched, where they keep anything: no value of
 * one process may be read by the next. A process cannot write them (HCR_EL2.TVM).
 */
	.macro load_further_registers cpu, ctx
	ldr	x2, [\cpu, #CPU_MORE]
	tbz	x2, #MORE_AFSR, .Lzeroed\@
	msr	afsr0_el1, xzr
	msr	afsr1_el1, xzr
.Lzeroed\@:
	tbz	x2, #MORE_RAS, .Lloaded\@
	ldr	x2, [\ctx, #OFF_VDISR_EL2]
	msr	VDISR_EL2, x2
	unless_sme .Lloaded\@
	ldr	x2, [\ctx, #OFF_TPIDR2_EL0]
	msr	TPIDR2_EL0, x2
.Lloaded\@:
	.endm

#endif
