/* SPDX-License-Identifier: MIT */
/* Errors of the memory group on tables and frames, in their order. */
#include "errors.h"

/*
 * What every call on an entry of a table checks first: process, table, index.
 * `wrong` is a page of self's that is no table of that level, `foreign` a
 * table of the right level of somebody else's.
 */
#define BAD_ENTRY(c, table, wrong, foreign, end)				\
	BAD_PID(1, 0), NOT_BUILDABLE(2, 0, c), NO_PAGE(3, 1, table),		\
	{ 3, HV_EINVAL, 1, wrong }, { 3, HV_EINVAL, 1, (c).free },		\
	{ 3, HV_EINVAL, 1, (c).parcel }, { 3, HV_EINVAL, 1, (c).own.frame },	\
	{ 3, HV_EINVAL, 1, hv_procs[(c).self].ctx }, { 3, HV_EINVAL, 1, (c).reserved }, \
	{ 4, HV_EACCES, 1, foreign }, BAD_INDEX(5, 2, end)

/* The number of a page that self may use up, in argument `arg`. */
#define BAD_FREE(c, check, arg)							\
	NO_PAGE(check, arg, (c).free), { check, HV_EINVAL, arg, (c).parcel },	\
	{ check, HV_EINVAL, arg, (c).own.frame }, { check, HV_EINVAL, arg, (c).own.l1 },	\
	{ check, HV_EINVAL, arg, (c).reserved },				\
	{ check, HV_EINVAL, arg, hv_procs[(c).live].ctx },			\
	{ (check) + 1, HV_EACCES, arg, (c).lent_free }

/* The page that an entry must hold, in argument 3. */
#define NOT_HELD(c, check, held)						\
	{ check, HV_ENOENT, 2, FREE_INDEX }, { check, HV_ENOENT, 3, (c).free },	\
	{ check, HV_ENOENT, 3, 0 }, { check, HV_ENOENT, 3, (c).other.frame },	\
	{ check, HV_ENOENT, 3, HV_NPAGE }, { check, HV_ENOENT, 3, ~0ULL },	\
	{ check, HV_ENOENT, 3, 1ULL << 52 | (held) }, { check, HV_ENOENT, 3, 1ULL << 36 | (held) }

static void alloc_table(struct cast *c, uint64_t nr, hv_pid pid, hv_page table, hv_page wrong,
			hv_page foreign)
{
	uint64_t end = nr == HV_NR_alloc_l1 ? HV_L0_USER_END : HV_PAGE_WORDS;
	uint64_t pages_before = hv_procs[pid].pages_count;
	uint64_t count_before = hv_page_descs[table].count;
	const struct vector good = { nr, { pid, table, FREE_INDEX, c->free } };
	const struct violation bad[] = {
		BAD_ENTRY(*c, table, wrong, foreign, end),
		{ 6, HV_EEXIST, 2, USED_INDEX },
		BAD_FREE(*c, 7, 3),
	};

	ERRORS(c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c->free].type, HV_PAGE_L1 + (nr - HV_NR_alloc_l1));
	CHECK_EQ(hv_page_descs[c->free].owner, pid);
	CHECK_EQ(hv_page_descs[c->free].count, 0);
	CHECK_EQ(hv_page_descs[table].count, count_before + 1);
	CHECK_EQ(hv_procs[pid].pages_count, pages_before + (pid != c->self));
}

TEST(errors_alloc_l1)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l1, c.self, c.own.l0, c.own.l1, c.other.l0);
}

TEST(errors_alloc_l1_of_embryo)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l1, c.embryo, c.other.l0, c.other.l1, c.own.l0);
}

TEST(errors_alloc_l2)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l2, c.self, c.own.l1, c.own.l2, c.other.l1);
}

TEST(errors_alloc_l2_of_embryo)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l2, c.embryo, c.other.l1, c.other.l0, c.own.l1);
}

TEST(errors_alloc_l3)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l3, c.self, c.own.l2, c.own.l3, c.other.l2);
}

TEST(errors_alloc_l3_of_embryo)
{
	struct cast c;

	cast_make(&c);
	alloc_table(&c, HV_NR_alloc_l3, c.embryo, c.other.l2, c.other.l3, c.own.l2);
}

