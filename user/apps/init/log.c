/* SPDX-License-Identifier: MIT */
/*
 * Where the UART is a process's: messages of init, the registry and servers
 * wait here until the console's server takes them. Init never waits for that,
 * since it may wait for init. Which endpoint it serves the registry says.
 */
#include "init.h"

#include <hv8/tty.h>

#include <string.h>

enum {
	HANDLE_CONSOLE = 59, /* to call its server */
	HANDLE_COMES = 60,   /* where a handle arrives */
	BYTES = 8192,
	TRIES = 512,
	SOON_US = 10000,
	PATIENCE = 200, /* of these */
};

static char kept[BYTES];
static uint64_t added, shown; /* bytes ever */
static bool is_on, has_console;

/* What finds no room is lost: the first messages say more than the last. */
static void add(const char *text, size_t length)
{
	for (size_t i = 0; i < length && added - shown < BYTES; i++)
		kept[added++ % BYTES] = text[i];
}

void log_start(hv_handle service)
{
	is_on = true;
	hv_set_recv_slot(HANDLE_COMES);
	hv_log_begin(service, add);
}

bool log_is_on(void)
{
	return is_on;
}

int64_t log_add(const struct hv_msg *msg)
{
	uint64_t count = msg->w[0] >> HV_LOG_COUNT;

	if (!is_on || count > HV_LOG_BYTES)
		return -HV_EINVAL;
	add((const char *)&msg->w[1], count);
	return 0;
}

void log_handle(const struct hv_msg *msg)
{
	if (msg->w[0] == HV_INIT_CONSOLE && registry_is((pid_t)msg->from))
		has_console = hv_dup2(msg->handle, HANDLE_CONSOLE) == 0;
	hv_close(HV_INIT_PID, msg->handle);
}

/* Some bytes; false: it is not receiving. */
static bool show_some(void)
{
	uint64_t left = added - shown, n = left < HV_LOG_BYTES ? left : HV_LOG_BYTES, w[3] = { 0 };
	int64_t error;

	for (uint64_t i = 0; i < n; i++)
		((char *)w)[i] = kept[(shown + i) % BYTES];
	error = hv_send(HANDLE_CONSOLE, HV_NOWAIT, 0, HV_NONE, HV_TTY_LOG | n << HV_TTY_COUNT, w[0],
			w[1], w[2]);
	if (error == 0)
		shown += n;
	else if (error != -HV_EAGAIN) { /* there will be another */
		has_console = false;
		hv_close(HV_INIT_PID, HANDLE_CONSOLE);
	}
	return error == 0;
}

void log_show(void)
{
	for (int tries = 0; tries < TRIES && has_console && added != shown && show_some(); tries++)
		hv_yield(); /* to who takes it */
}

hv_time log_deadline(void)
{
	return has_console && added != shown ? hv_deadline_us(SOON_US) : HV_FOREVER;
}

void log_end(void)
{
	for (int i = 0; i < PATIENCE && log_deadline() != HV_FOREVER; i++) {
		log_show();
		hv_sleep_until(hv_deadline_us(SOON_US));
	}
}
