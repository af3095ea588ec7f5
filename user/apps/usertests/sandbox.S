/* SPDX-License-Identifier: MIT */
/* Functions for the EL0 sandbox, with no need of anything around them. */
#include <hv8/numbers_asm.h>

	.text
	.balign	8
	.globl	sandbox_add
sandbox_add:
	add	x0, x0, #2
	svc	#0

	.globl	sandbox_peek
sandbox_peek:
	ldr	x0, [x0]
	svc	#0

	.globl	sandbox_hvc
sandbox_hvc:
	mov	x8, #.LNR_kill
	hvc	#0
	svc	#0
	.globl	sandbox_end
sandbox_end:
