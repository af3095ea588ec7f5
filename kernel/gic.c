/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller after boot, GICv2 or GICv3 as boot found it.
 * Invariant: the priority of an INTID acknowledged by gic_ack() and below
 * GIC_SPURIOUS is dropped by gic_drop() on the same core before the next
 * gic_ack().
 */
#include "gic.h"

#include <arch/sysreg.h>

#include "layout.h"
#include "prim.h"
#include "state.h"

/* IAR holds the INTID in bits 0 to 9 (v2) or 0 to 23 (v3); SGIs never happen: nobody sends one. */
uint32_t gic_ack(void)
{
	uint64_t intid;

	if (machine.gic_version == 2)
		return mmio_read32(GICC_VA + GICC_IAR) & 0x3ff;
	intid = sysreg_read(ICC_IAR1);
	/* IHI 0069H, 4.4.7: the read takes effect on the core before what follows only after this. */
	dsb_sy();
	return (uint32_t)intid & 0xffffff;
}

void gic_drop(uint32_t intid)
{
	if (machine.gic_version == 2) {
		mmio_write32(GICC_VA + GICC_EOIR, intid);
		return;
	}
	sysreg_write(ICC_EOIR1, intid);
	/* The priority drops before the core can take the next interrupt at `eret`. */
	isb();
}

void gic_deactivate(uint32_t intid)
{
	if (machine.gic_version == 2) {
		mmio_write32(GICC_VA + GICC_DIR, intid);
		return;
	}
	sysreg_write(ICC_DIR, intid);
	isb();
}

void gic_set_bit(enum gicd_bits what, uint64_t intid)
{
	mmio_write32(GICD_VA + what + intid / 32 * 4, 1U << (intid % 32));
}
