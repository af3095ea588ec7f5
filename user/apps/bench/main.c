/* SPDX-License-Identifier: MIT */
/*
 * bench: instructions per operation, one line "KEY NUMBER" each, for `make
 * bench`. The numbers mean something under QEMU's -icount shift=0 only; on
 * anything else the self-check says so.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t must(int64_t result, const char *what)
{
	if (result >= 0)
		return result;
	printf("bench: %s: %s\n", what, hv_strerror(result));
	exit(1);
}

void report(const char *key, uint64_t instructions)
{
	printf("%-12s %8lu\n", key, (unsigned long)instructions);
}

static uint64_t empty_batch(unsigned rounds)
{
	return TIMED(rounds, (void)0);
}

/* The smallest batch, in sixteenths of a tick for all rounds together. */
static uint64_t smallest(batch_fn batch, unsigned rounds)
{
	uint64_t best = ~0ULL;

	for (int i = 0; i < BATCHES; i++) {
		uint64_t taken = batch(rounds);

		if (taken < best)
			best = taken;
	}
	return best * INSTRUCTIONS_PER_TICK;
}

void measure(const char *key, batch_fn batch, unsigned rounds)
{
	uint64_t loop = smallest(empty_batch, rounds);
	uint64_t all = smallest(batch, rounds);

	report(key, all > loop ? (all - loop + rounds / 2) / rounds : 0);
}

static uint64_t ten_batch(unsigned rounds)
{
	return TIMED(rounds, __asm__ volatile(".rept 10\n\tnop\n\t.endr"));
}

/* A loop of known length must come out at that length. */
static int check_clock(void)
{
	uint64_t loop = smallest(empty_batch, 1000), all = smallest(ten_batch, 1000);
	uint64_t count = (all - loop + 500) / 1000;

	if (all > loop && count == 10)
		return 0;
	printf("bench: ten instructions count as %lu: run it under -icount shift=0,sleep=off\n",
	       (unsigned long)count);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (argc == 2 && strcmp(argv[1], "watch") == 0) {
		bench_watch();
		return 0;
	}
	if (argc != 1) {
		printf("usage: bench\n");
		return 2;
	}
	if (check_clock() != 0)
		return 1;
	bench_calls();
	bench_ipc();
	bench_memory();
	bench_faults();
	bench_processes();
	bench_irq();
	return 0;
}
