/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: which handler is whose, and the way from the vector to it. The
 * tables are changed with interrupts masked.
 */
#include "os.h"
#include "gic.h"

#include <hv8/irq.h>
#include <string.h>

enum { SLOTS = 32 };	/* lines that one process uses; slot 0 is nobody's */

static struct slot {
	hv_irq line;
	hv_handler handler;	/* NULL: unused */
	void *arg;
} slots[SLOTS];

static uint8_t slot_of[GIC_SPURIOUS];	/* by INTID; 0: none */
static bool needs_fp;		/* a handler may use FP registers */

/* ---- the way from the vector -------------------------------------------------------- */

static enum hv_handled handle(uint32_t intid, struct hv_frame *frame)
{
	const struct slot *slot = &slots[slot_of[intid]];
	enum hv_handled handled = HV_HANDLED;

	/* first: while its handlers run the timer may be set anew, and expire */
	if (intid == os.timer_intid) {
		gic_end(intid);
		return os_timer_expire(frame);
	}
	if (slot->handler != NULL)
		handled = slot->handler(frame, slot->arg);
	gic_end(intid);
	return handled;
}

static enum hv_handled dispatch(struct hv_frame *frame, void *arg)
{
	uint32_t intid = gic_ack();
	enum hv_handled handled = HV_HANDLED;

	(void)arg;
	if (intid < GIC_SPURIOUS) {
		os.irq_depth++;
		handled = handle(intid, frame);
		os.irq_depth--;
	}
	/* there is a stay to end only if it came from EL0 */
	return (frame->spsr & 0xf) == 0 ? handled : HV_HANDLED;
}

static void install(void)
{
	if (needs_fp)
		hv_on_exception(HV_EXC_IRQ, dispatch, NULL);
	else
		hv_on_exception_fast(HV_EXC_IRQ, dispatch, NULL);
}

void hv_timer_use_fp(void)
{
	needs_fp = true;
	install();
}

/* ---- on and off ---------------------------------------------------------------------- */

int64_t hv_irq_enable(void)
{
	int64_t error;

	if (os.has_irqs)
		return 0;
	error = hv_load_image();	/* no handler can wait for a page */
	if (error < 0)
		return error;
	os.timer_intid = hv_has_view() ? hv_irqs[HV_IRQ_TIMER].intid : OS_TIMER_INTID;
	error = hv_enable_vgic();
	if (error < 0 && error != -HV_EEXIST)	/* before an exec */
		return error;
	error = gic_start();
	if (error < 0)
		return error;
	memset(slots, 0, sizeof(slots));	/* of the parent, before a fork */
	memset(slot_of, 0, sizeof(slot_of));
	os_timer_stop();
	install();
	os.has_irqs = 1;
	return 0;
}

/* For exec: nothing of it comes to the next program. */
void os_irq_stop(void)
{
	hv_irq_mask();
	os_timer_stop();
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].handler != NULL)
			hv_free_irq(slots[i].line);
	gic_stop();
}

/* ---- lines ------------------------------------------------------------------------------ */

static int64_t take(uint64_t intid, hv_handler handler, void *arg)
{
	int64_t line = hv_irq_line(intid), error;
	uint8_t free = 1;

	while (free < SLOTS && slots[free].handler != NULL)
		free++;
	if (free == SLOTS)
		return -HV_ENOMEM;
	if (line < 0)
		return line;
	error = hv_alloc_irq((hv_irq)line);
	if (error < 0)
		return error;
	slots[free] = (struct slot){ (hv_irq)line, handler, arg };
	slot_of[intid] = free;
	return 0;
}

static int64_t change(uint64_t intid, hv_handler handler, void *arg)
{
	struct slot *slot = &slots[intid < GIC_SPURIOUS ? slot_of[intid] : 0];
	int64_t error;

	if (slot->handler == NULL)
		return handler == NULL ? -HV_ENOENT : take(intid, handler, arg);
	if (handler != NULL) {
		slot->arg = arg;
		slot->handler = handler;
		return 0;
	}
	error = hv_free_irq(slot->line);
	slot->handler = NULL;
	slot_of[intid] = 0;
	return error;
}

int64_t hv_irq_handler_fast(uint64_t intid, hv_handler handler, void *arg)
{
	uint64_t state = hv_irq_mask();
	int64_t error = os.has_irqs ? change(intid, handler, arg) : -HV_ESTATE;

	hv_irq_restore(state);
	return error;
}

int64_t hv_irq_handler(uint64_t intid, hv_handler handler, void *arg)
{
	if (os.has_irqs && handler != NULL)
		hv_timer_use_fp();
	return hv_irq_handler_fast(intid, handler, arg);
}

/* ---- waiting for them ------------------------------------------------------------------- */

struct hv_msg hv_irq_recv(hv_handle handle, hv_time deadline)
{
	hv_time timer = os_timer_first();
	bool is_first = timer != HV_FOREVER && (deadline == HV_FOREVER || timer < deadline);
	struct hv_msg msg = hv_recv_msg(handle, is_first ? timer : deadline, HV_WAIT_IRQ);

	/* in recv the kernel knows the deadline, and not self's timer */
	if (is_first && msg.result == -HV_ETIMEDOUT)
		msg.result = -HV_EINTR;
	return msg;
}
