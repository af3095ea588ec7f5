/* SPDX-License-Identifier: MIT */
/* The header of an arm64 Image (Linux, Documentation/arm64/booting.rst, section 4). */
#include "loader.h"

#include <string.h>

enum { HEADER = 64, AT_TEXT_OFFSET = 8, AT_IMAGE_SIZE = 16, AT_FLAGS = 24, AT_MAGIC = 56 };
enum { FLAG_BIG_ENDIAN = 1, FLAG_ANYWHERE = 8 };

static uint64_t word(const uint8_t *header, int at)
{
	uint64_t value;

	memcpy(&value, header + at, sizeof(value));
	return value;
}

/* Null, or what is wrong. */
static const char *header_problem(const uint8_t *header, uint64_t file_size)
{
	if (memcmp(header + AT_MAGIC, "ARM\x64", 4) != 0)
		return "is no arm64 Image";
	if ((word(header, AT_FLAGS) & FLAG_BIG_ENDIAN) != 0)
		return "is big-endian";
	if ((word(header, AT_FLAGS) & FLAG_ANYWHERE) == 0 || word(header, AT_TEXT_OFFSET) != 0)
		return "does not run at any multiple of 2 MiB";
	if (word(header, AT_IMAGE_SIZE) < file_size)
		return "is longer than its header says";
	return NULL;
}

bool kernel_check(struct file *file, uint64_t *image_size)
{
	uint8_t header[HEADER];
	const char *problem = "is shorter than its header";

	if (file->size >= HEADER) {
		if (!file_read(file, 0, header, HEADER))
			return false;
		*image_size = word(header, AT_IMAGE_SIZE);
		problem = header_problem(header, file->size);
	}
	if (problem != NULL)
		say("the kernel %s %s", file->want->path, problem);
	return problem == NULL;
}
