/* SPDX-License-Identifier: MIT */
/* What successful calls of the memory group do: descriptors, accesses, content. */
#include "cast.h"
#include "peer.h"
#include "probe.h"

#include <string.h>

/* A spare address far from what the libos uses, with its level-3 table. */
#define SPARE_VA 0x5000000000UL

struct spot {
	hv_pid self;
	hv_page l3;
	hv_page page;
	volatile uint64_t *word;	/* where entry 0 of l3 appears */
};

static struct spot spot_make(void)
{
	int64_t l3 = hv_ensure_l3(SPARE_VA);
	struct spot spot = {
		.self = (hv_pid)hv_self(),
		.l3 = (hv_page)l3,
		.page = hv_page_alloc(),
		.word = (volatile uint64_t *)SPARE_VA,
	};

	CHECK(l3 > 0 && spot.page != 0);
	CHECK_EQ(hv_page_descs[spot.l3].type, HV_PAGE_L3);
	probe_start();
	return spot;
}

static uint64_t entry(hv_index index)
{
	return ((const volatile uint64_t *)(HV_TABLES_L3 + (SPARE_VA >> 12 << 3)))[index];
}

/* ---- descriptors ------------------------------------------------------------------- */

/* The descriptor that DDI 0487 D8.3 asks for, from the words of abi.h alone. */
static uint64_t leaf(hv_page page, hv_perm perm)
{
	uint64_t pte = hv_bootinfo->ram_base + (page << HV_PAGE_SHIFT);

	pte |= 3;		/* a page */
	pte |= 3 << 8;		/* inner shareable */
	pte |= 1 << 10;		/* accessed */
	pte |= 1 << 11;		/* not global */
	if (!(perm & HV_PERM_W))
		pte |= HV_PTE_RO;
	if (perm & HV_PERM_EL0)
		pte |= HV_PTE_EL0;
	if (!(perm & HV_PERM_X))
		pte |= HV_PTE_PXN;
	if (!(perm & HV_PERM_EL0X))
		pte |= HV_PTE_UXN;
	return pte;
}

enum { ATTRINDX_MASK = 7 << 2 };

TEST(leaf_of_each_permission)
{
	struct spot s = spot_make();
	uint64_t attributes;

	DO(alloc_frame, s.self, s.l3, 0, s.page, 0);
	attributes = entry(0) & ATTRINDX_MASK;
	for (hv_perm perm = 0; perm <= HV_PERM_ALL; perm++) {
		DO(protect_frame, s.self, s.l3, 0, s.page, perm);
		CHECK_EQ(entry(0), leaf(s.page, perm) | attributes);
		CHECK_EQ(hv_perm_of(entry(0)), perm);
	}
}

TEST(leaf_by_alloc_copy_and_map)
{
	struct spot s = spot_make();

	for (hv_perm perm = 0; perm <= HV_PERM_ALL; perm++) {
		hv_page copy = hv_page_alloc();

		DO(alloc_frame, s.self, s.l3, 0, s.page, perm);
		CHECK_EQ(hv_perm_of(entry(0)), perm);
		DO(copy_frame, s.self, s.l3, 1, copy, perm, s.page);
		CHECK_EQ(entry(1) & ~HV_PTE_PA_MASK, entry(0) & ~HV_PTE_PA_MASK);
		DO(unmap_frame, s.self, s.l3, 1, copy);
		CHECK_EQ(entry(1), 0);
		DO(map_frame, s.self, s.l3, 2, copy, perm);
		CHECK_EQ(entry(2), leaf(copy, perm) | (entry(0) & ATTRINDX_MASK));
		DO(free_frame, s.self, s.l3, 2, copy);
		DO(free_frame, s.self, s.l3, 0, s.page);
		CHECK_EQ(entry(0) | entry(2), 0);
		hv_page_free(copy);
	}
}

/* In a table descriptor these bits are ignored; one level short they make it
 * a leaf that is read-only, never executable, not global, inner shareable. */
#define TABLE_BITS (HV_PTE_UXN | HV_PTE_PXN | 0xf80 | 3)

TEST(table_descriptors_carry_nothing_else)
{
	struct cast c;

	cast_make(&c);
	uint64_t base = hv_bootinfo->ram_base;
	const volatile uint64_t *l0 = (const volatile uint64_t *)HV_TABLES_L0;
	const volatile uint64_t *l1 = (const volatile uint64_t *)HV_TABLES_L1 + (CHAIN_VA >> 30);
	const volatile uint64_t *l2 = (const volatile uint64_t *)HV_TABLES_L2 + (CHAIN_VA >> 21);

	CHECK_EQ(l0[USED_INDEX], (base + (c.own.l1 << 12)) | TABLE_BITS);
	CHECK_EQ(*l1, (base + (c.own.l2 << 12)) | TABLE_BITS);
	CHECK_EQ(*l2, (base + (c.own.l3 << 12)) | TABLE_BITS);
	CHECK_EQ(l0[HV_L0_SELF] & HV_PTE_PA_MASK, base + (c.own.l0 << 12));
}

