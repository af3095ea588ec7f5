/* SPDX-License-Identifier: MIT */
/*
 * The store: free pages (their runs are in pages.c), unused pids and file
 * objects of self's.
 */
#include "os.h"

/* ---- pages -------------------------------------------------------------------- */

/* The next n pages should come in few runs: out of the longest one, if the last
 * is too short. */
void os_pages_gather(uint64_t n)
{
	struct range *last = &os.range[os.range_count - 1];
	uint64_t longest = 0;
	struct range range;

	if (os.range_count == 0 || last->count >= n)
		return;
	os_pages_compact();
	last = &os.range[os.range_count - 1];
	for (uint64_t i = 1; i < os.range_count; i++)
		if (os.range[i].count > os.range[longest].count)
			longest = i;
	range = os.range[longest];
	os.range[longest] = *last;
	*last = range;
}

/* Up to n pages that lie together; 0 if there is none. */
struct range os_pages_take(uint64_t n)
{
	struct range *last = &os.range[os.range_count - 1], run;
	hv_page page;

	if (os.range_count == 0) {
		page = hv_page_alloc();		/* one of init's, perhaps */
		return (struct range){ (uint32_t)page, page != 0 };
	}
	run = (struct range){ last->first, last->count < n ? last->count : (uint32_t)n };
	last->first += run.count;
	last->count -= run.count;
	if (last->count == 0)
		os.range_count--;
	os.free_pages -= run.count;
	return run;
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
		os_pages_find_lost();
	while (os.free_pages < n) {
		if (os_call_init(0, HV_INIT_GET_PAGE, &reply) < 0 || reply.page == 0)
			return -HV_ENOMEM;
		os_page_put(reply.page);
	}
	return 0;
}

/* Adds a run to a list of runs; the last of them takes in what finds no room,
 * so it may cover pages in between that were never meant. */
void os_range_note(struct range *range, uint64_t *count, uint64_t max, struct range run)
{
	struct range *last = &range[*count - 1];
	uint32_t first, end;

	if (*count > 0 && last->first + last->count == run.first) {
		last->count += run.count;
		return;
	}
	if (*count < max) {
		range[(*count)++] = run;
		return;
	}
	first = last->first < run.first ? last->first : run.first;
	end = last->first + last->count;
	if (run.first + run.count > end)
		end = run.first + run.count;
	*last = (struct range){ first, end - first };
}

/* ---- pids and file objects ---------------------------------------------------- */

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
