/* SPDX-License-Identifier: MIT */
/*
 * `help`: builtins from their table; programs from the initrd, each with its
 * line "NAME<tab>WORDS" of the file programs.txt.
 */
#include "sh.h"

#include <stdio.h>
#include <string.h>

static const char list_name[] = "programs.txt";

static const char *find_byte(const char *from, const char *end, char byte)
{
	const char *found = memchr(from, byte, (size_t)(end - from));

	return found != NULL ? found : end;
}

static void print_words(const char *name)
{
	struct hv_initrd_file list = { 0 };
	const char *line = NULL, *end = NULL;
	size_t length = strlen(name);

	if (hv_initrd_find(list_name, &list)) {
		line = (const char *)list.data;
		end = line + list.size;
	}
	while (line < end) {
		const char *line_end = find_byte(line, end, '\n');
		const char *tab = find_byte(line, line_end, '\t');

		if (tab < line_end && (size_t)(tab - line) == length &&
		    memcmp(line, name, length) == 0) {
			printf("  %-10s %.*s\n", name, (int)(line_end - tab - 1), tab + 1);
			return;
		}
		line = line_end + 1;
	}
	printf("  %-10s (no line in %s)\n", name, list_name);
}

int help_command(char **argv)
{
	struct hv_initrd_file file = { 0 };

	if (argv[1] != NULL) {
		fprintf(stderr, "usage: help\n");
		return STATUS_USAGE;
	}
	printf("The shell's own commands:\n");
	for (const struct builtin *builtin = builtins; builtin->name != NULL; builtin++)
		printf("  %-10s %s\n", builtin->name, builtin->words);
	printf("Programs:\n");
	while (hv_initrd_next(&file))
		if (file.size >= 4 && memcmp(file.data, "\177ELF", 4) == 0)
			print_words(file.name);
	printf("a | b is a pipe, a < FILE reads a file, a & runs in the background; a ; b and\n"
	       "a && b and a || b run in turn; ^C kills what runs. There are 'quotes' and\n"
	       "\"quotes\" and \\c, * and ? for names of files, $? (status), $! (background\n"
	       "pid), $$ (own pid) and # comments.\n");
	return 0;
}
