/* SPDX-License-Identifier: MIT */
/*
 * The configuration file. Invariant: whatever bytes it is given, nothing
 * beyond them is read, and every string of *config ends within its array.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

struct text {
	const char *start;
	uint64_t bytes;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct text trimmed(struct text t)
{
	for (; t.bytes > 0 && is_space(t.start[0]); t.start++)
		t.bytes--;
	while (t.bytes > 0 && is_space(t.start[t.bytes - 1]))
		t.bytes--;
	return t;
}

static bool is(struct text t, const char *word)
{
	return t.bytes == strlen(word) && memcmp(t.start, word, t.bytes) == 0;
}

static const char *copy(struct text from, char *to, uint64_t room)
{
	if (from.bytes >= room)
		return "the value is too long";
	for (uint64_t i = 0; i < from.bytes; i++)
		if (from.start[i] < ' ' || from.start[i] > '~')
			return "the value has a character that is not plain ASCII";
	memcpy(to, from.start, from.bytes);
	to[from.bytes] = 0;
	return NULL;
}

/* Either slash will do; the firmware knows the backslash. */
static const char *path_value(struct text value, struct config_file *file)
{
	const char *wrong = copy(value, file->path, sizeof(file->path));

	for (char *p = file->path; wrong == NULL && *p != 0; p++)
		if (*p == '/')
			*p = '\\';
	return wrong == NULL && value.bytes == 0 ? "a path is missing" : wrong;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == 0 ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static const char *sum_value(struct text value, struct config_file *file)
{
	if (value.bytes != (uint64_t)2 * SHA256_BYTES)
		return "a SHA-256 has 64 digits";
	for (int i = 0; i < SHA256_BYTES; i++) {
		int high = digit(value.start[2 * i]), low = digit(value.start[2 * i + 1]);

		if (high < 0 || low < 0)
			return "a SHA-256 has the digits 0 to 9 and a to f";
		file->sum[i] = (uint8_t)(high << 4 | low);
	}
	file->has_sum = true;
	return NULL;
}

static const char *file_line(struct config *config, struct text key, struct text value)
{
	static const char suffix[] = "-sha256";
	struct {
		const char *name;
		struct config_file *file;
	} files[] = {
		{ "kernel", &config->kernel },
		{ "initrd", &config->initrd },
		{ "dtb", &config->tree },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		uint64_t n = strlen(files[i].name);

		if (is(key, files[i].name))
			return path_value(value, files[i].file);
		if (key.bytes > n && memcmp(key.start, files[i].name, n) == 0 &&
		    is((struct text){ key.start + n, key.bytes - n }, suffix))
			return sum_value(value, files[i].file);
	}
	return "this key is not known";
}

static const char *one_line(struct config *config, struct text line)
{
	const char *equals;
	struct text key, value;

	line = trimmed(line);
	if (line.bytes == 0 || line.start[0] == '#')
		return NULL;
	equals = memchr(line.start, '=', line.bytes);
	if (equals == NULL)
		return "there is no = in it";
	key = trimmed((struct text){ line.start, (uint64_t)(equals - line.start) });
	value = trimmed((struct text){ equals + 1,
				       line.bytes - (uint64_t)(equals + 1 - line.start) });
	if (is(key, "args"))
		return copy(value, config->args, sizeof(config->args));
	if (!is(key, "dtb-from"))
		return file_line(config, key, value);
	if (!is(value, "firmware") && !is(value, "file"))
		return "dtb-from is firmware or file";
	config->tree_first = is(value, "file");
	return NULL;
}

void config_defaults(struct config *config)
{
	*config = (struct config){
		.kernel.path = "\\hv8\\hv8.img",
		.initrd.path = "\\hv8\\initrd.cpio",
	};
}

const char *config_parse(struct config *config, const char *text, uint64_t bytes, uint64_t *line)
{
	uint64_t at = 0;

	for (*line = 1; at < bytes; ++*line) {
		const char *end = memchr(text + at, '\n', bytes - at);
		uint64_t n = end == NULL ? bytes - at : (uint64_t)(end - text) - at;
		const char *wrong = one_line(config, (struct text){ text + at, n });

		if (wrong != NULL)
			return wrong;
		at += n + 1;
	}
	return NULL;
}
