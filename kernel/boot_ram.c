/* SPDX-License-Identifier: MIT */
/*
 * Which pages there are. Page 0 is at the start, rounded down to 2 MiB, of
 * the bank from which on most memory is within HV_NPAGE pages, which is what
 * the tables cover.
 *
 * Invariants: a page is free, and mapped in pages[], only if it is RAM and
 * not page 0, kernel, device tree, initrd or reserved by firmware; the ranges
 * below are disjoint.
 */
#include "boot.h"

#include "layout.h"
#include "prim.h"

enum { RANGES = 160 };

/* Of what descriptors can hold (D8.3), whatever a device tree says. */
#define PA_END ((uint64_t)1 << 48)

struct range {
	uint64_t first;
	uint64_t end;
};

static struct range ranges[RANGES];
static uint64_t range_count;
/* ram_take() eats the largest range from its start. */
static struct range *largest;

static void add(uint64_t first, uint64_t end)
{
	if (first >= end)
		return;
	if (range_count == RANGES)
		boot_fail("memory is in too many pieces: give the machine fewer banks and "
			  "reservations");
	ranges[range_count++] = (struct range){ first, end };
}

static void subtract(uint64_t first, uint64_t end)
{
	for (uint64_t i = 0; i < range_count; i++) {
		struct range r = ranges[i];

		if (end <= r.first || r.end <= first)
			continue;
		/* What is left below stays, maybe empty; what is left above is new. */
		ranges[i].end = first > r.first ? first : r.first;
		add(end, r.end);
		if (end < r.end && ranges[i].first == ranges[i].end)
			ranges[i] = ranges[--range_count];
	}
}

static uint64_t clip(uint64_t page)
{
	return page < HV_NPAGE ? page : HV_NPAGE;
}

static uint64_t page_below(uint64_t pa)
{
	return pa <= machine.pages_pa ? 0 : clip((pa - machine.pages_pa) >> HV_PAGE_SHIFT);
}

static uint64_t page_above(uint64_t pa)
{
	return pa >= PA_END ? HV_NPAGE : page_below(pa + HV_PAGE_SIZE - 1);
}

static uint64_t end_of(struct region region)
{
	return region.pa >= PA_END || region.size > PA_END - region.pa ?
		       PA_END : region.pa + region.size;
}

/* The whole pages of a bank that the tables cover. */
static struct range pages_of(struct region bank)
{
	struct range r = { page_above(bank.pa), page_below(end_of(bank)) };

	return r.first < r.end ? r : (struct range){ 0, 0 };
}

static void subtract_region(struct region region)
{
	if (region.size != 0)
		subtract(page_below(region.pa), page_above(end_of(region)));
}

static bool is_in_ram(uint64_t pa)
{
	for (uint64_t i = 0; i < facts.bank_count; i++)
		if (pa - facts.bank[i].pa < facts.bank[i].size)
			return true;
	return false;
}

/* Pages of RAM that the tables would cover if page 0 were where it is now. */
static uint64_t covered(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < facts.bank_count; i++)
		sum += pages_of(facts.bank[i]).end - pages_of(facts.bank[i]).first;
	return sum;
}

static void find_page_0(void)
{
	uint64_t best = 0, best_covered = 0;

	if (!is_in_ram(facts.kernel_pa))
		boot_fail("the kernel was loaded at 0x%lx, which the device tree does not call "
			  "memory", facts.kernel_pa);
	for (uint64_t i = 0; i < facts.bank_count; i++) {
		machine.pages_pa = facts.bank[i].pa & ~(PTE_L2_SIZE - 1);
		if (covered() > best_covered) {
			best_covered = covered();
			best = machine.pages_pa;
		}
	}
	machine.pages_pa = best;
}

static void find_ranges(void)
{
	for (uint64_t i = 0; i < facts.bank_count; i++) {
		struct range r = pages_of(facts.bank[i]);

		subtract(r.first, r.end);	/* banks that overlap count once */
		add(r.first, r.end);
		if (bootinfo.ram_pages < r.end)
			bootinfo.ram_pages = r.end;
	}
	subtract(0, 1);
	subtract_region((struct region){ facts.kernel_pa,
					 (uint64_t)(__kernel_end - __kernel_start) });
	subtract_region(facts.dtb);
	subtract_region(facts.initrd);
	for (uint64_t i = 0; i < facts.reserved_count; i++)
		subtract_region(facts.reserved[i]);
}

/* Unrolled: this is most of what boot does on a machine with 1 GiB. */
static void mark_free(uint64_t first, uint64_t end)
{
	struct hv_page_desc *d = &page_descs[first], *stop = &page_descs[end];

	for (; stop - d >= 4; d += 4) {
		d[0].type = HV_PAGE_FREE;
		d[0].owner = HV_INIT_PID;
		d[1].type = HV_PAGE_FREE;
		d[1].owner = HV_INIT_PID;
		d[2].type = HV_PAGE_FREE;
		d[2].owner = HV_INIT_PID;
		d[3].type = HV_PAGE_FREE;
		d[3].owner = HV_INIT_PID;
	}
	for (; d < stop; d++) {
		d->type = HV_PAGE_FREE;
		d->owner = HV_INIT_PID;
	}
}

static void report(void)
{
	uint64_t all = 0, used = 0;

	for (uint64_t i = 0; i < facts.bank_count; i++) {
		all += facts.bank[i].size;
		used += (pages_of(facts.bank[i]).end - pages_of(facts.bank[i]).first)
			<< HV_PAGE_SHIFT;
	}
	boot_print("hv8: RAM %lu MiB at 0x%lx, %lu MiB of it free for init\n", used >> 20,
		   machine.pages_pa, procs[HV_INIT_PID].pages_count >> 8);
	if (all - used >= 1 << 20)
		boot_print("hv8: RAM beyond that not used: %lu MiB of %lu "
			   "(the tables cover %lu MiB)\n",
			   (all - used) >> 20, all >> 20, (uint64_t)HV_NPAGE >> 8);
}

void ram_start(void)
{
	find_page_0();
	find_ranges();
	largest = &ranges[0];
	for (uint64_t i = 0; i < range_count; i++) {
		mark_free(ranges[i].first, ranges[i].end);
		boot_map_pages(ranges[i].first, ranges[i].end);
		procs[HV_INIT_PID].pages_count += ranges[i].end - ranges[i].first;
		if (ranges[i].end - ranges[i].first > largest->end - largest->first)
			largest = &ranges[i];
	}
	bootinfo.ram_base = machine.pages_pa;
	report();
}

uint64_t ram_take(uint64_t type)
{
	uint64_t page = largest->first;

	if (range_count == 0 || page == largest->end)
		boot_fail("not enough memory to load init: give the machine more");
	largest->first++;
	boot_zero(pages[page], pages[page + 1]);
	page_descs[page].type = type;
	if (type == HV_PAGE_RESERVED) {
		page_descs[page].owner = 0;
		procs[HV_INIT_PID].pages_count--;
	}
	return page;
}

void ram_finish(void)
{
	bootinfo.free_first = largest->first;
	bootinfo.free_end = largest->end;
}
