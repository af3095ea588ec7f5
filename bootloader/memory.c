/* SPDX-License-Identifier: MIT */
/*
 * The firmware's memory map, and one block of memory for everything that is
 * loaded. Invariant: memory that is not in the map, or is of a type that the
 * firmware keeps, is in a gap.
 */
#include "loader.h"

#include <string.h>

/* The map may grow by its own buffer, and between two looks at it. */
enum { MAP_SLACK = 8192 };

#define KERNEL_ALIGN ((uint64_t)2 << 20)
#define ADDRESS_END ((uint64_t)1 << 48)

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + EFI_PAGE_SIZE - 1) >> EFI_PAGE_SHIFT;
}

bool memory_map_start(struct memory_map *map, struct efi_boot_services *boot)
{
	uint64_t address = 0;
	efi_status status = memory_map_get(map, boot);

	if (status == EFI_BUFFER_TOO_SMALL) {
		map->capacity = pages_of(map->bytes + MAP_SLACK) << EFI_PAGE_SHIFT;
		status = boot->allocate_pages(EFI_ALLOCATE_ANY, EFI_LOADER_DATA,
					      map->capacity >> EFI_PAGE_SHIFT, &address);
		map->buffer = status == EFI_SUCCESS ? (uint8_t *)(uintptr_t)address : NULL;
	}
	if (status == EFI_SUCCESS)
		status = memory_map_get(map, boot);
	if (status != EFI_SUCCESS)
		say("the firmware does not give its memory map (status 0x%lx)", status);
	return status == EFI_SUCCESS;
}

void memory_map_end(struct memory_map *map, struct efi_boot_services *boot)
{
	if (map->buffer != NULL)
		(void)boot->free_pages((uint64_t)(uintptr_t)map->buffer,
				       map->capacity >> EFI_PAGE_SHIFT);
	map->buffer = NULL;
}

efi_status memory_map_get(struct memory_map *map, struct efi_boot_services *boot)
{
	uint32_t version;

	map->bytes = map->capacity;
	return boot->get_memory_map(&map->bytes, map->buffer, &map->key, &map->descriptor_bytes,
				    &version);
}

/* A descriptor may be longer than what this version of the specification knows (7.2.3). */
static struct efi_memory_descriptor descriptor(const struct memory_map *map, uint64_t at)
{
	struct efi_memory_descriptor d;

	memcpy(&d, map->buffer + at, sizeof(d));
	return d;
}

static uint64_t end_of(const struct efi_memory_descriptor *d)
{
	return d->physical + (d->pages << EFI_PAGE_SHIFT);
}

static bool is_plain(const struct efi_memory_descriptor *d)
{
	return (d->attribute & EFI_MEMORY_WB) != 0 && (d->attribute & EFI_MEMORY_SP) == 0;
}

static bool is_ours_later(const struct efi_memory_descriptor *d)
{
	return is_plain(d) && (d->type == EFI_CONVENTIONAL ||
			       (d->type >= EFI_LOADER_CODE && d->type <= EFI_BOOT_DATA));
}

/* Where a block could start in this piece: not at 0, which many take for nothing. */
static uint64_t aligned_start(const struct efi_memory_descriptor *d)
{
	uint64_t start = (d->physical + KERNEL_ALIGN - 1) & ~(KERNEL_ALIGN - 1);

	return start == 0 ? KERNEL_ALIGN : start;
}

bool memory_take(struct block *block, uint64_t bytes, struct memory_map *map,
		 struct efi_boot_services *boot)
{
	uint64_t best = ADDRESS_END, largest = 0, size = pages_of(bytes) << EFI_PAGE_SHIFT;
	efi_status status = memory_map_get(map, boot);

	for (uint64_t at = 0; status == EFI_SUCCESS && at < map->bytes;
	     at += map->descriptor_bytes) {
		struct efi_memory_descriptor d = descriptor(map, at);
		uint64_t start = aligned_start(&d), end = end_of(&d);
		uint64_t room = end > start ? end - start : 0;

		if (!is_plain(&d) || d.type != EFI_CONVENTIONAL)
			continue;
		if (room > largest)
			largest = room;
		if (room >= size && start < best)
			best = start;
	}
	if (status == EFI_SUCCESS && best == ADDRESS_END) {
		say("out of memory: kernel, device tree and initrd need %lu KiB in one piece, "
		    "and the largest free one has %lu KiB",
		    size >> 10, largest >> 10);
		return false;
	}
	if (status == EFI_SUCCESS)
		status = boot->allocate_pages(EFI_ALLOCATE_ADDRESS, EFI_LOADER_DATA,
					      size >> EFI_PAGE_SHIFT, &best);
	if (status != EFI_SUCCESS) {
		say("out of memory: the firmware gives no %lu KiB (status 0x%lx)", size >> 10,
		    status);
		return false;
	}
	*block = (struct block){ best, best + size };
	return true;
}

void memory_give_back(struct block *block, struct efi_boot_services *boot)
{
	if (block->end != 0)
		(void)boot->free_pages(block->start, (block->end - block->start) >> EFI_PAGE_SHIFT);
	*block = (struct block){ 0, 0 };
}

/* The end of the memory for the kernel that holds an address, or that address. */
static uint64_t past(const struct memory_map *map, uint64_t address)
{
	for (uint64_t at = 0; at < map->bytes; at += map->descriptor_bytes) {
		struct efi_memory_descriptor d = descriptor(map, at);

		if (is_ours_later(&d) && d.physical <= address && address < end_of(&d)) {
			address = end_of(&d);
			at = -map->descriptor_bytes;	/* the next piece may be listed before */
		}
	}
	return address;
}

bool memory_gap(const struct memory_map *map, uint64_t from, struct block *gap)
{
	*gap = (struct block){ past(map, from), ADDRESS_END };
	for (uint64_t at = 0; at < map->bytes; at += map->descriptor_bytes) {
		struct efi_memory_descriptor d = descriptor(map, at);

		if (is_ours_later(&d) && d.physical > gap->start && d.physical < gap->end &&
		    d.pages != 0)
			gap->end = d.physical;
	}
	return gap->start < ADDRESS_END;
}
