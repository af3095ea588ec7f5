/* SPDX-License-Identifier: MIT */
/*
 * tee: copies the standard input to the standard output and to the standard
 * error, so that one sees what flows through a pipeline. (Files are read-only.)
 */
#include <hv8/app.h>

#include <unistd.h>

int main(int argc, char **argv)
{
	static char buffer[4096];
	ssize_t got;

	(void)argv;
	if (argc > 1)
		app_usage("tee    (copies to the standard error; files are read-only)");
	while ((got = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
		app_write(STDERR_FILENO, buffer, (size_t)got);
		if (!app_write(STDOUT_FILENO, buffer, (size_t)got))
			return 1;
	}
	return got < 0;
}
