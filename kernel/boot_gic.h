/* SPDX-License-Identifier: MIT */
/* What boot knows of the interrupt controller beyond gic.h: the distributor's and each core's. */
#ifndef KERNEL_BOOT_GIC_H
#define KERNEL_BOOT_GIC_H

#include <stdint.h>

#include "gic.h"

enum gicd_register {
	GICD_CTLR = 0x000, GICD_TYPER = 0x004, GICD_IGROUPR = 0x080, GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800, GICD_ICFGR = 0xc00, GICD_IROUTER = 0x6000,

	GICD_CTLR_GRP1 = 1 << 0,	/* non-secure view; without EL3 firmware v2: group 0 */
	GICD_CTLR_GRP1A = 1 << 1,
	GICD_CTLR_ARE = 1 << 4,
	GICD_TYPER_RSS = 1 << 26,	/* v3: SGIs to cores whose affinity 0 is 16 to 255 */
};
#define GICD_CTLR_RWP (1U << 31)	/* v3: an earlier write is not complete */

/* boot_gic.c; `base` is where the registers of the INTIDs in question are. */
void gic_wait_clear(uint64_t va, uint32_t bit);
void gic_enable(uint64_t base, uint64_t intid);
/* INTIDs [first, end), multiples of 32: off, idle, in `group`, of one priority. */
void gic_quiesce(uint64_t base, uint64_t first, uint64_t end, uint32_t group);

#endif