/* ---- content --------------------------------------------------------------------------- */

TEST(alloc_frame_zeroes)
{
	struct spot s = spot_make();

	for (int round = 0; round < 3; round++) {
		DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
		for (unsigned i = 0; i < HV_PAGE_WORDS; i++) {
			CHECK_EQ(s.word[i], 0);
			s.word[i] = ~0ULL;
		}
		DO(free_frame, s.self, s.l3, 0, s.page);
	}
}

TEST(alloc_table_zeroes)
{
	struct spot s = spot_make();
	const volatile uint64_t *l1 =
		(const volatile uint64_t *)(HV_TABLES_L1 + ((uintptr_t)USED_INDEX << 12));

	DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		s.word[i] = leaf(s.page, HV_PERM_ALL);
	DO(free_frame, s.self, s.l3, 0, s.page);
	DO(alloc_l1, s.self, hv_procs[s.self].root, USED_INDEX, s.page);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(l1[i], 0);
	DO(free_l1, s.self, hv_procs[s.self].root, USED_INDEX, s.page);
	CHECK(is_unmapped(probe_load((uintptr_t)l1)));
}

TEST(copy_frame_copies)
{
	struct spot s = spot_make();
	hv_page copy = hv_page_alloc();
	volatile uint64_t *other = s.word + HV_PAGE_WORDS;

	DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		s.word[i] = i * 0x9e3779b97f4a7c15ULL;
	DO(copy_frame, s.self, s.l3, 1, copy, HV_PERM_W, s.page);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(other[i], i * 0x9e3779b97f4a7c15ULL);
	other[5] = 5;
	CHECK_EQ(s.word[5], 5 * 0x9e3779b97f4a7c15ULL);
}

