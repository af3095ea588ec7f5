/* SPDX-License-Identifier: MIT */
/*
 * Draws the own address space: walks the own tables, which level-0 entry 511
 * shows, and joins pages with equal permissions to ranges.
 */
#include "memmap.h"

#include <hv8/view.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What the drawing needs of a page: equal ones are joined. */
struct range {
	uint64_t start;
	uint64_t pages;
	uint64_t bits;       /* permission bits of the descriptors */
	uint64_t first_page; /* physical page number at `start` */
	uint64_t last_page;  /* ... of its last page */
	uint64_t run_pages;  /* pages of the first physical run */
	uint64_t runs;
};

struct drawing {
	struct range range;
	bool every_run;
	uint64_t total;
	uint64_t ram_base;
};

static const uint64_t permission_bits = HV_PTE_EL0 | HV_PTE_RO | HV_PTE_PXN | HV_PTE_UXN |
					HV_PTE_ATTR;

static bool contains(const struct range *range, const void *thing)
{
	uint64_t address = (uint64_t)(uintptr_t)thing;

	return address >= range->start && address - range->start < range->pages * HV_PAGE_SIZE;
}

/* What the libos and the compiler keep in a range. */
static const char *purpose(const struct range *range, const void *local)
{
	static const char constant[] = "a string";
	static int variable = 1;
	static int zeroed;
	static void *allocated;

	if (allocated == NULL)
		allocated = malloc(1);
	if ((range->bits & HV_PTE_ATTR) == HV_PTE_DEVICE)
		return "device registers";
	if (contains(range, local))
		return "stack";
	if (contains(range, (const void *)(uintptr_t)draw_space))
		return "program";
	if (contains(range, constant))
		return "constants";
	if (contains(range, &variable) || contains(range, &zeroed))
		return contains(range, allocated) ? "data, heap" : "data";
	if (contains(range, allocated))
		return "heap";
	return "";
}

static void print_range(const struct drawing *drawing, const void *local)
{
	const struct range *range = &drawing->range;
	uint64_t bits = range->bits;

	if (range->pages == 0)
		return;
	printf("  %012" PRIx64 "-%012" PRIx64 " %7" PRIu64 "  r%c%c %c%c%c  ", range->start,
	       range->start + range->pages * HV_PAGE_SIZE, range->pages,
	       bits & HV_PTE_RO ? '-' : 'w', bits & HV_PTE_PXN ? '-' : 'x',
	       bits & HV_PTE_EL0 ? 'r' : '-',
	       (bits & (HV_PTE_EL0 | HV_PTE_RO)) == HV_PTE_EL0 ? 'w' : '-',
	       bits & HV_PTE_UXN ? '-' : 'x');
	if (range->run_pages > 1)
		printf("%" PRIu64 "-%" PRIu64, range->first_page,
		       range->first_page + range->run_pages - 1);
	else
		printf("%" PRIu64, range->first_page);
	if (range->runs > 1)
		printf(" and %" PRIu64 " more runs", range->runs - 1);
	printf("%s%s\n", *purpose(range, local) ? "  " : "", purpose(range, local));
}

static void add_page(struct drawing *drawing, uint64_t address, uint64_t descriptor)
{
	struct range *range = &drawing->range;
	uint64_t bits = descriptor & permission_bits;
	uint64_t page = ((descriptor & HV_PTE_PA_MASK) - drawing->ram_base) >> HV_PAGE_SHIFT;
	bool adjacent = range->pages > 0 && range->bits == bits &&
			address == range->start + range->pages * HV_PAGE_SIZE;
	bool follows = adjacent && page == range->last_page + 1;

	drawing->total++;
	if (!adjacent || (drawing->every_run && !follows)) {
		print_range(drawing, &range);
		*range = (struct range){ address, 1, bits, page, page, 1, 1 };
		return;
	}
	range->pages++;
	range->last_page = page;
	range->runs += !follows;
	range->run_pages += range->runs == 1;
}

static uint64_t entry_at(uint64_t tables, uint64_t index)
{
	return ((const volatile uint64_t *)tables)[index];
}

/*
 * The entries of one table, found at HV_TABLES_Ln + `index` tables; level 3 holds
 * pages. Depth is bounded by the four levels.
 */
static void walk(struct drawing *drawing, int level, uint64_t index)
{
	static const uint64_t view[] = { HV_TABLES_L0, HV_TABLES_L1, HV_TABLES_L2, HV_TABLES_L3 };
	uint64_t first = index * HV_PAGE_WORDS;
	uint64_t end = level == 0 ? HV_L0_USER_END : HV_PAGE_WORDS;

	for (uint64_t i = first; i < first + end; i++) {
		uint64_t descriptor = entry_at(view[level], i);

		if (!(descriptor & HV_PTE_VALID))
			continue;
		if (level == 3)
			add_page(drawing, i * HV_PAGE_SIZE, descriptor);
		else
			walk(drawing, level + 1, i);
	}
}

void draw_space(bool every_run)
{
	struct drawing drawing = { .every_run = every_run, .ram_base = view_bootinfo()->ram_base };

	printf("This address space (rwx at EL1, rwx at EL0, numbers of physical pages):\n");
	walk(&drawing, 0, 0);
	print_range(&drawing, &drawing);
	printf("  %012" PRIx64 "-%012" PRIx64 "          the kernel's tables, read-only\n",
	       (uint64_t)HV_VIEW_BASE, (uint64_t)HV_TABLES_L3);
	printf("  %012" PRIx64 "-%012" PRIx64 "          the own tables, read-only\n",
	       (uint64_t)HV_TABLES_L3, (uint64_t)HV_TABLES_L3 + ((uint64_t)1 << 39));
	printf("  %" PRIu64 " pages in all\n", drawing.total);
}
