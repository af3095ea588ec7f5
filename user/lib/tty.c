/* SPDX-License-Identifier: MIT */
/* Descriptors that are a session with the console's server. */
#include "os.h"

#include <hv8/service.h>
#include <hv8/tty.h>
#include <string.h>

enum {
	TRIES = 5, /* of who finds that the server dies */
	PATIENCE_US = 10000000,
	PAUSE_US = 5000,
};

static uint64_t lost_since; /* the session; 0: it is there */

uint64_t hv_tty_session(void)
{
	return os.fd.tty;
}

static int any_fd(void)
{
	for (int fd = 0; fd < HV8_NFD; fd++)
		if (os.fd.kind[fd] == FD_TTY)
			return fd;
	return -1;
}

/* ---- opening -------------------------------------------------------------------- */

/*
 * An endpoint for the break key: self keeps the end to read alone, so that it
 * hears of the server's death, and the result is the end to write.
 */
static int64_t make_event(void)
{
	int64_t both = hv_endpoint_new(0), error, write_end;
	hv_handle read_end = both < 0 ? HV_NONE : hv_handle_alloc();

	if (both < 0)
		return both;
	error = hv_dup((hv_handle)both, read_end, HV_RIGHT_READ);
	write_end = (int64_t)hv_handle_alloc();
	if (error == 0) {
		error = hv_dup((hv_handle)both, (hv_handle)write_end, HV_RIGHT_WRITE);
		if (error < 0)
			hv_close(os.pid, read_end);
	}
	hv_close(os.pid, (hv_handle)both);
	if (error < 0)
		return error;
	os.tty_event = read_end;
	return write_end;
}

static void drop_event(void)
{
	if (os.tty_event != 0)
		hv_close(os.pid, os.tty_event);
	os.tty_event = 0;
}

/* The session, or an error. */
static int64_t open_session(hv_handle server, uint64_t session)
{
	struct hv_msg reply;
	int64_t event;

	drop_event();
	event = make_event();
	if (event < 0)
		return event;
	reply = hv_call_msg(server, HV_FOREVER, 0, (hv_handle)event, HV_TTY_OPEN, session, 0, 0);
	if (reply.result < 0)
		hv_close(os.pid, (hv_handle)event); /* unless it was received */
	else
		reply.result = (int64_t)reply.w[0];
	if (reply.result < 0)
		drop_event();
	return reply.result < 0 ? reply.result : (int64_t)reply.w[1];
}

/* Finds the server; a handle to it and the session, or an error. */
static int64_t find_session(uint64_t session, hv_handle *server)
{
	int64_t result = -HV_EPIPE;

	for (int tries = 0; result == -HV_EPIPE && tries < TRIES; tries++) {
		int64_t handle = hv_service_open("console", NULL);

		if (handle < 0)
			return handle;
		*server = (hv_handle)handle;
		result = open_session(*server, session);
		if (result < 0)
			hv_close(os.pid, *server);
	}
	return result;
}

int64_t hv_tty_open(void)
{
	hv_handle server;
	int64_t session = find_session(0, &server);

	if (session < 0)
		return session;
	for (int fd = 0; fd < 3; fd++) {
		pipe_forget(fd);
		hv_dup2(server, (hv_handle)fd);
		fd_set_open(&os.fd, fd, FD_TTY, HV_RIGHT_ALL);
	}
	os.fd.tty = (uint64_t)session;
	return hv_close(os.pid, server);
}

void hv_tty_close(void)
{
	if (os.tty_event != 0 && any_fd() >= 0)
		hv_call((hv_handle)any_fd(), HV_FOREVER, 0, HV_NONE, HV_TTY_CLOSE, os.fd.tty, 0, 0);
	drop_event();
	os.fd.tty = 0;
}

static void adopt(hv_handle server)
{
	for (int fd = 0; fd < HV8_NFD; fd++)
		if (os.fd.kind[fd] == FD_TTY)
			hv_dup2(server, (hv_handle)fd);
	hv_close(os.pid, server);
}

/*
 * Where the UART is the server's there is no console without one: it comes
 * again. True after a pause; false: it is elsewhere, or has been lost for long.
 */
static bool waits(void)
{
	if (!hv_has_view() || hv_bootinfo->uart_pa == 0)
		return false;
	if (lost_since == 0)
		lost_since = hv_now();
	if (hv_now() - lost_since > hv_ticks_of_us(PATIENCE_US))
		return false;
	hv_wait(hv_deadline_us(PAUSE_US), HV_NONE); /* no timer: that is the program's */
	hv_yield();
	return true;
}

/* The server has died: `why` is how that shows. True: it is to be asked again. Who has opened the
 * session opens it again; others wait for that, perhaps at another endpoint. */
static bool reopen(int64_t why)
{
	bool is_own = os.tty_event != 0;
	int64_t error = 0, service;
	hv_handle server;

	do {
		if (is_own)
			error = find_session(os.fd.tty, &server);
	} while (error < 0 && waits());
	if (is_own && error >= 0)
		adopt(server);
	if (is_own || !waits())
		return is_own && error >= 0;
	service = why == -HV_EPIPE ? hv_service_open("console", NULL) : -HV_ENOENT;
	if (service >= 0)
		adopt((hv_handle)service);
	return true;
}

/* ---- calls ------------------------------------------------------------------------ */

