/* SPDX-License-Identifier: MIT */
/* The virtual CPU interface of the GIC: no call here enters the kernel. */
#ifndef LIB_GIC_H
#define LIB_GIC_H

#include <stdint.h>

enum { GIC_SPURIOUS = 1020 };	/* INTIDs from here on are no interrupts */

int64_t gic_start(void);	/* after enable_vgic; -HV_ENOSYS: cannot be reached */
void gic_stop(void);
uint32_t gic_ack(void);
void gic_end(uint32_t intid);	/* drops its priority and deactivates it */

#endif
