/* SPDX-License-Identifier: MIT */
/*
 * blkd: the server of the virtio disks in a page of registers, which it
 * drives: <hv8/block.h>. Whoever starts it gives it that page and the disks'
 * lines, and the end to read of a pipe as descriptor 3: that is the endpoint for
 * calls. It ends when nobody is left who may call. With an argument N it
 * crashes in its N-th request, for tests of who is to bear that.
 *
 * Pages of clients are never mapped here: the device itself reads and writes them.
 */
#include "blkd.h"

#include <hv8/irq.h>
#include <hv8/service.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENDPOINT = 3, WORKS_NOT = 1, BROKEN = 2 };

/* Who waits for a device to be done with a slot; a client waits for one at a time. */
static struct client {
	hv_pid pid; /* 0: gone */
	hv_page page;
} clients[DISKS][SLOTS];

/* A request that waits for a slot, by its client's pid. */
static struct request_kept {
	struct disk *disk; /* NULL: none */
	uint64_t op, sector, count;
	hv_page page;
} kept[HV_NPROC];

static uint32_t requests;
static uint32_t crash_at; /* 0: never */

static void answer(const struct disk *disk, hv_pid pid, hv_page page, int64_t result)
{
	uint64_t counts = (uint64_t)requests << 32 | disk->interrupts;

	if (hv_reply(pid, page, HV_NONE, (uint64_t)result, disk_sectors(disk), disk_flags(disk),
		     counts) < 0)
		hv_drop_page(page); /* it does not wait any more */
}

/* ---- what is asked for ---------------------------------------------------------------- */

static int64_t check_transfer(const struct disk *disk, uint64_t op, const struct hv_msg *call)
{
	uint64_t sector = call->w[1], count = call->w[2], sectors = disk_sectors(disk);

	if (count == 0 || count > HV_BLOCK_SECTORS || sector > sectors || count > sectors - sector)
		return -HV_EINVAL;
	/* a free page is zeroed when it is mapped, and what it held is nobody's business */
	if (call->page == 0 || hv_page_descs[call->page].type != HV_PAGE_PARCEL)
		return -HV_EINVAL;
	if (op == HV_BLOCK_WRITE && disk_flags(disk) & HV_BLOCK_READONLY)
		return -HV_EROFS;
	return 0;
}

/* 0: it can be given to the device. */
static int64_t check(const struct disk *disk, uint64_t op, const struct hv_msg *call)
{
	switch (op) {
	case HV_BLOCK_READ:
	case HV_BLOCK_WRITE:
		return check_transfer(disk, op, call);
	case HV_BLOCK_FLUSH:
		return call->page == 0 ? 0 : -HV_EINVAL;
	}
	return -HV_ENOSYS;
}

static void submit(int slot, hv_pid pid, const struct request_kept *request)
{
	struct disk *disk = request->disk;

	clients[disk - disks][slot] = (struct client){ pid, request->page };
	if (++requests == crash_at)
		__builtin_trap();
	if (request->op == HV_BLOCK_FLUSH)
		disk_submit(disk, slot, DISK_FLUSH, 0, 0, 0);
	else
		disk_submit(disk, slot, request->op == HV_BLOCK_READ ? DISK_READ : DISK_WRITE,
			    request->sector, request->page, (uint32_t)request->count * HV_SECTOR);
}

/* It calls again: what it asked for before was by another of that pid, or was given up. */
static void forget(hv_pid pid)
{
	for (unsigned i = 0; i < disk_count; i++)
		for (int slot = 0; slot < SLOTS; slot++)
			if (clients[i][slot].pid == pid)
				clients[i][slot].pid = 0;
	if (kept[pid].disk != NULL)
		hv_drop_page(kept[pid].page);
	kept[pid].disk = NULL;
}

static void accept_for(struct disk *disk, const struct hv_msg *call)
{
	uint64_t op = call->w[0] & ((1U << HV_BLOCK_UNIT) - 1);
	struct request_kept request = { disk, op, call->w[1], call->w[2], call->page };
	int64_t result = check(disk, op, call);

	if (op == HV_BLOCK_INFO)
		answer(disk, call->from, call->page, 0);
	else if (result == 0 && op == HV_BLOCK_FLUSH && !disk_can_flush(disk))
		answer(disk, call->from, 0, 0); /* such a device keeps nothing back */
	else if (result < 0)
		answer(disk, call->from, call->page, result);
	else if (disk_free_slot(disk) >= 0)
		submit(disk_free_slot(disk), call->from, &request);
	else
		kept[call->from] = request;
}

static void accept(const struct hv_msg *call)
{
	uint64_t unit = call->w[0] >> HV_BLOCK_UNIT;

	forget(call->from);
	if (unit < disk_count)
		accept_for(&disks[unit], call);
	else
		answer(&disks[0], call->from, call->page, -HV_ENOENT);
}

/* ---- what is done ----------------------------------------------------------------------- */

static bool waits(hv_pid pid)
{
	return hv_procs[hv_self()].callers.word[pid / 64] >> pid % 64 & 1;
}

/* The next in circular order of the pids whose requests wait for a slot. */
static void submit_kept(struct disk *disk)
{
	static hv_pid last;

	for (int i = 0; i < HV_NPROC && disk_free_slot(disk) >= 0; i++) {
		hv_pid pid = (last + 1) % HV_NPROC;

		last = pid;
		if (kept[pid].disk != disk)
			continue;
		if (waits(pid))
			submit(disk_free_slot(disk), pid, &kept[pid]);
		else
			hv_drop_page(kept[pid].page);
		kept[pid].disk = NULL;
	}
}

static void answer_done(struct disk *disk)
{
	uint8_t said;
	int slot;

	while ((slot = disk_next_done(disk, &said)) >= 0) {
		struct client *place = &clients[disk - disks][slot], client = *place;

		*place = (struct client){ 0 };
		if (client.pid == 0)
			hv_drop_page(client.page);
		else
			answer(disk, client.pid, client.page,
			       said == DISK_OK            ? 0
			       : said == DISK_UNSUPPORTED ? -HV_ENOSYS
							  : -HV_EIO);
	}
	submit_kept(disk);
}

/* False: one does not work any more. */
static bool look_after_all(void)
{
	bool work = true;

	for (unsigned i = 0; i < disk_count; i++) {
		answer_done(&disks[i]);
		work = work && !disk_is_broken(&disks[i]);
	}
	return work;
}

static int serve(void)
{
	hv_irq_mask();
	while (look_after_all()) {
		struct hv_msg call = hv_recv_closing(ENDPOINT, HV_FOREVER, HV_WAIT_IRQ);

		if (call.result == 0)
			accept(&call);
		else if (call.result == -HV_EPIPE)
			return 0;
		else if (call.result != -HV_EINTR)
			return BROKEN;
		hv_irq_unmask(); /* those that are pending come here */
		hv_irq_mask();
	}
	return BROKEN;
}

int main(int argc, char **argv)
{
	const char *problem = disks_start();
	int status;

	if (argc > 1)
		crash_at = (uint32_t)strtoul(argv[1], NULL, 10);
	if (problem != NULL) {
		hv_dprintf(STDERR_FILENO, "blkd: %s\n", problem);
		return WORKS_NOT;
	}
	status = serve();
	disks_stop();
	if (status == BROKEN)
		kill(getpid(), SIGABRT); /* a new one may fare better */
	return status;
}
