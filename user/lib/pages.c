/* SPDX-License-Identifier: MIT */
/*
 * The store's free pages, kept as runs because they come and go in runs: the
 * part of it that a page fault needs (store.c has the rest). Invariant: every
 * page in os.range[] is of type free and self's; free_pages is their number.
 */
#include "os.h"

static struct range *last_range(void)
{
	return &os.range[os.range_count - 1];
}

/* No room for another run: found again by find_lost. */
static void lose(uint64_t first, uint64_t count)
{
	if (os.lost_low >= os.lost_end) {
		os.lost_low = first;
		os.lost_end = first + count;
		return;
	}
	if (first < os.lost_low)
		os.lost_low = first;
	if (first + count > os.lost_end)
		os.lost_end = first + count;
}

/* Both ends of the last run are where pages go and come; when it grows it may
 * meet the one before. */
static bool grow_last(uint32_t first, uint32_t count)
{
	struct range *top = last_range(), *below = top - 1;

	if (top->first + top->count == first)
		top->count += count;
	else if (first + count == top->first)
		*top = (struct range){ first, top->count + count };
	else
		return false;
	if (os.range_count > 1 && top->first + top->count == below->first) {
		*below = (struct range){ top->first, top->count + below->count };
		os.range_count--;
	}
	return true;
}

/* Sorts the runs, highest first, and joins those that touch. */
void os_pages_compact(void)
{
	uint64_t kept = 1;

	for (uint64_t i = 1; i < os.range_count; i++) {
		struct range range = os.range[i];
		uint64_t j = i;

		for (; j > 0 && os.range[j - 1].first < range.first; j--)
			os.range[j] = os.range[j - 1];
		os.range[j] = range;
	}
	for (uint64_t i = 1; i < os.range_count; i++) {
		struct range *above = &os.range[kept - 1];

		if (os.range[i].first + os.range[i].count == above->first)
			*above = (struct range){ os.range[i].first,
						 above->count + os.range[i].count };
		else
			os.range[kept++] = os.range[i];
	}
	os.range_count = kept;
}

void os_pages_put_range(uint64_t first, uint64_t count)
{
	if (count == 0)
		return;
	if (os.range_count == 0 || !grow_last((uint32_t)first, (uint32_t)count)) {
		if (os.range_count == OS_RANGES)
			os_pages_compact();
		if (os.range_count == OS_RANGES) {
			lose(first, count);
			return;
		}
		os.range[os.range_count++] = (struct range){ (uint32_t)first, (uint32_t)count };
	}
	os.free_pages += count;
}

void os_page_put(hv_page page)
{
	os_pages_put_range(page, 1);
}

/*
 * Looks through part of the page table for free pages of self's that range[]
 * had no room for. Called with range[] empty.
 */
void os_pages_find_lost(void)
{
	uint64_t page = os.lost_low;

	if (!hv_has_view()) {
		os.lost_low = os.lost_end = 0;
		return;
	}
	while (page < os.lost_end && os.range_count < OS_RANGES / 2) {
		if (hv_page_descs[page].owner == os.pid && hv_page_descs[page].type == HV_PAGE_FREE)
			os_page_put(page);
		page++;
	}
	os.lost_low = page;
}

int64_t os_call_init(hv_page page, enum hv_init_op op, struct hv_msg *reply)
{
	if (os.pid == HV_INIT_PID)
		return -HV_EPERM;
	*reply = hv_call_msg(HV8_HANDLE_MEM, HV_FOREVER, page, HV_NONE, op, 0, 0, 0);
	return reply->result < 0 ? reply->result : (int64_t)reply->w[0];
}

/* More pages: lost ones, then one of init's. */
static bool refill(void)
{
	struct hv_msg reply;

	if (os.lost_low < os.lost_end)
		os_pages_find_lost();
	if (os.range_count > 0)
		return true;
	if (os_call_init(0, HV_INIT_GET_PAGE, &reply) < 0 || reply.page == 0)
		return false;
	os_page_put(reply.page);
	return true;
}

hv_page hv_page_alloc(void)
{
	struct range *range;
	hv_page page;

	if (unlikely(os.range_count == 0) && !refill())
		return 0;
	range = last_range();
	page = range->first++;
	if (--range->count == 0)
		os.range_count--;
	os.free_pages--;
	return page;
}
