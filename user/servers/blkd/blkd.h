/* SPDX-License-Identifier: MIT */
/* blkd: the disk's one queue, and what its device is asked through it. */
#ifndef BLKD_H
#define BLKD_H

#include <hv8/block.h>
#include <hv8/virtio.h>

enum { SLOTS = 16 };	/* requests that the device has at a time, at most */

/* Types of requests, and what the device answers (Virtio 1.2, 5.2.6). */
enum disk_type { DISK_READ = 0, DISK_WRITE = 1, DISK_FLUSH = 4 };
enum disk_answer { DISK_OK = 0, DISK_IOERR = 1, DISK_UNSUPPORTED = 2 };

/* The disk works from here on; NULL, or why it does not. */
const char *disk_start(void);
void disk_stop(void);

uint64_t disk_sectors(void);
uint64_t disk_flags(void);	/* enum hv_block_flags */
bool disk_can_flush(void);
uint32_t disk_interrupts(void);
bool disk_is_broken(void);	/* it needs a reset, or has answered nonsense */

/* A slot that the device does not have, or -1. */
int disk_free_slot(void);
/* `bytes` of a page of self's that is mapped nowhere are read or written; 0: no page. */
void disk_submit(int slot, enum disk_type type, uint64_t sector, hv_page page, uint32_t bytes);
/* A slot that the device has given back, or -1; *answer is then what it says. */
int disk_next_done(uint8_t *answer);

#endif
