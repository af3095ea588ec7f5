/* SPDX-License-Identifier: MIT */
/*
 * grep: lines that match a regular expression (POSIX basic, extended with -E,
 * or a fixed string with -F). Exit status 0 if a line was found, 1 if not, 2
 * on an error.
 */
#include <hv8/app.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool invert, number_lines, count_only, many_files;
static regex_t pattern;
static bool found, failed;

/* A basic regular expression that matches exactly `text`. */
static char *quote(const char *text)
{
	char *quoted = malloc(2 * strlen(text) + 1);
	char *to = quoted;

	if (quoted == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if (strchr("\\.[]*^$", *text) != NULL)
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return quoted;
}

static void print_line(const char *name, uint64_t number, const char *line)
{
	if (many_files)
		printf("%s:", name);
	if (number_lines)
		printf("%" PRIu64 ":", number);
	printf("%s\n", line);
}

static void search(FILE *from, const char *name)
{
	char *line = NULL;
	size_t capacity = 0;
	uint64_t number = 0;
	uint64_t count = 0;

	while (app_line(from, &line, &capacity) >= 0) {
		number++;
		if ((regexec(&pattern, line, 0, NULL, 0) == 0) == invert)
			continue;
		count++;
		if (!count_only)
			print_line(name, number, line);
	}
	if (count_only && many_files)
		printf("%s:", name);
	if (count_only)
		printf("%" PRIu64 "\n", count);
	found |= count > 0;
	free(line);
}

static void search_file(const char *name)
{
	FILE *from = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");

	if (from == NULL) {
		fprintf(stderr, "grep: %s: %s\n", name, strerror(errno));
		failed = true;
		return;
	}
	search(from, name);
	if (from != stdin)
		fclose(from);
}

static void compile_pattern(const char *text, bool fixed, int flags)
{
	char message[64];
	int error;

	if (fixed)
		text = quote(text);
	if (text == NULL) {
		fprintf(stderr, "grep: out of memory\n");
		exit(2);
	}
	error = regcomp(&pattern, text, flags);
	if (error == 0)
		return;
	regerror(error, &pattern, message, sizeof(message));
	fprintf(stderr, "grep: %s: %s\n", text, message);
	exit(2);
}

int main(int argc, char **argv)
{
	int flags = REG_NOSUB;
	bool fixed = false;
	int option;

	while ((option = getopt(argc, argv, "vnicEF")) != -1) {
		invert |= option == 'v';
		number_lines |= option == 'n';
		count_only |= option == 'c';
		fixed |= option == 'F';
		flags |= (option == 'i' ? REG_ICASE : 0) | (option == 'E' ? REG_EXTENDED : 0);
		if (option == '?')
			optind = argc;
	}
	if (optind >= argc)
		app_usage("grep [-vnicEF] PATTERN [FILE]...");
	compile_pattern(argv[optind], fixed, fixed ? flags & ~REG_EXTENDED : flags);
	many_files = argc - optind > 2;
	if (argc - optind == 1)
		search_file("-");
	for (int i = optind + 1; i < argc; i++)
		search_file(argv[i]);
	if (app_finish(0) != 0 || failed)
		return 2;
	return found ? 0 : 1;
}
