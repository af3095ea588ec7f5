/* SPDX-License-Identifier: MIT */
/* hexdump: bytes of files or of the standard input, in hexadecimal and as text. */
#include <hv8/app.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { ROW = 16 };

static uint64_t limit = UINT64_MAX;

static void print_row(uint64_t offset, const unsigned char *row, size_t length)
{
	printf("%08" PRIx64 " ", offset);
	for (size_t i = 0; i < ROW; i++) {
		if (i == ROW / 2)
			putchar(' ');
		if (i < length)
			printf(" %02x", row[i]);
		else
			printf("   ");
	}
	printf("  |");
	for (size_t i = 0; i < length; i++)
		putchar(isprint(row[i]) ? row[i] : '.');
	printf("|\n");
}

/* Reads until `length` bytes are there or the input ends. */
static ssize_t read_row(int fd, unsigned char *row, size_t length)
{
	size_t used = 0;

	while (used < length) {
		ssize_t got = read(fd, row + used, length - used);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

static int dump(int fd, const char *name)
{
	unsigned char row[ROW];
	uint64_t offset = 0;

	while (offset < limit) {
		uint64_t left = limit - offset;
		ssize_t got = read_row(fd, row, left < ROW ? (size_t)left : ROW);

		if (got < 0) {
			fprintf(stderr, "hexdump: %s: %s\n", name, strerror(errno));
			return 1;
		}
		if (got == 0)
			break;
		print_row(offset, row, (size_t)got);
		offset += (uint64_t)got;
	}
	printf("%08" PRIx64 "\n", offset);
	return 0;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1)
		if (option != 'n' || !app_number(optarg, UINT32_MAX, &limit))
			app_usage("hexdump [-n BYTES] [FILE]...");
	return app_finish(app_files("hexdump", argv + optind, dump));
}
