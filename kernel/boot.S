/* SPDX-License-Identifier: MIT */
/*
 * From the arm64 Image header, or from PSCI's CPU_ON, to C at the linked
 * address: EL2 checked, MMU and caches on. Also the exception vectors while
 * boot runs, and the two loops of boot that are worth writing by hand.
 *
 * Invariant: until `enter_high` and `core_high` every address is formed by adr
 * or adrp, so the code runs wherever it was loaded.
 */
#include <arch/sysreg.h>

#include "boot_tables.h"
#include "layout.h"

#define PL011_VIRT	0x09000000	/* the UART of QEMU's virt, for want of a device tree */
#define PSCI_SYSTEM_OFF	0x84000008

	.section .boot.head, "ax"
	.globl	boot_head
boot_head:				/* Documentation/arm64/booting.rst, section 4 */
	b	boot_entry
	.long	0
	.quad	0			/* text_offset */
	.quad	__image_size		/* bss included */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in RAM */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
/*
 * In: x0 = physical address of the device tree, any EL, MMU off by the
 * protocol (or on, identity-mapped). x19 = device tree, x20 = our physical
 * base, kept until boot_main.
 */
boot_entry:
	msr	daifset, #0xf
	mov	x19, x0
	adrp	x20, boot_head
	mrs	x1, CurrentEL
	cmp	x1, #CURRENTEL_EL2
	b.ne	not_el2
	msr	spsel, #1

	/* A firmware that left its caches on may hold our image in them: clean it. */
	mrs	x1, sctlr_el2
	mov	x2, #(SCTLR_M | SCTLR_C)
	tst	x1, x2
	b.eq	1f
	adrp	x0, __kernel_start
	adrp	x1, __bss_start
	bl	clean_range
1:	ldr	w0, =SCTLR_EL2_RES1
	msr	sctlr_el2, x0
	isb				/* MMU off before HCR_EL2.E2H may change */
	mov	x0, #HCR_RW
	msr	hcr_el2, x0
	mov	x0, #CPTR_RES1		/* FP allowed: libfdt uses it */
	msr	cptr_el2, x0
	isb

	tst	x20, #(BOOT_SIZE - 1)
	b.ne	not_aligned
	adrp	x0, boot_stack_top
	mov	sp, x0

	/*
	 * Caches may hold lines of these tables from before. Dirty ones would
	 * overwrite what is stored around the cache now, clean ones would hide
	 * it from the walker later: invalidate before and after.
	 */
	bl	invalidate_tables
	mov	x0, x20
	bl	boot_early_tables
	bl	invalidate_tables

	bl	start_mmu
	ldr	x0, =enter_high
	br	x0
enter_high:
	adrp	x0, boot_stack_top
	mov	sp, x0
	adrp	x0, boot_vectors
	add	x0, x0, :lo12:boot_vectors
	msr	vbar_el2, x0
	isb
	mov	x0, x19
	mov	x1, x20
	mov	x29, xzr
	mov	x30, xzr
	b	boot_main

/*
 * Where PSCI starts another core (DEN 0022E, 6.4.3): EL2, MMU and caches off,
 * and what the caches held before is gone. In: x0 = its index. Until the MMU is
 * on it reads nothing but these instructions and their constants, which are in
 * memory because the first core ran them in the same state.
 */
	.globl	boot_core
boot_core:
	msr	daifset, #0xf
	mov	x19, x0
	mrs	x1, CurrentEL
	cmp	x1, #CURRENTEL_EL2
	b.ne	never			/* the first core says that nobody came */
	msr	spsel, #1
	ldr	w0, =SCTLR_EL2_RES1
	msr	sctlr_el2, x0
	isb				/* as above, before HCR_EL2.E2H may change */
	mov	x0, #HCR_RW
	msr	hcr_el2, x0
	mov	x0, #CPTR_RES1
	msr	cptr_el2, x0
	isb
	bl	start_mmu
	ldr	x0, =core_high
	br	x0
core_high:
	adrp	x0, boot_core_stack_top
	mov	sp, x0
	adrp	x0, boot_core_vectors
	add	x0, x0, :lo12:boot_core_vectors
	msr	vbar_el2, x0
	isb
	mov	x0, x19
	mov	x29, xzr
	mov	x30, xzr
	b	boot_core_main

/* MMU and caches on, with the tables of boot_mmu.c. Clobbers x0-x2. */
start_mmu:
	ldr	x0, =MAIR_VALUE
	msr	mair_el2, x0
	ldr	x0, =(TCR_WALK | TCR_EL2_RES1)
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf		/* PARange */
	mov	x2, #TCR_PS_48BIT
	cmp	x1, x2
	csel	x1, x1, x2, lo
	orr	x0, x0, x1, lsl #TCR_EL2_PS_SHIFT
	msr	tcr_el2, x0
	adrp	x0, el2_tables		/* level 0 is the first */
	msr	ttbr0_el2, x0
	dsb	sy			/* the tables, before the first walk */
	tlbi	alle2			/* what the firmware left */
	ic	iallu
	dsb	nsh			/* completes both */
	isb
	ldr	x0, =(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_WXN)
	msr	sctlr_el2, x0
	isb
	ret