TEST(parcel_keeps_content)
{
	struct spot s = spot_make();

	DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		s.word[i] = ~(uint64_t)i;
	DO(unmap_frame, s.self, s.l3, 0, s.page);
	CHECK(is_unmapped(probe_load(SPARE_VA)));
	DO(map_frame, s.self, s.l3, 7, s.page, 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(s.word[7 * HV_PAGE_WORDS + i], ~(uint64_t)i);
	DO(unmap_frame, s.self, s.l3, 7, s.page);
	DO(free_parcel, s.page);
	CHECK_EQ(hv_page_descs[s.page].type, HV_PAGE_FREE);
	DO(alloc_frame, s.self, s.l3, 0, s.page, 0);
	CHECK_EQ(s.word[9], 0);
}

/* ---- what an access may do --------------------------------------------------------------- */

TEST(access_at_el1)
{
	struct spot s = spot_make();
	static const uint32_t code[] = { 0xd2800000, 0xd65f03c0 };	/* mov x0, #0; ret */

	DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	memcpy((void *)SPARE_VA, code, sizeof(code));
	for (hv_perm perm = 0; perm <= HV_PERM_ALL; perm++) {
		bool may_execute = (perm & HV_PERM_X) &&
				   !((perm & HV_PERM_W) && (perm & HV_PERM_EL0));

		DO(protect_frame, s.self, s.l3, 0, s.page, perm);
		CHECK_EQ(probe_load(SPARE_VA), 0);
		if (perm & HV_PERM_W)
			CHECK_EQ(probe_store(SPARE_VA + 64, 1), 0);
		else
			CHECK(is_forbidden(probe_store(SPARE_VA + 64, 1)));
		if (may_execute)
			CHECK_EQ(probe_exec(SPARE_VA), 0);
		else
			CHECK(is_forbidden(probe_exec(SPARE_VA)));
	}
	DO(free_frame, s.self, s.l3, 0, s.page);
	CHECK(is_unmapped(probe_load(SPARE_VA)));
	CHECK_EQ(probe_far(), SPARE_VA);
	CHECK(is_unmapped(probe_store(SPARE_VA, 0)));
	CHECK(is_unmapped(probe_exec(SPARE_VA)));
}

/* AT S1E0R and S1E0W: bit 0 of PAR_EL1 says that the access would fault. */
static bool el0_may(bool write, uintptr_t va)
{
	uint64_t par;

	if (write)
		__asm__ volatile("at s1e0w, %1\n isb\n mrs %0, par_el1" : "=r"(par) : "r"(va));
	else
		__asm__ volatile("at s1e0r, %1\n isb\n mrs %0, par_el1" : "=r"(par) : "r"(va));
	return !(par & 1);
}

TEST(access_at_el0)
{
	struct spot s = spot_make();

	DO(alloc_frame, s.self, s.l3, 0, s.page, 0);
	for (hv_perm perm = 0; perm <= HV_PERM_ALL; perm++) {
		DO(protect_frame, s.self, s.l3, 0, s.page, perm);
		CHECK_EQ(el0_may(false, SPARE_VA), (perm & HV_PERM_EL0) != 0);
		CHECK_EQ(el0_may(true, SPARE_VA),
			 (perm & HV_PERM_EL0) != 0 && (perm & HV_PERM_W) != 0);
	}
	CHECK(!el0_may(false, HV_TEXT_VA));
	CHECK(!el0_may(false, HV_VIEW_PROCS));
	CHECK(!el0_may(false, HV_TABLES_L0));
}

/* A change of permission holds at once: nothing stale is left in the TLB. */
TEST(protect_takes_effect_at_once)
{
	struct spot s = spot_make();

	DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(probe_store(SPARE_VA, 1), 0);
		DO(protect_frame, s.self, s.l3, 0, s.page, 0);
		CHECK(is_forbidden(probe_store(SPARE_VA, 2)));
		DO(protect_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
	}
}

TEST(remap_takes_effect_at_once)
{
	struct spot s = spot_make();
	hv_page other = hv_page_alloc();

	for (int i = 0; i < 100; i++) {
		DO(alloc_frame, s.self, s.l3, 0, s.page, HV_PERM_W);
		s.word[0] = 1;
		DO(free_frame, s.self, s.l3, 0, s.page);
		DO(alloc_frame, s.self, s.l3, 0, other, HV_PERM_W);
		CHECK_EQ(s.word[0], 0);
		s.word[0] = 2;
		DO(free_frame, s.self, s.l3, 0, other);
		CHECK(is_unmapped(probe_load(SPARE_VA)));
	}
}

/* ---- ownership ---------------------------------------------------------------------------- */

TEST(grant_page_moves_it)
{
	hv_pid self = (hv_pid)hv_self(), child = raw_make(NULL);
	hv_page page = hv_page_alloc();
	uint64_t mine = hv_procs[self].pages_count, its = hv_procs[child].pages_count;

	DO(grant_page, child, page);
	CHECK_EQ(hv_page_descs[page].owner, child);
	CHECK_EQ(hv_page_descs[page].type, HV_PAGE_FREE);
	CHECK_EQ(hv_procs[self].pages_count, mine - 1);
	CHECK_EQ(hv_procs[child].pages_count, its + 1);
	FAILS(EACCES, grant_page, child, page);
	FAILS(ESTATE, reclaim_page, page);
	DO(kill, child, 0);
	DO(reclaim_page, page);
	CHECK_EQ(hv_page_descs[page].owner, self);
	CHECK_EQ(hv_procs[self].pages_count, mine);
	raw_discard(child);
	hv_page_free(page);
}

/* What a child had written is gone when its parent maps the page. */
TEST(reclaimed_page_is_zeroed)
{
	struct spot s = spot_make();
	hv_pid child = raw_make(NULL);
	hv_page stack = 0;

	raw_start(child, raw_store, RAW_STACK);
	wait_until_dead(child);
	for (hv_page page = 0; page < hv_bootinfo->ram_pages; page++) {
		if (hv_page_descs[page].owner != child ||
		    hv_page_descs[page].type != HV_PAGE_FRAME)
			continue;
		stack = page;
		DO(reclaim_page, page);
		CHECK_EQ(hv_page_descs[page].type, HV_PAGE_FREE);
		DO(alloc_frame, s.self, s.l3, 0, page, 0);
		for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
			CHECK_EQ(s.word[i], 0);
		DO(free_frame, s.self, s.l3, 0, page);
	}
	CHECK(stack != 0);
	raw_discard(child);
}

TEST(view_can_be_dropped)
{
	hv_pid self = (hv_pid)hv_self();

	probe_start();
	CHECK_EQ(probe_load(HV_VIEW_PROCS), 0);
	DO(unmap_view, self);
	CHECK(is_unmapped(probe_load(HV_VIEW_PROCS)));
	CHECK(is_unmapped(probe_load(HV_VIEW_PAGE_DESCS)));
	CHECK_EQ(probe_load(HV_TABLES_L0), 0);
	FAILS(EACCES, map_view, self);
}

/* A child may see them only if its parent says so. */
TEST(view_is_not_inherited_by_embryos)
{
	hv_pid blind = raw_make(NULL), seeing = raw_make(NULL);
	struct raw_end end;

	hv_unmap_view(blind);
	raw_start(blind, raw_load, HV_VIEW_PROCS);
	end = raw_wait(blind);
	CHECK_EQ(end.status & RAW_EXCEPTION, RAW_EXCEPTION);
	hv_unmap_view(seeing);
	DO(map_view, seeing);
	raw_start(seeing, raw_load, HV_VIEW_BOOTINFO);
	end = raw_wait(seeing);
	CHECK_EQ(end.status, HV_BOOTINFO_MAGIC);
}
