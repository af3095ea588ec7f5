/* SPDX-License-Identifier: MIT */
/* What the tests of interrupts share: lines, and devices that seem to ask. */
#ifndef USERTESTS_IRQ_H
#define USERTESTS_IRQ_H

#include "peer.h"

#include <hv8/irq.h>

enum { LINES_MAX = 12 };	/* that a test uses at once */

/* Interrupts of self's own, still masked. Skips the test where there are none. */
void irq_start(void);

/* Line number n of self's that is not in use; the test fails if it has fewer. */
hv_irq irq_own_line(unsigned n);
uint64_t irq_intid(hv_irq line);

/*
 * Makes the devices of self's first `count` lines seem to ask: a child takes
 * them into use and dies, and when self has them back their interrupts are
 * pending.
 */
void irq_stir(unsigned count);
/* Waits until the interrupt of a line is with self: another core may take it, and passes it on. */
void irq_await_arrival(hv_irq line);
/* The grants of a peer with self's first `count` lines. */
struct hv_grants irq_grants(unsigned count);

/* Is this the INTID that self would acknowledge now? (GICv3; with GICv2: `otherwise`) */
bool irq_is_next(uint64_t intid, bool otherwise);

/* Likewise, if not now then soon. */
bool irq_becomes_next(uint64_t intid, bool otherwise);

/* A handler that counts in *arg, a volatile unsigned. */
enum hv_handled irq_count(struct hv_frame *frame, void *arg);
/* Lets interrupts come until *count is `wanted`; the test fails if that never is. */
void irq_await(const volatile unsigned *count, unsigned wanted);
/* Lets interrupts come for some milliseconds. */
void irq_linger(void);

#endif
