/* SPDX-License-Identifier: MIT */
/*
 * threads: what runs at EL0. It is copied there as a whole, so it refers to
 * nothing outside of it; system calls are `svc #0` with the number in x8, an
 * argument in x0 and the result in x0.
 */
#ifndef THREADS_WORK_H
#define THREADS_WORK_H

#include <stdint.h>

enum call {
	CALL_EXIT = 1,		/* with a result; does not return */
	CALL_YIELD = 2,
	CALL_SLEEP = 3,		/* for so many microseconds */
	CALL_ID = 4,		/* returns the number of the thread */
};

/* Worked out at EL1 too, for comparison. */
uint64_t work_primes(uint64_t limit);		/* how many are below it */
uint64_t work_harmonic(uint64_t terms);		/* bits of 1 + 1/2 + 1/3 + ..., a double */

/* Threads: they begin here with one argument, and end by CALL_EXIT. */
void thread_primes(uint64_t limit);
void thread_harmonic(uint64_t terms);
void thread_polite(uint64_t rounds);	/* asks for its number and yields, so many times */
void thread_sleeper(uint64_t rounds);	/* sleeps for a millisecond, so many times */
void thread_spinner(uint64_t flag);	/* spins until the word there is not 0 */
void thread_setter(uint64_t flag);	/* sets it: so the spinner must be cut off for it */
void thread_bad(uint64_t address);	/* writes where it may not */

/* All of it. */
extern const char __start_threads_el0[], __stop_threads_el0[];

#endif
