/* SPDX-License-Identifier: MIT */
/* Unmapping, and walks over all that self has mapped. */
#include "os.h"

int64_t hv_map_parcel(uintptr_t va, hv_page parcel, hv_perm perm)
{
	int64_t l3 = hv_ensure_l3(va);
	int64_t error;

	if (l3 < 0)
		return l3;
	error = hv_map_frame(os.pid, (hv_page)l3, va >> HV_PAGE_SHIFT & 511, parcel, perm);
	if (error == 0)
		os_note_mapping(va);
	return error;
}

int64_t hv_unmap(uintptr_t va)
{
	struct hv_slot slot = hv_lookup(va);
	hv_page page = os_page_of_pte(slot.pte);
	int64_t error;

	if (slot.pte == 0)
		return -HV_ENOENT;
	error = hv_free_frame(os.pid, slot.l3, slot.index, page);
	if (error == 0)
		os_page_put(page);
	return error;
}

int64_t hv_unmap_parcel(uintptr_t va)
{
	struct hv_slot slot = hv_lookup(va);
	hv_page page = os_page_of_pte(slot.pte);
	int64_t error;

	if (slot.pte == 0)
		return -HV_ENOENT;
	error = hv_unmap_frame(os.pid, slot.l3, slot.index, page);
	return error < 0 ? error : (int64_t)page;
}

/* ---- walks -------------------------------------------------------------------- */

int64_t os_walk(uintptr_t start, uintptr_t end, os_visit visit, void *arg)
{
	uintptr_t va = HV_PAGE_OF(start);
	struct hv_slot slot;
	int64_t result;

	while (va < end && va < USER_VA_END) {
		if (!(L0_ENTRY(va) & HV_PTE_VALID)) {
			va = (va | ((1UL << 39) - 1)) + 1;
		} else if (!(L1_ENTRY(va) & HV_PTE_VALID)) {
			va = (va | ((1UL << 30) - 1)) + 1;
		} else if (!(L2_ENTRY(va) & HV_PTE_VALID)) {
			va = (va | ((1UL << 21) - 1)) + 1;
		} else {
			slot.l3 = os_page_of_pte(L2_ENTRY(va));
			do {
				slot.pte = L3_ENTRY(va);
				slot.index = va >> HV_PAGE_SHIFT & 511;
				result = slot.pte == 0 || os_is_device(slot.pte) ?
						 0 : visit(va, &slot, arg);
				if (result != 0)
					return result;
				va += HV_PAGE_SIZE;
			} while (va < end && va % (1UL << 21) != 0);
		}
	}
	return 0;
}

int64_t os_walk_all(os_visit visit, void *arg)
{
	int64_t result;

	if (os.is_wild) {
		result = os_walk(0, HV_WINDOW_VA, visit, arg);
		return result != 0 ? result : os_walk(HV_WINDOW_END, USER_VA_END, visit, arg);
	}
	result = os_walk(os.stack_low, HV_STACK_TOP, visit, arg);
	if (result == 0)
		result = os_walk((uintptr_t)__image_start, os.brk, visit, arg);
	for (uint64_t i = 0; result == 0 && i < os.region_count; i++)
		result = os_walk(os.region[i].start, os.region[i].end, visit, arg);
	return result;
}

static int64_t unmap_visit(uintptr_t va, const struct hv_slot *slot, void *arg)
{
	hv_page page = os_page_of_pte(slot->pte);

	(void)va;
	(void)arg;
	if (hv_free_frame(os.pid, slot->l3, slot->index, page) == 0)
		os_page_put(page);
	return 0;
}

void os_unmap_range(uintptr_t start, uintptr_t end)
{
	os_walk(start, end, unmap_visit, NULL);
}

/* The kernel refuses to free a table that is in use, so it is just asked. */
void os_free_tables(uintptr_t start, uintptr_t end)
{
	hv_page page;

	os.seen_l2 = 0;
	if (end > USER_VA_END)
		end = USER_VA_END;
	for (uintptr_t va = start & ~((1UL << 21) - 1); va < end; va += 1UL << 21) {
		if (!(L0_ENTRY(va) & HV_PTE_VALID)) {
			va |= ((1UL << 39) - 1) & ~((1UL << 21) - 1);
			continue;
		}
		if (!(L1_ENTRY(va) & HV_PTE_VALID)) {
			va |= ((1UL << 30) - 1) & ~((1UL << 21) - 1);
			continue;
		}
		page = os_page_of_pte(L2_ENTRY(va));
		if (!(L2_ENTRY(va) & HV_PTE_VALID)
		    || hv_free_l3(os.pid, os_page_of_pte(L1_ENTRY(va)), va >> 21 & 511, page) < 0)
			continue;
		os_page_put(page);
		page = os_page_of_pte(L1_ENTRY(va));
		if (hv_free_l2(os.pid, os_page_of_pte(L0_ENTRY(va)), va >> 30 & 511, page) < 0)
			continue;
		os_page_put(page);
		page = os_page_of_pte(L0_ENTRY(va));
		if (hv_free_l1(os.pid, os_page_of_pte(L0_ENTRY(HV_TABLES_L0)), va >> 39, page) == 0)
			os_page_put(page);
	}
}
