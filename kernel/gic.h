/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller after boot. An interrupt is taken in three steps
 * (EOImode 1): gic_ack() makes it active, gic_drop() lets the next one come,
 * and it comes again itself only after gic_deactivate(), or after the process
 * that it was handed to has ended it at its virtual CPU interface.
 */
#ifndef KERNEL_GIC_H
#define KERNEL_GIC_H

#include <stdint.h>

/* INTIDs from here on are not interrupts (IHI 0069H, 2.2.1; IHI 0048B, 3.2.5). */
enum { GIC_SPURIOUS = 1020 };

/* Offsets in the distributor (IHI 0048B, 4.3; same in IHI 0069H, 12.8): a bit for each INTID. */
enum gicd_bits {
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_ICACTIVER = 0x380,
	GICD_SGIR = 0xf00,	/* a word: to whom, and which */
};

/* Offsets in the CPU interface of GICv2 (IHI 0048B, 4.4). */
enum gicc_register {
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	GICC_DIR = 0x1000,

	GICC_CTLR_EOIMODE = 1 << 9,	/* EOIR drops the priority, DIR deactivates */
};

/* The interrupt that cores send each other. */
enum { GIC_SGI = 0 };

/* Acknowledges the pending interrupt of highest priority; what the controller calls it. */
uint32_t gic_ack(void);
/* Its INTID, or GIC_SPURIOUS and above. */
uint32_t gic_intid(uint32_t iar);
/* Ends its priority: others can be acknowledged. */
void gic_drop(uint32_t iar);
/* It can be acknowledged again. */
void gic_deactivate(uint32_t iar);
/* Sends GIC_SGI to the core that has this in its struct hv_cpu. */
void gic_interrupt(uint64_t sgi);
/* Writes the bit of a shared interrupt (INTID 32 and above) into the distributor. */
void gic_set_bit(enum gicd_bits what, uint64_t intid);

#endif
