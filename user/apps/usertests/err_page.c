/* SPDX-License-Identifier: MIT */
/* Errors of the memory group on pages and views, in their order. */
#include "errors.h"

TEST(errors_free_parcel)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_free_parcel, { c.parcel } };
	const struct violation bad[] = {
		NO_PAGE(1, 0, c.parcel),
		{ 1, HV_EINVAL, 0, c.free },   { 1, HV_EINVAL, 0, c.own.frame },
		{ 1, HV_EINVAL, 0, c.own.l3 }, { 1, HV_EINVAL, 0, c.reserved },
		{ 2, HV_EACCES, 0, c.other_parcel },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.parcel].type, HV_PAGE_FREE);
}

TEST(errors_grant_page)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_grant_page, { c.live, c.free } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, HV_INIT_PID },  { 3, HV_ESTATE, 0, c.unused },
		{ 3, HV_ESTATE, 0, c.zombie },
		NO_PAGE(4, 1, c.free),
		{ 4, HV_EINVAL, 1, c.parcel },	  { 4, HV_EINVAL, 1, c.own.frame },
		{ 4, HV_EINVAL, 1, c.own.l3 },	  { 4, HV_EINVAL, 1, c.reserved },
		{ 5, HV_EACCES, 1, c.lent_free },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.free].owner, c.live);
}

TEST(errors_reclaim_page)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_reclaim_page, { c.dead_page } };
	const struct violation bad[] = {
		NO_PAGE(1, 0, c.dead_page),
		{ 1, HV_EINVAL, 0, c.reserved },
		{ 2, HV_EPERM, 0, c.free },	     { 2, HV_EPERM, 0, c.own.frame },
		{ 2, HV_EPERM, 0, c.own.l0 },	     { 2, HV_EPERM, 0, hv_procs[c.parent].root },
		{ 2, HV_EPERM, 0, hv_procs[c.orphan].root },
		{ 2, HV_EPERM, 0, hv_procs[c.grandchild].ctx },
		{ 2, HV_EPERM, 0, hv_procs[HV_INIT_PID].ctx },
		{ 3, HV_ESTATE, 0, c.lent_free },    { 3, HV_ESTATE, 0, c.other.frame },
		{ 3, HV_ESTATE, 0, c.other_parcel }, { 3, HV_ESTATE, 0, hv_procs[c.live].ctx },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.dead_page].owner, c.self);
}

TEST(errors_map_view)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_map_view, { c.embryo } };
	const struct violation bad[] = {
		BAD_PID(1, 0), NOT_BUILDABLE(2, 0, c), { 4, HV_EEXIST, 0, c.self },
	};

	hv_unmap_view(c.embryo);
	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	FAILS(EEXIST, map_view, c.embryo);
}

/* Without the view itself: nothing here may look at it any more. */
TEST(errors_map_view_unseen)
{
	struct cast c;

	cast_make(&c);
	DO(unmap_view, c.self);
	FAILS(ESRCH, map_view, 0);
	FAILS(EPERM, map_view, c.live);
	FAILS(EACCES, map_view, c.embryo);
	FAILS(EACCES, map_view, c.self);
	FAILS(ENOENT, unmap_view, c.self);
}

TEST(errors_unmap_view)
{
	struct cast c;

	cast_make(&c);
	hv_unmap_view(c.embryo);
	const struct vector good = { HV_NR_unmap_view, { c.self } };
	const struct violation bad[] = {
		BAD_PID(1, 0), NOT_BUILDABLE(2, 0, c), { 3, HV_ENOENT, 0, c.embryo },
	};

	ERRORS(&c, &good, bad);
	DO(map_view, c.embryo);
	DO(unmap_view, c.embryo);
	CHECK_EQ(vector_do(&good), 0);
	FAILS(ENOENT, unmap_view, c.self);
}
