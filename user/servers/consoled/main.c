/* SPDX-License-Identifier: MIT */
/*
 * consoled: the server of the console: <hv8/tty.h>. The registry gives it the
 * console as descriptors 0 to 2, and the ends of its endpoint as 3, to receive,
 * and 4, to call. The UART is the kernel's then: this reads and writes it by
 * hypercalls, and is alone in doing so as long as all others are its clients.
 * With the boot option uart=process it is given the UART itself, and its line,
 * instead: uart.c. With an argument N it ends in its N-th call, for tests of who
 * is to bear that: it exits if N is odd, else it crashes.
 */
#include "consoled.h"

#include <hv8/irq.h>
#include <hv8/service.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENDPOINT = 3, SOON_US = 5000, LOOK_US = 20000 };

static hv_handle slot = HV_NONE; /* for the handle that comes with HV_TTY_OPEN */

/* The handle that came: nobody wants it. */
static void close_handle(hv_handle handle)
{
	if (handle != HV_NONE)
		hv_close((hv_pid)hv_self(), handle);
}

static void answer(const struct hv_msg *call, int64_t result, uint64_t w1, uint64_t w2, uint64_t w3)
{
	if (hv_reply(call->from, call->page, HV_NONE, (uint64_t)result, w1, w2, w3) < 0)
		hv_drop_page(call->page);
}

/* ---- what is asked for --------------------------------------------------------------- */

static void open_session(const struct hv_msg *call)
{
	struct session *session;
	int64_t error = call->handle == HV_NONE
				? -HV_EINVAL
				: session_open(call->w[1], call->from, call->handle, &session);

	if (error < 0)
		close_handle(call->handle);
	answer(call, error, error < 0 ? 0 : session->word, 0, 0);
}

/* Bytes that came in a page. */
static int64_t write_page(struct session *session, hv_pid writer, hv_page page, uint64_t count)
{
	static const char *window;
	int64_t error;

	if (window == NULL)
		window = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);
	if (window == NULL)
		return -HV_ENOMEM;
	error = hv_map_parcel((uintptr_t)window, page, 0);
	if (error < 0)
		return -HV_EINVAL;
	screen_write(session, writer, window, count);
	hv_unmap_parcel((uintptr_t)window);
	return 0;
}

static void write_text(struct session *session, const struct hv_msg *call)
{
	uint64_t count = call->w[0] >> HV_TTY_COUNT;
	int64_t error = 0;

	if (count > (call->page != 0 ? HV_PAGE_SIZE : HV_TTY_SHORT))
		error = -HV_EINVAL;
	else if (call->page != 0)
		error = write_page(session, call->from, call->page, count);
	else
		screen_write(session, call->from, (const char *)&call->w[2], count);
	answer(call, error, count, 0, 0);
}

static void read_line(struct session *session, const struct hv_msg *call)
{
	int64_t error = call->page != 0 && hv_page_descs[call->page].type == HV_PAGE_PARCEL
				? session_read(session, READS_LINE, call)
				: -HV_EINVAL;

	if (error < 0)
		answer(call, error, 0, 0, 0);
}

static void read_key(struct session *session, const struct hv_msg *call)
{
	int64_t error = call->page != 0 ? -HV_EINVAL : 0;

	if (error == 0 && call->w[2] == 1 &&
	    (session != foreground || !session_has_key(session) ||
	     !session_may_read(session, call->from)))
		error = -HV_EAGAIN;
	if (error == 0)
		error = session_read(session, READS_KEY, call);
	if (error < 0)
		answer(call, error, 0, 0, 0);
}

static void wait_for_break(struct session *session, const struct hv_msg *call)
{
	bool has_break = session->has_break;

	if (call->from != session->owner) {
		answer(call, -HV_EINVAL, 0, 0, 0);
		return;
	}
	session->has_break = false;
	session->is_waiting = !has_break;
	session->is_breaking = has_break;
	answer(call, 0, has_break, 0, 0);
}

static void list(const struct hv_msg *call)
{
	uint64_t left = call->w[2];

	for (int i = 0; i < HV_TTY_SESSIONS; i++) {
		if (sessions[i].word == 0 || left-- > 0)
			continue;
		answer(call, 0, HV_TTY_NUMBER(sessions[i].word), sessions[i].owner,
		       &sessions[i] == foreground);
		return;
	}
	answer(call, -HV_ENOENT, 0, 0, 0);
}

static void bring_forward(const struct hv_msg *call)
{
	struct session *session =
		call->w[2] > 0 && call->w[2] <= HV_TTY_SESSIONS ? &sessions[call->w[2] - 1] : NULL;

	if (session == NULL || session->word == 0) {
		answer(call, -HV_ENOENT, 0, 0, 0);
		return;
	}
	answer(call, 0, 0, 0, 0);
	session_switch(session);
}

