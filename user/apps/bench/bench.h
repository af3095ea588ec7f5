/* SPDX-License-Identifier: MIT */
/* What the groups of measurements share: a clock in instructions, and batches. */
#ifndef BENCH_H
#define BENCH_H

#include <hv8/libos.h>

/* Under -icount shift=0 the counter ticks once in 16 instructions (1 ns each, 62.5 MHz). */
enum { INSTRUCTIONS_PER_TICK = 16, BATCHES = 12 };

/* Runs one batch and returns its ticks. */
typedef uint64_t (*batch_fn)(unsigned rounds);

/* The smallest of BATCHES batches, in instructions per round, the loop's own
 * cost taken off; printed as "KEY NUMBER". */
void measure(const char *key, batch_fn batch, unsigned rounds);
void report(const char *key, uint64_t instructions);

/* Ends the program if `result` is not 0 or more. */
int64_t must(int64_t result, const char *what);

static inline uint64_t ticks(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) :: "memory");
	return value;
}

/* `body` is run `rounds` times; the value is the ticks that it took. */
#define TIMED(rounds, body) ({						\
	uint64_t start_ = ticks();					\
	for (unsigned round_ = 0; round_ < (rounds); round_++) {	\
		__asm__ volatile("" ::: "memory");			\
		body;							\
	}								\
	ticks() - start_; })

void bench_calls(void);
void bench_ipc(void);
void bench_memory(void);
void bench_faults(void);
void bench_processes(void);
void bench_irq(void);

/* Own timer interrupts and calls from EL0, after a mark for tools/own.py. */
#define BENCH_MAGIC 0x62656e63685f6d61
void bench_watch(void);
uint64_t bench_el0_start(void);		/* the address of the svc at EL0 */
uint64_t bench_el0_run(unsigned calls);	/* ticks */

#endif
