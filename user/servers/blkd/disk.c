/* SPDX-License-Identifier: MIT */
/*
 * Virtio disks with one queue each (Virtio 1.2: 2.7 split queues, 4.2 registers,
 * 5.2 block devices). A queue fills a page, and the first and last part of
 * each request lie in a second one; between them is the page of a client.
 */
#include "blkd.h"

#include <hv8/irq.h>

enum {
	QUEUE_MAX = 64, /* entries: descriptors, available and used fit a page */
	USED_AT = 2048, /* a legacy device is told by VIRTIO_QUEUE_ALIGN */
	PARTS = 3,      /* descriptors of a request */
	PART_NEXT = 1,
	PART_DEVICE_WRITES = 2, /* flags of a descriptor */
	FEATURE_READONLY = 1 << 5,
	FEATURE_FLUSH = 1 << 9,
	FEATURE_MODERN = 1 << 0, /* in the second word */
};

struct descriptor {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags, next;
};

struct request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t answer;
	uint8_t fill[15];
};

struct used {
	uint16_t flags, index;
	struct {
		uint32_t id, bytes;
	} entry[QUEUE_MAX];
};

struct disk disks[DISKS];
unsigned disk_count;

/* What the device is to see, or has written, is in memory on either side of it. */
static void order(void)
{
	__asm__ volatile("dmb osh" : : : "memory");
}

static uint32_t get(const struct disk *disk, uint64_t offset)
{
	return hv_register_read(disk->device.registers, offset);
}

static void put(const struct disk *disk, uint64_t offset, uint32_t value)
{
	hv_register_write(disk->device.registers, offset, value);
}

static uint64_t physical(hv_page page)
{
	return hv_bootinfo->ram_base + (page << HV_PAGE_SHIFT);
}

/* ---- interrupts ------------------------------------------------------------------- */

static enum hv_handled HV_FAST_HANDLER acknowledge(struct hv_frame *frame, void *arg)
{
	struct disk *disk = arg;

	(void)frame;
	put(disk, VIRTIO_INTERRUPT_ACK, get(disk, VIRTIO_INTERRUPT_STATUS));
	disk->interrupts++;
	return HV_HANDLED;
}

/* ---- start -------------------------------------------------------------------------- */

/* A page for the device and self: its physical address is in *pa. */
static volatile void *page_for_both(uint64_t *pa)
{
	volatile uint8_t *page = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);

	if (page == NULL)
		return NULL;
	*page = 0; /* here it comes, and it stays where it is */
	*pa = physical(hv_frame_of((uintptr_t)page));
	return page;
}

