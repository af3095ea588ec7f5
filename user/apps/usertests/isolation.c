/* SPDX-License-Identifier: MIT */
/* What a process can reach in its own address space, and what it cannot. */
#include "insn.h"
#include "peer.h"
#include "probe.h"

/* ---- a walk over every descriptor ------------------------------------------------- */

typedef const volatile uint64_t *table;

#define TABLE_L0 ((table)HV_TABLES_L0)
#define TABLE_L1(i) ((table)(HV_TABLES_L1 + ((uintptr_t)(i) << 12)))
#define TABLE_L2(i, j) ((table)(HV_TABLES_L2 + ((uintptr_t)(i) << 21) + ((uintptr_t)(j) << 12)))
#define TABLE_L3(i, j, k)							\
	((table)(HV_TABLES_L3 + ((uintptr_t)(i) << 30) + ((uintptr_t)(j) << 21) +	\
		 ((uintptr_t)(k) << 12)))

/* AF, nG, inner shareable, page: fixed bits of a leaf; the others are permissions. */
#define LEAF_FIXED 0xf03ULL
#define LEAF_FREE (HV_PTE_PA_MASK | HV_PTE_EL0 | HV_PTE_RO | HV_PTE_PXN | HV_PTE_UXN | 7 << 2)

struct walk {
	hv_pid self;
	uint64_t base, pages;	/* of RAM */
	uint64_t frames, tables;
};

/* The page that a descriptor of self's names is self's and of that type. */
static void check_page(const struct walk *walk, uint64_t pte, uint64_t type)
{
	uint64_t page = ((pte & HV_PTE_PA_MASK) - walk->base) >> HV_PAGE_SHIFT;

	CHECK(page < walk->pages);
	CHECK_EQ(hv_page_descs[page].type, type);
	CHECK_EQ(hv_page_descs[page].owner, walk->self);
}

static void walk_l3(struct walk *walk, table l3)
{
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++) {
		if (l3[i] == 0)
			continue;
		CHECK_EQ(l3[i] & ~LEAF_FREE, LEAF_FIXED);
		check_page(walk, l3[i], HV_PAGE_FRAME);
		walk->frames++;
	}
}

/* A table descriptor has no hierarchical bits (D8.3.1): what it has besides
 * the address makes it a read-only leaf in the recursive view. */
#define TABLE_BITS (HV_PTE_UXN | HV_PTE_PXN | 0xf80 | 3)

static bool follow(struct walk *walk, uint64_t pte, uint64_t type)
{
	if (pte == 0)
		return false;
	CHECK_EQ(pte & ~HV_PTE_PA_MASK, TABLE_BITS);
	check_page(walk, pte, type);
	walk->tables++;
	return true;
}

static void walk_l1(struct walk *walk, unsigned i)
{
	for (unsigned j = 0; j < HV_PAGE_WORDS; j++) {
		if (!follow(walk, TABLE_L1(i)[j], HV_PAGE_L2))
			continue;
		for (unsigned k = 0; k < HV_PAGE_WORDS; k++)
			if (follow(walk, TABLE_L2(i, j)[k], HV_PAGE_L3))
				walk_l3(walk, TABLE_L3(i, j, k));
	}
}

static uint64_t count_owned(hv_pid owner, uint64_t first_type, uint64_t last_type)
{
	uint64_t count = 0;

	for (hv_page page = 0; page < hv_bootinfo->ram_pages; page++)
		count += hv_page_descs[page].owner == owner &&
			 hv_page_descs[page].type >= first_type &&
			 hv_page_descs[page].type <= last_type;
	return count;
}

TEST(walk_finds_own_pages_only)
{
	struct walk walk = {
		(hv_pid)hv_self(), hv_bootinfo->ram_base, hv_bootinfo->ram_pages, 0, 0,
	};

	for (unsigned i = 0; i < HV_L0_USER_END; i++)
		if (follow(&walk, TABLE_L0[i], HV_PAGE_L1))
			walk_l1(&walk, i);
	CHECK(walk.frames > 16);
	CHECK_EQ(walk.frames, count_owned(walk.self, HV_PAGE_FRAME, HV_PAGE_FRAME));
	CHECK_EQ(walk.tables, count_owned(walk.self, HV_PAGE_L1, HV_PAGE_L3));
	CHECK_EQ(count_owned(walk.self, HV_PAGE_L0, HV_PAGE_L0), 1);
	CHECK_EQ(count_owned(walk.self, HV_PAGE_CTX, HV_PAGE_CTX), 1);
	CHECK_EQ(count_owned(walk.self, HV_PAGE_FREE, HV_PAGE_CTX),
		 hv_procs[walk.self].pages_count);
}

/* Everybody's counts agree with the descriptors. */
TEST(pages_count_of_everybody)
{
	static uint64_t count[HV_NPROC];
	uint64_t first_bad = 0;

	for (hv_page page = 0; page < hv_bootinfo->ram_pages; page++)
		if (hv_page_descs[page].type != HV_PAGE_RESERVED)
			count[hv_page_descs[page].owner % HV_NPROC]++;
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (count[pid] != hv_procs[pid].pages_count && first_bad == 0)
			first_bad = pid;
	CHECK_EQ(first_bad, 0);
	CHECK_EQ(count[0], 0);
}

