/* SPDX-License-Identifier: MIT */
/* wc: counts lines, words and bytes. */
#include <hv8/app.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct counts {
	uint64_t lines;
	uint64_t words;
	uint64_t bytes;
};

static bool show_lines, show_words, show_bytes;
static struct counts total;

static void print_counts(const struct counts *counts, const char *name)
{
	if (show_lines)
		printf("%8" PRIu64, counts->lines);
	if (show_words)
		printf("%8" PRIu64, counts->words);
	if (show_bytes)
		printf("%8" PRIu64, counts->bytes);
	if (strcmp(name, "-") != 0)
		printf(" %s", name);
	printf("\n");
}

/* `in_word`: whether the byte before `data` belonged to a word. */
static bool count_block(struct counts *counts, const char *data, size_t length, bool in_word)
{
	counts->bytes += length;
	for (size_t i = 0; i < length; i++) {
		bool space = isspace((unsigned char)data[i]) != 0;

		counts->lines += data[i] == '\n';
		counts->words += !space && !in_word;
		in_word = !space;
	}
	return in_word;
}

static int count_file(int fd, const char *name)
{
	static char buffer[4096];
	struct counts counts = { 0 };
	bool in_word = false;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		in_word = count_block(&counts, buffer, (size_t)got, in_word);
	if (got < 0)
		fprintf(stderr, "wc: %s: %s\n", name, strerror(errno));
	print_counts(&counts, name);
	total.lines += counts.lines;
	total.words += counts.words;
	total.bytes += counts.bytes;
	return got < 0;
}

int main(int argc, char **argv)
{
	int option;
	int status;

	while ((option = getopt(argc, argv, "lwc")) != -1) {
		show_lines |= option == 'l';
		show_words |= option == 'w';
		show_bytes |= option == 'c';
		if (option == '?')
			app_usage("wc [-lwc] [FILE]...");
	}
	if (!show_lines && !show_words && !show_bytes)
		show_lines = show_words = show_bytes = true;
	status = app_files("wc", argv + optind, count_file);
	if (argc - optind > 1)
		print_counts(&total, "total");
	return app_finish(status);
}
