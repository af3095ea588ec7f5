/* SPDX-License-Identifier: MIT */
/*
 * The store: free pages, unused pids and file objects of self's. Pages are
 * kept as runs, because they come and go in runs. Invariant: every page in
 * os.range[] is of type free and self's; free_pages is their number.
 *
 * Runs within page faults: no FP registers, no memory but os.
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
static void compact(void)
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
			*above = (struct range){ os.range[i].first, above->count + os.range[i].count };
		else
			os.range[kept++] = os.range[i];
	}
	os.range_count = kept;
}

/* The next n pages should come in few runs: out of the longest one, if the last
 * is too short. */
void os_pages_gather(uint64_t n)
{
	uint64_t longest = 0;
	struct range range;

	if (os.range_count == 0 || last_range()->count >= n)
		return;
	compact();
	for (uint64_t i = 1; i < os.range_count; i++)
		if (os.range[i].count > os.range[longest].count)
			longest = i;
	range = os.range[longest];
	os.range[longest] = *last_range();
	*last_range() = range;
}

void os_pages_put_range(uint64_t first, uint64_t count)
{
	if (count == 0)
		return;
	if (os.range_count == 0 || !grow_last((uint32_t)first, (uint32_t)count)) {
		if (os.range_count == OS_RANGES)
			compact();
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
static void find_lost(void)
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
		find_lost();
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

void os_pages_give_back(void)
{
	struct hv_msg reply;
	hv_page page;

	while (os.free_pages > os.keep_pages) {
		page = hv_page_alloc();
		if (os_call_init(page, HV_INIT_PUT_PAGE, &reply) < 0) {
			os_page_put(page);
			return;
		}
	}
}

void hv_page_free(hv_page page)
{
	os_page_put(page);
}

/* Does a run hold it? */
static bool is_in_range(uint64_t page)
{
	for (uint64_t i = 0; i < os.range_count; i++)
		if (page - os.range[i].first < os.range[i].count)
			return true;
	return false;
}

uint64_t hv_page_at_hand(void)
{
	return os.free_pages;
}

uint64_t hv_page_count(void)
{
	uint64_t lost = 0;

	for (uint64_t page = os.lost_low; page < os.lost_end && hv_has_view(); page++)
		lost += hv_page_descs[page].owner == os.pid &&
			hv_page_descs[page].type == HV_PAGE_FREE && !is_in_range(page);
	return os.free_pages + lost;
}

int64_t hv_page_reserve(uint64_t n)
{
	struct hv_msg reply;

	if (os.free_pages < n && os.range_count == 0 && os.lost_low < os.lost_end)
		find_lost();
	while (os.free_pages < n) {
		if (os_call_init(0, HV_INIT_GET_PAGE, &reply) < 0 || reply.page == 0)
			return -HV_ENOMEM;
		os_page_put(reply.page);
	}
	return 0;
}

/* Adds a page to a list of runs; the last of them takes in what finds no room,
 * so it may cover pages in between that were never meant. */
void os_range_note(struct range *range, uint64_t *count, uint64_t max, uint64_t page)
{
	struct range *last = &range[*count - 1];
	uint32_t first = (uint32_t)page, end = (uint32_t)page + 1;

	if (*count > 0 && last->first + last->count == page) {
		last->count++;
		return;
	}
	if (*count < max) {
		range[(*count)++] = (struct range){ (uint32_t)page, 1 };
		return;
	}
	if (last->first < first)
		first = last->first;
	if (last->first + last->count > end)
		end = last->first + last->count;
	*last = (struct range){ first, end - first };
}

/* ---- pids and file objects ----------------------------------------------------------- */

hv_pid hv_pid_alloc(void)
{
	for (uint64_t i = 0; i < HV_SET_WORDS; i++) {
		if (os.pids.word[i] != 0) {
			uint64_t bit = (uint64_t)__builtin_ctzl(os.pids.word[i]);

			os.pids.word[i] &= ~(1UL << bit);
			return i * 64 + bit;
		}
	}
	return 0;
}

void hv_pid_free(hv_pid pid)
{
	set_put(&os.pids, pid);
}

uint64_t hv_pid_count(void)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < HV_SET_WORDS; i++)
		for (uint64_t left = os.pids.word[i]; left != 0; left &= left - 1)
			count++;
	return count;
}

/* Which of self's file objects are used, or given away, shows in the kernel's
 * table; without the view hv_create says so. */
static bool file_is_unused(hv_file file)
{
	if (!(os.files[file / 64] >> file % 64 & 1))
		return false;
	return !hv_has_view() ||
	       (hv_files[file].type == HV_FILE_NONE && hv_files[file].owner == os.pid);
}

/* The next one after the last given out, so that several can be had before
 * any of them is used. */
hv_file hv_file_alloc(void)
{
	for (uint64_t i = 1; i <= HV_NFILE; i++) {
		hv_file file = (os.last_file + i) % HV_NFILE;

		if (file_is_unused(file)) {
			os.last_file = file;
			return file;
		}
	}
	return 0;
}

void hv_file_free(hv_file file)
{
	os.files[file / 64] |= 1UL << file % 64;
}

uint64_t hv_file_count(void)
{
	uint64_t count = 0;

	for (hv_file file = 1; file < HV_NFILE; file++)
		count += file_is_unused(file);
	return count;
}
