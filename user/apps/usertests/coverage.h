/* SPDX-License-Identifier: MIT */
/* Which (hypercall, error) pairs of hypercall.def some test has met. */
#ifndef USERTESTS_COVERAGE_H
#define USERTESTS_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

void coverage_met(uint64_t nr, uint64_t error);

/* Prints how many of the pairs were met, and which were not although they can
 * be; false if there is one, or if one was met that is not listed. */
bool coverage_report(void);

#endif
