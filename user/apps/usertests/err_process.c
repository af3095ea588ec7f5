/* SPDX-License-Identifier: MIT */
/* Errors of the process group, in their order. */
#include "errors.h"
#include "raw.h"

TEST(errors_set_name)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_set_name, { c.self, 0x6b6f, 0 } };
	const struct violation bad[] = { BAD_PID(1, 0), NOT_BUILDABLE(2, 0, c) };

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.self].name[0], 0x6b6f);
}

TEST(errors_set_entry)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_set_entry, { c.embryo, RAW_CODE, 0 } };
	const struct violation bad[] = { BAD_PID(1, 0), NOT_EMBRYO(2, 0, c) };

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
}

TEST(errors_set_runnable)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_set_runnable, { c.embryo } };
	const struct violation bad[] = { BAD_PID(1, 0), NOT_EMBRYO(2, 0, c) };

	ERRORS(&c, &good, bad);
	DO(set_entry, c.embryo, raw_address(raw_exit), 77);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(raw_wait(c.embryo).status, 77);
}

TEST(errors_reap)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_reap, { c.zombie } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, c.lent },	  { 2, HV_EPERM, 0, HV_INIT_PID },
		{ 3, HV_ESTATE, 0, c.embryo },	  { 3, HV_ESTATE, 0, c.live },
		{ 3, HV_ESTATE, 0, c.unused },	  { 4, HV_EBUSY, 0, c.zombie },
	};

	ERRORS(&c, &good, bad);
}

TEST(errors_reparent)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_reparent, { c.orphan } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_ESTATE, 0, c.unused },	 { 2, HV_ESTATE, 0, c.lent },
		{ 3, HV_EPERM, 0, c.self },	 { 3, HV_EPERM, 0, c.parent },
		{ 3, HV_EPERM, 0, c.live },	 { 3, HV_EPERM, 0, c.embryo },
		{ 3, HV_EPERM, 0, c.zombie },	 { 3, HV_EPERM, 0, HV_INIT_PID },
		{ 4, HV_EBUSY, 0, c.grandchild },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.orphan].ppid, c.self);
}

TEST(errors_grant_pid)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_grant_pid, { c.live, c.unused } };
	const struct violation bad[] = {
		BAD_PID(1, 0), BAD_PID(1, 1),
		{ 2, HV_EPERM, 0, c.self },	   { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild },  { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, c.lent },	   { 2, HV_EPERM, 0, HV_INIT_PID },
		{ 3, HV_ESTATE, 0, c.unused },	   { 3, HV_ESTATE, 0, c.zombie },
		{ 4, HV_EACCES, 1, c.self },	   { 4, HV_EACCES, 1, c.parent },
		{ 4, HV_EACCES, 1, c.lent },	   { 4, HV_EACCES, 1, c.grandchild },
		{ 4, HV_EACCES, 1, HV_INIT_PID },  { 5, HV_EBUSY, 1, c.live },
		{ 5, HV_EBUSY, 1, c.embryo },	   { 5, HV_EBUSY, 1, c.zombie },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.unused].ppid, c.live);
}

/* An unused pid that belongs neither to self nor to a child of self's. */
static hv_pid stranger_pid(hv_pid self)
{
	for (hv_pid pid = HV_NPROC - 1; pid > 0; pid--) {
		hv_pid owner = hv_procs[pid].ppid;

		if (hv_procs[pid].state == HV_PROC_UNUSED && owner != self &&
		    hv_procs[owner].ppid != self)
			return pid;
	}
	return 0;
}

TEST(errors_revoke_pid)
{
	struct cast c;
	hv_pid stranger;

	cast_make(&c);
	stranger = stranger_pid(c.self);
	CHECK(stranger != 0);
	const struct vector good = { HV_NR_revoke_pid, { c.lent } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EBUSY, 0, c.self },   { 2, HV_EBUSY, 0, c.parent },
		{ 2, HV_EBUSY, 0, c.live },   { 2, HV_EBUSY, 0, c.embryo },
		{ 2, HV_EBUSY, 0, c.zombie }, { 2, HV_EBUSY, 0, c.grandchild },
		{ 2, HV_EBUSY, 0, c.orphan }, { 3, HV_EPERM, 0, c.unused },
		{ 3, HV_EPERM, 0, stranger },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.lent].ppid, c.self);
}

TEST(errors_clone)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_clone, { c.unused, c.free, c.free2 } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EACCES, 0, c.self },	  { 2, HV_EACCES, 0, c.parent },
		{ 2, HV_EACCES, 0, c.lent },	  { 2, HV_EACCES, 0, c.grandchild },
		{ 2, HV_EACCES, 0, HV_INIT_PID }, { 3, HV_ESTATE, 0, c.embryo },
		{ 3, HV_ESTATE, 0, c.live },	  { 3, HV_ESTATE, 0, c.zombie },
		NO_PAGE(4, 1, c.free),
		{ 4, HV_EINVAL, 1, c.own.frame }, { 4, HV_EINVAL, 1, c.parcel },
		{ 4, HV_EINVAL, 1, c.own.l0 },	  { 4, HV_EINVAL, 1, c.reserved },
		{ 5, HV_EACCES, 1, c.lent_free },
		NO_PAGE(6, 2, c.free2),
		{ 6, HV_EINVAL, 2, c.own.frame }, { 6, HV_EINVAL, 2, c.parcel },
		{ 6, HV_EINVAL, 2, c.free },	  { 6, HV_EINVAL, 2, c.own.l0 },
		{ 7, HV_EACCES, 2, c.lent_free },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.unused].state, HV_PROC_EMBRYO);
}

TEST(errors_switch_to)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_switch_to, { c.live } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.lent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, HV_INIT_PID },  { 3, HV_ESTATE, 0, c.live },
		{ 3, HV_ESTATE, 0, c.parent },	  { 3, HV_ESTATE, 0, c.embryo },
		{ 3, HV_ESTATE, 0, c.zombie },	  { 3, HV_ESTATE, 0, c.unused },
	};

	ERRORS(&c, &good, bad);
}

TEST(errors_kill)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_kill, { c.live, 3 } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.parent }, { 2, HV_EPERM, 0, c.grandchild },
		{ 2, HV_EPERM, 0, c.orphan }, { 2, HV_EPERM, 0, c.lent },
		{ 2, HV_EPERM, 0, HV_INIT_PID }, { 3, HV_ESTATE, 0, c.unused },
		{ 3, HV_ESTATE, 0, c.zombie },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.live].status, 3);
}

TEST(errors_set_affinity)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_set_affinity, { c.live, 1 } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.parent }, { 2, HV_EPERM, 0, c.grandchild },
		{ 2, HV_EPERM, 0, c.orphan }, { 2, HV_EPERM, 0, c.lent },
		{ 2, HV_EPERM, 0, HV_INIT_PID }, { 3, HV_ESTATE, 0, c.unused },
		{ 3, HV_ESTATE, 0, c.zombie }, { 4, HV_EINVAL, 1, 0 },
		{ 4, HV_EINVAL, 1, 1ULL << hv_bootinfo->cpu_count },
		{ 4, HV_EINVAL, 1, 1ULL << HV_NCPU }, { 4, HV_EINVAL, 1, 1ULL << 63 | 1 },
		{ 4, HV_EINVAL, 1, ~0ULL },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK((hv_sched->cpus[0].allowed.word[c.live / 64] >> c.live % 64 & 1) == 1);
}
