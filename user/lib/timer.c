/* SPDX-License-Identifier: MIT */
/*
 * Timers: a list in the order of their deadlines, whose first the virtual
 * timer is set to. It is changed with interrupts masked.
 */
#include "os.h"

#include <hv8/irq.h>

static struct hv_timer *first;

/* The kernel has masked the timer if it has expired; this is what unmasks it. */
static void arm(void)
{
	if (first != NULL)
		__asm__ volatile("msr cntv_cval_el0, %0" : : "r"(first->deadline));
	__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb"
			 : : "r"((uint64_t)(first != NULL)) : "memory");
}

static void point(struct hv_timer **place, struct hv_timer *timer)
{
	*place = timer;
	if (timer != NULL)
		timer->place = place;
}

static void take_out(struct hv_timer *timer)
{
	if (timer->place == NULL)
		return;
	point(timer->place, timer->next);
	timer->place = NULL;
}

void hv_timer_set(struct hv_timer *timer, uint64_t deadline, hv_handler handler, void *arg)
{
	uint64_t state = hv_irq_mask();
	struct hv_timer **place = &first;

	take_out(timer);
	timer->deadline = deadline;
	timer->handler = handler;
	timer->arg = arg;
	while (*place != NULL && (*place)->deadline <= deadline)
		place = &(*place)->next;
	point(&timer->next, *place);
	point(place, timer);
	arm();
	hv_irq_restore(state);
}

void hv_timer_cancel(struct hv_timer *timer)
{
	uint64_t state = hv_irq_mask();

	take_out(timer);
	arm();
	hv_irq_restore(state);
}

/*
 * All that are due by now; one that is set anew by its handler, however early,
 * has its turn with the next interrupt.
 */
enum hv_handled os_timer_expire(struct hv_frame *frame)
{
	enum hv_handled handled = HV_HANDLED;
	struct hv_timer *due = first, **end = &due;
	uint64_t now = hv_now();

	while (*end != NULL && (*end)->deadline <= now)
		end = &(*end)->next;
	point(&first, *end);
	*end = NULL;
	if (due != NULL)
		due->place = &due;
	while (due != NULL) {
		struct hv_timer *timer = due;

		take_out(timer);
		if (timer->handler(frame, timer->arg) == HV_NOT_HANDLED)
			handled = HV_NOT_HANDLED;
	}
	arm();
	return handled;
}

hv_time os_timer_first(void)
{
	uint64_t state = hv_irq_mask();
	hv_time deadline = HV_FOREVER;

	if (first != NULL)
		deadline = first->deadline > HV_NOWAIT ? first->deadline : HV_NOWAIT + 1;
	hv_irq_restore(state);
	return deadline;
}

void os_timer_stop(void)
{
	first = NULL;
	arm();
}

static enum hv_handled wake(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	return HV_HANDLED;
}

/* What hv_sleep_until does of a process with interrupts, whose handlers run meanwhile. */
void os_timer_sleep(uint64_t cntvct)
{
	struct hv_timer timer = { 0 };
	uint64_t state = hv_irq_mask();

	hv_timer_set(&timer, cntvct, wake, NULL);
	while (hv_now() < cntvct) {
		hv_irq_wait();
		hv_irq_restore(state);
		hv_irq_mask();
	}
	hv_timer_cancel(&timer);
	hv_irq_restore(state);
}
