/* SPDX-License-Identifier: MIT */
/* The hypercalls by name, with the names of their parameters, and the random numbers. */
#include "fuzz.h"

const struct fuzz_call fuzz_calls[] = {
#define HC0(nr, name, path) [nr] = { #name, nr, 0, { 0 } },
#define HC1(nr, name, path, t0, p0) [nr] = { #name, nr, 1, { #p0 } },
#define HC2(nr, name, path, t0, p0, t1, p1) [nr] = { #name, nr, 2, { #p0, #p1 } },
#define HC3(nr, name, path, t0, p0, t1, p1, t2, p2) [nr] = { #name, nr, 3, { #p0, #p1, #p2 } },
#define HC4(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3) \
	[nr] = { #name, nr, 4, { #p0, #p1, #p2, #p3 } },
#define HC5(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4) \
	[nr] = { #name, nr, 5, { #p0, #p1, #p2, #p3, #p4 } },
#define HC6(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5) \
	[nr] = { #name, nr, 6, { #p0, #p1, #p2, #p3, #p4, #p5 } },
#define HC7(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5, t6, p6) \
	[nr] = { #name, nr, 7, { #p0, #p1, #p2, #p3, #p4, #p5, #p6 } },
#define HC8(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5, t6, p6, t7, p7) \
	[nr] = { #name, nr, 8, { #p0, #p1, #p2, #p3, #p4, #p5, #p6, #p7 } },
#include <uapi/hypercall.def>
};

const uint64_t fuzz_call_count = sizeof(fuzz_calls) / sizeof(fuzz_calls[0]);

static uint64_t state;

void fuzz_seed(uint64_t seed)
{
	state = seed;
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
uint64_t fuzz_random(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) % below;
}
