/* SPDX-License-Identifier: MIT */
/*
 * call and reply_wait where nothing but this is to be done: no handle goes with
 * the message, nobody has a deadline, and who gets the message waits for it and
 * may run on this core; all pids are below 64. The message stays in x2..x7, and
 * the core goes to its receiver. What describes an exception at EL1 is lost to
 * both. All else is C's, hc_call and hc_reply_wait, as if nothing had been done
 * here: who branches to \full or \forever has written nothing.
 *
 * In: every register is the process's but x16 and x17. While it lasts x0 and
 * x2..x7 are the arguments, x1 is self, x9 sched and x16 the struct hv_cpu.
 */
#include "asm-offsets.h"
#include "context_asm.h"

	.text

	/*
	 * What both ask for first. Then x12 = rights of the handle, x13 = file,
	 * x14 its entry. All tables start a page, so adrp is their address.
	 */
	.macro look_at_handle full, forever
	cbnz	x1, \full
	ldp	x12, x1, [x16, #CPU_DOOMED]	/* doomed, current */
	cbnz	x12, \forever
	adrp	x9, sched
	add	x10, x9, x1, lsl #3
	ldr	x12, [x10, #KEY_BEHIND_CORE]
	orr	x13, x0, x1
	cmp	x13, #ASM_NHANDLE - 1
	ccmn	x3, #1, #0, ls			/* HV_NONE */
	ccmn	x12, #1, #0, eq			/* TIMER_OFF */
	b.ne	\forever
	adrp	x12, handles
	add	x12, x12, x1, lsl #HANDLES_SIZE_SHIFT
	add	x12, x12, x0, lsl #HANDLE_SIZE_SHIFT
	ldp	x13, x12, [x12]			/* file, rights */
	adrp	x14, files
	add	x14, x14, x13, lsl #FILE_SIZE_SHIFT
	.endm

	/* Page x2 is self's and mapped nowhere. Then x11 = its entry. Clobbers x10. */
	.macro look_at_page forever
	cmp	x2, #ASM_NPAGE
	b.hs	\forever
	adrp	x11, page_descs
	add	x11, x11, x2, lsl #DESC_SIZE_SHIFT
	ldr	x10, [x11, #DESC_TYPE]
	cmp	x10, #ASM_PAGE_FREE
	ccmp	x10, #ASM_PAGE_PARCEL, #4, ne
	ldr	x10, [x11, #DESC_OWNER]
	ccmp	x10, x1, #0, eq
	b.ne	\forever
	.endm

	/* It goes from process x12 to process x15 = x8. Clobbers x0; x11 = core number. */
	.macro give_page
	str	x15, [x11, #DESC_OWNER]
	ldr	x0, [x12, #PROC_PAGES_COUNT]
	sub	x0, x0, #1
	str	x0, [x12, #PROC_PAGES_COUNT]
	ldr	x0, [x8, #PROC_PAGES_COUNT]
	add	x0, x0, #1
	str	x0, [x8, #PROC_PAGES_COUNT]
	ldr	x11, [x16, #CPU_NUMBER]
	.endm

	/*
	 * The lowest of x15, of those who wait at x14 (word x17) and may run here, waits no more.
	 * Then x15 = its pid, x8 = its process, x12 = that of self, x10 = 1.
	 */
	.macro choose_receiver
	rbit	x15, x15
	clz	x15, x15
	mov	x10, #1
	lsl	x8, x10, x15
	bic	x17, x17, x8
	str	x17, [x14, #FILE_RECEIVERS]
	adrp	x12, procs
	add	x8, x12, x15, lsl #PROC_SIZE_SHIFT
	add	x12, x12, x1, lsl #PROC_SIZE_SHIFT
	.endm

	/* The message into the context \ctx. */
	.macro store_message ctx
	stp	xzr, x1, [\ctx, #OFF_X0]
	stp	x2, x3, [\ctx, #OFF_X0 + 8 * 2]
	stp	x4, x5, [\ctx, #OFF_X0 + 8 * 4]
	stp	x6, x7, [\ctx, #OFF_X0 + 8 * 6]
	.endm

	/*
	 * The core, whose number is x11, goes from self to process x15 = x8, and with it the
	 * message. Lacks the end: drop_lock_here, leave_with_message.
	 */
	.macro hand_over
	str	xzr, [x9, x1, lsl #3]
	str	x11, [x9, x15, lsl #3]
	mov	x13, #-ASM_EPIPE			/* if there never is a message */
	ldp	x17, x14, [x16, #CPU_CTX]		/* ctx, more */
	str	x13, [x17, #OFF_X0]
	save_x18_x30
	cbnz	x14, direct_more
	save_lasting_registers x17, x13, x14
	ldp	x13, x14, [x8, #PROC_ROOT]		/* root, ctx */
	ldp	x9, x10, [x16, #CPU_SWITCHES]		/* switches, pages_pa */
	ldr	x12, [x8, #PROC_HAS_VGIC]
	add	x13, x10, x13, lsl #12
	orr	x13, x13, x15, lsl #48			/* ASID = pid */
	msr	ttbr0_el1, x13
	adrp	x20, pages
	add	x20, x20, x14, lsl #12
	add	x9, x9, #1
	str	x9, [x16, #CPU_SWITCHES]
	stp	x15, x15, [x16, #CPU_CURRENT]		/* and loaded */
	str	x20, [x16, #CPU_CTX]
	load_lasting_registers x20, x13, x14
	cbnz	x12, direct_vgic
	.endm

	.macro leave_with_message name
routine \name
	mov	x0, xzr
	load_x8_x30
	eret
end_routine \name
	.endm

/* ---- call ---------------------------------------------------------------------- */

	.globl	direct_call
routine direct_call
	mrs	x16, tpidr_el2
end_routine direct_call

	take_lock_here lock_take_call, lock_wait_call

routine direct_call_locked
	look_at_handle direct_call_full, direct_call_forever
	tbz	w12, #RIGHT_WRITE, direct_call_forever
	ldp	x8, x17, [x14, #FILE_TYPE]		/* type, receivers */
	ldp	x11, x15, [x16, #CPU_NUMBER]		/* number, allowed */
	ands	x15, x15, x17
	ccmp	x8, #ASM_FILE_ENDPOINT, #0, ne
	b.ne	direct_call_forever
	cbnz	x2, direct_call_page
	choose_receiver
end_routine direct_call_locked

/* Self waits for the reply of x8. */
routine direct_call_wait
	str	x13, [x12, #PROC_WAIT_FILE]
	stp	x15, x10, [x12, #PROC_WAIT_PEER]	/* and wait_flags: HV_WAIT_CALL */
	lsl	x10, x10, x1
	ldr	x13, [x8, #PROC_CALLERS]
	orr	x13, x13, x10
	stp	x1, x13, [x8, #PROC_REPLY_TO]		/* and callers */
	hand_over
end_routine direct_call_wait

	drop_lock_here lock_drop_call
	leave_with_message direct_call_leave

routine direct_call_page
	look_at_page direct_call_forever
	choose_receiver
	give_page
	mov	x10, #1
	b	direct_call_wait
end_routine direct_call_page

/* The deadline is HV_FOREVER. */
routine direct_call_forever
	mov	x1, xzr
end_routine direct_call_forever

routine direct_call_full
	mov	x8, #ASM_HC_CALL
	b	direct_full
end_routine direct_call_full

	wait_for_lock_here lock_wait_call, direct_call_locked

/* ---- reply_wait ---------------------------------------------------------------- */

	.globl	direct_reply_wait
routine direct_reply_wait
	mrs	x16, tpidr_el2
end_routine direct_reply_wait

	take_lock_here lock_take_reply, lock_wait_reply

routine direct_reply_locked
	look_at_handle direct_reply_full, direct_reply_forever
	tbz	w12, #RIGHT_READ, direct_reply_forever
	adrp	x8, procs
	add	x12, x8, x1, lsl #PROC_SIZE_SHIFT
	ldp	x15, x17, [x12, #PROC_REPLY_TO]		/* reply_to, callers */
	ldp	x10, x11, [x14, #FILE_WRITERS]		/* writers, type */
	cmp	x15, #63
	ccmp	x11, #ASM_FILE_ENDPOINT, #0, ls
	ccmp	x10, #0, #4, eq
	ldp	x10, x11, [x14, #FILE_SENDERS]
	orr	x10, x10, x11
	ccmp	x10, #0, #0, ne
	b.ne	direct_reply_forever
	ldp	x11, x10, [x16, #CPU_NUMBER]		/* number, allowed */
	and	x10, x10, x17
	lsr	x10, x10, x15
	tbz	w10, #0, direct_reply_forever
	cbnz	x2, direct_reply_page
	add	x8, x8, x15, lsl #PROC_SIZE_SHIFT
end_routine direct_reply_locked

/* Caller x15 = x8 waits no more, but self does. */
routine direct_reply_wait_next
	mov	x10, #1
	lsl	x0, x10, x15
	bic	x17, x17, x0
	lsl	x10, x10, x1
	stp	x13, xzr, [x12, #PROC_WAIT_FILE]	/* and wait_peer */
	str	xzr, [x12, #PROC_WAIT_FLAGS]
	stp	xzr, x17, [x12, #PROC_REPLY_TO]		/* and callers */
	ldr	x0, [x14, #FILE_RECEIVERS]
	orr	x0, x0, x10
	str	x0, [x14, #FILE_RECEIVERS]
	hand_over
end_routine direct_reply_wait_next

	drop_lock_here lock_drop_reply
	leave_with_message direct_reply_leave

routine direct_reply_page
	look_at_page direct_reply_forever
	add	x8, x8, x15, lsl #PROC_SIZE_SHIFT
	give_page
	b	direct_reply_wait_next
end_routine direct_reply_page

routine direct_reply_forever
	mov	x1, xzr
end_routine direct_reply_forever

routine direct_reply_full
	mov	x8, #ASM_HC_REPLY_WAIT
end_routine direct_reply_full

/* ---- both ---------------------------------------------------------------------- */

/* C does it. In: x8 = number. */
routine direct_full
	leave_general_registers
	b	vectors_locked
end_routine direct_full

	wait_for_lock_here lock_wait_reply, direct_reply_locked

/* What some cores have or some processes use changes hands, too. In: x17 = context of self. */
routine direct_more
	str	x15, [x16, #CPU_CURRENT]
	ldr	x13, [x8, #PROC_CTX]
	adrp	x14, pages
	add	x13, x14, x13, lsl #12
	store_message x13
	mov	x19, x16
	mov	x20, x17
	b	vectors_switch_more
end_routine direct_more

/* An interrupt may wait for who comes. In: x20 = its context. */
routine direct_vgic
	store_message x20
	mov	x19, x16
	b	vectors_vgic_enter
end_routine direct_vgic
