/* SPDX-License-Identifier: MIT */
/*
 * The areas of the address space that grow: heap (sbrk) and hv_mmap. Only the
 * bounds are kept here; pages come when they are touched.
 */
#include "os.h"

#include <errno.h>
#include <unistd.h>

/*
 * Are there pages for so many bytes, here or at init? They are not set aside:
 * who asks for much and touches it later may still meet the end of memory then.
 */
static bool has_pages_for(uint64_t bytes)
{
	uint64_t needed = bytes / HV_PAGE_SIZE + 4;	/* tables */
	struct hv_msg reply;

	if (os.free_pages >= needed)
		return true;
	return os_call_init(0, HV_INIT_PING, &reply) >= 0 && os.free_pages + reply.w[1] >= needed;
}

static bool can_move_brk(uintptr_t old, uintptr_t brk, ptrdiff_t increment)
{
	if (increment < 0)
		return brk <= old && brk >= (uintptr_t)_end;
	return brk >= old && brk <= HV_HEAP_LIMIT && has_pages_for((uint64_t)increment);
}

void *sbrk(ptrdiff_t increment)
{
	uintptr_t old = os.brk;
	uintptr_t brk = old + (uintptr_t)increment;

	if (!can_move_brk(old, brk, increment)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	os.brk = brk;
	if (increment < 0)
		os_unmap_range(HV_PAGE_OF(brk + HV_PAGE_SIZE - 1),
			HV_PAGE_OF(old + HV_PAGE_SIZE - 1));
	return (void *)old;
}

/* The lowest address with `size` free bytes and an unmapped page behind them. */
static uintptr_t find_hole(uint64_t size)
{
	uintptr_t start = HV_MMAP_VA;
	uint64_t i = 0;

	while (i < os.region_count) {
		struct region *region = &os.region[i++];

		if (region->start < start + size + HV_PAGE_SIZE
		    && start < region->end + HV_PAGE_SIZE) {
			start = region->end + HV_PAGE_SIZE;
			i = 0;
		}
	}
	return start;
}

void *hv_mmap(size_t size, hv_perm prot)
{
	uintptr_t start;

	size = HV_PAGE_OF(size + HV_PAGE_SIZE - 1);
	if (size == 0 || size > HV_MMAP_END - HV_MMAP_VA || prot & ~(hv_perm)HV_PERM_ALL)
		return NULL;
	start = find_hole(size);
	if (start + size > HV_MMAP_END || os.region_count == OS_REGIONS)
		return NULL;
	os.region[os.region_count++] = (struct region){ start, start + size, prot };
	return (void *)start;
}

/* Cuts [start, end) out of a region: it goes, shrinks, or becomes two. */
static int64_t cut(struct region *region, uintptr_t start, uintptr_t end)
{
	bool keeps_low = region->start < start, keeps_high = end < region->end;

	if (keeps_low && keeps_high) {
		if (os.region_count == OS_REGIONS)
			return -HV_ENOMEM;
		os.region[os.region_count++] = (struct region){ end, region->end, region->perm };
		region->end = start;
	} else if (keeps_low) {
		region->end = start;
	} else if (keeps_high) {
		region->start = end;
	} else {
		*region = os.region[--os.region_count];
	}
	return 0;
}

int64_t hv_munmap(void *address, size_t size)
{
	uintptr_t start = (uintptr_t)address;
	uintptr_t end = HV_PAGE_OF(start + size + HV_PAGE_SIZE - 1);
	uint64_t i;
	int64_t error;

	if (start % HV_PAGE_SIZE != 0 || end <= start)
		return -HV_EINVAL;
	for (i = 0; i < os.region_count; i++)
		if (os.region[i].start <= start && end <= os.region[i].end)
			break;
	if (i == os.region_count)
		return -HV_EINVAL;
	error = cut(&os.region[i], start, end);
	if (error < 0)
		return error;
	os_unmap_range(start, end);
	os_free_tables(start, end);
	return 0;
}

void hv_sync_code(const void *start, size_t size)
{
	uintptr_t end = (uintptr_t)start + size;
	uintptr_t ctr, va;

	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	for (va = (uintptr_t)start & ~63UL; va < end; va += 4UL << (ctr >> 16 & 15))
		__asm__ volatile("dc cvau, %0" : : "r"(va) : "memory");
	__asm__ volatile("dsb ish" : : : "memory");	/* data is out before fetches look */
	for (va = (uintptr_t)start & ~63UL; va < end; va += 4UL << (ctr & 15))
		__asm__ volatile("ic ivau, %0" : : "r"(va) : "memory");
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}
