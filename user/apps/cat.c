/* SPDX-License-Identifier: MIT */
/* cat: copies files, or the standard input, to the standard output. */
#include <hv8/app.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int copy(int fd, const char *name)
{
	static char buffer[4096];

	for (;;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got == 0)
			return 0;
		if (got < 0) {
			fprintf(stderr, "cat: %s: %s\n", name, strerror(errno));
			return 1;
		}
		if (!app_write(STDOUT_FILENO, buffer, (size_t)got))
			return 1;
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == '-' && argv[1][1] != '\0')
		app_usage("cat [FILE]...");
	return app_files("cat", argv + 1, copy);
}
