/* SPDX-License-Identifier: MIT */
/*
 * The EL2 address space. One level-0 entry, so that all of it is within
 * reach of adrp from the text (4 GiB):
 *
 *   KERNEL_VA  + 0        boot section (2 MiB, unmapped before the first eret)
 *              + 2 MiB    text, rodata, data, bss
 *   PAGES_VA   (1 GiB)    pages[]: RAM that the tables manage; what is not RAM
 *                         or belongs to the kernel image is not mapped here
 *   DEVICE_VA             registers of the UART and the interrupt controller
 *
 * These are #defines because the linker script and the assembler read them.
 */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

#define KERNEL_VA	0x400000000000
#define BOOT_SIZE	0x200000
#define PAGES_VA	0x400040000000
#define DEVICE_VA	0x400080000000
#define UART_VA		(DEVICE_VA + 0x000000)	/* one page */
#define GICD_VA		(DEVICE_VA + 0x010000)	/* 64 KiB */
#define GICC_VA		(DEVICE_VA + 0x020000)	/* GICv2: 8 KiB */
#define GICH_VA		(DEVICE_VA + 0x030000)	/* GICv2: one page */
#define GICR_VA		(DEVICE_VA + 0x100000)	/* GICv3: 128 KiB a core, 1 MiB */

#define KERNEL_STACK_SIZE 4096

#endif
