/* SPDX-License-Identifier: MIT */
/* The threads: see work.h. */
#include "work.h"

#include <stddef.h>

/* A vector constant would be in .rodata, which EL0 does not have. */
#define AT_EL0 __attribute__((section("threads_el0"), noinline, optimize("no-tree-vectorize")))

static inline __attribute__((always_inline)) uint64_t call(enum call number, uint64_t argument)
{
	register uint64_t x0 __asm__("x0") = argument;
	register uint64_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0" : "+r"(x0), "+r"(x8) : : "memory");
	return x0;
}

AT_EL0 uint64_t work_primes(uint64_t limit)
{
	uint64_t count = 0;

	for (uint64_t n = 2; n < limit; n++) {
		uint64_t divisor = 2;

		while (divisor * divisor <= n && n % divisor != 0)
			divisor++;
		count += divisor * divisor > n;
	}
	return count;
}

AT_EL0 uint64_t work_harmonic(uint64_t terms)
{
	union {
		double number;
		uint64_t bits;
	} sum = { .bits = 0 };

	for (uint64_t i = 1; i <= terms; i++)
		sum.number += 1.0 / (double)i;
	return sum.bits;
}

AT_EL0 void thread_primes(uint64_t limit)
{
	call(CALL_EXIT, work_primes(limit));
}

AT_EL0 void thread_harmonic(uint64_t terms)
{
	call(CALL_EXIT, work_harmonic(terms));
}

AT_EL0 void thread_polite(uint64_t rounds)
{
	uint64_t sum = 0;

	while (rounds-- > 0) {
		sum += call(CALL_ID, 0);
		call(CALL_YIELD, 0);
	}
	call(CALL_EXIT, sum);
}

AT_EL0 void thread_sleeper(uint64_t rounds)
{
	uint64_t slept = 0;

	for (; slept < rounds; slept++)
		call(CALL_SLEEP, 1000);
	call(CALL_EXIT, slept);
}

AT_EL0 void thread_spinner(uint64_t flag)
{
	while (*(volatile uint64_t *)flag == 0)
		;
	call(CALL_EXIT, 1);
}

AT_EL0 void thread_setter(uint64_t flag)
{
	*(volatile uint64_t *)flag = 1;
	call(CALL_EXIT, 1);
}

AT_EL0 void thread_bad(uint64_t address)
{
	*(volatile uint64_t *)address = 1;
	call(CALL_EXIT, 0);
}
