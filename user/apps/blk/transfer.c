/* SPDX-License-Identifier: MIT */
/* Requests that are repeated when a server dies in them, and patterns to write. */
#include "blk.h"

#include <stdio.h>

/* False: the server died in it, and there is a new one to ask. */
static bool is_over(struct hv_block *disk, int64_t result, const char *what,
	struct tally *tally)
{
	tally->requests++;
	if (result == -HV_EPIPE) {
		tally->broken++;
		result = hv_block_reopen(disk);
		if (result == 0)
			return false;
	}
	if (result < 0)
		fprintf(stderr, "blk: %s: %s\n", what,
			result == -HV_EPIPE ? "the disk's server has failed" :
			result == -HV_EIO ? "the device failed" :
			result == -HV_EROFS ? "the disk is read-only" : hv_strerror(result));
	return true;
}

bool transfer_read(struct hv_block *disk, uint64_t sector, void *data, uint64_t count,
	struct tally *tally)
{
	int64_t result;

	do
		result = hv_block_read(disk, sector, data, count);
	while (!is_over(disk, result, "read", tally));
	return result == 0;
}

bool transfer_write(struct hv_block *disk, uint64_t sector, const void *data, uint64_t count,
	struct tally *tally)
{
	int64_t result;

	do
		result = hv_block_write(disk, sector, data, count);
	while (!is_over(disk, result, "write", tally));
	return result == 0;
}

bool transfer_flush(struct hv_block *disk, struct tally *tally)
{
	int64_t result;

	do
		result = hv_block_flush(disk);
	while (!is_over(disk, result, "flush", tally));
	return result == 0;
}

/* The finaliser of splitmix64. */
uint64_t mixed(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

void pattern_make(uint64_t *words, uint64_t seed, uint64_t sector, uint64_t count)
{
	uint64_t per_sector = HV_SECTOR / sizeof(uint64_t);

	for (uint64_t i = 0; i < count * per_sector; i++)
		words[i] = mixed(seed << 40 ^ (sector * per_sector + i));
}
