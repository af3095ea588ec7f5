/* SPDX-License-Identifier: MIT */
/*
 * threads: a process as a kernel with preemption. Threads at its EL0 compute,
 * ask, yield, sleep, spin and crash; its own virtual timer ends their turns
 * and its own EL1 serves their system calls. The kernel sees none of that but
 * the timer's interrupts.
 */
#include "threads.h"
#include "work.h"

#include <hv8/app.h>

#include <inttypes.h>
#include <string.h>

enum { PRIMES = 0, HARMONIC, POLITE, SLEEPER, SPINNER, SETTER, BAD, COUNT };
enum { SLICE_US = 500, SLEEPS = 10, YIELDS = 300 };

static struct thread threads[COUNT];
static uint64_t secret = 42;

/*
 * A place to watch from outside (tests/user/test_threads.py): between 1 and 2
 * the scheduler is at work.
 */
void threads_mark(uint64_t magic);
__attribute__((noinline)) void threads_mark(uint64_t magic)
{
	__asm__ volatile("" : : "r"(magic) : "memory");
}

static int64_t create_all(uint64_t amount)
{
	static const struct {
		const char *name;
		void (*entry)(uint64_t);
	} kinds[COUNT] = {
		{ "primes", thread_primes }, { "harmonic", thread_harmonic },
		{ "polite", thread_polite }, { "sleeper", thread_sleeper },
		{ "spinner", thread_spinner }, { "setter", thread_setter }, { "bad", thread_bad },
	};
	uint64_t *flag = hv_mmap(HV_PAGE_SIZE, HV_PERM_W | HV_PERM_EL0);
	const uint64_t arguments[COUNT] = { amount, 10 * amount, YIELDS, SLEEPS, (uintptr_t)flag,
					    (uintptr_t)flag, (uintptr_t)&secret };
	int64_t error = flag == NULL ? -HV_ENOMEM : 0;

	if (error == 0)
		*flag = 0;
	for (int i = 0; error == 0 && i < COUNT; i++)
		error = thread_create(&threads[i], kinds[i].name, kinds[i].entry, arguments[i]);
	return error;
}

/* Is the thread's result the one that EL1 gets? */
static bool is_right(int i, uint64_t amount)
{
	const struct thread *thread = &threads[i];

	switch (i) {
	case PRIMES:
		return thread->result == work_primes(amount);
	case HARMONIC:
		return thread->result == work_harmonic(10 * amount);
	case POLITE:
		return thread->result == POLITE * YIELDS;
	case SLEEPER:
		return thread->result == SLEEPS;
	case SPINNER:
		return thread->result == 1 && thread->preemptions > 0;
	case SETTER:
		return thread->result == 1;
	}
	return thread->state == THREAD_DEAD && secret == 42;
}

static int report(uint64_t amount)
{
	int wrong = 0;
	char words[120];

	printf("%-9s %8s %8s %8s\n", "thread", "turns", "cut off", "calls");
	for (int i = 0; i < COUNT; i++) {
		const struct thread *thread = &threads[i];
		bool right = is_right(i, amount);

		wrong += !right;
		printf("%-9s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s%s\n", thread->name,
		       thread->slices, thread->preemptions, thread->calls,
		       thread->state == THREAD_DEAD ?
				     hv_describe_esr(thread->esr, words, sizeof(words)) :
				     "result as at EL1",
		       right ? "" : "  WRONG");
	}
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t amount = 40000;
	int64_t error;
	int wrong;

	if (argc > 2 || (argc == 2 && !app_number(argv[1], 100000000, &amount)))
		app_usage("threads [AMOUNT]");
	error = hv_irq_enable();
	if (error == 0)
		error = create_all(amount);
	if (error < 0) {
		fprintf(stderr, "threads: %s\n", error == -HV_ENOSYS ?
			"no interrupts: the CPU interface of a GICv2 cannot be found without "
			"the view" :
			hv_strerror(error));
		return 1;
	}
	threads_mark(0x7468726561640001);
	threads_run(threads, COUNT, hv_ticks_of_us(SLICE_US));
	threads_mark(0x7468726561640002);
	wrong = report(amount);
	printf(wrong == 0 ? "threads: all as expected\n" : "threads: WRONG\n");
	return app_finish(wrong != 0);
}
