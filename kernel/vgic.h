/* SPDX-License-Identifier: MIT */
/* The virtual CPU interface: how a process gets its interrupts and ends them without a trap. */
#ifndef KERNEL_VGIC_H
#define KERNEL_VGIC_H

#include "state.h"

/* Offsets in the virtual interface control of GICv2 (IHI 0048B, 5.3). */
enum gich_register {
	GICH_HCR = 0x00,
	GICH_VTR = 0x04,
	GICH_VMCR = 0x08,
	GICH_ELSR0 = 0x30,
	GICH_APR = 0xf0,
	GICH_LR0 = 0x100,
};

/* State of a list register: bits 29:28 (IHI 0048B, 5.3.8) or 63:62 (IHI 0069H, ICH_LR<n>_EL2). */
enum {
	LR_PENDING = 1, LR_STATES = 3,
	LR_SHIFT_V2 = 28, LR_SHIFT_V3 = 62,
};

/* Lists one line of the loaded process's that waits, if there is room. */
void vgic_list(struct hv_cpu *cpu);
/* The running process lists the line no longer. */
void vgic_forget(uint64_t pid, uint64_t line);

/* Around a switch: the interface is taken from the loaded process, given to it. */
void vgic_leave(struct hv_cpu *cpu);
void vgic_enter(struct hv_cpu *cpu);
/* The interface becomes the process's, as it was left. */
void vgic_load(uint64_t pid);

#endif
