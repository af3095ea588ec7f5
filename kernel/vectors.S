/* SPDX-License-Identifier: MIT */
/*
 * Entry to and exit from EL2, and nothing else; the ways of call and reply_wait
 * are in direct.S. While a process runs, SP_EL2 is the top of this core's stack
 * and TPIDR_EL2 its struct hv_cpu.
 *
 * Outside the lock a core touches its stack, its own fields of struct hv_cpu
 * that no other core writes, and the context page of the process whose
 * registers it holds.
 *
 * In the slow paths x19 is the struct hv_cpu and x20 the context page of the
 * loaded process, across the call into C.
 */
#include "asm-offsets.h"
#include "context_asm.h"

	.text

	/* Each vector has 0x80 bytes; .org makes an overflow fail the build. */
	.macro vector offset
	.org	el2_vectors + \offset
	.endm

	.macro zero_x1_x17
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	mov	x\n, xzr
	.endr
	.endm

	/*
	 * In: x19, x1 = current. Its tables, and its context page in x20; x5 = has_vgic.
	 * `procs` and `pages` start a page.
	 */
	.macro enter_process
	adrp	x6, procs
	add	x6, x6, x1, lsl #PROC_SIZE_SHIFT
	ldp	x7, x8, [x6, #PROC_ROOT]		/* root, ctx */
	ldp	x9, x10, [x19, #CPU_SWITCHES]	/* switches, pages_pa */
	ldr	x5, [x6, #PROC_HAS_VGIC]
	add	x7, x10, x7, lsl #12
	orr	x7, x7, x1, lsl #48		/* ASID = pid */
	msr	ttbr0_el1, x7
	adrp	x20, pages
	add	x20, x20, x8, lsl #12
	add	x9, x9, #1
	str	x9, [x19, #CPU_SWITCHES]
	stp	x1, x20, [x19, #CPU_LOADED]	/* loaded, ctx */
	.endm

	/* In: x20 = context of the process. */
	.macro return_to_process
	bl	lock_drop
	load_x0_x30
	eret
	.endm

	/* x0..x30 from the context x20 */
	.macro load_x0_x30
	ldp	x0, x1, [x20, #OFF_X0]
	ldp	x2, x3, [x20, #OFF_X0 + 8 * 2]
	ldp	x4, x5, [x20, #OFF_X0 + 8 * 4]
	ldp	x6, x7, [x20, #OFF_X0 + 8 * 6]
	load_x8_x30
	.endm

	/* An exception that EL2 itself took: it must not exist. */
	.macro vector_panic offset
	vector	\offset
	b	vectors_panic
	.endm

	/* Every general register goes to the context page; then C, then vectors_leave. */
	.macro vector_trap offset, function
	vector	\offset
	stp	x16, x17, [sp, #-16]!
	bl_trap	\function
	.endm

	/* x30 is still the process's, so the way to common code is a plain branch */
	.macro bl_trap function
	adr	x16, \function
	b	vectors_trap
	.endm

	.balign	2048
	.globl	el2_vectors
routine el2_vectors
	vector_panic 0x000		/* EL2 with SP_EL0 */
	vector_panic 0x080
	vector_panic 0x100
	vector_panic 0x180
	vector_panic 0x200		/* EL2 with SP_EL2 */
	vector_panic 0x280
	vector_panic 0x300
	vector_panic 0x380

	/*
	 * Synchronous exception from AArch64: `hvc #0` with a number of the
	 * fast class ends right here. ESR_EL2 of it is exactly 0x5a000000
	 * (EC 0x16, IL 1, imm16 0; D19.2.37).
	 */
	vector	0x400
	stp	x16, x17, [sp, #-16]	/* below SP: no exception at EL2; hypercalls lose them */
	mrs	x16, esr_el2
	mov	w17, #0x5a000000
	cmp	x16, x17
	b.ne	vectors_sync
	cmp	x8, #ASM_HC_FULL_FIRST
	b.hs	vectors_full
	str	x30, [sp, #-16]!
	adrp	x16, hypercall_table		/* starts a page */
	ldr	x16, [x16, x8, lsl #3]
	cbz	x8, vectors_free
	bl	lock_take
	blr	x16
	b	vectors_fast

	vector_trap 0x480, trap_irq	/* IRQ */
	vector_trap 0x500, trap_irq	/* FIQ */
	vector_trap 0x580, trap_stop	/* SError */
	vector_trap 0x600, trap_sync	/* from AArch32: EL0 only */
	vector_trap 0x680, trap_irq
	vector_trap 0x700, trap_irq
	vector_trap 0x780, trap_stop
	.org	el2_vectors + 0x800
end_routine el2_vectors

/* The rest of a hypercall of the fast class. */
routine vectors_fast
	bl	lock_drop
	ldr	x30, [sp], #16
	zero_x1_x17
	eret
end_routine vectors_fast

/* Hypercall 0 reads what is this core's alone. */
routine vectors_free
	blr	x16
	ldr	x30, [sp], #16
	zero_x1_x17
	eret
end_routine vectors_free

routine vectors_sync
	sub	sp, sp, #16
	bl_trap	trap_sync
end_routine vectors_sync

/*
 * A trap. In: x16 = C function(cpu); the process's x16, x17 on the stack.
 */
routine vectors_trap
	mrs	x17, tpidr_el2
	ldr	x17, [x17, #CPU_CTX]
	stp	x0, x1, [x17, #OFF_X0]
	stp	x2, x3, [x17, #OFF_X0 + 8 * 2]
	stp	x4, x5, [x17, #OFF_X0 + 8 * 4]
	stp	x6, x7, [x17, #OFF_X0 + 8 * 6]
	stp	x8, x9, [x17, #OFF_X0 + 8 * 8]
	stp	x10, x11, [x17, #OFF_X0 + 8 * 10]
	stp	x12, x13, [x17, #OFF_X0 + 8 * 12]
	stp	x14, x15, [x17, #OFF_X0 + 8 * 14]
	ldp	x0, x1, [sp], #16
	stp	x0, x1, [x17, #OFF_X0 + 8 * 16]
	save_x18_x30
	mrs	x19, tpidr_el2
	mov	x20, x17
	bl	lock_take
	ldr	x1, [x19, #CPU_DOOMED]
	cbnz	x1, vectors_doomed
	mov	x0, x19
	blr	x16
	b	vectors_leave
end_routine vectors_trap

/* Another core has killed the process: it does nothing more. */
routine vectors_doomed
	mov	x0, x19
	bl	trap_doomed
	b	vectors_leave
end_routine vectors_doomed

/*
 * A hypercall that may switch process, or an unknown number. The context
 * gets zero for x1..x17; the handler may overwrite x1..x7 there. In: flags of
 * x8 compared with ASM_HC_FULL_FIRST.
 */
routine vectors_full
	b.eq	direct_call		/* the first two numbers of the class */
	cmp	x8, #ASM_HC_REPLY_WAIT
	b.eq	direct_reply_wait
	cmp	x8, #ASM_HC_COUNT
	b.hs	vectors_unknown
	mrs	x16, tpidr_el2
	leave_general_registers
end_routine vectors_full

	take_lock_here lock_take_full, lock_wait_full

	.globl	vectors_locked
routine vectors_locked
	ldr	x9, [x19, #CPU_DOOMED]
	cbnz	x9, vectors_doomed
	blr	x16
	str	x0, [x20, #OFF_X0]
end_routine vectors_locked

/* The way back. Cores that wait may have something to do now. */
routine vectors_leave
	adrp	x0, sched			/* starts a page */
	ldr	x0, [x0, #SCHED_IDLE]
	cbnz	x0, vectors_kick
end_routine vectors_leave

/* To the loaded process, or to another one. */
routine vectors_resume
	ldp	x1, x2, [x19, #CPU_CURRENT]	/* current, loaded */
	cmp	x1, x2
	b.ne	vectors_switch
end_routine vectors_resume

routine vectors_return
	return_to_process
end_routine vectors_return

/* A core waits: it may have somebody to run now. */
routine vectors_kick
	mov	x0, x19
	bl	sched_kick
	b	vectors_resume
end_routine vectors_kick

	wait_for_lock_here lock_wait_full, vectors_locked

routine vectors_unknown
	mov	x0, #-ASM_ENOSYS
	zero_x1_x17
	eret
end_routine vectors_unknown

/* The loaded process leaves the core. In: x1 = current. */
routine vectors_switch
	cbz	x1, vectors_switch_more
end_routine vectors_switch

/*
 * Another process comes. In: x1 = current. Nearly always nothing but what
 * every core has changes hands: that is here.
 */
routine vectors_exchange
	ldr	x2, [x19, #CPU_MORE]
	cbnz	x2, vectors_switch_more
	save_common_registers x20
	enter_process
	load_common_registers x20
	cbnz	x5, vectors_vgic_enter
end_routine vectors_exchange

	drop_lock_here lock_drop_exchange

routine vectors_dropped
	load_x0_x30
	eret
end_routine vectors_dropped

/* The same with what some cores have or some processes use, or nobody comes. */
	.globl	vectors_switch_more
routine vectors_switch_more
	ldr	x2, [x19, #CPU_MORE]
	tbnz	x2, #MORE_VGIC, vectors_vgic_leave
end_routine vectors_switch_more

/* In: x19, and x20 = context of the loaded process. */
routine vectors_save
	save_common_registers x20
	save_further_registers x19, x20
	ldr	x2, [x19, #CPU_MORE]
	tbnz	x2, #MORE_FP, vectors_save_fp
end_routine vectors_save

/* In: x19. Loads the current process, or idles. */
routine vectors_load
	ldr	x1, [x19, #CPU_CURRENT]
	cbz	x1, vectors_idle
	enter_process
	load_common_registers x20
	load_further_registers x19, x20
	cbnz	x5, vectors_vgic_enter
	return_to_process
end_routine vectors_load

/* An interrupt for it may keep it from leaving. */
routine vectors_vgic_leave
	mov	x0, x19
	bl	vgic_leave
	ldp	x1, x2, [x19, #CPU_CURRENT]	/* current, loaded */
	cmp	x1, x2
	b.eq	vectors_return
	ldr	x2, [x19, #CPU_MORE]
	bic	x2, x2, #(1 << MORE_VGIC)
	str	x2, [x19, #CPU_MORE]
	b	vectors_save
end_routine vectors_vgic_leave

	.globl	vectors_vgic_enter
routine vectors_vgic_enter
	isb					/* no walk uses the old tables any more */
	ldr	x2, [x19, #CPU_MORE]
	orr	x2, x2, #(1 << MORE_VGIC)
	str	x2, [x19, #CPU_MORE]
	mov	x0, x19
	bl	vgic_enter
	b	vectors_return
end_routine vectors_vgic_enter

routine vectors_save_fp
	mov	x0, x19
	mov	x1, x20
	bl	context_save_fp
	b	vectors_load
end_routine vectors_save_fp

/*
 * Nobody is ready. Interrupts are masked at EL2, but a pending one ends the
 * wait (D1.16.2); it is then handled as if it had been taken.
 */
routine vectors_idle
	str	xzr, [x19, #CPU_LOADED]
	adrp	x0, machine
	add	x0, x0, :lo12:machine
	ldr	x0, [x0, #MACHINE_EMPTY_ROOT]
	msr	ttbr0_el1, x0
	isb					/* no walk uses the old tables any more */
	adrp	x1, sched			/* starts a page */
	ldr	x3, [x19, #CPU_BIT]
	ldr	x0, [x1, #SCHED_IDLE]
	orr	x0, x0, x3
	str	x0, [x1, #SCHED_IDLE]
	bl	lock_drop
	dsb	sy				/* stores are done before the wait */
	wfi
	bl	lock_take
	ldr	x3, [x19, #CPU_BIT]
	adrp	x1, sched
	ldr	x0, [x1, #SCHED_IDLE]
	bic	x0, x0, x3
	str	x0, [x1, #SCHED_IDLE]
	mov	x0, x19
	bl	trap_irq
	b	vectors_load
end_routine vectors_idle

/*
 * leave_boot(x0 = EL2 table entry of the boot section, x1 = of the identity
 * map), on the first core, which holds the lock. Unmaps both and enters the
 * first process. All other cores are in leave_boot_core by then, so nobody
 * executes there; the invalidation reaches their TLBs. Does not return.
 */
	.globl	leave_boot
	.type	leave_boot, %function
leave_boot:
	str	xzr, [x0]
	str	xzr, [x1]
	dsb	ishst			/* the two entries, before the invalidation */
	tlbi	alle2is
	tlbi	alle1
	dsb	ish			/* the invalidation, before the lock is dropped */
	isb
	mrs	x19, tpidr_el2
	adrp	x0, cpu_stacks
	add	x0, x0, :lo12:cpu_stacks
	add	x0, x0, #ASM_STACK_SIZE
	mov	sp, x0
	b	vectors_load
	.size	leave_boot, . - leave_boot

/*
 * leave_boot_core(), on each other core: waits for the lock, which it cannot
 * have before the first core enters its first process; then idles. That it has
 * asked for the lock tells the first core that it is here.
 */
	.globl	leave_boot_core
	.type	leave_boot_core, %function
leave_boot_core:
	mrs	x19, tpidr_el2
	ldr	x1, [x19, #CPU_NUMBER]
	sub	x1, x1, #(ASM_NCPU - 1)
	mov	x2, #ASM_STACK_SIZE
	adrp	x0, cpu_stacks
	add	x0, x0, :lo12:cpu_stacks
	madd	x0, x1, x2, x0
	mov	sp, x0
	bl	lock_take
	isb				/* nothing that was fetched before is executed */
	b	vectors_load
	.size	leave_boot_core, . - leave_boot_core

/* Passes x0..x30, ESR, ELR, FAR and SP to panic(const uint64_t *). */
routine vectors_panic
	sub	sp, sp, #8 * 36
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #8 * 2]
	stp	x4, x5, [sp, #8 * 4]
	stp	x6, x7, [sp, #8 * 6]
	stp	x8, x9, [sp, #8 * 8]
	stp	x10, x11, [sp, #8 * 10]
	stp	x12, x13, [sp, #8 * 12]
	stp	x14, x15, [sp, #8 * 14]
	stp	x16, x17, [sp, #8 * 16]
	stp	x18, x19, [sp, #8 * 18]
	stp	x20, x21, [sp, #8 * 20]
	stp	x22, x23, [sp, #8 * 22]
	stp	x24, x25, [sp, #8 * 24]
	stp	x26, x27, [sp, #8 * 26]
	stp	x28, x29, [sp, #8 * 28]
	mrs	x0, esr_el2
	stp	x30, x0, [sp, #8 * 30]
	mrs	x0, elr_el2
	mrs	x1, far_el2
	stp	x0, x1, [sp, #8 * 32]
	add	x0, sp, #8 * 36
	str	x0, [sp, #8 * 34]
	mov	x0, sp
	b	panic
end_routine vectors_panic
