/* SPDX-License-Identifier: MIT */
/*
 * Disks: calls to the server of one (user/servers/blkd), which is the service
 * "disk0", "disk1", ... of <hv8/service.h>.
 *
 * A call is hv_call(server, HV_FOREVER, page, HV_NONE, unit << HV_BLOCK_UNIT | op,
 * sector, count, 0), with the unit that hv_service_open tells.
 * The page is a parcel with the sectors, or for them; it moves to the server,
 * whose device reads or writes it, and comes back with the reply, in whose
 * w[0] is 0 or a negated error:
 *   -HV_EINVAL  count is not 1 .. HV_BLOCK_SECTORS, or it ends behind the last
 *               sector; no page, or a page without content
 *   -HV_EROFS   a write to a disk that is read-only
 *   -HV_EIO     the device says that it failed
 *   -HV_ENOSYS  no such operation
 *   -HV_ENOENT  no such unit
 * If the server dies in a call, the result is -HV_EPIPE, and the page is gone
 * with it: whether the disk was written nobody knows.
 */
#ifndef HV8_BLOCK_H
#define HV8_BLOCK_H

#include <hv8/libos.h>

enum { HV_BLOCK_UNIT = 8 };	/* bits of w[0] below the unit */
enum { HV_SECTOR = 512, HV_BLOCK_SECTORS = HV_PAGE_SIZE / HV_SECTOR };
enum { HV_EIO = 5, HV_EROFS = 30 };	/* beside enum hv_error */

enum hv_block_op {
	HV_BLOCK_INFO = 1,	/* w[1] sectors, w[2] flags, w[3] requests << 32 | interrupts */
	HV_BLOCK_READ = 2,
	HV_BLOCK_WRITE = 3,
	HV_BLOCK_FLUSH = 4,	/* what was written is there after a loss of power */
};

enum hv_block_flags { HV_BLOCK_READONLY = 1, HV_BLOCK_LEGACY = 2 };

struct hv_block {
	char name[HV_NAME_BYTES + 1];
	hv_handle server;
	uint64_t unit;
	uint8_t *page;		/* what is read or written; between calls it is here */
};

struct hv_block_info {
	uint64_t sectors;
	uint64_t flags;
	uint64_t requests;	/* that its server has given to the device, modulo 2^32 */
	uint64_t interrupts;	/* that the server had for them, likewise */
};

/* Errors are those of hv_service_open. */
int64_t hv_block_open(struct hv_block *disk, const char *name);
int64_t hv_block_close(struct hv_block *disk);

/* Opens it anew, after -HV_EPIPE: likewise. */
int64_t hv_block_reopen(struct hv_block *disk);

/* Errors as above, or those of hv_call. */
int64_t hv_block_info(const struct hv_block *disk, struct hv_block_info *info);
int64_t hv_block_read(struct hv_block *disk, uint64_t sector, void *data, uint64_t count);
int64_t hv_block_write(struct hv_block *disk, uint64_t sector, const void *data, uint64_t count);
int64_t hv_block_flush(const struct hv_block *disk);

#endif
