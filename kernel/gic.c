/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller after boot, GICv2 or GICv3 as boot found it.
 * Invariant: the priority of an interrupt acknowledged by gic_ack() is
 * dropped by gic_drop() on the same core before the next
 * gic_ack().
 */
#include "gic.h"

#include <arch/sysreg.h>

#include "layout.h"
#include "prim.h"
#include "state.h"

/* IAR holds the INTID in bits 0 to 23 (v3) or 0 to 9, then 3 bits of who sent an SGI (v2). */
uint32_t gic_ack(void)
{
	uint64_t iar;

	if (machine.gic_version == 2)
		return mmio_read32(GICC_VA + GICC_IAR) & 0x1fff;
	iar = sysreg_read(ICC_IAR1);
	/* IHI 0069H, 4.4.7: the read takes effect before what follows only with this. */
	dsb_sy();
	return (uint32_t)iar & 0xffffff;
}

uint32_t gic_intid(uint32_t iar)
{
	return machine.gic_version == 2 ? iar & 0x3ff : iar;
}

void gic_drop(uint32_t iar)
{
	if (machine.gic_version == 2) {
		mmio_write32(GICC_VA + GICC_EOIR, iar);
		return;
	}
	sysreg_write(ICC_EOIR1, iar);
	/* The priority drops before the core can take the next interrupt at `eret`. */
	isb();
}

void gic_deactivate(uint32_t iar)
{
	if (machine.gic_version == 2) {
		mmio_write32(GICC_VA + GICC_DIR, iar);
		return;
	}
	sysreg_write(ICC_DIR, iar);
	isb();
}

void gic_interrupt(uint64_t sgi)
{
	if (machine.gic_version == 2)
		mmio_write32(GICD_VA + GICD_SGIR, (uint32_t)sgi);
	else
		sysreg_write(ICC_SGI1R, sgi);
}

void gic_set_bit(enum gicd_bits what, uint64_t intid)
{
	mmio_write32(GICD_VA + what + intid / 32 * 4, 1U << (intid % 32));
}
