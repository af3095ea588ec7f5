/* SPDX-License-Identifier: MIT */
/* Editing of a line. A terminal's keys come as bytes or as ESC [ sequences. */
#include "os.h"

#include <hv8/edit.h>
#include <string.h>

/* ---- keys --------------------------------------------------------------------- */

/* Keys that are no byte. */
enum {
	KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE, KEY_OTHER,
	KEY_PART,		/* there is more of it to come */
};

#define CTRL(c) ((c) & 0x1f)
enum { ESC = 27, RUBOUT = 127 };

/* How much of ESC [ 3 ~ is there. */
enum { NONE, AFTER_ESC, AFTER_BRACKET, IN_NUMBER };

static int number_key(struct hv_edit *line, int byte)
{
	if (byte >= '0' && byte <= ';') {
		line->escape = IN_NUMBER;
		return KEY_PART;
	}
	if (byte != '~')
		return KEY_OTHER;
	switch (line->digit) {
	case '1': case '7':
		return KEY_HOME;
	case '3':
		return KEY_DELETE;
	case '4': case '8':
		return KEY_END;
	}
	return KEY_OTHER;
}

static int letter_key(int byte)
{
	static const char finals[] = "ABCDHF";
	static const int keys[] = { KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END };
	const char *found = byte > 0 ? strchr(finals, byte) : NULL;

	return found == NULL ? KEY_OTHER : keys[found - finals];
}

static int key_of(struct hv_edit *line, int byte)
{
	int before = line->escape;

	line->escape = NONE;
	switch (before) {
	case AFTER_ESC:
		if (byte != '[' && byte != 'O')
			return KEY_OTHER;
		line->escape = AFTER_BRACKET;
		return KEY_PART;
	case AFTER_BRACKET:
		if (byte < '0' || byte > '9')
			return letter_key(byte);
		line->digit = byte;
		line->escape = IN_NUMBER;
		return KEY_PART;
	case IN_NUMBER:
		return number_key(line, byte);
	}
	if (byte != ESC)
		return byte < 0 ? KEY_OTHER : byte;
	line->escape = AFTER_ESC;
	return KEY_PART;
}

/* ---- a line ------------------------------------------------------------------- */

static void show(struct hv_edit *line, const char *s, size_t n)
{
	line->show(line->arg, s, n);
}

static void move_left(struct hv_edit *line, size_t n)
{
	while (n-- > 0)
		show(line, "\b", 1);
}

/* Writes what is right of `from`, blanks for `erased` more, and goes back. */
static void redraw_tail(struct hv_edit *line, size_t erased)
{
	size_t tail = line->used - line->cursor;

	show(line, line->buf + line->cursor, tail);
	for (size_t i = 0; i < erased; i++)
		show(line, " ", 1);
	move_left(line, tail + erased);
}

static void insert(struct hv_edit *line, char c)
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
static void erase(struct hv_edit *line, size_t n)
{
	if (n == 0)
		return;
	move_left(line, n);
	memmove(line->buf + line->cursor - n, line->buf + line->cursor, line->used - line->cursor);
	line->cursor -= n;
	line->used -= n;
	redraw_tail(line, n);
}

static void move_to(struct hv_edit *line, size_t to)
{
	if (to > line->used)
		return;
	if (to < line->cursor)
		move_left(line, line->cursor - to);
	else
		show(line, line->buf + line->cursor, to - line->cursor);
	line->cursor = to;
}

static size_t word_length(const struct hv_edit *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->buf[at - 1] == ' ')
		at--;
	while (at > 0 && line->buf[at - 1] != ' ')
		at--;
	return line->cursor - at;
}

static void replace(struct hv_edit *line, const char *text)
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

static void browse(struct hv_edit *line, bool is_up)
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

static void delete_right(struct hv_edit *line)
{
	if (line->cursor < line->used) {
		move_to(line, line->cursor + 1);
		erase(line, 1);
	}
}

/* Keys that move the cursor or choose a line. */
static bool move(struct hv_edit *line, int key)
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

static void clear_screen(struct hv_edit *line)
{
	show(line, "\033[H\033[2J", 7);
	show(line, line->prompt, strlen(line->prompt));
	show(line, line->buf, line->used);
	move_left(line, line->used - line->cursor);
}

static void edit(struct hv_edit *line, int key)
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

static enum hv_edit_result end(struct hv_edit *line, enum hv_edit_result result)
{
	if (result == HV_EDIT_BREAK)
		line->used = 0;
	if (result != HV_EDIT_END)
		show(line, result == HV_EDIT_BREAK ? "^C\n" : "\n",
		     result == HV_EDIT_BREAK ? 3 : 1);
	line->buf[line->used] = 0;
	return result;
}

enum hv_edit_result hv_edit_key(struct hv_edit *line, int byte)
{
	int key = key_of(line, byte);

	if (key == CTRL('D') && line->used == 0)
		return end(line, HV_EDIT_END);
	if (key == CTRL('C'))
		return end(line, HV_EDIT_BREAK);
	if (key == '\r' || key == '\n')
		return end(line, HV_EDIT_LINE);
	if (key != KEY_PART)
		edit(line, key);
	return HV_EDIT_MORE;
}
