/* SPDX-License-Identifier: MIT */
/*
 * The process's own page faults, and what Appel and Li asked of virtual
 * memory (ASPLOS 1991): PROT1, TRAP, UNPROT and PROTN, TRAP, UNPROT, per page.
 */
#include "bench.h"

enum { PAGES = 100 };

static volatile char *area;
static uint64_t entered;

HV_FAST_HANDLER static enum hv_handled note_entry(struct hv_frame *frame, void *arg)
{
	(void)arg;
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(entered) :: "memory");
	frame->elr += 4;
	return HV_HANDLED;
}

HV_FAST_HANDLER static enum hv_handled skip(struct hv_frame *frame, void *arg)
{
	(void)arg;
	frame->elr += 4;
	return HV_HANDLED;
}

/* TRAP, UNPROT this page and PROT1 the one after the hundred, as in their benchmark. */
HV_FAST_HANDLER static enum hv_handled swap_protection(struct hv_frame *frame, void *arg)
{
	(void)arg;
	hv_protect(HV_PAGE_OF(frame->far), HV_PERM_W);
	hv_protect(HV_PAGE_OF(frame->far) + PAGES * HV_PAGE_SIZE, 0);
	return HV_HANDLED;
}

HV_FAST_HANDLER static enum hv_handled unprotect(struct hv_frame *frame, void *arg)
{
	(void)arg;
	hv_protect(HV_PAGE_OF(frame->far), HV_PERM_W);
	return HV_HANDLED;
}

static inline void store(volatile char *where)
{
	__asm__ volatile("strb wzr, [%0]" :: "r"(where) : "memory");
}

static void protect_all(unsigned first, hv_perm perm)
{
	for (unsigned i = 0; i < PAGES; i++)
		must(hv_protect((uintptr_t)area + (first + i) * HV_PAGE_SIZE, perm), "protect");
}

/* From the store to the handler's first statement: a sum over the rounds. */
static uint64_t entry_batch(unsigned rounds)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t start = ticks();

		for (unsigned pad = 0; pad < i % 16; pad++)	/* the counter's phase evens out */
			__asm__ volatile("nop");
		store(area);
		sum += entered - start;
	}
	return sum;
}

/* The same without the fault, which is what has to be taken off. */
static uint64_t entry_base(unsigned rounds)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t start = ticks();

		for (unsigned pad = 0; pad < i % 16; pad++)
			__asm__ volatile("nop");
		sum += ticks() - start;
	}
	return sum;
}

static uint64_t handled_batch(unsigned rounds)
{
	return TIMED(rounds, store(area));
}

static uint64_t prot1_batch(unsigned rounds)
{
	uint64_t taken;

	protect_all(0, 0);
	protect_all(PAGES, HV_PERM_W);
	taken = TIMED(rounds, store(area + round_ * HV_PAGE_SIZE));
	protect_all(PAGES, HV_PERM_W);
	return taken;
}

static uint64_t protn_batch(unsigned rounds)
{
	uint64_t start = ticks();

	protect_all(0, 0);
	for (unsigned i = 0; i < rounds; i++)
		store(area + i * HV_PAGE_SIZE);
	return ticks() - start;
}

static void bench_entry(void)
{
	enum { ROUNDS = 1600 };
	uint64_t best = ~0ULL, base = ~0ULL;

	hv_on_exception_fast(HV_EXC_DATA_ABORT, note_entry, NULL);
	for (int i = 0; i < BATCHES; i++) {
		uint64_t with = entry_batch(ROUNDS), without = entry_base(ROUNDS);

		best = with < best ? with : best;
		base = without < base ? without : base;
	}
	report("fault", ((best - base) * INSTRUCTIONS_PER_TICK + ROUNDS / 2) / ROUNDS);
}

void bench_faults(void)
{
	area = hv_mmap(2 * PAGES * HV_PAGE_SIZE, HV_PERM_W);
	must(area ? 0 : -HV_EAGAIN, "memory");
	for (unsigned i = 0; i < 2 * PAGES; i++)
		area[i * HV_PAGE_SIZE] = 1;
	must(hv_protect((uintptr_t)area, 0), "protect");
	bench_entry();
	hv_on_exception_fast(HV_EXC_DATA_ABORT, skip, NULL);
	measure("fault_done", handled_batch, 200);
	hv_on_exception_fast(HV_EXC_DATA_ABORT, swap_protection, NULL);
	measure("prot1", prot1_batch, PAGES);
	hv_on_exception_fast(HV_EXC_DATA_ABORT, unprotect, NULL);
	measure("protn", protn_batch, PAGES);
	hv_on_exception_fast(HV_EXC_DATA_ABORT, NULL, NULL);
	hv_munmap((void *)area, 2 * PAGES * HV_PAGE_SIZE);
}
