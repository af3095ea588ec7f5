/* SPDX-License-Identifier: MIT */
/*
 * The pairs of hypercall.def, in errors.def, beside those met. errors.def is
 * kept equal to the comments of hypercall.def by tests/user/test_coverage.py.
 */
#include "coverage.h"

#include <hv8/hypercall.h>
#include <stddef.h>
#include <stdio.h>

struct pair {
	uint64_t nr;
	uint64_t error;
	const char *name;
	const char *unreachable;	/* why it cannot be met from here, or NULL */
	bool is_elsewhere;		/* ... on this machine, but on others */
	bool is_met;
};

#define PAIR(name, error) { HV_NR_##name, HV_##error, #name " " #error, NULL, false, false },
#define UNREACHABLE(name, error, why) { HV_NR_##name, HV_##error, #name " " #error, why, false, false },
#define ELSEWHERE(name, error, why) { HV_NR_##name, HV_##error, #name " " #error, why, true, false },
static struct pair pairs[] = {
#include "errors.def"
};

enum { PAIR_COUNT = sizeof(pairs) / sizeof(pairs[0]) };

static unsigned unlisted_count;

void coverage_met(uint64_t nr, uint64_t error)
{
	for (size_t i = 0; i < PAIR_COUNT; i++) {
		if (pairs[i].nr == nr && pairs[i].error == error) {
			pairs[i].is_met = true;
			return;
		}
	}
	printf("coverage: hypercall %lu failed with %lu, which is not in its list\n",
	       (unsigned long)nr, (unsigned long)error);
	unlisted_count++;
}

bool coverage_report(void)
{
	unsigned met_count = 0, missed_count = 0;

	for (size_t i = 0; i < PAIR_COUNT; i++) {
		met_count += pairs[i].is_met;
		if (pairs[i].is_met && pairs[i].unreachable != NULL && !pairs[i].is_elsewhere) {
			printf("coverage: %s was met, but is listed as: %s\n", pairs[i].name,
			       pairs[i].unreachable);
			missed_count++;
		} else if (!pairs[i].is_met && pairs[i].unreachable == NULL) {
			printf("coverage: %s was not met\n", pairs[i].name);
			missed_count++;
		}
	}
	printf("coverage: %u of %u (hypercall, error) pairs met\n", met_count,
	       (unsigned)PAIR_COUNT);
	return missed_count == 0 && unlisted_count == 0;
}
