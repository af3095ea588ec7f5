/* SPDX-License-Identifier: MIT */
/*
 * The archive that came with the kernel (cpio, newc), read through the view.
 * Its headers are checked: a broken archive ends the walk early.
 */
#include "os.h"

#include <string.h>

enum {
	CPIO_HEADER = 110,
	CPIO_MODE = 14, CPIO_SIZE = 54, CPIO_NAMESIZE = 94,	/* offsets of 8 hex digits */
};

static bool parse_hex(const uint8_t *digits, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		uint8_t c = digits[i];
		uint64_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint64_t)c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (uint64_t)(c | 0x20) - 'a' + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static bool parse_entry(const uint8_t *archive, uint64_t left, struct hv_initrd_file *file)
{
	uint64_t mode, size, name_size, data;

	if (left < CPIO_HEADER || memcmp(archive, "070701", 6) != 0
	    || !parse_hex(archive + CPIO_MODE, &mode) || !parse_hex(archive + CPIO_SIZE, &size)
	    || !parse_hex(archive + CPIO_NAMESIZE, &name_size))
		return false;
	data = (CPIO_HEADER + name_size + 3) & ~3UL;
	if (name_size == 0 || data > left || size > left - data
	    || archive[CPIO_HEADER + name_size - 1] != 0)
		return false;
	file->name = (const char *)archive + CPIO_HEADER;
	file->data = archive + data;
	file->size = size;
	file->mode = (uint32_t)mode;
	file->next += (data + size + 3) & ~3UL;
	return strcmp(file->name, "TRAILER!!!") != 0;
}

bool hv_initrd_next(struct hv_initrd_file *file)
{
	const uint8_t *archive;

	if (!hv_has_view() || file->next >= hv_bootinfo->initrd_size)
		return false;
	archive = (const uint8_t *)HV_VIEW_INITRD + hv_bootinfo->initrd_offset;
	return parse_entry(archive + file->next, hv_bootinfo->initrd_size - file->next, file);
}

static const char *skip_prefix(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 ? name + n : name;
}

/* Files have no directories: "/x", "./x", "/bin/x" and "x" are the same. */
bool hv_initrd_find(const char *name, struct hv_initrd_file *file)
{
	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name = skip_prefix(skip_prefix(name, "/"), "./");
	name = skip_prefix(name, "bin/");
	memset(file, 0, sizeof(*file));
	while (hv_initrd_next(file))
		if (strcmp(skip_prefix(file->name, "./"), name) == 0)
			return true;
	return false;
}
