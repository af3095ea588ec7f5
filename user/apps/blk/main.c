/* SPDX-License-Identifier: MIT */
/*
 * blk: reads, writes and tests a disk, as a client of the disk's server, or as
 * several, in children.
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
	return !transfer_flush(disk, &tally);
}

static int test(const uint64_t *arguments)
{
	return clients_run(errors, 1, arguments) | fill_all(arguments) | check_all(arguments);
}

static const char usage[] =
	"blk [-d NAME] info | read SECTOR [COUNT] | write SECTOR | fill SEED [SECTORS] | "
	"check SEED [SECTORS]\n"
	"       blk errors | test [SEED [SECTORS]] | storm [KILLS [SEED]]\n"
	"write, fill, test and storm overwrite what is on the disk; NAME is disk0, unless -d says\n"
	"disk1, ...; `service` lists the servers of disks";

/* What there is to do with a disk, and how many numbers it needs and takes. */
static const struct command {
	const char *name;
	int least, most;
	client run;			/* by self as the only client, or ... */
	int (*all)(const uint64_t *arguments);
} commands[] = {
	{ "info", 0, 0, info, NULL },
	{ "read", 1, 2, read_out, NULL },
	{ "write", 1, 1, write_in, NULL },
	{ "fill", 1, 2, NULL, fill_all },
	{ "check", 1, 2, NULL, check_all },
	{ "errors", 0, 0, errors, NULL },
	{ "test", 0, 2, NULL, test },
};

static int run(const struct command *command, const uint64_t *arguments)
{
	struct hv_block disk;

	if (command->all != NULL)
		return command->all(arguments);
	return disk_open(&disk) ? command->run(&disk, 0, arguments) : 1;
}

static int choose(const char *name, uint64_t *numbers, int count)
{
	if (strcmp(name, "storm") == 0)
		return storm(count > 0 ? numbers[0] : 50, count > 1 ? numbers[1] : hv_now());
	if (strcmp(name, "read") == 0 && count == 1)
		numbers[1] = 1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0 && count >= commands[i].least &&
		    count <= commands[i].most)
			return run(&commands[i], numbers);
	app_usage(usage);
}

int main(int argc, char **argv)
{
	uint64_t numbers[NUMBERS] = { 0, 0, CLIENTS };

	if (argc > 3 && strcmp(argv[1], "-d") == 0) {
		disk_name = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 2 || argc > 4)
		app_usage(usage);
	for (int i = 2; i < argc; i++)
		if (!app_number(argv[i], UINT64_MAX, &numbers[i - 2]))
			app_usage(usage);
	return app_finish(choose(argv[1], numbers, argc - 2));
}
