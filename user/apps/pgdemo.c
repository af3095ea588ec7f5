/* SPDX-License-Identifier: MIT */
/*
 * pgdemo: a program that handles its own page faults; the kernel does not run
 * at all while it decides. Two arrays in memory of its own:
 *   squares  pages are made and filled when they are first touched
 *   notes    read-only; a first write to a page marks it as written
 */
#include <hv8/app.h>
#include <hv8/libos.h>

#include <inttypes.h>
#include <string.h>

enum {
	PAGES = 16,
	PER_PAGE = HV_PAGE_SIZE / sizeof(uint64_t),
	ESR_WRITE = 1 << 6, /* WnR of a data abort (DDI 0487, D19.2.37) */
};

/* Addresses that neither the program nor the libos uses. */
static volatile uint64_t *const squares = (uint64_t *)0x600000000000;
static volatile uint64_t *const notes = (uint64_t *)0x600010000000;

static volatile uint64_t fills;
static volatile bool is_written[PAGES];

static bool page_in(const volatile uint64_t *array, uint64_t address, uint64_t *index)
{
	uint64_t offset = address - (uint64_t)(uintptr_t)array;

	*index = offset / HV_PAGE_SIZE;
	return offset < PAGES * HV_PAGE_SIZE;
}

static enum hv_handled fill_squares(uint64_t index)
{
	volatile uint64_t *page = squares + index * PER_PAGE;

	if (hv_map((uintptr_t)page, HV_PERM_W) < 0)
		return HV_NOT_HANDLED;
	for (uint64_t i = 0; i < PER_PAGE; i++)
		page[i] = (index * PER_PAGE + i) * (index * PER_PAGE + i);
	/* from now on it is a table: nobody changes it */
	if (hv_protect((uintptr_t)page, 0) < 0)
		return HV_NOT_HANDLED;
	fills++;
	return HV_HANDLED;
}

static enum hv_handled note_write(uint64_t index)
{
	if (hv_protect((uintptr_t)(notes + index * PER_PAGE), HV_PERM_W) < 0)
		return HV_NOT_HANDLED;
	is_written[index] = true;
	return HV_HANDLED;
}

static enum hv_handled on_data_abort(struct hv_frame *frame, void *arg)
{
	bool is_write = frame->esr & ESR_WRITE;
	uint64_t index;

	(void)arg;
	if (page_in(squares, frame->far, &index) && !is_write)
		return fill_squares(index);
	if (page_in(notes, frame->far, &index) && is_write && !is_written[index])
		return note_write(index);
	return HV_NOT_HANDLED;
}

static int try_squares(void)
{
	static const uint64_t wanted[] = { 3, 100, 511, 512, 5000, 8191 };
	int wrong = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint64_t before = fills;
		uint64_t square = squares[wanted[i]];

		printf("squares[%4" PRIu64 "] = %8" PRIu64 "  %s\n", wanted[i], square,
		       fills > before ? "page made and filled just now" : "page was there");
		wrong += square != wanted[i] * wanted[i];
	}
	printf("%" PRIu64 " of %d pages exist\n\n", fills, PAGES);
	return wrong + (fills != 4);
}

static int try_notes(void)
{
	static const uint64_t wanted[] = { 7, 8, 600, 4097, 601 };
	const uint64_t count = sizeof(wanted) / sizeof(wanted[0]);
	int wrong = 0;

	for (uint64_t i = 0; i < PAGES; i++)
		if (hv_map((uintptr_t)(notes + i * PER_PAGE), 0) < 0)
			return 1;
	for (uint64_t i = 0; i < count; i++)
		notes[wanted[i]] = i + 1;
	for (uint64_t i = 0; i < count; i++)
		wrong += notes[wanted[i]] != i + 1;
	printf("notes: pages written are ");
	for (int i = 0; i < PAGES; i++)
		putchar(is_written[i] ? 'W' : '.');
	printf("\n");
	for (int i = 0; i < PAGES; i++)
		wrong += is_written[i] != (i == 0 || i == 1 || i == 8);
	return wrong;
}

/* Protect, write, fault, unprotect: the inner loop of many a garbage collector. */
static int measure(void)
{
	enum { ROUNDS = 100 };
	uintptr_t page = (uintptr_t)notes;
	uint64_t start = hv_now(), us;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		is_written[0] = false;
		if (hv_protect(page, 0) < 0)
			return 1;
		notes[0] = i;
		if (!is_written[0] || notes[0] != i)
			return 1;
	}
	us = hv_us_of_ticks(hv_now() - start);
	printf("%d times protected, written, fault handled, unprotected: %" PRIu64 " us\n", ROUNDS,
	       us);
	return 0;
}

int main(int argc, char **argv)
{
	int wrong;

	(void)argv;
	if (argc > 1)
		app_usage("pgdemo");
	hv_on_exception(HV_EXC_DATA_ABORT, on_data_abort, NULL);
	wrong = try_squares() + try_notes() + measure();
	printf(wrong == 0 ? "pgdemo: all as expected\n" : "pgdemo: WRONG\n");
	return app_finish(wrong != 0);
}