static struct hv_msg call(int fd, hv_time deadline, hv_page page, uint64_t op, uint64_t w2,
			  uint64_t w3)
{
	struct hv_msg reply =
		hv_call_msg((hv_handle)fd, deadline, page, HV_NONE, op, os.fd.tty, w2, w3);

	if (reply.result == 0)
		reply.result = (int64_t)reply.w[0];
	if (reply.result >= 0)
		lost_since = 0;
	return reply;
}

static bool is_lost(int64_t result)
{
	return result == -HV_EPIPE || result == -HV_ESTATE;
}

struct hv_msg hv_tty_ask(enum hv_tty_op op, uint64_t argument)
{
	int fd = any_fd();
	struct hv_msg reply = { .result = -HV_EBADF };

	if (fd < 0)
		return reply;
	do
		reply = call(fd, HV_FOREVER, 0, op, argument, 0);
	while (is_lost(reply.result) && reopen(reply.result));
	return reply;
}

/* A page with `n` bytes in it, as a parcel; 0: there is none. */
static hv_page make_page(const void *data, uint64_t n)
{
	int64_t parcel;

	if (hv_map(SCRATCH_VA, HV_PERM_W) < 0)
		return 0;
	memcpy((uint8_t *)SCRATCH_VA, data, n);
	parcel = hv_unmap_parcel(SCRATCH_VA);
	return parcel < 0 ? 0 : (hv_page)parcel;
}

/* What came back, or did not go. */
static void drop_page(hv_page sent, const struct hv_msg *reply)
{
	hv_page page = reply->page != 0 ? reply->page : sent;

	if (page != 0 && hv_free_parcel(page) == 0)
		os_page_put(page);
}

static int64_t write_some(int fd, const uint8_t *data, uint64_t n)
{
	hv_page page = n > HV_TTY_SHORT ? make_page(data, n) : 0;
	uint64_t w[2] = { 0, 0 };
	struct hv_msg reply;

	if (page == 0) {
		n = n > HV_TTY_SHORT ? HV_TTY_SHORT : n;
		memcpy(w, data, n);
	}
	reply = call(fd, HV_FOREVER, page, HV_TTY_WRITE | n << HV_TTY_COUNT, w[0], w[1]);
	drop_page(page, &reply);
	return reply.result < 0 ? reply.result : (int64_t)n;
}

int64_t tty_write(int fd, const void *buf, uint64_t n)
{
	const uint8_t *data = buf;
	uint64_t done = 0;

	while (done < n) {
		uint64_t size = n - done < HV_PAGE_SIZE ? n - done : HV_PAGE_SIZE;
		int64_t result = write_some(fd, data + done, size);

		if (result >= 0)
			done += (uint64_t)result;
		else if (!is_lost(result) || !reopen(result))
			return done > 0 ? (int64_t)done : result;
	}
	return (int64_t)done;
}

int tty_getkey(int fd, int64_t timeout_us)
{
	hv_time deadline = timeout_us > 0 ? hv_deadline_us((uint64_t)timeout_us) : HV_FOREVER;
	struct hv_msg reply;

	do
		reply = call(fd, deadline, 0, HV_TTY_KEY, timeout_us == 0, 0);
	while (is_lost(reply.result) && reopen(reply.result));
	return reply.result < 0 ? -1 : (int)reply.w[1];
}

/* Its line is in buf; or a negated error. */
static int64_t read_line(int fd, char *buf, size_t n, bool has_history, enum hv_edit_result *how)
{
	hv_page page = make_page("", 1);
	struct hv_msg reply;
	int64_t error;

	if (page == 0)
		return -HV_ENOMEM;
	reply = call(fd, HV_FOREVER, page, HV_TTY_READ, n > HV_TTY_LINE ? HV_TTY_LINE : n,
		     has_history);
	if (reply.result < 0 || reply.page == 0 || reply.w[1] >= n) {
		drop_page(page, &reply);
		return reply.result < 0 ? reply.result : -HV_EINVAL;
	}
	error = hv_map_parcel(SCRATCH_VA, reply.page, 0);
	if (error < 0) {
		drop_page(page, &reply);
		return error;
	}
	memcpy(buf, (const char *)SCRATCH_VA, reply.w[1]);
	buf[reply.w[1]] = 0;
	hv_unmap(SCRATCH_VA);
	*how = (enum hv_edit_result)reply.w[2];
	return (int64_t)reply.w[1];
}

int tty_readline(int fd, const char *prompt, char *buf, size_t n, bool has_history)
{
	enum hv_edit_result how = HV_EDIT_END;
	int64_t length;

	do {
		length = tty_write(fd, prompt, strlen(prompt));
		if (length >= 0)
			length = read_line(fd, buf, n, has_history, &how);
	} while (is_lost(length) && reopen(length));
	if (length < 0)
		return -1;
	return how == HV_EDIT_LINE ? (int)length : how == HV_EDIT_BREAK ? -2 : -1;
}

/* ---- waiting for the break key ------------------------------------------------------ */

void tty_wait(int fd)
{
	struct hv_msg msg;

	for (;;) {
		msg = call(fd, HV_FOREVER, 0, HV_TTY_WAIT, 0, 0);
		if (msg.result == 0 && msg.w[1] != 0)
			return;
		if (msg.result == 0)
			msg = hv_recv_msg(os.tty_event, HV_FOREVER, HV_WAIT_CHILD);
		if (msg.result == 0 || msg.result == -HV_EINTR)
			return;
		if (!reopen(msg.result)) { /* it will never be typed */
			hv_wait(HV_FOREVER, HV_NONE);
			return;
		}
	}
}
