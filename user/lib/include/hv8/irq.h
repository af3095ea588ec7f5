/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and timers of self's own, as a kernel has them: by its virtual
 * CPU interface of the GIC, at its own vectors. A process that never calls
 * hv_irq_enable() has neither, and pays for neither.
 *
 * A handler runs at EL1 on the handler stack, with interrupts masked. Like a
 * signal handler it comes anywhere between two instructions, so it may call
 * hypercalls, what is declared here, hv_now() and functions of its own, but
 * nothing else of the libos or of the C library; and what it touches has to be
 * mapped already: a page fault in it ends the process. (The program itself is:
 * hv_irq_enable() loads it. So is what was touched before.)
 */
#ifndef HV8_IRQ_H
#define HV8_IRQ_H

#include <hv8/libos.h>

/* ---- the CPU interface ---------------------------------------------------------- */

/*
 * Self gets its interrupts from now on: at EL1 when they are not masked, which
 * they are at first; at EL0 always. -HV_ENOSYS: on a GICv2, to a process that
 * does not see the kernel's tables, and so cannot find the interface.
 * A child of fork starts without; exec masks, and gives up lines and timers.
 */
int64_t hv_irq_enable(void);

/* Masks interrupts at EL1. The result is for hv_irq_restore. */
HV_INLINE uint64_t hv_irq_mask(void)
{
	uint64_t state;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(state) : : "memory");
	return state;
}

HV_INLINE void hv_irq_restore(uint64_t state)
{
	__asm__ volatile("msr daif, %0" : : "r"(state) : "memory");
}

HV_INLINE void hv_irq_unmask(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

/*
 * Blocks self until an interrupt of its own is pending. To wait for what a
 * handler does, and to miss nothing: mask; while it is not done, hv_irq_wait(),
 * unmask, mask. A masked interrupt ends the wait, too.
 */
HV_INLINE void hv_irq_wait(void)
{
	__asm__ volatile("wfi" : : : "memory");
}

/* The same in a recv: its result is -HV_EINTR if there is, or comes, an interrupt. */
struct hv_msg hv_irq_recv(hv_handle handle, hv_time deadline);

/* ---- lines ------------------------------------------------------------------------ */

/*
 * Takes the line of an INTID into use: `handler` gets its interrupts, and must
 * make the device stop asking before it returns; then the interrupt is ended.
 * HV_NOT_HANDLED ends a stay at EL0, as for other exceptions: hv_el0_enter()
 * returns. NULL: the line is masked, and not in use. The `fast` one saves no
 * FP registers; see hv_on_exception_fast(), and HV_FAST_HANDLER.
 * -HV_ESTATE before hv_irq_enable(); errors of alloc_irq and free_irq.
 */
int64_t hv_irq_handler(uint64_t intid, hv_handler handler, void *arg);
int64_t hv_irq_handler_fast(uint64_t intid, hv_handler handler, void *arg);

/* The INTID in an entry of the property "interrupts" of a device: three cells
 * as they are in the device tree. */
enum { HV_IRQ_CELLS = 12 };	/* bytes of an entry */
uint64_t hv_irq_intid(const uint8_t cells[HV_IRQ_CELLS]);

/* The line of an INTID, by the view: -HV_ENOENT if there is none. */
int64_t hv_irq_line(uint64_t intid);

/* The lines that self owns and does not use, as struct hv_grants has them. */
void hv_irq_lines(uint64_t lines[HV_NIRQ / 64]);

/* ---- timers ------------------------------------------------------------------------- */

/*
 * Any number of them, by self's virtual timer; each is memory of the caller's,
 * and goes off once. The handler may set it again. It returns HV_HANDLED, or
 * HV_NOT_HANDLED to end a stay at EL0. It must not use FP registers unless
 * hv_timer_use_fp() was called.
 */
struct hv_timer {
	uint64_t deadline;	/* CNTVCT_EL0, as of hv_now() */
	hv_handler handler;
	void *arg;
	struct hv_timer *next;
	struct hv_timer **place;	/* that points here; NULL: it is not set */
};

/* Sets it, or sets it anew. *timer is zero before the first time. */
void hv_timer_set(struct hv_timer *timer, uint64_t deadline, hv_handler handler, void *arg);
void hv_timer_cancel(struct hv_timer *timer);
void hv_timer_use_fp(void);

#endif
