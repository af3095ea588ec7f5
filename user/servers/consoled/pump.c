/* SPDX-License-Identifier: MIT */
/*
 * Where keys come from: a child that does nothing but read the console, since
 * a process cannot wait for the console and for calls at a time. It calls with
 * each key, and waits until that has found a place: so keys that nobody takes stay in
 * the UART, and whoever types into a pipe waits. If the UART is the server's
 * there is no child, and keys wait in uart.c, and then in the UART.
 */
#include "consoled.h"

#include <unistd.h>

enum { FROM_CLIENTS = 3, TO_SERVER = 4 }; /* descriptors: the ends of the endpoint */

static hv_pid pump;    /* 0: frozen */
static int held = -1;  /* a key without a place; the pump waits */
static hv_pid freezer; /* 0: nobody */

_Noreturn static void read_keys(void)
{
	close(FROM_CLIENTS);
	for (;;) {
		int64_t key = hv_console_read(STDIN_FILENO, HV_FOREVER);

		if (key < 0 ||
		    hv_call(TO_SERVER, HV_FOREVER, 0, HV_NONE, PUMP_KEY, (uint64_t)key, 0, 0) < 0)
			_exit(1);
	}
}

bool pump_start(void)
{
	const struct hv_grants grants = { .pages = 8 };
	pid_t pid;

	if (uart_is_own())
		return true;
	pid = hv_fork_attr(&grants);
	if (pid == 0)
		read_keys();
	pump = pid < 0 ? 0 : (hv_pid)pid;
	return pid > 0;
}

void pump_stop(void)
{
	if (pump != 0)
		hv_reclaim(pump);
	pump = 0;
	held = -1;
}

static bool find_place(void)
{
	switch (held) {
	case BREAK_KEY:
		session_break(foreground);
		return true;
	case NEXT_SESSION:
		session_next();
		return true;
	}
	return session_type(foreground, (char)held);
}

/* The key in hand, if there is one. False: it has no place, or there is none. */
static bool place_key(void)
{
	if (held < 0 && uart_is_own() && foreground != NULL)
		held = uart_key();
	if (held < 0 || foreground == NULL || !find_place())
		return false;
	held = -1;
	session_feed(foreground);
	return true;
}

void pump_go_on(void)
{
	while (place_key())
		if (!uart_is_own() && freezer == 0)
			hv_reply(pump, 0, HV_NONE, 0, 0, 0, 0);
}

bool pump_call(const struct hv_msg *call)
{
	if (call->w[0] != PUMP_KEY || call->from != pump)
		return false;
	held = (int)(call->w[1] & 0xff);
	return true;
}

/* ---- no more keys ------------------------------------------------------------------- */

void pump_freeze(hv_pid who)
{
	freezer = who;
}

bool pump_is_freezing(void)
{
	return freezer != 0;
}

/* It waits for a key, and has none: it is in the console's set, and not yet ready. */
static bool is_reading(void)
{
	uint64_t bit = 1UL << pump % 64;

	return hv_procs[pump].wait_file == HV_FILE_CONSOLE_INDEX &&
	       (hv_files[HV_FILE_CONSOLE_INDEX].receivers.word[pump / 64] & bit) != 0;
}

void pump_try_freeze(void)
{
	if (freezer == 0 || (pump != 0 && !is_caller(pump) && !is_reading()))
		return;
	hv_reply(freezer, 0, HV_NONE, 0, (uint64_t)(held + 1), 0, 0);
	freezer = 0;
	pump_stop();
}