/* Invalidates the boot and EL2 tables to the PoC. Clobbers x0-x4, x10. */
invalidate_tables:
	mov	x10, x30
	adrp	x0, __el2_tables_start
	adrp	x1, __el2_tables_end
	bl	invalidate_range
	adrp	x0, boot_tables
	add	x1, x0, #BOOT_TABLES_BYTES
	bl	invalidate_range
	ret	x10

/* x0 = start, x1 = end, aligned to cache lines. Clobbers x0-x3. */
invalidate_range:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #CTR_DMINLINE_SHIFT, #4
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	dsb	sy			/* before the stores or walks that follow */
	ret

/* The same, clean and invalidate. */
clean_range:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #CTR_DMINLINE_SHIFT, #4
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	civac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

/*
 * The two failures that come before the MMU and the device tree. The only
 * UART that can be guessed is that of QEMU's virt: print there if a PrimeCell
 * (DDI 0183G, 3.3.19) answers, then ask PSCI for power-off by the conduit of
 * a machine without EL2 and wait for ever.
 */
not_el2:
	adr	x5, text_not_el2
	b	early_fail
not_aligned:
	adr	x5, text_not_aligned
early_fail:
	mov	x4, #PL011_VIRT
	add	x6, x4, #0xff0
	ldr	w7, [x6]
	cmp	w7, #0x0d		/* first byte of the signature 0xb105f00d */
	b.ne	3f
1:	ldrb	w6, [x5], #1
	cbz	w6, 3f
2:	ldr	w7, [x4, #0x18]		/* UARTFR.TXFF */
	tbnz	w7, #5, 2b
	str	w6, [x4]
	b	1b
3:	mrs	x1, CurrentEL
	ldr	x0, =PSCI_SYSTEM_OFF
	cmp	x1, #CURRENTEL_EL2
	b.eq	4f
	b.hi	never
	adr	x2, boot_vectors_stop	/* HVC is undefined where there is no EL2 nor PSCI */
	msr	vbar_el1, x2
	isb
	hvc	#0
	b	never
4:	smc	#0
never:
	wfi
	b	never
text_not_el2:
	.ascii	"hv8: not entered at EL2: start the machine with virtualization "
	.asciz	"(QEMU: -M virt,virtualization=on)\n"
text_not_aligned:
	.ascii	"hv8: loaded at an address that is not a multiple of 2 MiB: "
	.asciz	"let the boot loader honour the Image header\n"

	.balign	2048
boot_vectors_stop:
	.rept	16
	wfi
	b	. - 4
	.balign	128
	.endr

/* An exception while boot runs: a bug, or an address in the device tree where nothing is. */
	.macro	vectors_of stack
	.balign	2048
	.rept	16
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	adrp	x3, \stack
	mov	sp, x3
	b	boot_exception
	.balign	128
	.endr
	.endm
	.balign	2048
boot_vectors:
	vectors_of boot_stack_top
	.balign	2048
boot_core_vectors:
	vectors_of boot_core_stack_top

/*
 * void boot_zero(void *start, void *end): both multiples of 4 KiB, memory
 * normal. Clobbers x0-x3.
 */
	.globl	boot_zero
	.type	boot_zero, %function
boot_zero:
	mrs	x2, dczid_el0
	tbnz	x2, #4, 2f		/* prohibited: boot refuses the core later */
	and	x2, x2, #DCZID_BS_MASK
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	zva, x0			/* two blocks of at most 2 KiB: 4 KiB is a multiple */
	add	x0, x0, x3
	dc	zva, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	ret
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	ret
	.size	boot_zero, . - boot_zero

/*
 * void *memcpy(void *to, const void *from, size_t n): normal memory, any
 * alignment. Clobbers x1-x8.
 */
	.globl	memcpy
	.type	memcpy, %function
memcpy:
	mov	x3, x0
1:	cmp	x2, #32
	b.lo	2f
	ldp	x4, x5, [x1], #16
	ldp	x6, x7, [x1], #16
	stp	x4, x5, [x3], #16
	stp	x6, x7, [x3], #16
	sub	x2, x2, #32
	b	1b
2:	cbz	x2, 3f
	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	sub	x2, x2, #1
	b	2b
3:	ret
	.size	memcpy, . - memcpy

/*
 * tools/stamp.py writes it when the kernel is linked. Data, although nobody
 * changes it: the verifier keeps proofs by the hash of all constants, and this
 * differs in every kernel.
 */
	.data
	.globl	boot_kernel_hash
	.type	boot_kernel_hash, %object
boot_kernel_hash:
	.zero	32
	.size	boot_kernel_hash, . - boot_kernel_hash

	.bss
	.balign	4096
	.space	16384
boot_stack_top:
	.space	8192			/* of the core that is being started: one at a time */
boot_core_stack_top:
