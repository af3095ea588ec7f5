/* SPDX-License-Identifier: MIT */
/* Calls to the server of a disk. */
#include "os.h"

#include <hv8/block.h>
#include <hv8/service.h>

#include <string.h>

static int64_t open_service(struct hv_block *disk)
{
	int64_t server = hv_service_open(disk->name, &disk->unit);

	disk->server = server < 0 ? HV_NONE : (hv_handle)server;
	return server < 0 ? server : 0;
}

static void close_service(struct hv_block *disk)
{
	if (disk->server != HV_NONE)
		hv_close(os.pid, disk->server);
	disk->server = HV_NONE;
}

int64_t hv_block_open(struct hv_block *disk, const char *name)
{
	int64_t error;

	memset(disk, 0, sizeof(*disk));
	memcpy(disk->name, name, strnlen(name, HV_NAME_BYTES));
	error = open_service(disk);
	if (error < 0)
		return error;
	disk->page = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);
	if (disk->page != NULL)
		return 0;
	close_service(disk);
	return -HV_ENOMEM;
}

int64_t hv_block_reopen(struct hv_block *disk)
{
	close_service(disk);
	return open_service(disk);
}

int64_t hv_block_close(struct hv_block *disk)
{
	close_service(disk);
	return hv_munmap(disk->page, HV_PAGE_SIZE);
}

static struct hv_msg call(const struct hv_block *disk, hv_page page, enum hv_block_op op,
	uint64_t sector, uint64_t count)
{
	return hv_call_msg(disk->server, HV_FOREVER, page, HV_NONE,
		disk->unit << HV_BLOCK_UNIT | op, sector, count, 0);
}

static int64_t result_of(const struct hv_msg *msg)
{
	return msg->result < 0 ? msg->result : (int64_t)msg->w[0];
}

/* If the server keeps the page, a new one comes when it is touched. */
static int64_t transfer(struct hv_block *disk, enum hv_block_op op, uint64_t sector, uint64_t count)
{
	int64_t parcel = hv_unmap_parcel((uintptr_t)disk->page), error;
	struct hv_msg msg;

	if (parcel < 0)
		return parcel;
	msg = call(disk, (hv_page)parcel, op, sector, count);
	error = hv_map_parcel((uintptr_t)disk->page,
		msg.result == 0 ? msg.page : (hv_page)parcel, HV_PERM_W);
	return result_of(&msg) < 0 ? result_of(&msg) : error;
}

int64_t hv_block_info(const struct hv_block *disk, struct hv_block_info *info)
{
	struct hv_msg msg = call(disk, 0, HV_BLOCK_INFO, 0, 0);

	*info = (struct hv_block_info){ msg.w[1], msg.w[2], msg.w[3] >> 32, (uint32_t)msg.w[3] };
	return result_of(&msg);
}

int64_t hv_block_flush(const struct hv_block *disk)
{
	struct hv_msg msg = call(disk, 0, HV_BLOCK_FLUSH, 0, 0);

	return result_of(&msg);
}

int64_t hv_block_read(struct hv_block *disk, uint64_t sector, void *data, uint64_t count)
{
	int64_t error;

	if (count > HV_BLOCK_SECTORS)
		return -HV_EINVAL;
	*(volatile uint8_t *)disk->page = 0;	/* so that there is one */
	error = transfer(disk, HV_BLOCK_READ, sector, count);
	if (error == 0)
		memcpy(data, disk->page, count * HV_SECTOR);
	return error;
}

int64_t hv_block_write(struct hv_block *disk, uint64_t sector, const void *data, uint64_t count)
{
	if (count > HV_BLOCK_SECTORS)
		return -HV_EINVAL;
	*(volatile uint8_t *)disk->page = 0;
	memcpy(disk->page, data, count * HV_SECTOR);
	return transfer(disk, HV_BLOCK_WRITE, sector, count);
}
