/* SPDX-License-Identifier: MIT */
/*
 * The console: one byte for each hypercall, so output is plain and input is
 * edited here. A terminal's keys come as bytes or as ESC [ sequences.
 */
#include "os.h"

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


int hv_getkey(int fd, int64_t timeout_us)
{
	hv_time deadline = timeout_us < 0 ? HV_FOREVER : timeout_us == 0 ? HV_NOWAIT
		: hv_deadline_us((uint64_t)timeout_us);
	int64_t byte = hv_console_read((hv_handle)fd, deadline);

	return byte < 0 ? -1 : (int)byte;
}

/* Keys that are no byte. */
enum { KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE, KEY_OTHER };

#define CTRL(c) ((c) & 0x1f)
enum { ESC = 27, RUBOUT = 127, ESC_TIMEOUT_US = 50000 };

static int read_number_key(int fd, int first)
{
	int end = hv_getkey(fd, ESC_TIMEOUT_US);

	while (end >= '0' && end <= ';')
		end = hv_getkey(fd, ESC_TIMEOUT_US);
	if (end != '~')
		return KEY_OTHER;
	return first == '3' ? KEY_DELETE : first == '1' || first == '7' ? KEY_HOME
		: first == '4' || first == '8' ? KEY_END : KEY_OTHER;
}

/* After ESC. */
static int read_escape(int fd)
{
	static const char finals[] = "ABCDHF";
	static const int keys[] = { KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END };
	int key = hv_getkey(fd, ESC_TIMEOUT_US);
	const char *found;

	if (key != '[' && key != 'O')
		return KEY_OTHER;
	key = hv_getkey(fd, ESC_TIMEOUT_US);
	if (key >= '0' && key <= '9')
		return read_number_key(fd, key);
	found = key > 0 ? strchr(finals, key) : NULL;
	return found == NULL ? KEY_OTHER : keys[found - finals];
}

/* ---- a line ------------------------------------------------------------------- */

struct line {
	int fd;
	const char *prompt;
	char *buf;
	size_t size;		/* of buf, with the NUL */
	size_t used;
	size_t cursor;
	struct hv_history *history;
	unsigned back;		/* lines gone back in the history */
};

static void show(struct line *line, const char *s, size_t n)
{
	console_write_all(line->fd, s, n);
}

static void move_left(struct line *line, size_t n)
{
	while (n-- > 0)
		show(line, "\b", 1);
}

/* Writes what is right of `from`, blanks for `erased` more, and goes back. */
static void redraw_tail(struct line *line, size_t erased)
{
	size_t tail = line->used - line->cursor;

	show(line, line->buf + line->cursor, tail);
	for (size_t i = 0; i < erased; i++)
		show(line, " ", 1);
	move_left(line, tail + erased);
}

static void insert(struct line *line, char c)
{
	if (line->used + 1 >= line->size) {
		show(line, "\a", 1);
		return;
	}
	memmove(line->buf + line->cursor + 1, line->buf + line->cursor, line->used - line->cursor);
	line->buf[line->cursor++] = c;
	line->used++;
	show(line, &c, 1);
	if (line->cursor < line->used)
		redraw_tail(line, 0);
}

/* Removes n characters left of the cursor. */
static void erase(struct line *line, size_t n)
{
	if (n == 0)
		return;
	move_left(line, n);
	memmove(line->buf + line->cursor - n, line->buf + line->cursor, line->used - line->cursor);
	line->cursor -= n;
	line->used -= n;
	redraw_tail(line, n);
}

static void move_to(struct line *line, size_t to)
{
	if (to > line->used)
		return;
	if (to < line->cursor)
		move_left(line, line->cursor - to);
	else
		show(line, line->buf + line->cursor, to - line->cursor);
	line->cursor = to;
}

static size_t word_length(const struct line *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->buf[at - 1] == ' ')
		at--;
	while (at > 0 && line->buf[at - 1] != ' ')
		at--;
	return line->cursor - at;
}

