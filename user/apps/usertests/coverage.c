/* SPDX-License-Identifier: MIT */
/*
 * The pairs of hypercall.def, in errors.def, beside those met. errors.def is
 * kept equal to the comments of hypercall.def by tests/user/test_coverage.py.
 */
#include "coverage.h"

#include <hv8/libos.h>
#include <stddef.h>
#include <stdio.h>

struct pair {
	uint64_t nr;
	uint64_t error;
	const char *name;
	const char *unreachable;	/* why it cannot be met from here, or NULL */
	bool depends;			/* on the machine, whether it can be met */
	bool is_met;
};

#define ENTRY(name, error, why, depends) \
	{ HV_NR_##name, HV_##error, #name " " #error, why, depends, false },
#define PAIR(name, error) ENTRY(name, error, NULL, false)
#define UNREACHABLE(name, error, why) ENTRY(name, error, why, false)
#define DEPENDS(name, error, why) ENTRY(name, error, why, true)
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

/* The calls on devices need two to be tried: not every machine has them to give. */
static bool lacks_devices(const struct pair *pair)
{
	return pair->nr >= HV_NR_map_device && pair->nr <= HV_NR_revoke_device &&
	       hv_procs[hv_self()].devices_count < 2;
}

bool coverage_report(void)
{
	unsigned met_count = 0, missed_count = 0;

	for (size_t i = 0; i < PAIR_COUNT; i++) {
		met_count += pairs[i].is_met;
		if (pairs[i].depends || lacks_devices(&pairs[i]))
			continue;
		if (pairs[i].is_met && pairs[i].unreachable != NULL) {
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
