/* SPDX-License-Identifier: MIT */
/* Checks: what failed and which errors were met goes to the runner by IPC. */
#include "test.h"

#include <unistd.h>

hv_handle report_handle = HV_NONE;

static bool has_failed;

enum { MET_CALLS = 64, MET_WORDS = 2, WORD_BITS = 64 };

/* Pairs already reported by this process or its forefathers: error bits by call. */
static uint64_t met[MET_CALLS][MET_WORDS];

static void report(enum report_kind kind, uint64_t detail, uint64_t w1, uint64_t w2, uint64_t w3)
{
	hv_send(report_handle, HV_FOREVER, 0, HV_NONE,
		(uint64_t)kind | detail << REPORT_KIND_BITS, w1, w2, w3);
}

void check_report(const struct site *site, uint64_t detail, uint64_t got, uint64_t expected)
{
	has_failed = true;
	report(REPORT_FAIL, detail, (uintptr_t)site, got, expected);
}

void check_end(void)
{
	if (has_failed)
		_exit(EXIT_FAILED);
}

void check_true(const struct site *site, bool holds)
{
	if (holds)
		return;
	check_report(site, 0, 0, 1);
	check_end();
}

void check_equal(const struct site *site, uint64_t got, uint64_t expected)
{
	if (got == expected)
		return;
	check_report(site, 0, got, expected);
	check_end();
}

void check_error(const struct site *site, uint64_t nr, uint64_t error, int64_t got)
{
	check_equal(site, (uint64_t)got, -error);
	check_met(nr, error);
}

_Noreturn void check_skip(const char *reason)
{
	report(REPORT_SKIP, 0, (uintptr_t)reason, 0, 0);
	_exit(0);
}

void check_met(uint64_t nr, uint64_t error)
{
	uint64_t bit = 1ULL << error % WORD_BITS;
	uint64_t *word = &met[nr % MET_CALLS][error / WORD_BITS % MET_WORDS];

	if (*word & bit)
		return;
	*word |= bit;
	report(REPORT_MET, 0, nr, error, 0);
}