static void replace(struct line *line, const char *text)
{
	move_to(line, line->used);
	erase(line, line->used);
	while (*text != 0)
		insert(line, *text++);
}

/* ---- history ------------------------------------------------------------------ */

void hv_history_add(struct hv_history *history, const char *line)
{
	char *last;

	if (*line == 0)
		return;
	if (history->count > 0) {
		last = history->line[(history->count - 1) % history->size];
		if (strcmp(last, line) == 0)
			return;
	}
	last = history->line[history->count % history->size];
	strncpy(last, line, sizeof(history->line[0]) - 1);
	last[sizeof(history->line[0]) - 1] = 0;
	history->count++;
}

static void browse(struct line *line, bool is_up)
{
	const struct hv_history *history = line->history;
	unsigned kept;

	if (history == NULL)
		return;
	kept = history->count < history->size ? history->count : history->size;
	if (is_up ? line->back >= kept : line->back == 0)
		return;
	line->back += is_up ? 1 : -1U;
	replace(line, line->back == 0 ? ""
		: history->line[(history->count - line->back) % history->size]);
}

/* ---- editing ------------------------------------------------------------------ */

static void delete_right(struct line *line)
{
	if (line->cursor < line->used) {
		move_to(line, line->cursor + 1);
		erase(line, 1);
	}
}

/* Keys that move the cursor or choose a line. */
static bool move(struct line *line, int key)
{
	switch (key) {
	case CTRL('A'): case KEY_HOME:
		move_to(line, 0);
		return true;
	case CTRL('E'): case KEY_END:
		move_to(line, line->used);
		return true;
	case CTRL('B'): case KEY_LEFT:
		move_to(line, line->cursor - (line->cursor > 0 ? 1 : 0));
		return true;
	case CTRL('F'): case KEY_RIGHT:
		move_to(line, line->cursor + 1);
		return true;
	case CTRL('P'): case KEY_UP:
		browse(line, true);
		return true;
	case CTRL('N'): case KEY_DOWN:
		browse(line, false);
		return true;
	}
	return false;
}

static void clear_screen(struct line *line)
{
	show(line, "\033[H\033[2J", 7);
	show(line, line->prompt, strlen(line->prompt));
	show(line, line->buf, line->used);
	move_left(line, line->used - line->cursor);
}

static void edit(struct line *line, int key)
{
	size_t tail = line->used - line->cursor;

	switch (key) {
	case RUBOUT: case CTRL('H'):
		erase(line, line->cursor > 0 ? 1 : 0);
		break;
	case CTRL('D'): case KEY_DELETE:
		delete_right(line);
		break;
	case CTRL('K'):
		move_to(line, line->used);
		erase(line, tail);
		break;
	case CTRL('U'):
		erase(line, line->cursor);
		break;
	case CTRL('W'):
		erase(line, word_length(line));
		break;
	case CTRL('L'):
		clear_screen(line);
		break;
	default:
		if (!move(line, key) && key >= ' ' && key < 256)
			insert(line, (char)key);
	}
}

int hv_readline(int fd, const char *prompt, char *buf, size_t n, struct hv_history *history)
{
	struct line line = {
		.fd = fd, .prompt = prompt, .buf = buf, .size = n, .history = history,
	};
	int key;

	if (n == 0)
		return -1;
	show(&line, prompt, strlen(prompt));
	for (;;) {
		key = hv_getkey(fd, -1);
		if (key == -1 || (key == CTRL('D') && line.used == 0))
			return -1;
		if (key == CTRL('C')) {
			show(&line, "^C\n", 3);
			buf[0] = 0;
			return -2;
		}
		if (key == '\r' || key == '\n')
			break;
		edit(&line, key == ESC ? read_escape(fd) : key);
	}
	show(&line, "\n", 1);
	buf[line.used] = 0;
	return (int)line.used;
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
