/* SPDX-License-Identifier: MIT */
/*
 * blk: reads, writes and tests a disk. It starts the disk's server, blkd, as
 * its child and supervises it; what it does with the disk, it does in further
 * children, as clients.
 */
#include "blk.h"

#include <hv8/app.h>

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS = 4, NUMBERS = 3 };

static int info(struct hv_block *disk, int number, const uint64_t *arguments)
{
	struct hv_block_info found;
	int64_t error = hv_block_info(disk, &found);

	(void)number;
	(void)arguments;
	if (error < 0)
		return 1;	/* who did not serve it has said why */
	printf("%" PRIu64 " sectors of %d bytes, %s, virtio %s\n", found.sectors, HV_SECTOR,
	       found.flags & HV_BLOCK_READONLY ? "read-only" : "read and write",
	       found.flags & HV_BLOCK_LEGACY ? "legacy" : "1.0 or later");
	return 0;
}

/* Sectors to the standard output. */
static int read_out(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static char data[HV_PAGE_SIZE];
	struct tally tally = { 0 };

	(void)number;
	for (uint64_t done = 0; done < arguments[1];) {
		uint64_t count = arguments[1] - done;

		if (count > HV_BLOCK_SECTORS)
			count = HV_BLOCK_SECTORS;
		if (!transfer_read(disk, arguments[0] + done, data, count, &tally) ||
		    !app_write(STDOUT_FILENO, data, count * HV_SECTOR))
			return 1;
		done += count;
	}
	return 0;
}

/* The standard input to sectors; the last is filled up with zeroes. */
static int write_in(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static char data[HV_PAGE_SIZE];
	struct tally tally = { 0 };
	uint64_t sector = arguments[0];
	size_t bytes;

	(void)number;
	while ((bytes = fread(data, 1, sizeof(data), stdin)) > 0) {
		uint64_t count = (bytes + HV_SECTOR - 1) / HV_SECTOR;

		memset(data + bytes, 0, sizeof(data) - bytes);
		if (!transfer_write(disk, sector, data, count, &tally))
			return 1;
		sector += count;
	}
	return hv_block_flush(disk) < 0;
}

static int test(const uint64_t *arguments)
{
	const uint64_t all[NUMBERS] = { arguments[0], arguments[1], CLIENTS };

	return service_run(errors, 1, all) | service_run(fill, CLIENTS, all) |
	       service_run(check, CLIENTS, all);
}

static const char usage[] =
	"blk info | read SECTOR [COUNT] | write SECTOR | fill SEED [SECTORS] | check SEED [SECTORS]\n"
	"       blk errors | test [SEED [SECTORS]] | storm [KILLS [SEED]]\n"
	"write, fill, test and storm overwrite what is on the disk";

static int run(const char *what, uint64_t *n, int count)
{
	n[2] = 1;
	if (strcmp(what, "info") == 0 && count == 0)
		return service_run(info, 1, n);
	if (strcmp(what, "read") == 0 && count > 0) {
		n[1] = count > 1 ? n[1] : 1;
		return service_run(read_out, 1, n);
	}
	if (strcmp(what, "write") == 0 && count == 1)
		return service_run(write_in, 1, n);
	if (strcmp(what, "fill") == 0 && count > 0)
		return service_run(fill, 1, n);
	if (strcmp(what, "check") == 0 && count > 0)
		return service_run(check, 1, n);
	if (strcmp(what, "errors") == 0 && count == 0)
		return service_run(errors, 1, n);
	if (strcmp(what, "test") == 0)
		return test(n);
	if (strcmp(what, "storm") == 0)
		return storm(count > 0 ? n[0] : 50, count > 1 ? n[1] : hv_now());
	app_usage(usage);
}

int main(int argc, char **argv)
{
	uint64_t numbers[NUMBERS] = { 0 };

	if (argc < 2 || argc > 4)
		app_usage(usage);
	for (int i = 2; i < argc; i++)
		if (!app_number(argv[i], UINT64_MAX, &numbers[i - 2]))
			app_usage(usage);
	return app_finish(run(argv[1], numbers, argc - 2));
}
