/* SPDX-License-Identifier: MIT */
/* threads: a scheduler of EL0 threads, preempted by the process's own timer. */
#ifndef THREADS_THREADS_H
#define THREADS_THREADS_H

#include <hv8/irq.h>
#include <hv8/libos.h>

enum thread_state { THREAD_READY, THREAD_SLEEPING, THREAD_DONE, THREAD_DEAD };

struct thread {
	const char *name;
	enum thread_state state;
	struct hv_el0 el0;
	struct hv_timer alarm;		/* of a thread that sleeps */
	uint64_t slices;		/* turns that it had */
	uint64_t preemptions;		/* ... that the timer ended */
	uint64_t calls;
	uint64_t result;		/* what it passed to CALL_EXIT */
	uint64_t esr;			/* of what it died of */
};

/* A thread that begins at `entry`, a function of work.h. */
int64_t thread_create(struct thread *thread, const char *name, void (*entry)(uint64_t),
	uint64_t argument);

/* Runs them in turn until none is left; `slice` is in ticks of the counter. */
void threads_run(struct thread *threads, size_t count, uint64_t slice);

#endif
