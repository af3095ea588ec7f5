/* SPDX-License-Identifier: MIT */
/* Reads a cpio archive in memory, format newc. Needs nothing of the kernel. */
#ifndef KERNEL_BOOT_CPIO_H
#define KERNEL_BOOT_CPIO_H

#include <stdint.h>

enum cpio_status {
	CPIO_OK,
	CPIO_EMPTY,		/* no entry, or no byte at all */
	CPIO_COMPRESSED,	/* a gzip, xz, zstd, lz4, bzip2 or lzma stream */
	CPIO_MAGIC,		/* an entry does not start with 070701 or 070702 */
	CPIO_NUMBER,		/* a header field is not hexadecimal */
	CPIO_NAME,		/* a name is empty or not terminated */
	CPIO_TRUNCATED,		/* an entry runs past the end, or TRAILER!!! is missing */
	CPIO_ABSENT,		/* sound, but without a regular file of that name */
};

struct cpio_file {
	const uint8_t *data;
	uint64_t size;
};

/*
 * Checks the whole archive and finds the first regular file called `name`,
 * "./name" or "/name".
 */
enum cpio_status cpio_find(const uint8_t *archive, uint64_t size, const char *name,
			   struct cpio_file *file);
/* What a status means and what to do about it, for a person. */
const char *cpio_message(enum cpio_status status);

#endif
