/* SPDX-License-Identifier: MIT */
/* Writes and checks patterns, by several clients at a time; wrong calls. */
#include "blk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool ask(struct hv_block *disk, struct hv_block_info *info)
{
	int64_t error;

	do
		error = hv_block_info(disk, info);
	while (error == -HV_EPIPE && hv_block_reopen(disk) == 0);
	if (error < 0)
		fprintf(stderr, "blk: info: %s\n", hv_strerror(error));
	return error == 0;
}

/* Client n of arguments[2] has the n-th part of the sectors. */
static bool part_of(struct hv_block *disk, int number, const uint64_t *arguments,
	uint64_t *from, uint64_t *end)
{
	uint64_t clients = arguments[2], sectors = arguments[1];
	struct hv_block_info info;

	if (!ask(disk, &info))
		return false;
	if (sectors == 0 || sectors > info.sectors)
		sectors = info.sectors;
	*from = sectors * (uint64_t)number / clients;
	*end = sectors * ((uint64_t)number + 1) / clients;
	return true;
}

static uint64_t page_at(uint64_t sector, uint64_t end)
{
	return end - sector < HV_BLOCK_SECTORS ? end - sector : HV_BLOCK_SECTORS;
}

int fill(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static uint64_t words[HV_PAGE_WORDS];
	struct tally tally = { 0 };
	uint64_t from, end;

	if (!part_of(disk, number, arguments, &from, &end))
		return 1;
	for (uint64_t sector = from; sector < end; sector += HV_BLOCK_SECTORS) {
		pattern_make(words, arguments[0], sector, page_at(sector, end));
		if (!transfer_write(disk, sector, words, page_at(sector, end), &tally))
			return 1;
	}
	return !transfer_flush(disk, &tally);
}

int check(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static uint64_t words[HV_PAGE_WORDS], expected[HV_PAGE_WORDS];
	struct tally tally = { 0 };
	uint64_t from, end;

	if (!part_of(disk, number, arguments, &from, &end))
		return 1;
	for (uint64_t sector = from; sector < end; sector += HV_BLOCK_SECTORS) {
		uint64_t count = page_at(sector, end);

		pattern_make(expected, arguments[0], sector, count);
		if (!transfer_read(disk, sector, words, count, &tally))
			return 1;
		tally.wrong += memcmp(words, expected, count * HV_SECTOR) != 0;
	}
	if (tally.wrong > 0)
		printf("client %d: %" PRIu64 " pages are not what was written\n", number,
		       tally.wrong);
	return tally.wrong > 0;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int count(struct hv_block *disk, int number, const uint64_t *arguments)
{
	struct hv_block_info info;

	(void)number;
	(void)arguments;
	if (!ask(disk, &info))
		return 1;
	printf("blk: the server has had %" PRIu64 " requests, %" PRIu64 " interrupts\n",
	       info.requests, info.interrupts);
	return 0;
}

static int run_all(client run, const char *what, const uint64_t *arguments)
{
	int wrong = clients_run(run, (int)arguments[2], arguments);

	printf("blk: %s by %" PRIu64 " clients: %s\n", what, arguments[2],
	       wrong ? "WRONG" : "good");
	return wrong | clients_run(count, 1, arguments);
}

int fill_all(const uint64_t *arguments)
{
	return run_all(fill, "written", arguments);
}

int check_all(const uint64_t *arguments)
{
	return run_all(check, "read and compared", arguments);
}

/* ---- wrong calls ------------------------------------------------------------------------- */

static int wrong;

static void expect(const char *what, int64_t expected, int64_t result)
{
	if (result == expected)
		return;
	printf("%s: %s instead of %s\n", what, hv_strerror(result), hv_strerror(expected));
	wrong++;
}

/* Whatever is answered, the page comes back, and it is the same one. */
static int64_t call(const struct hv_block *disk, hv_page page, uint64_t op, uint64_t sector,
	uint64_t count)
{
	struct hv_msg msg = hv_call_msg(disk->server, HV_FOREVER, page, HV_NONE,
		disk->unit << HV_BLOCK_UNIT | op, sector, count, 0);

	expect("the page that came back", (int64_t)page, msg.result == 0 ? (int64_t)msg.page : -1);
	return msg.result < 0 ? msg.result : (int64_t)msg.w[0];
}

static void without_page(const struct hv_block *disk)
{
	hv_page free = hv_page_alloc();

	expect("no page", -HV_EINVAL, call(disk, 0, HV_BLOCK_READ, 0, 1));
	expect("a free page", -HV_EINVAL, call(disk, free, HV_BLOCK_READ, 0, 1));
	expect("a flush with a page", -HV_EINVAL, call(disk, free, HV_BLOCK_FLUSH, 0, 0));
	expect("no such operation", -HV_ENOSYS, call(disk, free, 99, 0, 0));
	expect("operation 0", -HV_ENOSYS, call(disk, 0, 0, 0, 0));
	expect("no such unit", -HV_ENOENT,
	       call(disk, free, 99UL << HV_BLOCK_UNIT | HV_BLOCK_INFO, 0, 0));
	hv_page_free(free);
}

/* A handle that nobody wants is not taken, or closed, and the next call is served. */
static void with_handle(const struct hv_block *disk)
{
	int64_t endpoint = hv_endpoint_new(0);
	struct hv_block_info info;

	for (int i = 0; endpoint > 0 && i < 2; i++) {
		hv_handle copy = hv_handle_alloc();
		struct hv_msg msg;

		hv_dup((hv_handle)endpoint, copy, HV_RIGHT_ALL);
		msg = hv_call_msg(disk->server, HV_FOREVER, 0, copy,
				  disk->unit << HV_BLOCK_UNIT | HV_BLOCK_INFO, 0, 0, 0);
		if (msg.result == -HV_ENOBUFS)
			hv_close((hv_pid)hv_self(), copy);
		else
			expect("a handle", 0, msg.result);
		expect("who has it",
		       1, (int64_t)hv_files[hv_handles[hv_self()][endpoint].file].refs);
		expect("the next call", 0, hv_block_info(disk, &info));
	}
	hv_endpoint_close((hv_handle)endpoint);
}

int errors(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static uint8_t data[HV_PAGE_SIZE];
	struct hv_block_info info;
	uint64_t last;

	(void)number;
	(void)arguments;
	if (!ask(disk, &info))
		return 1;
	last = info.sectors - 1;
	expect("the last sector", 0, hv_block_read(disk, last, data, 1));
	expect("one behind it", -HV_EINVAL, hv_block_read(disk, last + 1, data, 1));
	expect("over the end", -HV_EINVAL, hv_block_read(disk, last, data, 2));
	expect("far behind", -HV_EINVAL, hv_block_read(disk, UINT64_MAX, data, 1));
	expect("a write behind it", -HV_EINVAL, hv_block_write(disk, last + 1, data, 1));
	expect("no sector", -HV_EINVAL, hv_block_read(disk, 0, data, 0));
	expect("nine sectors", -HV_EINVAL, hv_block_read(disk, 0, data, HV_BLOCK_SECTORS + 1));
	if (info.flags & HV_BLOCK_READONLY)
		expect("a write", -HV_EROFS, hv_block_write(disk, 0, data, 1));
	without_page(disk);
	with_handle(disk);
	printf("blk: errors: %s\n", wrong == 0 ? "all as expected" : "WRONG");
	return wrong != 0;
}
