/* SPDX-License-Identifier: MIT */
/*
 * Self's page tables: read through the recursive view, changed by hypercalls.
 * Here is what a page fault needs; walk.c has the rest.
 */
#include "os.h"

bool hv_has_view(void)
{
	return ((const volatile uint64_t *)HV_TABLES_L0)[HV_L0_VIEW] & HV_PTE_VALID;
}

/* Has va a level-2 table? Each 1 GiB of addresses has one; the last that was
 * found is remembered. */
static inline bool has_l2(uintptr_t va)
{
	if (va >> 30 == os.seen_l2)
		return true;
	if (va >= USER_VA_END || !(L0_ENTRY(va) & HV_PTE_VALID) || !(L1_ENTRY(va) & HV_PTE_VALID))
		return false;
	os.seen_l2 = va >> 30;
	return true;
}

static inline struct hv_slot lookup(uintptr_t va)
{
	struct hv_slot slot = { .index = va >> HV_PAGE_SHIFT & 511 };
	uint64_t l2;

	if (!has_l2(va))
		return slot;
	l2 = L2_ENTRY(va);
	if (!(l2 & HV_PTE_VALID))
		return slot;
	slot.l3 = os_page_of_pte(l2);
	slot.pte = L3_ENTRY(va);
	return slot;
}

struct hv_slot hv_lookup(uintptr_t va)
{
	return lookup(va);
}

hv_page hv_frame_of(uintptr_t va)
{
	struct hv_slot slot = lookup(va);

	return slot.pte == 0 || os_is_device(slot.pte) ? 0 : os_page_of_pte(slot.pte);
}

hv_perm hv_perm_of(uint64_t pte)
{
	hv_perm perm = 0;

	if (!(pte & HV_PTE_RO))
		perm |= HV_PERM_W;
	if (!(pte & HV_PTE_PXN))
		perm |= HV_PERM_X;
	if (pte & HV_PTE_EL0)
		perm |= HV_PERM_EL0;
	if (!(pte & HV_PTE_UXN))
		perm |= HV_PERM_EL0X;
	return perm;
}

/* ---- making tables ------------------------------------------------------------ */

static int64_t ensure_table(uintptr_t va, int level)
{
	hv_page page = hv_page_alloc();
	int64_t error;

	if (page == 0)
		return -HV_ENOMEM;
	if (level == 1)
		error = hv_alloc_l1(os.pid, os_page_of_pte(L0_ENTRY(HV_TABLES_L0)), va >> 39, page);
	else if (level == 2)
		error = hv_alloc_l2(os.pid, os_page_of_pte(L0_ENTRY(va)), va >> 30 & 511, page);
	else
		error = hv_alloc_l3(os.pid, os_page_of_pte(L1_ENTRY(va)), va >> 21 & 511, page);
	if (error < 0)
		os_page_put(page);
	return error;
}

int64_t hv_ensure_l3(uintptr_t va)
{
	int64_t error = 0;

	if (va >= USER_VA_END)
		return -HV_EINVAL;
	if (!(L0_ENTRY(va) & HV_PTE_VALID))
		error = ensure_table(va, 1);
	if (error == 0 && !(L1_ENTRY(va) & HV_PTE_VALID))
		error = ensure_table(va, 2);
	if (error == 0 && !(L2_ENTRY(va) & HV_PTE_VALID))
		error = ensure_table(va, 3);
	return error < 0 ? error : (int64_t)os_page_of_pte(L2_ENTRY(va));
}

/* fork copies what lies in the areas that the libos manages; elsewhere it has
 * to look through all tables. */
void os_note_mapping(uintptr_t va)
{
	if (va >= HV_STACK_LIMIT && va < HV_STACK_TOP) {
		if (va < os.stack_low)
			os.stack_low = HV_PAGE_OF(va);
		return;
	}
	if (va >= HV_STACK_TOP && va < os.brk)
		return;
	for (uint64_t i = 0; i < os.region_count; i++)
		if (va >= os.region[i].start && va < os.region[i].end)
			return;
	os.is_wild = 1;
}

int64_t hv_map(uintptr_t va, hv_perm perm)
{
	int64_t l3 = hv_ensure_l3(va);
	hv_page page;
	int64_t error;

	if (l3 < 0)
		return l3;
	page = hv_page_alloc();
	if (page == 0)
		return -HV_ENOMEM;
	error = hv_alloc_frame(os.pid, (hv_page)l3, va >> HV_PAGE_SHIFT & 511, page, perm);
	if (error < 0)
		os_page_put(page);
	else
		os_note_mapping(va);
	return error;
}

int64_t hv_protect(uintptr_t va, hv_perm perm)
{
	struct hv_slot slot = lookup(va);

	if (slot.pte == 0)
		return -HV_ENOENT;
	return hv_protect_frame(os.pid, slot.l3, slot.index, os_page_of_pte(slot.pte), perm);
}
