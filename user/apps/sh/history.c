/* SPDX-License-Identifier: MIT */
/* The lines typed so far: the list, and !! and !n. */
#include "sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines are numbered from 1; the oldest ones are forgotten. */
static const char *history_line(unsigned number)
{
	const struct hv_history *history = &shell.history;

	if (number == 0 || number > history->count || history->count - number >= history->size)
		return NULL;
	return history->line[(number - 1) % history->size];
}

int history_command(char **argv)
{
	if (argv[1] != NULL) {
		fprintf(stderr, "usage: history\n");
		return STATUS_USAGE;
	}
	for (unsigned number = 1; number <= shell.history.count; number++)
		if (history_line(number) != NULL)
			printf("%5u  %s\n", number, history_line(number));
	return 0;
}

bool history_expand(char *line, size_t bytes)
{
	char *end = line + 1;
	unsigned long number;
	const char *found;

	if (line[0] != '!')
		return true;
	if (line[1] == '!') {
		number = shell.history.count;
		end = line + 2;
	} else {
		number = strtoul(line + 1, &end, 10);
	}
	found = number <= shell.history.count ? history_line((unsigned)number) : NULL;
	if (*end != '\0' || found == NULL) {
		complain("%s: no such line in the history", line);
		return false;
	}
	snprintf(line, bytes, "%s", found);
	printf("%s\n", line);
	fflush(stdout);
	return true;
}
