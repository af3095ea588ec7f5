/* SPDX-License-Identifier: MIT */
/*
 * Pipes are endpoints: a write meets a read, nothing is stored in between. Up
 * to 31 bytes travel in the four words of a message; more go as a page, for
 * which the reader hands a free page of its own back. What a read has no room
 * for stays with the reader's descriptor.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPE_VALUE 0x65706970UL		/* value of the endpoint, for those who look */

/* Byte 0 of w[0]: bytes in the words, or PIPE_PAGE with the count above it. */
enum { PIPE_SHORT_MAX = 31, PIPE_PAGE = 0xff };

struct rest {
	uint64_t used;
	uint64_t size;
	uint8_t data[];
};

/* ---- reading ------------------------------------------------------------------ */

static uint64_t take_rest(int fd, void *buf, uint64_t n)
{
	struct rest *rest = os.rest[fd];

	if (n > rest->size - rest->used)
		n = rest->size - rest->used;
	memcpy(buf, rest->data + rest->used, n);
	rest->used += n;
	if (rest->used == rest->size)
		pipe_forget(fd);
	return n;
}

/* Gives out what fits and keeps the rest. */
static int64_t deliver(int fd, void *buf, uint64_t n, const uint8_t *data, uint64_t size)
{
	struct rest *rest;

	if (size <= n) {
		memcpy(buf, data, size);
		return (int64_t)size;
	}
	rest = malloc(sizeof(*rest) + size - n);
	if (rest == NULL)
		return -HV_ENOMEM;
	memcpy(buf, data, n);
	rest->used = 0;
	rest->size = size - n;
	memcpy(rest->data, data + n, size - n);
	os.rest[fd] = rest;
	return (int64_t)n;
}

/* A page has come: the writer gets a free one for it and goes on. */
static int64_t deliver_page(int fd, void *buf, uint64_t n, const struct hv_msg *msg)
{
	uint64_t size = msg->w[0] >> 8;
	hv_page swap = os.range_count > 0 ? hv_page_alloc() : 0;
	int64_t result;

	if (hv_reply(msg->from, swap, HV_NONE, 0, 0, 0, 0) < 0 && swap != 0)
		os_page_put(swap);
	result = hv_map_parcel(SCRATCH_VA, msg->page, 0);
	if (result < 0) {
		if (hv_free_parcel(msg->page) == 0)
			os_page_put(msg->page);
		return result;
	}
	if (size > HV_PAGE_SIZE)
		size = HV_PAGE_SIZE;
	result = deliver(fd, buf, n, (const uint8_t *)SCRATCH_VA, size);
	hv_unmap(SCRATCH_VA);
	return result;
}

static int64_t deliver_short(int fd, void *buf, uint64_t n, const struct hv_msg *msg)
{
	uint64_t size = msg->w[0] & 0xff;

	if (msg->page != 0) {
		hv_free_parcel(msg->page);	/* unless it came as a free page */
		os_page_put(msg->page);
	}
	return deliver(fd, buf, n, (const uint8_t *)msg->w + 1,
		size > PIPE_SHORT_MAX ? PIPE_SHORT_MAX : size);
}

static hv_time deadline_of(int fd)
{
	return os.fd.is_nonblock >> fd & 1 ? HV_NOWAIT : HV_FOREVER;
}

int64_t pipe_read(int fd, void *buf, uint64_t n)
{
	struct hv_msg msg;
	int64_t result;
	uint64_t flags = HV_WAIT_CHILD;

	if (os.rest[fd] != NULL)
		return (int64_t)take_rest(fd, buf, n);
	do {
		msg = hv_recv_msg((hv_handle)fd, deadline_of(fd), flags);
		if (msg.result == -HV_EINTR) {	/* a dead child may hold the other end */
			flags = os_bury_dead() ? HV_WAIT_CHILD : 0;
			result = 0;
			continue;
		}
		if (msg.result == -HV_EPIPE)
			return 0;	/* no writer is left: end of file */
		if (msg.result < 0)
			return msg.result;
		if ((msg.w[0] & 0xff) == PIPE_PAGE && msg.page != 0)
			result = deliver_page(fd, buf, n, &msg);
		else
			result = deliver_short(fd, buf, n, &msg);
	} while (result == 0);		/* a read of 0 bytes would mean the end */
	return result;
}

void pipe_forget(int fd)
{
	free(os.rest[fd]);
	os.rest[fd] = NULL;
}

/* ---- writing ------------------------------------------------------------------ */