TEST(bootinfo_is_sane)
{
	uint64_t midr, frequency;

	__asm__ volatile("mrs %0, midr_el1\n mrs %1, cntfrq_el0" : "=r"(midr), "=r"(frequency));
	CHECK_EQ(hv_bootinfo->magic, HV_BOOTINFO_MAGIC);
	CHECK_EQ(hv_bootinfo->midr, midr);
	CHECK_EQ(hv_bootinfo->cntfrq, frequency);
	CHECK(hv_bootinfo->gic_version == 2 || hv_bootinfo->gic_version == 3);
	CHECK_EQ(hv_bootinfo->ram_base % HV_PAGE_SIZE, 0);
	CHECK(hv_bootinfo->ram_pages > 1000 && hv_bootinfo->ram_pages <= HV_NPAGE);
	CHECK(hv_bootinfo->free_first < hv_bootinfo->free_end);
	CHECK(hv_bootinfo->free_end <= hv_bootinfo->ram_pages);
	CHECK(hv_bootinfo->boot_time < hv_now());
	CHECK(hv_bootinfo->klog[0] != 0);
}

/* ---- read-only things are read-only ----------------------------------------------------- */

static const uintptr_t views[] = {
	HV_VIEW_BOOTINFO, HV_VIEW_SCHED, HV_VIEW_PROCS, HV_VIEW_FILES, HV_VIEW_HANDLES,
	HV_VIEW_DEVICES, HV_VIEW_PAGE_DESCS, HV_VIEW_DTB, HV_VIEW_INITRD,
	HV_TABLES_L0, HV_TABLES_L1, HV_TABLES_L2,
	HV_TABLES_L0 + 8 * HV_L0_VIEW, HV_TABLES_L0 + 8 * HV_L0_SELF,
	HV_TABLES_L3 + (HV_TEXT_VA >> 12 << 3),
};

TEST(views_cannot_be_written)
{
	probe_start();
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		uintptr_t va = views[i];

		if (va == HV_VIEW_DTB)
			va += hv_bootinfo->dtb_offset & ~7ULL;
		if (va == HV_VIEW_INITRD)
			va += hv_bootinfo->initrd_offset & ~7ULL;
		CHECK_EQ(probe_load(va), 0);
		CHECK(is_forbidden(probe_store(va, 0)));
		CHECK(is_forbidden(probe_exec(va)));
	}
}

/* Nor can a leaf of one's own tables, wherever it appears in the recursive view. */
TEST(own_tables_cannot_be_written)
{
	uintptr_t word = HV_TABLES_L3 + (HV_TEXT_VA >> 12 << 3);
	uintptr_t word2 = HV_TABLES_L2 + (HV_TEXT_VA >> 21 << 3);
	uintptr_t word1 = HV_TABLES_L1 + (HV_TEXT_VA >> 30 << 3);

	probe_start();
	CHECK(is_forbidden(probe_store(word, ~0ULL)));
	CHECK(is_forbidden(probe_store(word2, ~0ULL)));
	CHECK(is_forbidden(probe_store(word1, ~0ULL)));
	CHECK(is_forbidden(probe_store(HV_TABLES_L0, ~0ULL)));
	CHECK_EQ(probe_load(word), 0);
}

TEST(own_text_cannot_be_written)
{
	probe_start();
	CHECK(is_forbidden(probe_store(HV_TEXT_VA, 0)));
	CHECK(is_forbidden(probe_store((uintptr_t)probe_store, 0)));
}

/* DC ZVA is a store. */
TEST(dc_zva_is_a_store)
{
	const struct raw_image image = { .patch = INSN_SYSTEM(1, 3, 7, 4, 1, 0) };
	static const uint64_t targets[] = { RAW_CODE, HV_TABLES_L0, HV_VIEW_PROCS };

	CHECK_EQ(raw_run(&image, raw_patched, RAW_STACK).status, RAW_STACK);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct raw_end end = raw_run(&image, raw_patched, targets[i]);

		CHECK_EQ(end.status & RAW_EXCEPTION, RAW_EXCEPTION);
		CHECK_EQ(RAW_EC(end.status), EC_DABORT);
	}
}

/* ---- nothing else is there ------------------------------------------------------------------ */

static const uintptr_t elsewhere[] = {
	/* the kernel's addresses, and physical ones of devices and of RAM */
	0x400000000000, 0x400000200000, 0x400040000000, 0x400080000000, 0x08000000, 0x09000000,
	0x080a0000, 0x48000000,
	/* the upper half, which EPD1 closes, and what is in neither half */
	0xffff000000000000, 0xffff800000000000, 0xffffffffffffff00, 0xffff400000000000,
	0x0001000000000000, 0x8000000000000000, 0xff00000001000000, 0x0100000000010000,
};

