/* SPDX-License-Identifier: MIT */
/*
 * The console: one byte for each hypercall, so output is plain and input is
 * edited here; or a session with the console's server: tty.c.
 */
#include "os.h"

#include <hv8/edit.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- output ------------------------------------------------------------------- */

static int64_t put_byte(int fd, uint8_t byte)
{
	int64_t error;

	while ((error = hv_console_write((hv_handle)fd, byte)) == -HV_EAGAIN)
		hv_yield();
	return error;
}

int64_t console_write_all(int fd, const void *buf, uint64_t n)
{
	const uint8_t *byte = buf;
	int64_t error = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (byte[i] == '\n')
			error = put_byte(fd, '\r');
		if (error == 0)
			error = put_byte(fd, byte[i]);
		if (error < 0)
			return i > 0 ? (int64_t)i : error;
	}
	return (int64_t)n;
}

/* ---- keys --------------------------------------------------------------------- */

/* Typed to a server that was left since. */
static char pushed[1024];
static size_t pushed_used, pushed_size;

void hv_ungetkey(char key)
{
	if (pushed_size < sizeof(pushed))
		pushed[pushed_size++] = key;
}

int hv_getkey(int fd, int64_t timeout_us)
{
	hv_time deadline = timeout_us < 0 ? HV_FOREVER : timeout_us == 0 ? HV_NOWAIT
		: hv_deadline_us((uint64_t)timeout_us);
	int64_t byte;

	if (os.fd.kind[fd] == FD_TTY)
		return tty_getkey(fd, timeout_us);
	if (pushed_used < pushed_size)
		return (unsigned char)pushed[pushed_used++];
	pushed_used = pushed_size = 0;
	byte = hv_console_read((hv_handle)fd, deadline);
	return byte < 0 ? -1 : (int)byte;
}

/* ---- a line ------------------------------------------------------------------- */

static void show(void *arg, const char *text, size_t length)
{
	console_write_all((int)(intptr_t)arg, text, length);
}

int hv_readline(int fd, const char *prompt, char *buf, size_t n, struct hv_history *history)
{
	struct hv_edit line = {
		.show = show, .arg = (void *)(intptr_t)fd, .prompt = prompt, .buf = buf, .size = n,
		.history = history,
	};
	enum hv_edit_result result = HV_EDIT_MORE;

	if (n == 0)
		return -1;
	if (os.fd.kind[fd] == FD_TTY)
		return tty_readline(fd, prompt, buf, n, history != NULL);
	console_write_all(fd, prompt, strlen(prompt));
	while (result == HV_EDIT_MORE) {
		int key = hv_getkey(fd, line.escape != 0 ? HV_EDIT_ESCAPE_US : -1);

		if (key == -1 && line.escape == 0)
			return -1;
		result = hv_edit_key(&line, key);
	}
	return result == HV_EDIT_LINE ? (int)line.used : result == HV_EDIT_BREAK ? -2 : -1;
}

/* ---- read(2) ------------------------------------------------------------------ */

int64_t console_read_line(int fd, void *buf, uint64_t n)
{
	static char line[256];
	static uint64_t used, size;
	int length;

	if (used == size) {
		if (os.fd.is_nonblock >> fd & 1) {
			length = hv_getkey(fd, 0);
			*(char *)buf = (char)length;
			return length < 0 ? -HV_EAGAIN : 1;
		}
		length = hv_readline(fd, "", line, sizeof(line) - 1, NULL);
		if (length < 0)
			return length == -1 ? 0 : -HV_EINTR;
		line[length] = '\n';
		used = 0;
		size = (uint64_t)length + 1;
	}
	if (n > size - used)
		n = size - used;
	memcpy(buf, line + used, n);
	used += n;
	return (int64_t)n;
}
