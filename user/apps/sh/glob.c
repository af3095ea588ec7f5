/* SPDX-License-Identifier: MIT */
/*
 * Patterns: a word with * or ? outside quotes stands for the names of the
 * initrd that match, in their order there, or for itself if none does.
 */
#include "sh.h"

#include <stdlib.h>
#include <string.h>

/* After a mismatch the last * swallows one byte more. */
static bool matches(const char *pattern, const char *name)
{
	const char *after_many = NULL, *swallowed = NULL;

	while (*name != '\0') {
		if (*pattern == GLOB_MANY) {
			after_many = ++pattern;
			swallowed = name;
		} else if (*pattern == GLOB_ONE || *pattern == *name) {
			pattern++;
			name++;
		} else if (after_many != NULL) {
			pattern = after_many;
			name = ++swallowed;
		} else {
			return false;
		}
	}
	while (*pattern == GLOB_MANY)
		pattern++;
	return *pattern == '\0';
}

static bool is_pattern(const char *word)
{
	return strchr(word, GLOB_MANY) != NULL || strchr(word, GLOB_ONE) != NULL;
}

void glob_restore(char *word)
{
	for (; *word != '\0'; word++) {
		if (*word == GLOB_MANY)
			*word = '*';
		else if (*word == GLOB_ONE)
			*word = '?';
	}
}

/* Writes the words for `word` to `out` unless that is NULL; how many they are. */
static size_t expand_word(char *word, char **out)
{
	struct hv_initrd_file file = { 0 };
	size_t count = 0;

	while (is_pattern(word) && hv_initrd_next(&file)) {
		if (!matches(word, file.name))
			continue;
		if (out != NULL)
			out[count] = (char *)(uintptr_t)file.name;
		count++;
	}
	if (count > 0)
		return count;
	if (out != NULL) {
		glob_restore(word);
		out[0] = word;
	}
	return 1;
}

char **glob_expand(char **argv)
{
	size_t count = 0, used = 0;
	char **expanded;

	for (char **word = argv; *word != NULL; word++)
		count += expand_word(*word, NULL);
	expanded = malloc((count + 1) * sizeof(*expanded));
	if (expanded == NULL)
		return NULL;
	for (char **word = argv; *word != NULL; word++)
		used += expand_word(*word, expanded + used);
	expanded[used] = NULL;
	return expanded;
}
