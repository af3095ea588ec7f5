/* SPDX-License-Identifier: MIT */
/*
 * fork returns twice. The clone hypercall copies the registers, the memory is
 * copied later and by then the stack below has changed: so the child does not
 * go on in C, but takes the registers that hv_fork_point has put on the stack
 * and returns from there.
 */
#include <hv8/numbers_asm.h>

	.section .text.hv_hot, "ax"

	.macro push_callee_saved
	stp	x29, x30, [sp, #-96]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	.endm

	.macro pop_callee_saved
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	.endm

/*
 * int64_t os_fork_point(x0 = build(x1), x1 = argument, x2 = &os.grant.sp)
 * The parent gets what build returns; the child gets 0.
 */
	.globl	os_fork_point
	.type	os_fork_point, %function
os_fork_point:
	push_callee_saved
	mov	x3, sp
	str	x3, [x2]
	mov	x3, x0
	mov	x0, x1
	blr	x3
	pop_callee_saved
	ret
	.size	os_fork_point, . - os_fork_point

/*
 * int64_t os_clone(x0 = pid, x1 = ctx, x2 = root, x3 = &os.grant)
 * Called by build. os.grant: is_child, sp. Returns in the parent only.
 */
	.globl	os_clone
	.type	os_clone, %function
os_clone:
	stp	x19, x30, [sp, #-16]!
	mov	x19, x3
	mov	x8, #.LNR_clone
	hvc	#0
	ldp	x1, x2, [x19]			/* the child reads its own copy */
	cbnz	x1, 1f
	ldp	x19, x30, [sp], #16
	ret
1:	mov	sp, x2
	bl	os_fork_child
	mov	x0, xzr
	pop_callee_saved
	ret
	.size	os_clone, . - os_clone

/*
 * os_exec_jump(x0 = plan, x1 = runner, x2 = stack pointer). Does not return.
 */
	.globl	os_exec_jump
	.type	os_exec_jump, %function
os_exec_jump:
	mov	sp, x2
	mov	x29, xzr
	mov	x30, xzr
	br	x1
	.size	os_exec_jump, . - os_exec_jump
