/* SPDX-License-Identifier: MIT */
/*
 * The header of a PE application (Microsoft's PE Format; UEFI 2.10, 2.1.1),
 * the way into C, and the way out to the kernel. Linked at 0, so that an
 * address is an RVA; runs wherever the firmware puts it. Exception level 2,
 * but for `efi_start` and `current_el`, which run at any.
 */
#include <arch/sysreg.h>

#define R_AARCH64_RELATIVE	1027
#define RELA_BYTES		24
#define SECTION_ALIGN		4096

	.section .head, "ax"
pe_start:
	.ascii	"MZ"
	.zero	0x3c - 2
	.long	pe_header - pe_start
	.zero	0x40
pe_header:
	.ascii	"PE\0\0"
	.short	0xaa64			/* AArch64 */
	.short	2			/* sections */
	.long	0, 0, 0			/* no time, no symbols */
	.short	sections - optional
	.short	0x206			/* executable, without line numbers and symbols */
optional:
	.short	0x20b			/* PE32+ */
	.byte	0, 0
	.long	pe_text_size, pe_data_file_size, 0
	.long	efi_start - pe_start
	.long	pe_text_start
	.quad	0			/* preferred address: any */
	.long	SECTION_ALIGN, SECTION_ALIGN
	.short	0, 0, 0, 0, 0, 0
	.long	0
	.long	pe_image_size
	.long	pe_text_start		/* of the headers */
	.long	0			/* checksum: not used */
	.short	10			/* EFI application */
	.short	0x100			/* data need not be executable */
	.quad	0, 0, 0, 0		/* stack and heap: the firmware's */
	.long	0
	.long	6			/* directories: none is used */
	.quad	0, 0, 0, 0, 0, 0
sections:
	.ascii	".text\0\0\0"
	.long	pe_text_size, pe_text_start, pe_text_size, pe_text_start
	.long	0, 0
	.short	0, 0
	.long	0x60000020		/* code, readable, executable */
	.ascii	".data\0\0\0"
	.long	pe_data_size, pe_data_start, pe_data_file_size, pe_data_start
	.long	0, 0
	.short	0, 0
	.long	0xc0000040		/* data, readable, writable */

	.text
/*
 * efi_status efi_start(efi_handle image, struct efi_system_table *system):
 * adds the load address to each pointer in the data, then is efi_main.
 * Clobbers x2-x7.
 */
	.globl	efi_start
efi_start:
	adrp	x2, pe_start
	adrp	x3, __rela_start
	add	x3, x3, :lo12:__rela_start
	adrp	x4, __rela_end
	add	x4, x4, :lo12:__rela_end
1:	cmp	x3, x4
	b.hs	2f
	ldr	x5, [x3]		/* where; every entry is R_AARCH64_RELATIVE */
	ldr	x6, [x3, #16]		/* what */
	add	x6, x6, x2
	str	x6, [x2, x5]
	add	x3, x3, #RELA_BYTES
	b	1b
2:	b	efi_main

	.globl	current_el
current_el:
	mrs	x0, CurrentEL
	ret

/*
 * void enter_kernel(kernel, tree, start, end): the state that booting.rst
 * asks for. The firmware maps memory at its own address, so that this code
 * goes on when the MMU is off. Its own lines are cleaned too: fetches no
 * longer look into the data cache.
 */
	.globl	enter_kernel
enter_kernel:
	msr	daifset, #0xf
	mov	x19, x0
	mov	x20, x1
	mov	x0, x2
	mov	x1, x3
	bl	clean
	adr	x0, enter_kernel
	adr	x1, enter_kernel_end
	bl	clean
	dsb	sy			/* the cleaning, before the MMU is off */
	ldr	x0, =SCTLR_EL2_RES1
	msr	sctlr_el2, x0
	isb				/* MMU off before HCR_EL2.E2H may change */
	ldr	x0, =HCR_RW
	msr	hcr_el2, x0		/* TGE of the firmware ends here */
	isb
	tlbi	alle2
	ic	iallu			/* the kernel was written as data */
	dsb	nsh
	isb
	mov	x0, x20
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x19

/* Cleans and invalidates [x0, x1) to the point of coherency. Clobbers x0-x3. */
clean:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #CTR_DMINLINE_SHIFT, #4
	mov	x3, #4
	lsl	x3, x3, x2
	sub	x2, x3, #1
	bic	x0, x0, x2
1:	dc	civac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	ret
	.ltorg
enter_kernel_end:
