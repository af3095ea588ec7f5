/* SPDX-License-Identifier: MIT */
/*
 * blkd: the server of a virtio disk, which it drives: <hv8/block.h>. Whoever
 * starts it gives it the disk's page of registers and its line, and the end to
 * read of a pipe as descriptor 3: that is the endpoint for calls. It ends when
 * nobody is left who may call. With an argument N it crashes in its N-th
 * request, for tests of who is to bear that.
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

/* Who waits for the device to be done with a slot; a client waits for one at a time. */
static struct client {
	hv_pid pid;	/* 0: gone */
	hv_page page;
} clients[SLOTS];

static uint32_t requests;
static uint32_t crash_at;	/* 0: never */

static void answer(hv_pid pid, hv_page page, int64_t result)
{
	uint64_t counts = (uint64_t)requests << 32 | disk_interrupts();

	if (hv_reply(pid, page, HV_NONE, (uint64_t)result, disk_sectors(), disk_flags(),
		     counts) < 0)
		hv_drop_page(page);	/* it does not wait any more */
}

/* ---- what is asked for ---------------------------------------------------------------- */

static int64_t check_transfer(const struct hv_msg *call)
{
	uint64_t sector = call->w[1], count = call->w[2], sectors = disk_sectors();

	if (count == 0 || count > HV_BLOCK_SECTORS || sector > sectors || count > sectors - sector)
		return -HV_EINVAL;
	/* a free page is zeroed when it is mapped, and what it held is nobody's business */
	if (call->page == 0 || hv_page_descs[call->page].type != HV_PAGE_PARCEL)
		return -HV_EINVAL;
	if (call->w[0] == HV_BLOCK_WRITE && disk_flags() & HV_BLOCK_READONLY)
		return -HV_EROFS;
	return 0;
}

/* 0: it can be given to the device. */
static int64_t check(const struct hv_msg *call)
{
	switch (call->w[0]) {
	case HV_BLOCK_READ:
	case HV_BLOCK_WRITE:
		return check_transfer(call);
	case HV_BLOCK_FLUSH:
		return call->page == 0 ? 0 : -HV_EINVAL;
	}
	return -HV_ENOSYS;
}

static void submit(const struct hv_msg *call)
{
	int slot = disk_free_slot();

	/* it may have died and its pid be another's by now: then nothing is its */
	for (int i = 0; i < SLOTS; i++)
		if (clients[i].pid == call->from)
			clients[i].pid = 0;
	clients[slot] = (struct client){ call->from, call->page };
	if (++requests == crash_at)
		__builtin_trap();
	if (call->w[0] == HV_BLOCK_FLUSH)
		disk_submit(slot, DISK_FLUSH, 0, 0, 0);
	else
		disk_submit(slot, call->w[0] == HV_BLOCK_READ ? DISK_READ : DISK_WRITE, call->w[1],
			    call->page, (uint32_t)call->w[2] * HV_SECTOR);
}

static void accept(const struct hv_msg *call)
{
	int64_t result = check(call);

	if (call->handle != HV_NONE) {	/* nobody asked for one */
		hv_close((hv_pid)hv_self(), call->handle);
		hv_set_recv_slot(call->handle);
	}
	if (call->w[0] == HV_BLOCK_INFO)
		answer(call->from, call->page, 0);
	else if (result == 0 && call->w[0] == HV_BLOCK_FLUSH && !disk_can_flush())
		answer(call->from, 0, 0);	/* such a device keeps nothing back */
	else if (result == 0)
		submit(call);
	else
		answer(call->from, call->page, result);
}

/* ---- what is done ----------------------------------------------------------------------- */

static void answer_done(void)
{
	uint8_t said;
	int slot;

	while ((slot = disk_next_done(&said)) >= 0) {
		struct client client = clients[slot];

		clients[slot] = (struct client){ 0 };
		if (client.pid == 0)
			hv_drop_page(client.page);
		else
			answer(client.pid, client.page, said == DISK_OK ? 0 :
			       said == DISK_UNSUPPORTED ? -HV_ENOSYS : -HV_EIO);
	}
}

static int serve(void)
{
	hv_irq_mask();
	hv_set_recv_slot(hv_handle_alloc());
	while (!disk_is_broken()) {
		struct hv_msg call = { .result = -HV_EINTR };

		answer_done();
		if (disk_free_slot() >= 0)
			call = hv_irq_recv(ENDPOINT, HV_FOREVER);
		else
			hv_irq_wait();
		if (call.result == 0)
			accept(&call);
		else if (call.result == -HV_EPIPE)
			return 0;
		else if (call.result != -HV_EINTR)
			return BROKEN;
		hv_irq_unmask();	/* those that are pending come here */
		hv_irq_mask();
	}
	return BROKEN;
}

int main(int argc, char **argv)
{
	const char *problem = disk_start();
	int status;

	if (argc > 1)
		crash_at = (uint32_t)strtoul(argv[1], NULL, 10);
	if (problem != NULL) {
		hv_dprintf(STDERR_FILENO, "blkd: %s\n", problem);
		return WORKS_NOT;
	}
	status = serve();
	disk_stop();
	if (status == BROKEN)
		kill(getpid(), SIGABRT);	/* a new one may fare better */
	return status;
}