static bool agree_on_features(struct disk *disk)
{
	put(disk, VIRTIO_DEVICE_FEATURES_WORD, 0);
	disk->features = get(disk, VIRTIO_DEVICE_FEATURES) & (FEATURE_READONLY | FEATURE_FLUSH);
	put(disk, VIRTIO_DRIVER_FEATURES_WORD, 0);
	put(disk, VIRTIO_DRIVER_FEATURES, disk->features);
	if (disk->version == 1)
		return true;
	put(disk, VIRTIO_DRIVER_FEATURES_WORD, 1);
	put(disk, VIRTIO_DRIVER_FEATURES, FEATURE_MODERN);
	put(disk, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	return (get(disk, VIRTIO_STATUS) & VIRTIO_FEATURES_OK) != 0;
}

static void put_address(const struct disk *disk, uint64_t offset, uint64_t address)
{
	put(disk, offset, (uint32_t)address);
	put(disk, offset + 4, (uint32_t)(address >> 32));
}

static const char *make_queue(struct disk *disk)
{
	uint64_t pa;
	volatile uint8_t *page = page_for_both(&pa);
	uint32_t max;

	disk->requests = page_for_both(&disk->requests_pa);
	if (page == NULL || disk->requests == NULL)
		return "no memory";
	put(disk, VIRTIO_QUEUE, 0);
	max = get(disk, VIRTIO_QUEUE_MAX);
	disk->size = max < QUEUE_MAX ? (uint16_t)max : QUEUE_MAX;
	disk->slots = disk->size / PARTS < SLOTS ? disk->size / PARTS : SLOTS;
	if (disk->slots == 0)
		return "its queue is too short";
	disk->descriptors = (volatile struct descriptor *)page;
	disk->available = (volatile uint16_t *)(page + disk->size * sizeof(struct descriptor));
	disk->used = (volatile struct used *)(page + USED_AT);
	put(disk, VIRTIO_QUEUE_SIZE, disk->size);
	if (disk->version == 1) {
		put(disk, VIRTIO_PAGE_SIZE, HV_PAGE_SIZE);
		put(disk, VIRTIO_QUEUE_ALIGN, USED_AT);
		put(disk, VIRTIO_QUEUE_PAGE, (uint32_t)(pa >> HV_PAGE_SHIFT));
		return NULL;
	}
	put_address(disk, VIRTIO_DESCRIPTORS, pa);
	put_address(disk, VIRTIO_AVAILABLE, pa + disk->size * sizeof(struct descriptor));
	put_address(disk, VIRTIO_USED, pa + USED_AT);
	put(disk, VIRTIO_QUEUE_READY, 1);
	return NULL;
}

static const char *start(struct disk *disk)
{
	const char *problem;

	disk->version = get(disk, VIRTIO_VERSION);
	if (disk->version != 1 && disk->version != 2)
		return "it knows no such version of the device";
	if (hv_virtio_reset(disk->device.registers) < 0)
		return "the device cannot be reset";
	if (hv_irq_handler_fast(disk->device.intid, acknowledge, disk) < 0)
		return "it was not given the device's interrupt line";
	put(disk, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
	put(disk, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	if (!agree_on_features(disk))
		return "the device does not agree on features";
	problem = make_queue(disk);
	if (problem == NULL)
		put(disk, VIRTIO_STATUS, get(disk, VIRTIO_STATUS) | VIRTIO_DRIVER_OK);
	return problem;
}

const char *disks_start(void)
{
	struct hv_dt_node node = { 0 };
	const char *problem = NULL;

	if (!hv_has_view())
		return "it may not see the device tree";
	while (disk_count < DISKS &&
	       hv_virtio_next(&node, VIRTIO_BLOCK, &disks[disk_count].device) == 0)
		disk_count++;
	if (disk_count == 0)
		return "it was given no virtio disk";
	if (hv_irq_enable() < 0)
		return "no interrupts on this machine";
	for (unsigned i = 0; problem == NULL && i < disk_count; i++)
		problem = start(&disks[i]);
	return problem;
}

void disks_stop(void)
{
	for (unsigned i = 0; i < disk_count; i++)
		hv_virtio_reset(disks[i].device.registers);
}

/* ---- what it is ----------------------------------------------------------------------- */

uint64_t disk_sectors(const struct disk *disk)
{
	uint64_t low, high;

	do { /* it may change between the two words */
		high = get(disk, VIRTIO_CONFIG + 4);
		low = get(disk, VIRTIO_CONFIG);
	} while (get(disk, VIRTIO_CONFIG + 4) != high);
	return high << 32 | low;
}

uint64_t disk_flags(const struct disk *disk)
{
	return (disk->features & FEATURE_READONLY ? HV_BLOCK_READONLY : 0) |
	       (disk->version == 1 ? HV_BLOCK_LEGACY : 0);
}

bool disk_can_flush(const struct disk *disk)
{
	return (disk->features & FEATURE_FLUSH) != 0;
}

bool disk_is_broken(const struct disk *disk)
{
	return disk->is_broken || (get(disk, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET) != 0;
}

/* ---- requests --------------------------------------------------------------------------- */

int disk_free_slot(const struct disk *disk)
{
	for (unsigned slot = 0; slot < disk->slots; slot++)
		if ((disk->has >> slot & 1) == 0)
			return (int)slot;
	return -1;
}

static void describe(struct disk *disk, unsigned part, uint64_t address, uint64_t bytes,
		     unsigned flags)
{
	disk->descriptors[part].address = address;
	disk->descriptors[part].bytes = (uint32_t)bytes;
	disk->descriptors[part].flags = (uint16_t)flags;
	disk->descriptors[part].next = (uint16_t)(part + 1);
}

void disk_submit(struct disk *disk, int slot, enum disk_type type, uint64_t sector, hv_page page,
		 uint32_t bytes)
{
	volatile struct request *request = &disk->requests[slot];
	uint64_t pa = disk->requests_pa + (uint64_t)slot * sizeof(*request);
	unsigned first = (unsigned)slot * PARTS, part = first;

	request->type = type;
	request->sector = sector;
	request->answer = DISK_IOERR;
	describe(disk, part++, pa, offsetof(struct request, answer), PART_NEXT);
	if (page != 0)
		describe(disk, part++, physical(page), bytes,
			 type == DISK_READ ? PART_NEXT | PART_DEVICE_WRITES : PART_NEXT);
	describe(disk, part, pa + offsetof(struct request, answer), 1, PART_DEVICE_WRITES);
	disk->has |= 1U << slot;
	disk->available[2 + disk->given % disk->size] = (uint16_t)first;
	order();
	disk->available[1] = ++disk->given;
	order();
	put(disk, VIRTIO_NOTIFY, 0);
}

int disk_next_done(struct disk *disk, uint8_t *answer)
{
	uint32_t id;

	if (disk->is_broken || disk->used->index == disk->taken)
		return -1;
	order();
	id = disk->used->entry[disk->taken++ % disk->size].id;
	if (id % PARTS != 0 || id / PARTS >= disk->slots || (disk->has >> id / PARTS & 1) == 0) {
		disk->is_broken = true;
		return -1;
	}
	disk->has &= ~(1U << id / PARTS);
	*answer = disk->requests[id / PARTS].answer;
	return (int)(id / PARTS);
}
