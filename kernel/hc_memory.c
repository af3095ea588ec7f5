/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on pages and translation tables. Keep: a valid entry of a live
 * process's table names a page of the same owner and of the type that the
 * level asks for, each such page is named once, and `count` of a table is
 * the number of its valid entries.
 *
 * Order of writes to a descriptor (D8.14, break before make): content first,
 * dsb ishst, then the entry becomes valid; an entry that was valid becomes
 * invalid, dsb ishst, TLBI, dsb ish, and only then is anything reused. The
 * eret that ends the hypercall is the context synchronization event.
 */
#include "check.h"
#include "hypercall.h"
#include "page.h"

#include <arch/pte.h>

/* Is the entry free, for a page of the caller's of type `from_type`? */
static int64_t check_link(uint64_t table, uint64_t index, uint64_t page, uint64_t from_type)
{
	if (pages[table][index] & HV_PTE_VALID)
		return -HV_EEXIST;
	return check_page(current_pid(), page, from_type);
}

static int64_t check_frame_entry(uint64_t pid, uint64_t l3, uint64_t index, uint64_t perm)
{
	int64_t error = check_entry(pid, l3, HV_PAGE_L3, index);

	if (error)
		return error;
	if (perm & ~(uint64_t)HV_PERM_ALL)
		return -HV_EINVAL;
	return 0;
}

/* Does the entry hold that page? */
static bool entry_holds(uint64_t table, uint64_t index, uint64_t page)
{
	uint64_t held = pages[table][index] & (HV_PTE_PA_MASK | HV_PTE_VALID);

	return page < HV_NPAGE && held == (page_pa(page) | HV_PTE_VALID);
}

/* The page, whose content is ready, becomes `type` of pid's behind the entry. */
static void entry_link(uint64_t pid, uint64_t table, uint64_t index, uint64_t page,
		       uint64_t type, uint64_t descriptor)
{
	page_descs[page].type = type;
	page_descs[page].count = 0;
	page_descs[table].count++;
	page_give(page, pid);
	dsb_ishst();
	pte_write(&pages[table][index], descriptor);
	dsb_ishst();
}

/* The entry becomes invalid for every core, and the page becomes `type`. */
static void entry_unlink(uint64_t pid, uint64_t table, uint64_t index, uint64_t page,
			 uint64_t type)
{
	pte_write(&pages[table][index], 0);
	dsb_ishst();
	tlbi_asid(pid);
	dsb_ish();
	page_descs[table].count--;
	page_descs[page].type = type;
}

static int64_t alloc_table(uint64_t pid, uint64_t table, uint64_t type, uint64_t index,
			   uint64_t page)
{
	int64_t error = check_entry(pid, table, type, index);

	if (error)
		return error;
	error = check_link(table, index, page, HV_PAGE_FREE);
	if (error)
		return error;

	page_zero(page);
	entry_link(pid, table, index, page, type + 1, pte_table(page_pa(page)));
	return 0;
}

int64_t hc_alloc_l1(uint64_t pid, uint64_t l0, uint64_t index, uint64_t page)
{
	return alloc_table(pid, l0, HV_PAGE_L0, index, page);
}

int64_t hc_alloc_l2(uint64_t pid, uint64_t l1, uint64_t index, uint64_t page)
{
	return alloc_table(pid, l1, HV_PAGE_L1, index, page);
}

int64_t hc_alloc_l3(uint64_t pid, uint64_t l2, uint64_t index, uint64_t page)
{
	return alloc_table(pid, l2, HV_PAGE_L2, index, page);
}

/*
 * Before a page can be executed its content is made visible to instruction
 * fetches: neither what a former owner left in an instruction cache nor what
 * is still in a data cache may be what runs.
 */
static void sync_if_executable(uint64_t page, uint64_t perm)
{
	if (perm & (HV_PERM_X | HV_PERM_EL0X))
		page_sync(page);
}

int64_t hc_alloc_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t page, uint64_t perm)
{
	int64_t error = check_frame_entry(pid, l3, index, perm);

	if (error)
		return error;
	error = check_link(l3, index, page, HV_PAGE_FREE);
	if (error)
		return error;

	page_zero(page);
	sync_if_executable(page, perm);
	entry_link(pid, l3, index, page, HV_PAGE_FRAME, pte_leaf(page_pa(page), perm));
	return 0;
}

int64_t hc_copy_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t page, uint64_t perm,
		      uint64_t from)
{
	int64_t error = check_frame_entry(pid, l3, index, perm);

	if (error)
		return error;
	error = check_link(l3, index, page, HV_PAGE_FREE);
	if (error)
		return error;
	error = check_page(current_pid(), from, HV_PAGE_FRAME);
	if (error)
		return error;

	page_copy(page, from);
	sync_if_executable(page, perm);
	entry_link(pid, l3, index, page, HV_PAGE_FRAME, pte_leaf(page_pa(page), perm));
	return 0;
}

