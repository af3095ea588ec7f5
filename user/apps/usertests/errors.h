/* SPDX-License-Identifier: MIT */
/*
 * Error tests: a good argument vector, and for each check of hypercall.def
 * values that violate it. Each violation is tried alone and together with
 * violations of all later checks; the error must be the same, the first one,
 * and nothing may change.
 */
#ifndef USERTESTS_ERRORS_H
#define USERTESTS_ERRORS_H

#include "cast.h"

/* Argument `arg` with `value` violates check number `check` of the list. */
struct violation {
	unsigned check;
	uint64_t error;
	unsigned arg;
	uint64_t value;
};

struct vector {
	uint64_t nr;
	uint64_t x[8];
};

void errors_run(const struct site *site, const struct cast *cast, const struct vector *good,
		const struct violation *bad, size_t count);

#define ERRORS(cast, good, bad) \
	errors_run(SITE("errors"), cast, good, bad, sizeof(bad) / sizeof((bad)[0]))

/* The result of the vector as it is. */
int64_t vector_do(const struct vector *vector);

/* Pids that are none. */
#define BAD_PID(check, arg)							\
	{ check, HV_ESRCH, arg, 0 }, { check, HV_ESRCH, arg, HV_NPROC },		\
	{ check, HV_ESRCH, arg, 1ULL << 32 | 1 }, { check, HV_ESRCH, arg, ~0ULL }

/* Processes that self may not build. */
#define NOT_BUILDABLE(check, arg, c)						\
	{ check, HV_EPERM, arg, (c).parent }, { check, HV_EPERM, arg, (c).live },	\
	{ check, HV_EPERM, arg, (c).zombie }, { check, HV_EPERM, arg, (c).unused },	\
	{ check, HV_EPERM, arg, (c).grandchild }, { check, HV_EPERM, arg, (c).orphan }, \
	{ check, HV_EPERM, arg, HV_INIT_PID }

/* Processes that are no embryo of self's. */
#define NOT_EMBRYO(check, arg, c) \
	NOT_BUILDABLE(check, arg, c), { check, HV_EPERM, arg, (c).self }

/* Numbers that are no page's; `page` is a good one. */
#define NO_PAGE(check, arg, page)						\
	{ check, HV_EINVAL, arg, HV_NPAGE }, { check, HV_EINVAL, arg, ~0ULL },	\
	{ check, HV_EINVAL, arg, 1ULL << 63 | (page) },				\
	{ check, HV_EINVAL, arg, 1ULL << 52 | (page) }

/* Handles that are out of range or empty. */
#define BAD_SLOT(check, arg)							\
	{ check, HV_EBADF, arg, HV_NHANDLE }, { check, HV_EBADF, arg, ~0ULL },	\
	{ check, HV_EBADF, arg, 1ULL << 32 }, { check, HV_EBADF, arg, 1ULL << 60 }
#define BAD_HANDLE(check, arg, c) \
	BAD_SLOT(check, arg), { check, HV_EBADF, arg, (c).empty }

/* Index of an entry that does not exist. */
#define BAD_INDEX(check, arg, end)						\
	{ check, HV_EINVAL, arg, end }, { check, HV_EINVAL, arg, 511 + (uint64_t)((end) == 512) }, \
	{ check, HV_EINVAL, arg, 1ULL << 61 | FREE_INDEX }, { check, HV_EINVAL, arg, ~0ULL }

/* Permissions that do not exist. */
#define BAD_PERM(check, arg)							\
	{ check, HV_EINVAL, arg, 16 }, { check, HV_EINVAL, arg, 1ULL << 63 | 1 },	\
	{ check, HV_EINVAL, arg, ~0ULL }

#endif
