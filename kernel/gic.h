/* SPDX-License-Identifier: MIT */
/* The interrupt controller after boot: which interrupt, and done with it. */
#ifndef KERNEL_GIC_H
#define KERNEL_GIC_H

#include <stdint.h>

/* INTIDs from here on are not interrupts (IHI 0069H, 2.2.1; IHI 0048B, 3.2.5). */
enum { GIC_SPURIOUS = 1020 };

/* Offsets in the CPU interface of GICv2 (IHI 0048B, 4.4). */
enum gicc_register {
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
};

/* Acknowledges the pending interrupt of highest priority; an INTID, or GIC_SPURIOUS and above. */
uint32_t gic_ack(void);
/* Ends an interrupt that gic_ack() returned. EOImode is 0: drops the priority and deactivates. */
void gic_eoi(uint32_t intid);

#endif
