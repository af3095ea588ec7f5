/* SPDX-License-Identifier: MIT */
/* echo: writes its arguments with a space between; -n leaves out the newline. */
#include <hv8/app.h>

#include <string.h>

int main(int argc, char **argv)
{
	int first = 1;
	bool newline = true;

	if (argc > 1 && strcmp(argv[1], "-n") == 0) {
		newline = false;
		first = 2;
	}
	for (int i = first; i < argc; i++)
		printf(i > first ? " %s" : "%s", argv[i]);
	if (newline)
		putchar('\n');
	return app_finish(0);
}