/*
 * A writer does not hear of a dying child, which may hold the only read end;
 * so it looks from time to time.
 */
static hv_time write_deadline(int fd)
{
	return os.fd.is_nonblock >> fd & 1 ? HV_NOWAIT : hv_deadline_us(100000);
}

static int64_t write_short(int fd, const uint8_t *data, uint64_t n)
{
	uint64_t w[4] = { 0 };
	int64_t error;

	if (n > PIPE_SHORT_MAX)
		n = PIPE_SHORT_MAX;
	memcpy((uint8_t *)w + 1, data, n);
	w[0] |= n;
	while ((error = hv_send((hv_handle)fd, write_deadline(fd), 0, HV_NONE,
			w[0], w[1], w[2], w[3])) == -HV_ETIMEDOUT)
		os_bury_dead();
	return error < 0 ? error : (int64_t)n;
}

/* Returns true if the parcel was still self's. */
static bool drop_parcel(hv_page parcel)
{
	if (hv_free_parcel(parcel) < 0)
		return false;
	os_page_put(parcel);
	return true;
}

static int64_t send_page(int fd, hv_page parcel, uint64_t n)
{
	struct hv_msg reply;

	for (;;) {
		reply = hv_call_msg((hv_handle)fd, write_deadline(fd), parcel, HV_NONE,
			PIPE_PAGE | n << 8, 0, 0, 0);
		if (reply.result != -HV_ETIMEDOUT)
			break;
		os_bury_dead();
		if (hv_has_view() && hv_page_descs[parcel].owner != os.pid)
			return (int64_t)n;	/* it was read, only the answer is late */
	}
	if (reply.result < 0) {
		drop_parcel(parcel);
		return reply.result;
	}
	if (reply.page != 0)
		os_page_put(reply.page);
	return (int64_t)n;
}

static int64_t write_page(int fd, const uint8_t *data, uint64_t n)
{
	int64_t parcel;

	if (n > HV_PAGE_SIZE)
		n = HV_PAGE_SIZE;
	if (hv_map(SCRATCH_VA, HV_PERM_W) < 0)
		return write_short(fd, data, n);	/* no page: in small pieces */
	memcpy((uint8_t *)SCRATCH_VA, data, n);
	parcel = hv_unmap_parcel(SCRATCH_VA);
	return parcel < 0 ? parcel : send_page(fd, (hv_page)parcel, n);
}

int64_t pipe_write(int fd, const void *buf, uint64_t n)
{
	const uint8_t *data = buf;
	uint64_t done = 0;
	int64_t result;

	while (done < n) {
		if (n - done <= PIPE_SHORT_MAX || os.fd.is_nonblock >> fd & 1)
			result = write_short(fd, data + done, n - done);
		else
			result = write_page(fd, data + done, n - done);
		if (result < 0)
			return done > 0 && result != -HV_EPIPE ? (int64_t)done : result;
		done += (uint64_t)result;
	}
	return (int64_t)done;
}

/* ---- pipe(2) ------------------------------------------------------------------ */

static int64_t make_ends(int read_end, int write_end)
{
	hv_file file = hv_file_alloc();
	hv_handle handle = hv_handle_alloc();
	int64_t error;

	if (file == 0 || handle == HV_NONE)
		return -HV_ENOBUFS;
	error = hv_create(handle, file, HV_FILE_ENDPOINT, PIPE_VALUE);
	if (error == 0)
		error = hv_dup(handle, (hv_handle)read_end, HV_RIGHT_READ);
	if (error == 0) {
		error = hv_dup(handle, (hv_handle)write_end, HV_RIGHT_WRITE);
		if (error < 0)
			hv_close(os.pid, (hv_handle)read_end);
	}
	hv_close(os.pid, handle);
	return error;
}

int pipe(int fds[2])
{
	int read_end = fd_lowest(0);
	int write_end = read_end < 0 ? -1 : fd_lowest(read_end + 1);
	int64_t error;

	if (write_end < 0) {
		errno = EMFILE;
		return -1;
	}
	error = make_ends(read_end, write_end);
	if (error < 0) {
		errno = error == -HV_ENOBUFS ? ENFILE : hv_errno_of(error);
		return -1;
	}
	fd_set_open(&os.fd, read_end, FD_PIPE, HV_RIGHT_READ);
	fd_set_open(&os.fd, write_end, FD_PIPE, HV_RIGHT_WRITE);
	fds[0] = read_end;
	fds[1] = write_end;
	return 0;
}
