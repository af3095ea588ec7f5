/* SPDX-License-Identifier: MIT */
/*
 * Reads a cpio archive in memory, format newc (cpio(5)): a header of 110
 * characters, the name, the data, the last two padded to 4 bytes.
 *
 * Invariant: no byte outside [archive, archive + size) is read, whatever the
 * archive says.
 */
#include "boot_cpio.h"

#include <stdbool.h>

enum {
	HEADER_BYTES = 110,
	MAGIC_BYTES = 6,
	FIELD_BYTES = 8,
	FIELD_MODE = 1,
	FIELD_FILESIZE = 6,
	FIELD_NAMESIZE = 11,
	MODE_TYPE = 0170000,
	MODE_REGULAR = 0100000,
};

struct entry {
	const uint8_t *name;	/* terminated */
	const uint8_t *data;
	uint64_t size;
	uint64_t mode;
	uint64_t next;		/* offset of the next header */
};

static bool equal(const uint8_t *a, const char *b)
{
	uint64_t i = 0;

	while (b[i] != 0 && a[i] == (uint8_t)b[i])
		i++;
	return b[i] == 0 && a[i] == 0;
}

static bool starts(const uint8_t *a, uint64_t size, const char *magic, uint64_t n)
{
	if (size < n)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (a[i] != (uint8_t)magic[i])
			return false;
	return true;
}

static bool is_compressed(const uint8_t *a, uint64_t size)
{
	return starts(a, size, "\x1f\x8b", 2) || starts(a, size, "\xfd" "7zXZ", 5) ||
	       starts(a, size, "\x28\xb5\x2f\xfd", 4) || starts(a, size, "BZh", 3) ||
	       starts(a, size, "\x04\x22\x4d\x18", 4) || starts(a, size, "\x02\x21\x4c\x18", 4) ||
	       starts(a, size, "\x5d\x00\x00", 3);
}

static bool field(const uint8_t *header, uint64_t number, uint64_t *value)
{
	const uint8_t *p = header + MAGIC_BYTES + number * FIELD_BYTES;

	*value = 0;
	for (uint64_t i = 0; i < FIELD_BYTES; i++) {
		uint64_t digit;

		if (p[i] >= '0' && p[i] <= '9')
			digit = p[i] - (uint64_t)'0';
		else if ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'f')
			digit = (p[i] | 32U) - (uint64_t)'a' + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static uint64_t align4(uint64_t n)
{
	return (n + 3) & ~3ULL;
}

static enum cpio_status entry_read(const uint8_t *archive, uint64_t size, uint64_t at,
				   struct entry *e)
{
	const uint8_t *h = archive + at;
	uint64_t namesize, data;

	if (size - at < HEADER_BYTES)
		return CPIO_TRUNCATED;
	if (!starts(h, HEADER_BYTES, "070701", 6) && !starts(h, HEADER_BYTES, "070702", 6))
		return CPIO_MAGIC;
	if (!field(h, FIELD_MODE, &e->mode) || !field(h, FIELD_FILESIZE, &e->size) ||
	    !field(h, FIELD_NAMESIZE, &namesize))
		return CPIO_NUMBER;
	/* Fields are below 2^32, so no sum here wraps. */
	if (namesize > size - at - HEADER_BYTES)
		return CPIO_TRUNCATED;
	e->name = h + HEADER_BYTES;
	if (namesize < 2 || e->name[namesize - 1] != 0)
		return CPIO_NAME;
	data = align4(at + HEADER_BYTES + namesize);
	if (data > size || e->size > size - data)
		return CPIO_TRUNCATED;
	e->data = archive + data;
	e->next = align4(data + e->size);
	return CPIO_OK;
}

static bool is_called(const uint8_t *path, const char *name)
{
	if (path[0] == '/')
		return equal(path + 1, name);
	if (path[0] == '.' && path[1] == '/')
		return equal(path + 2, name);
	return equal(path, name);
}

enum cpio_status cpio_find(const uint8_t *archive, uint64_t size, const char *name,
			   struct cpio_file *file)
{
	enum cpio_status status, found = CPIO_ABSENT;
	struct entry e = { 0 };
	uint64_t at = 0;

	if (size == 0)
		return CPIO_EMPTY;
	if (is_compressed(archive, size))
		return CPIO_COMPRESSED;
	for (;;) {
		if (at >= size)
			return CPIO_TRUNCATED;
		status = entry_read(archive, size, at, &e);
		if (status != CPIO_OK)
			return status;
		if (equal(e.name, "TRAILER!!!"))
			return at == 0 ? CPIO_EMPTY : found;
		if (found == CPIO_ABSENT && (e.mode & MODE_TYPE) == MODE_REGULAR &&
		    is_called(e.name, name)) {
			file->data = e.data;
			file->size = e.size;
			found = CPIO_OK;
		}
		at = e.next;
	}
}

const char *cpio_message(enum cpio_status status)
{
	switch (status) {
	case CPIO_OK: return "sound";
	case CPIO_EMPTY: return "it is empty";
	case CPIO_COMPRESSED: return "it is compressed; give the plain archive";
	case CPIO_MAGIC:
		return "it is corrupt: an entry has no newc header (make it with cpio -H newc)";
	case CPIO_NUMBER: return "it is corrupt: a header holds a number that is not hexadecimal";
	case CPIO_NAME: return "it is corrupt: a name is empty or not terminated";
	case CPIO_TRUNCATED: return "it is truncated: it ends before its TRAILER!!! entry";
	case CPIO_ABSENT: return "it has no program called init";
	}
	return "it is corrupt";
}