static void free_table(struct cast *c, uint64_t nr, hv_page table, hv_page foreign,
		       hv_page used, hv_page leaf)
{
	uint64_t end = nr == HV_NR_free_l1 ? HV_L0_USER_END : HV_PAGE_WORDS;
	const struct vector busy = { nr, { c->self, table, USED_INDEX, used } };
	const struct vector good = { nr, { c->self, table, LEAF_TABLE_INDEX, leaf } };
	const struct violation bad[] = {
		BAD_ENTRY(*c, table, c->own.frame, foreign, end),
		NOT_HELD(*c, 6, used),
		{ 6, HV_ENOENT, 2, LEAF_TABLE_INDEX },
		{ 7, HV_EBUSY, 0, c->self },
	};

	ERRORS(c, &busy, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[leaf].type, HV_PAGE_FREE);
	CHECK_EQ(hv_page_descs[leaf].owner, c->self);
}

TEST(errors_free_l1)
{
	struct cast c;

	cast_make(&c);
	free_table(&c, HV_NR_free_l1, c.own.l0, c.other.l0, c.own.l1, c.leaf_l1);
}

TEST(errors_free_l2)
{
	struct cast c;

	cast_make(&c);
	free_table(&c, HV_NR_free_l2, c.own.l1, c.other.l1, c.own.l2, c.leaf_l2);
}

TEST(errors_free_l3)
{
	struct cast c;

	cast_make(&c);
	free_table(&c, HV_NR_free_l3, c.own.l2, c.other.l2, c.own.l3, c.leaf_l3);
}

TEST(errors_alloc_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_alloc_frame,
				     { c.self, c.own.l3, FREE_INDEX, c.free, HV_PERM_W } };
	const struct violation bad[] = {
		BAD_ENTRY(c, c.own.l3, c.own.l2, c.other.l3, 512), BAD_PERM(6, 4),
		{ 7, HV_EEXIST, 2, USED_INDEX }, BAD_FREE(c, 8, 3),
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.free].type, HV_PAGE_FRAME);
}

TEST(errors_copy_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = {
		HV_NR_copy_frame,
		{ c.embryo, c.other.l3, FREE_INDEX, c.free, HV_PERM_W, c.own.frame }
	};
	const struct violation bad[] = {
		BAD_ENTRY(c, c.other.l3, c.other.l2, c.own.l3, 512), BAD_PERM(6, 4),
		{ 7, HV_EEXIST, 2, USED_INDEX }, BAD_FREE(c, 8, 3), NO_PAGE(10, 5, c.own.frame),
		{ 10, HV_EINVAL, 5, c.free },	 { 10, HV_EINVAL, 5, c.parcel },
		{ 10, HV_EINVAL, 5, c.own.l3 },	 { 10, HV_EINVAL, 5, hv_procs[c.self].ctx },
		{ 10, HV_EINVAL, 5, c.reserved }, { 11, HV_EACCES, 5, c.other.frame },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.free].owner, c.embryo);
}

TEST(errors_protect_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_protect_frame,
				     { c.self, c.own.l3, USED_INDEX, c.own.frame, 0 } };
	const struct violation bad[] = {
		BAD_ENTRY(c, c.own.l3, c.own.l2, c.other.l3, 512), BAD_PERM(6, 4),
		NOT_HELD(c, 7, c.own.frame),
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
}

TEST(errors_free_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_free_frame,
				     { c.self, c.own.l3, USED_INDEX, c.own.frame } };
	const struct violation bad[] = {
		BAD_ENTRY(c, c.own.l3, c.own.l2, c.other.l3, 512), NOT_HELD(c, 6, c.own.frame),
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.own.frame].type, HV_PAGE_FREE);
}

TEST(errors_unmap_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_unmap_frame,
				     { c.self, c.own.l3, USED_INDEX, c.own.frame } };
	const struct violation bad[] = {
		BAD_ENTRY(c, c.own.l3, c.own.l2, c.other.l3, 512), NOT_HELD(c, 6, c.own.frame),
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.own.frame].type, HV_PAGE_PARCEL);
}

TEST(errors_map_frame)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_map_frame,
				     { c.self, c.own.l3, FREE_INDEX, c.parcel, HV_PERM_W } };
	const struct violation bad[] = {
		BAD_ENTRY(c, c.own.l3, c.own.l2, c.other.l3, 512), BAD_PERM(6, 4),
		{ 7, HV_EEXIST, 2, USED_INDEX }, NO_PAGE(8, 3, c.parcel),
		{ 8, HV_EINVAL, 3, c.free },	 { 8, HV_EINVAL, 3, c.own.frame },
		{ 8, HV_EINVAL, 3, c.own.l3 },	 { 8, HV_EINVAL, 3, c.reserved },
		{ 9, HV_EACCES, 3, c.other_parcel },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_page_descs[c.parcel].type, HV_PAGE_FRAME);
}
