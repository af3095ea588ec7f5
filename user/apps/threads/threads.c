/* SPDX-License-Identifier: MIT */
/*
 * The scheduler. A turn is a stay at EL0: the timer's interrupt or a system
 * call that makes the thread wait ends it. Nothing here enters the kernel but
 * the wait when no thread is ready.
 */
#include "threads.h"
#include "work.h"

static struct thread *running;
static size_t own_number;

/* The end of a turn. */
static enum hv_handled HV_FAST_HANDLER end_turn(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	return HV_NOT_HANDLED;
}

static enum hv_handled HV_FAST_HANDLER wake(struct hv_frame *frame, void *arg)
{
	struct thread *thread = arg;

	(void)frame;
	thread->state = THREAD_READY;
	return HV_HANDLED;
}

/* A system call that is answered at once is served right at the vector. */
static enum hv_handled HV_FAST_HANDLER serve(struct hv_frame *frame, void *arg)
{
	(void)arg;
	running->calls++;
	if (frame->x[8] != CALL_ID)
		return HV_NOT_HANDLED;
	frame->x[0] = own_number;
	return HV_HANDLED;
}

/* A system call that ends the turn. */
static void serve_at_end(struct thread *thread, const struct hv_frame *frame)
{
	switch ((enum call)frame->x[8]) {
	case CALL_EXIT:
		thread->state = THREAD_DONE;
		thread->result = frame->x[0];
		return;
	case CALL_SLEEP:
		thread->state = THREAD_SLEEPING;
		hv_timer_set(&thread->alarm, hv_deadline_us(frame->x[0]), wake, thread);
		return;
	case CALL_YIELD:
	case CALL_ID:
		return;
	}
	thread->state = THREAD_DEAD;
}

static void take_turn(struct thread *thread, uint64_t slice)
{
	struct hv_timer timer = { 0 };
	struct hv_el0_exit how;

	running = thread;
	thread->slices++;
	hv_timer_set(&timer, hv_now() + slice, end_turn, NULL);
	hv_el0_enter(&thread->el0, &how);
	hv_timer_cancel(&timer);
	if (how.kind == HV_EXC_IRQ) {
		thread->preemptions++;
	} else if (how.kind == HV_EXC_SVC) {
		serve_at_end(thread, &how.frame);
	} else {
		thread->state = THREAD_DEAD;
		thread->esr = how.esr;
	}
}

/* The next after `from` that is ready, or `count`; then *is_left says whether one sleeps. */
static size_t next_ready(const struct thread *threads, size_t count, size_t from, bool *is_left)
{
	*is_left = false;
	for (size_t i = 1; i <= count; i++) {
		size_t at = (from + i) % count;

		if (threads[at].state == THREAD_READY)
			return at;
		*is_left |= threads[at].state == THREAD_SLEEPING;
	}
	return count;
}

void threads_run(struct thread *threads, size_t count, uint64_t slice)
{
	uint64_t state = hv_irq_mask();		/* on when EL0 runs, and in the wait */
	bool is_left = true;
	size_t at = count - 1;

	hv_on_exception_fast(HV_EXC_SVC, serve, NULL);
	while (is_left) {
		size_t next = next_ready(threads, count, at, &is_left);

		if (next < count) {
			at = own_number = next;
			is_left = true;
			take_turn(&threads[next], slice);
		} else if (is_left) {
			hv_irq_wait();
			hv_irq_unmask();
			hv_irq_mask();
		}
	}
	hv_on_exception_fast(HV_EXC_SVC, NULL, NULL);
	hv_irq_restore(state);
}

int64_t thread_create(struct thread *thread, const char *name, void (*entry)(uint64_t),
	uint64_t argument)
{
	size_t size = (size_t)(__stop_threads_el0 - __start_threads_el0);
	int64_t error = hv_el0_create(&thread->el0, __start_threads_el0, size, HV_PAGE_SIZE);

	if (error < 0)
		return error;
	thread->name = name;
	thread->el0.frame.elr += (uintptr_t)entry - (uintptr_t)__start_threads_el0;
	thread->el0.frame.x[0] = argument;
	return 0;
}
