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

#define CPIO_MAGIC	0x313037303730UL	/* "070701" */
#define CPIO_MAGIC_MASK	0xffffffffffffUL

/* A word at any address; the compiler would go byte by byte. */
static uint64_t load(const uint8_t *at)
{
	uint64_t word;

	__asm__("ldr %0, %1" : "=r"(word) : "Q"(*(const uint64_t (*)[1])at));
	return word;
}

/* Eight hexadecimal digits, all at once. What is no digit gives some value:
 * whoever uses it checks that it stays inside the archive. */
static uint64_t parse_hex(const uint8_t *digits)
{
	uint64_t x = load(digits);

	x = (x & 0x0f0f0f0f0f0f0f0f) + (x >> 6 & 0x0101010101010101) * 9;
	x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
	x = (x << 8 | x >> 16) & 0x0000ffff0000ffff;
	return (x << 16 | x >> 32) & 0xffffffff;
}

static bool parse_entry(const uint8_t *archive, uint64_t left, struct hv_initrd_file *file)
{
	uint64_t size, name_size, data;

	if (left < CPIO_HEADER || (load(archive) & CPIO_MAGIC_MASK) != CPIO_MAGIC)
		return false;
	size = parse_hex(archive + CPIO_SIZE);
	name_size = parse_hex(archive + CPIO_NAMESIZE);
	data = (CPIO_HEADER + name_size + 3) & ~3UL;
	if (name_size == 0 || data > left || size > left - data
	    || archive[CPIO_HEADER + name_size - 1] != 0)
		return false;
	file->name = (const char *)archive + CPIO_HEADER;
	file->data = archive + data;
	file->size = size;
	file->mode = (uint32_t)parse_hex(archive + CPIO_MODE);
	file->next += (data + size + 3) & ~3UL;
	return size != 0 || strcmp(file->name, "TRAILER!!!") != 0;
}

bool hv_initrd_next(struct hv_initrd_file *file)
{
	const uint8_t *archive;

	if (!hv_has_view() || file->next >= hv_bootinfo->initrd_size)
		return false;
	archive = (const uint8_t *)HV_VIEW_INITRD + hv_bootinfo->initrd_offset;
	return parse_entry(archive + file->next, hv_bootinfo->initrd_size - file->next, file);
}

static bool is_same(const char *a, const char *b)
{
	while (*a == *b && *a != 0) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Walks from `start` up to `end`. */
static bool find_between(const char *name, uint64_t start, uint64_t end,
	struct hv_initrd_file *file)
{
	memset(file, 0, sizeof(*file));
	file->next = start;
	while (file->next < end && hv_initrd_next(file)) {
		const char *found = file->name;

		if (is_same(found[0] == '.' && found[1] == '/' ? found + 2 : found, name))
			return true;
	}
	return false;
}

/*
 * Files have no directories: "/x", "./x", "/bin/x" and "x" are the same. What
 * is looked for is often what was found last.
 */
bool hv_initrd_find(const char *name, struct hv_initrd_file *file)
{
	static uint64_t last;
	bool found;

	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name += *name == '/' ? 1 : 2;
	if (strncmp(name, "bin/", 4) == 0)
		name += 4;
	found = find_between(name, last, ~0UL, file) || find_between(name, 0, last, file);
	if (found)
		last = (uint64_t)(file->name - CPIO_HEADER - (const char *)HV_VIEW_INITRD)
			- hv_bootinfo->initrd_offset;
	return found;
}
