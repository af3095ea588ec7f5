/* SPDX-License-Identifier: MIT */
/* blkd: its disks, each with one queue, and what their devices are asked through it. */
#ifndef BLKD_H
#define BLKD_H

#include <hv8/block.h>
#include <hv8/virtio.h>

enum {
	DISKS = 8,		/* that have their registers in one page */
	SLOTS = 16,		/* requests that a device has at a time, at most */
};

/* Types of requests, and what the device answers (Virtio 1.2, 5.2.6). */
enum disk_type { DISK_READ = 0, DISK_WRITE = 1, DISK_FLUSH = 4 };
enum disk_answer { DISK_OK = 0, DISK_IOERR = 1, DISK_UNSUPPORTED = 2 };

struct disk {
	struct hv_virtio device;
	uint32_t version, features;
	unsigned slots;
	uint16_t size, given, taken;		/* entries of the queue; counts, modulo 2^16 */
	volatile struct descriptor *descriptors;
	volatile uint16_t *available;		/* flags, index, then the entries */
	volatile struct used *used;
	volatile struct request *requests;
	uint64_t requests_pa;
	uint32_t has;				/* slots that the device has, a set */
	bool is_broken;
	volatile uint32_t interrupts;
};

extern struct disk disks[DISKS];
extern unsigned disk_count;

/* All disks that self has work from here on; NULL, or why they do not. */
const char *disks_start(void);
void disks_stop(void);

uint64_t disk_sectors(const struct disk *disk);
uint64_t disk_flags(const struct disk *disk);	/* enum hv_block_flags */
bool disk_can_flush(const struct disk *disk);
bool disk_is_broken(const struct disk *disk);	/* it needs a reset, or has answered nonsense */

/* A slot that the device does not have, or -1. */
int disk_free_slot(const struct disk *disk);
/* `bytes` of a page of self's that is mapped nowhere are read or written; 0: no page. */
void disk_submit(struct disk *disk, int slot, enum disk_type type, uint64_t sector, hv_page page,
	uint32_t bytes);
/* A slot that the device has given back, or -1; *answer is then what it says. */
int disk_next_done(struct disk *disk, uint8_t *answer);

#endif
