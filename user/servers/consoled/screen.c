/* SPDX-License-Identifier: MIT */
/*
 * What is on the screen. Its last line is the foreground session's: what that
 * has written since its last newline, and behind it what is edited. Whatever else
 * is to be shown comes above: the last line is erased and drawn again.
 */
#include "consoled.h"

#include <string.h>
#include <unistd.h>

static void put(const char *data, size_t length)
{
	if (uart_is_own())
		uart_write(data, length);
	else if (length > 0)
		write(STDOUT_FILENO, data, length);
}

static void add(struct text *text, char byte)
{
	if (text->used == PARTIAL) {
		memmove(text->byte, text->byte + 1, PARTIAL - 1);
		text->used--;
	}
	text->byte[text->used++] = byte;
	text->byte[text->used] = 0;
}

static void clear(struct text *text)
{
	text->used = 0;
	text->byte[0] = 0;
}

static bool is_edited(const struct session *session)
{
	return session->kind == READS_LINE;
}

/* ---- the last line -------------------------------------------------------------- */

void screen_hide(void)
{
	if (foreground != NULL &&
	    (foreground->partial.used > 0 || (is_edited(foreground) && foreground->edit.used > 0)))
		put("\r\033[K", 4);
}

static void draw(void)
{
	if (foreground == NULL)
		return;
	put(foreground->partial.byte, foreground->partial.used);
	if (!is_edited(foreground))
		return;
	put(foreground->edit.buf, foreground->edit.used);
	for (size_t i = foreground->edit.cursor; i < foreground->edit.used; i++)
		put("\b", 1);
}

/* ---- lines that are not whole ----------------------------------------------------- */

enum { PENDINGS = 24 };

/* The start of a line; each process has its own. */
static struct pending {
	struct session *session; /* NULL: unused */
	hv_pid writer;
	struct text text;
} pendings[PENDINGS];

static struct pending *find_pending(const struct session *session, hv_pid writer)
{
	for (int i = 0; i < PENDINGS; i++)
		if (pendings[i].session == session && pendings[i].writer == writer)
			return &pendings[i];
	return NULL;
}

/* As a line of its own, above the last one. */
static void show_pending(struct pending *pending)
{
	char mark[] = { '[', (char)('0' + HV_TTY_NUMBER(pending->session->word)), ']', ' ' };

	screen_hide();
	if (pending->session != foreground)
		put(mark, sizeof(mark));
	put(pending->text.byte, pending->text.used);
	put("\n", 1);
	clear(&pending->text);
	draw();
}

static struct pending *new_pending(struct session *session, hv_pid writer)
{
	static int oldest;
	struct pending *pending = find_pending(NULL, 0);

	if (pending == NULL) { /* too many: one is shown as it is */
		pending = &pendings[oldest++ % PENDINGS];
		show_pending(pending);
	}
	*pending = (struct pending){ .session = session, .writer = writer };
	return pending;
}

static void drop_pending(struct pending *pending)
{
	*pending = (struct pending){ 0 };
}

/* It becomes part of the last line. */
static void take_pending(struct session *session, struct pending *pending)
{
	for (size_t i = 0; i < pending->text.used; i++)
		add(&session->partial, pending->text.byte[i]);
	if (session == foreground)
		put(pending->text.byte, pending->text.used);
	session->writer = pending->writer;
	drop_pending(pending);
}

void screen_check(void)
{
	for (int i = 0; i < PENDINGS; i++) {
		if (pendings[i].session == NULL ||
		    hv_procs[pendings[i].writer].state == HV_PROC_LIVE)
			continue;
		show_pending(&pendings[i]);
		drop_pending(&pendings[i]);
	}
}

void screen_forget(struct session *session)
{
	for (int i = 0; i < PENDINGS; i++)
		if (pendings[i].session == session)
			drop_pending(&pendings[i]);
}

/* ---- output ----------------------------------------------------------------------- */

static void write_whole_lines(struct session *session, hv_pid writer, const char *data,
			      size_t length)
{
	struct pending *pending = find_pending(session, writer);

	if (pending == NULL)
		pending = new_pending(session, writer);
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n' || pending->text.used == PARTIAL)
			show_pending(pending);
		if (data[i] != '\n')
			add(&pending->text, data[i]);
	}
	if (pending->text.used == 0)
		drop_pending(pending);
}

void screen_write(struct session *session, hv_pid writer, const char *data, size_t length)
{
	struct pending *pending = find_pending(session, writer);

	if (session != foreground || is_edited(session) ||
	    (session->partial.used > 0 && session->writer != writer)) {
		write_whole_lines(session, writer, data, length);
		return;
	}
	if (pending != NULL)
		take_pending(session, pending);
	session->writer = writer;
	put(data, length);
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n')
			clear(&session->partial);
		else
			add(&session->partial, data[i]);
	}
}

void screen_log(const char *text, size_t length)
{
	static struct text message;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '\n')
			add(&message, text[i]);
		if (text[i] != '\n' && message.used < PARTIAL)
			continue;
		screen_hide();
		put(message.byte, message.used);
		put("\n", 1);
		clear(&message);
		draw();
	}
}

/* ---- editing ------------------------------------------------------------------------ */

void screen_edit(void *arg, const char *text, size_t length)
{
	(void)arg; /* only the foreground's is edited */
	put(text, length);
}

/* The reader's prompt may be waiting. */
void screen_begin_edit(struct session *session)
{
	struct pending *pending = find_pending(session, session->reader);

	if (pending != NULL)
		take_pending(session, pending);
}

void screen_end_edit(struct session *session, enum line_end how)
{
	if (how == LINE_IS_LEFT && session == foreground &&
	    (session->partial.used > 0 || session->edit.used > 0))
		put("\n", 1);
	if (how != LINE_STAYS)
		clear(&session->partial);
}

/* ---- another foreground ----------------------------------------------------------------- */

/* A line that it has begun must be whole before it is shown again. */
void screen_leave(struct session *session)
{
	if (is_edited(session) || session->partial.used == 0)
		return;
	new_pending(session, session->writer)->text = session->partial;
	clear(&session->partial);
}

void screen_enter(struct session *session)
{
	char words[] = "-- session ? --\n";

	*strchr(words, '?') = (char)('0' + HV_TTY_NUMBER(session->word));
	put(words, sizeof(words) - 1);
	draw();
	for (int i = 0; i < PENDINGS && !is_edited(session) && session->partial.used == 0; i++)
		if (pendings[i].session == session)
			take_pending(session, &pendings[i]);
}
