/* SPDX-License-Identifier: MIT */
/* Sizes that boot.S and boot_mmu.c share: the translation tables used while boot runs only. */
#ifndef KERNEL_BOOT_TABLES_H
#define KERNEL_BOOT_TABLES_H

#define BOOT_TABLES		12
#define BOOT_TABLES_BYTES	(BOOT_TABLES * 4096)

#ifndef __ASSEMBLY__
#include <stdint.h>
extern uint64_t el2_tables[][512];
extern uint64_t boot_tables[][512];
#endif

#endif