int64_t hc_map_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t parcel, uint64_t perm)
{
	int64_t error = check_frame_entry(pid, l3, index, perm);

	if (error)
		return error;
	error = check_link(l3, index, parcel, HV_PAGE_PARCEL);
	if (error)
		return error;

	sync_if_executable(parcel, perm);
	entry_link(pid, l3, index, parcel, HV_PAGE_FRAME, pte_leaf(page_pa(parcel), perm));
	return 0;
}

int64_t hc_protect_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t frame, uint64_t perm)
{
	int64_t error = check_frame_entry(pid, l3, index, perm);

	if (error)
		return error;
	if (!entry_holds(l3, index, frame))
		return -HV_ENOENT;

	pte_write(&pages[l3][index], 0);
	dsb_ishst();
	tlbi_asid(pid);
	dsb_ish();
	sync_if_executable(frame, perm);
	pte_write(&pages[l3][index], pte_leaf(page_pa(frame), perm));
	dsb_ishst();
	return 0;
}

static int64_t unmap(uint64_t pid, uint64_t l3, uint64_t index, uint64_t frame, uint64_t type)
{
	int64_t error = check_entry(pid, l3, HV_PAGE_L3, index);

	if (error)
		return error;
	if (!entry_holds(l3, index, frame))
		return -HV_ENOENT;

	entry_unlink(pid, l3, index, frame, type);
	return 0;
}

int64_t hc_free_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t frame)
{
	return unmap(pid, l3, index, frame, HV_PAGE_FREE);
}

int64_t hc_unmap_frame(uint64_t pid, uint64_t l3, uint64_t index, uint64_t frame)
{
	return unmap(pid, l3, index, frame, HV_PAGE_PARCEL);
}

int64_t hc_free_parcel(uint64_t page)
{
	int64_t error = check_page(current_pid(), page, HV_PAGE_PARCEL);

	if (error)
		return error;

	page_descs[page].type = HV_PAGE_FREE;
	return 0;
}

static int64_t free_table(uint64_t pid, uint64_t parent, uint64_t type, uint64_t index,
			  uint64_t table)
{
	int64_t error = check_entry(pid, parent, type, index);

	if (error)
		return error;
	if (!entry_holds(parent, index, table))
		return -HV_ENOENT;
	if (page_descs[table].count != 0)
		return -HV_EBUSY;

	entry_unlink(pid, parent, index, table, HV_PAGE_FREE);
	return 0;
}

int64_t hc_free_l1(uint64_t pid, uint64_t l0, uint64_t index, uint64_t table)
{
	return free_table(pid, l0, HV_PAGE_L0, index, table);
}

int64_t hc_free_l2(uint64_t pid, uint64_t l1, uint64_t index, uint64_t table)
{
	return free_table(pid, l1, HV_PAGE_L1, index, table);
}

int64_t hc_free_l3(uint64_t pid, uint64_t l2, uint64_t index, uint64_t table)
{
	return free_table(pid, l2, HV_PAGE_L2, index, table);
}

int64_t hc_grant_page(uint64_t child, uint64_t page)
{
	uint64_t self = current_pid();
	int64_t error = check_grant(self, child);

	if (error)
		return error;
	error = check_page(self, page, HV_PAGE_FREE);
	if (error)
		return error;

	page_give(page, child);
	return 0;
}

static int64_t check_reclaim(uint64_t self, uint64_t page)
{
	uint64_t owner;

	if (page >= HV_NPAGE || page_descs[page].type == HV_PAGE_RESERVED)
		return -HV_EINVAL;
	owner = page_descs[page].owner;
	if (procs[owner].ppid != self)
		return -HV_EPERM;
	if (procs[owner].state != HV_PROC_ZOMBIE)
		return -HV_ESTATE;
	return 0;
}

/* The owner's translations were removed when it died, so no TLBI is owed. */
int64_t hc_reclaim_page(uint64_t page)
{
	uint64_t self = current_pid();
	int64_t error = check_reclaim(self, page);

	if (error)
		return error;

	page_descs[page].type = HV_PAGE_FREE;
	page_give(page, self);
	return 0;
}

static uint64_t *view_entry(uint64_t pid)
{
	return &pages[procs[pid].root][HV_L0_VIEW];
}

int64_t hc_map_view(uint64_t pid)
{
	uint64_t self = current_pid();
	int64_t error = check_build(self, pid);

	if (error)
		return error;
	if (!(*view_entry(self) & HV_PTE_VALID))
		return -HV_EACCES;
	if (*view_entry(pid) & HV_PTE_VALID)
		return -HV_EEXIST;

	pte_write(view_entry(pid), machine.view_pte);
	dsb_ishst();
	return 0;
}

int64_t hc_unmap_view(uint64_t pid)
{
	int64_t error = check_build(current_pid(), pid);

	if (error)
		return error;
	if (!(*view_entry(pid) & HV_PTE_VALID))
		return -HV_ENOENT;

	pte_write(view_entry(pid), 0);
	dsb_ishst();
	tlbi_asid(pid);
	dsb_ish();
	return 0;
}