TEST(nothing_elsewhere)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		struct raw_end load = raw_run(NULL, raw_load, elsewhere[i]);
		struct raw_end store = raw_run(NULL, raw_store, elsewhere[i]);
		struct raw_end jump = raw_run(NULL, raw_jump, elsewhere[i]);

		CHECK_EQ(RAW_EC(load.status), EC_DABORT);
		CHECK(FSC_IS_TRANSLATION(ESR_FSC(load.status)) || ESR_FSC(load.status) == 0);
		CHECK_EQ(RAW_EC(store.status), EC_DABORT);
		CHECK_EQ(RAW_EC(jump.status), EC_IABORT);
		CHECK_EQ(load.esr | store.esr | jump.esr, 0);
	}
}

/* An L0 entry of each kind of nothing: below, between, above. */
TEST(empty_address_space_is_empty)
{
	for (uint64_t i = 1; i < HV_L0_USER_END; i += 7) {
		struct raw_end end = raw_run(NULL, raw_load, i << 39);

		CHECK_EQ(RAW_EC(end.status), EC_DABORT);
		CHECK_EQ(ESR_FSC(end.status), 4);	/* translation fault, level 0 */
	}
}

/* ---- pages that travel ----------------------------------------------------------------------- */

#define SPARE_VA 0x5000000000UL

static bool is_refused(int64_t result)
{
	return result == -HV_EACCES || result == -HV_EINVAL;
}

static void send_parcel(void *arg)
{
	uint64_t *word = (uint64_t *)SPARE_VA;
	int64_t parcel;

	probe_start();
	CHECK_EQ(hv_map(SPARE_VA, HV_PERM_W), 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		word[i] = i + 0xabcdef;
	parcel = hv_unmap_parcel(SPARE_VA);
	CHECK(parcel > 0);
	CHECK(is_unmapped(probe_load(SPARE_VA)));
	DO(send, (uintptr_t)arg, HV_FOREVER, (hv_page)parcel, HV_NONE, 0, 0, 0, 0);
	CHECK(is_unmapped(probe_load(SPARE_VA)));
	CHECK(hv_page_descs[parcel].owner != (hv_pid)hv_self());
	/* by now it may be a frame of the receiver's */
	CHECK(is_refused(hv_map_frame((hv_pid)hv_self(), (hv_page)hv_ensure_l3(SPARE_VA), 0,
				      (hv_page)parcel, HV_PERM_W)));
	CHECK(is_refused(hv_free_parcel((hv_page)parcel)));
}

TEST(parcel_sent_is_gone)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(send_parcel, (void *)endpoint);
	struct hv_msg m = hv_recv_msg(endpoint, HV_FOREVER, 0);
	const uint64_t *word = (const uint64_t *)SPARE_VA;

	CHECK_EQ(m.result, 0);
	CHECK_EQ(hv_page_descs[m.page].type, HV_PAGE_PARCEL);
	CHECK_EQ(hv_page_descs[m.page].owner, hv_self());
	CHECK_EQ(hv_map_parcel(SPARE_VA, m.page, 0), 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(word[i], i + 0xabcdef);
	peer_join(peer);
}

static void send_dirty_free_page(void *arg)
{
	uint64_t *word = (uint64_t *)SPARE_VA;
	hv_page page;

	CHECK_EQ(hv_map(SPARE_VA, HV_PERM_W), 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		word[i] = 0x5ec4e7;
	page = hv_frame_of(SPARE_VA);
	DO(free_frame, (hv_pid)hv_self(), (hv_page)hv_ensure_l3(SPARE_VA), 0, page);
	DO(send, (uintptr_t)arg, HV_FOREVER, page, HV_NONE, 0, 0, 0, 0);
}

TEST(free_page_sent_arrives_without_content)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(send_dirty_free_page, (void *)endpoint);
	struct hv_msg m = hv_recv_msg(endpoint, HV_FOREVER, 0);
	hv_page l3 = (hv_page)hv_ensure_l3(SPARE_VA);
	const volatile uint64_t *word = (const volatile uint64_t *)SPARE_VA;

	CHECK_EQ(m.result, 0);
	CHECK_EQ(hv_page_descs[m.page].type, HV_PAGE_FREE);
	FAILS(EINVAL, map_frame, (hv_pid)hv_self(), l3, 0, m.page, 0);
	DO(alloc_frame, (hv_pid)hv_self(), l3, 0, m.page, 0);
	for (unsigned i = 0; i < HV_PAGE_WORDS; i++)
		CHECK_EQ(word[i], 0);
	peer_join(peer);
}

/* AT reports through PAR_EL1 what the process may know: its own addresses only. */
TEST(at_of_foreign_addresses_fails)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		uint64_t par;

		if (elsewhere[i] >= HV_STACK_LIMIT && elsewhere[i] < HV_MMAP_VA)
			continue;
		__asm__ volatile("at s1e1r, %1\n isb\n mrs %0, par_el1"
				 : "=r"(par) : "r"(elsewhere[i]));
		CHECK_EQ(par & 1, 1);
	}
}
