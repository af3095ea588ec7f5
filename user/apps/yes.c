/* SPDX-License-Identifier: MIT */
/* yes: writes a line for ever, until nobody reads it any more. */
#include <hv8/app.h>

#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512 };

/* The arguments, or "y", as a line; its length. */
static size_t build_line(int argc, char **argv, char *line)
{
	size_t used = 0;

	for (int i = 1; i < argc && used < LINE_MAX_BYTES - 2; i++) {
		size_t length = strnlen(argv[i], LINE_MAX_BYTES - 2 - used);

		if (i > 1)
			line[used++] = ' ';
		memcpy(line + used, argv[i], length);
		used += length;
	}
	if (argc < 2)
		line[used++] = 'y';
	line[used++] = '\n';
	return used;
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_BYTES];
	char block[4 * LINE_MAX_BYTES];
	size_t length = build_line(argc, argv, line);
	size_t used = 0;

	while (used + length <= sizeof(block)) {
		memcpy(block + used, line, length);
		used += length;
	}
	while (app_write(STDOUT_FILENO, block, used))
		;
	return 1;
}
