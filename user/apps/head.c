/* SPDX-License-Identifier: MIT */
/* head: the first lines of files or of the standard input. */
#include <hv8/app.h>

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

static uint64_t wanted = 10;

/* How many bytes of `data` belong to the lines still wanted. */
static size_t take(const char *data, size_t length, uint64_t *left)
{
	size_t used = 0;

	while (*left > 0 && used < length)
		if (data[used++] == '\n')
			(*left)--;
	return used;
}

static int copy_lines(int fd, const char *name)
{
	static char buffer[4096];
	uint64_t left = wanted;

	while (left > 0) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got == 0)
			return 0;
		if (got < 0) {
			fprintf(stderr, "head: %s: %s\n", name, strerror(errno));
			return 1;
		}
		if (!app_write(STDOUT_FILENO, buffer, take(buffer, (size_t)got, &left)))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1)
		if (option != 'n' || !app_number(optarg, UINT32_MAX, &wanted))
			app_usage("head [-n LINES] [FILE]...");
	return app_files("head", argv + optind, copy_lines);
}
