/* SPDX-License-Identifier: MIT */
/*
 * Draws all RAM from the kernel's page descriptors: a letter for each owner,
 * small where the pages are free, capital where some are in use.
 */
#include "memmap.h"

#include <hv8/view.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	COLUMNS = 64,
	ROWS = 24,
	LETTERS = 26,
	PAGE_TYPES = HV_PAGE_CTX + 1,
	NOBODY = 0,
};

/* count[owner][type]; owner 0 stands for reserved pages. */
static uint64_t counts[HV_NPROC][PAGE_TYPES];
static char letters[HV_NPROC];

static hv_pid owner_of(const struct hv_page_desc *desc)
{
	return desc->type == HV_PAGE_RESERVED ? NOBODY : desc->owner % HV_NPROC;
}

static void count_pages(uint64_t end)
{
	for (hv_page page = 0; page < end; page++) {
		struct hv_page_desc desc = view_page(page);

		counts[owner_of(&desc)][desc.type % PAGE_TYPES]++;
	}
}

static uint64_t owned_pages(hv_pid pid)
{
	uint64_t sum = 0;

	for (int type = 0; type < PAGE_TYPES; type++)
		sum += counts[pid][type];
	return sum;
}

/* The first letter of the owner's name if it is still there, else another. */
static void choose_letters(void)
{
	bool taken[LETTERS] = { false };

	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		struct hv_proc proc = view_proc(pid);
		char name[VIEW_NAME_BYTES];
		int letter;

		if (owned_pages(pid) == 0)
			continue;
		view_name(&proc, name);
		letter =
			isalpha((unsigned char)name[0]) ? tolower((unsigned char)name[0]) - 'a' : 0;
		for (int i = 0; i < LETTERS && taken[letter]; i++)
			letter = (letter + 1) % LETTERS;
		letters[pid] = taken[letter] ? '?' : (char)('a' + letter);
		taken[letter] = true;
	}
}

static hv_pid most_of(const uint64_t count[HV_NPROC])
{
	hv_pid most = NOBODY;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (count[pid] > count[most])
			most = pid;
	return most;
}

/* Who uses most of these pages; if nobody does, who owns most of them. */
static char cell(hv_page first, hv_page end)
{
	uint64_t owned[HV_NPROC] = { 0 };
	uint64_t used[HV_NPROC] = { 0 };

	for (hv_page page = first; page < end; page++) {
		struct hv_page_desc desc = view_page(page);
		hv_pid owner = owner_of(&desc);

		owned[owner]++;
		used[owner] += owner != NOBODY && desc.type != HV_PAGE_FREE;
	}
	if (most_of(owned) == NOBODY)
		return '#';
	if (most_of(used) != NOBODY)
		return (char)toupper((unsigned char)letters[most_of(used)]);
	return letters[most_of(owned)];
}

static void fill_row(char row[COLUMNS + 1], hv_page first, hv_page end, uint64_t per_cell)
{
	for (int i = 0; i < COLUMNS && first < end; i++, first += per_cell) {
		*row++ = cell(first, first + per_cell < end ? first + per_cell : end);
		*row = '\0';
	}
}

/* Rows that are like the one above are left out, with a star for all of them. */
static void draw_rows(uint64_t end, uint64_t per_cell)
{
	uint64_t base = view_bootinfo()->ram_base;
	char above[COLUMNS + 1] = "";
	bool is_left_out = false;

	for (hv_page first = 0; first < end; first += COLUMNS * per_cell) {
		char row[COLUMNS + 1];

		fill_row(row, first, end, per_cell);
		if (strcmp(row, above) != 0)
			printf("  %010" PRIx64 " |%s|\n", base + (first << HV_PAGE_SHIFT), row);
		else if (!is_left_out)
			printf("  *\n");
		is_left_out = strcmp(row, above) == 0;
		memcpy(above, row, sizeof(above));
	}
	printf("  %010" PRIx64 "\n", base + (end << HV_PAGE_SHIFT));
}

static void print_owner(hv_pid pid)
{
	struct hv_proc proc = view_proc(pid);
	char name[VIEW_NAME_BYTES];
	uint64_t tables = 0;

	if (owned_pages(pid) == 0)
		return;
	for (int type = HV_PAGE_L0; type <= HV_PAGE_L3; type++)
		tables += counts[pid][type];
	view_name(&proc, name);
	printf("  %c %4" PRIu64 " %-16s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
	       " %8" PRIu64 "\n",
	       letters[pid], pid, name, owned_pages(pid), counts[pid][HV_PAGE_FREE],
	       counts[pid][HV_PAGE_FRAME], tables,
	       counts[pid][HV_PAGE_PARCEL] + counts[pid][HV_PAGE_CTX]);
}

void draw_ram(void)
{
	uint64_t end = view_bootinfo()->ram_pages;
	uint64_t per_cell;

	if (end > HV_NPAGE)
		end = HV_NPAGE;
	per_cell = (end + COLUMNS * ROWS - 1) / (COLUMNS * ROWS);
	count_pages(end);
	choose_letters();
	printf("All RAM: a character is %" PRIu64 " KiB, its letter the owner (a capital: some of\n"
	       "it is in use), # reserved or the kernel's\n",
	       per_cell * 4);
	draw_rows(end, per_cell);
	printf("     PID NAME                PAGES     FREE   FRAMES   TABLES    OTHER\n");
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		print_owner(pid);
	printf("  #      reserved         %8" PRIu64 "\n", counts[NOBODY][HV_PAGE_RESERVED]);
}