static void serve_session(struct session *session, const struct hv_msg *call)
{
	uint64_t op = call->w[0] & ((1U << HV_TTY_COUNT) - 1);

	if (call->from == session->owner) {
		session->is_waiting = false;
		session->is_breaking = session->is_breaking && op == HV_TTY_WRITE;
	}
	switch (op) {
	case HV_TTY_CLOSE:
		session_end(session);
		answer(call, 0, 0, 0, 0);
		return;
	case HV_TTY_WRITE:
		write_text(session, call);
		return;
	case HV_TTY_READ:
		read_line(session, call);
		return;
	case HV_TTY_KEY:
		read_key(session, call);
		return;
	case HV_TTY_WAIT:
		wait_for_break(session, call);
		return;
	case HV_TTY_LIST:
		list(call);
		return;
	case HV_TTY_FOREGROUND:
		bring_forward(call);
		return;
	case HV_TTY_FREEZE:
		if (uart_is_own())
			break;
		pump_freeze(call->from);
		return;
	}
	answer(call, -HV_ENOSYS, 0, 0, 0);
}

static bool is_message(const struct hv_msg *call)
{
	uint64_t count = call->w[0] >> HV_TTY_COUNT;

	if (call->from != HV_INIT_PID || call->w[0] != (HV_TTY_LOG | count << HV_TTY_COUNT) ||
	    count > HV_LOG_BYTES)
		return false;
	screen_log((const char *)&call->w[1], count);
	return true;
}

static void serve(const struct hv_msg *call)
{
	struct session *session = session_find(call->w[1]);

	if (pump_call(call) || is_message(call))
		return;
	if (call->w[0] == HV_TTY_OPEN) {
		open_session(call);
		return;
	}
	close_handle(call->handle);
	if (session == NULL)
		answer(call, -HV_ESTATE, 0, 0, 0);
	else
		serve_session(session, call);
}

/* ---- the loop ----------------------------------------------------------------------------- */

static bool edits_escape(void)
{
	return foreground != NULL && foreground->kind == READS_LINE && foreground->edit.escape != 0;
}

/* A break that its owner is about to wait for is sent again soon. */
static hv_time deadline(void)
{
	bool is_soon = pump_is_freezing();

	for (int i = 0; i < HV_TTY_SESSIONS; i++)
		is_soon = is_soon || (sessions[i].word != 0 && sessions[i].has_break &&
				      sessions[i].is_waiting);
	return is_soon          ? hv_deadline_us(SOON_US)
	       : edits_escape() ? hv_deadline_us(HV_EDIT_ESCAPE_US)
	       : uart_is_own() && uart_may_be_deaf() ? hv_deadline_us(LOOK_US)
						     : HV_FOREVER;
}

static void look_after_all(void)
{
	sessions_check();
	for (int i = 0; i < HV_TTY_SESSIONS; i++)
		if (sessions[i].word != 0)
			session_send_break(&sessions[i]);
	pump_go_on();
	pump_try_freeze();
}

static struct hv_msg receive(void)
{
	struct hv_msg call;

	if (slot == HV_NONE) {
		slot = hv_handle_alloc();
		hv_set_recv_slot(slot);
	}
	call = hv_recv_msg(ENDPOINT, deadline(), uart_is_own() ? HV_WAIT_IRQ : HV_WAIT_CHILD);
	if (call.result == 0 && call.handle != HV_NONE)
		slot = HV_NONE;
	if (uart_is_own()) { /* an interrupt that is pending comes here */
		hv_irq_unmask();
		hv_irq_mask();
		uart_look();
	}
	return call;
}

/* There is more to do. A child that has died is the reader of keys. */
static bool goes_on(int64_t result)
{
	return result == 0 || result == -HV_ETIMEDOUT || (result == -HV_EINTR && uart_is_own());
}

_Noreturn static void end_for_a_test(unsigned long number)
{
	if (number % 2 != 0)
		_exit(1);
	__builtin_trap();
}

int main(int argc, char **argv)
{
	unsigned long number = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, left = number;
	struct hv_msg call = { 0 };

	if (uart_is_own() && !uart_start()) {
		hv_dprintf(STDERR_FILENO, "consoled: it was not given the UART\n");
		return 1;
	}
	while (goes_on(call.result)) {
		look_after_all();
		call = receive();
		if (call.result == 0 && left > 0 && --left == 0)
			end_for_a_test(number);
		if (call.result == 0)
			serve(&call);
		else if (call.result == -HV_ETIMEDOUT && edits_escape() && !uart_has_key())
			session_escape_ends(foreground);
	}
	/* the reader of keys has died, or there is something wrong: a new server may fare better */
	__builtin_trap();
}
