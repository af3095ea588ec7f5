/* SPDX-License-Identifier: MIT */
/* Sessions: who has the keys, who reads, and the break key. */
#include "consoled.h"

#include <hv8/service.h>
#include <string.h>

struct session sessions[HV_TTY_SESSIONS];
struct session *foreground;

static hv_pid self(void)
{
	return (hv_pid)hv_self();
}

bool is_caller(hv_pid pid)
{
	return hv_procs[self()].callers.word[pid / 64] >> pid % 64 & 1;
}

/* ---- which there are --------------------------------------------------------------- */

struct session *session_find(uint64_t word)
{
	uint64_t number = HV_TTY_NUMBER(word);

	if (number == 0 || number > HV_TTY_SESSIONS || sessions[number - 1].word != word)
		return NULL;
	return &sessions[number - 1];
}

/* Never negative. The key keeps out who is mistaken, not who guesses. */
static uint64_t new_word(void)
{
	for (uint64_t i = 0; i < HV_TTY_SESSIONS; i++)
		if (sessions[i].word == 0)
			return (hv_now() * 0x9e3779b97f4a7c15 >> 1 | 0x1ff) - 0xff + i + 1;
	return 0;
}

int64_t session_open(uint64_t word, hv_pid owner, hv_handle event, struct session **opened)
{
	uint64_t wanted = word != 0 ? word : new_word();
	uint64_t number = HV_TTY_NUMBER(wanted);
	struct session *session = &sessions[number - 1];

	if (number == 0 || number > HV_TTY_SESSIONS ||
	    (session->word != 0 && session->word != wanted))
		return -HV_EBUSY;
	if (foreground == NULL && !pump_start())
		return -HV_ENOMEM;
	if (session->word != 0)
		hv_close(self(), session->event);
	else
		memset(session, 0, sizeof(*session));
	session->word = wanted;
	session->owner = owner;
	session->event = event;
	session->history = (struct hv_history){ session->lines, HISTORY, 0 };
	*opened = session;
	if (foreground == NULL && word == 0)
		foreground = session;
	else if (foreground == NULL || word == 0)
		session_switch(session);
	return 0;
}

static void drop_reader(struct session *session)
{
	if (session->kind == READS_LINE)
		hv_drop_page(session->page);
	session->kind = NOBODY;
}

void session_end(struct session *session)
{
	hv_close(self(), session->event);
	if (session == foreground) {
		session_next();
		if (session == foreground)
			session_switch(NULL);
	}
	screen_forget(session);
	if (session->kind != NOBODY && is_caller(session->reader)) /* it is asked no more */
		hv_reply(session->reader, session->page, HV_NONE, (uint64_t)-HV_ESTATE, 0, 0, 0);
	else
		drop_reader(session);
	session->word = 0;
	if (foreground == NULL) /* that was the last: the console is others' */
		pump_stop();
}

/* ---- the foreground ------------------------------------------------------------------- */

void session_switch(struct session *to)
{
	if (to == foreground)
		return;
	screen_hide();
	if (foreground != NULL)
		screen_leave(foreground);
	foreground = to;
	if (to == NULL)
		return;
	screen_enter(to);
	session_feed(to);
}

void session_next(void)
{
	int64_t from = foreground == NULL ? 0 : foreground - sessions;

	for (int64_t i = 1; i <= HV_TTY_SESSIONS; i++) {
		struct session *session = &sessions[(from + i) % HV_TTY_SESSIONS];

		if (session->word != 0) {
			session_switch(session);
			return;
		}
	}
}

/* ---- keys ---------------------------------------------------------------------------- */

/* A break that the owner waits for is no key. */
static bool break_is_key(const struct session *session)
{
	return session->has_break && !session->is_waiting;
}

bool session_has_key(const struct session *session)
{
	return break_is_key(session) || session->read != session->typed;
}

bool session_type(struct session *session, char key)
{
	if (session->typed - session->read == QUEUE)
		return false;
	session->queue[session->typed++ % QUEUE] = key;
	return true;
}

void session_send_break(struct session *session)
{
	int64_t error;

	if (!session->has_break || !session->is_waiting)
		return;
	error = hv_send(session->event, HV_NOWAIT, 0, HV_NONE, 0, 0, 0, 0);
	if (error == -HV_EAGAIN) /* it has said that it will wait, and does not yet */
		return;
	session->has_break = false;
	session->is_waiting = false;
	session->is_breaking = true;
}

/* As the kernel does: it goes to who waits for it, else to who reads, else it is
 * kept, and what was typed before it is forgotten. */
void session_break(struct session *session)
{
	session->read = session->typed;
	session->has_break = true;
	session_send_break(session);
	session_feed(session);
}

bool session_may_read(const struct session *session, hv_pid reader)
{
	bool is_ending = session->is_breaking || (session->has_break && session->is_waiting);

	return reader == session->owner || !is_ending;
}

/* ---- readers --------------------------------------------------------------------------- */

static void finish_line(struct session *session, enum hv_edit_result how)
{
	static char *window;
	hv_page page = session->page;
	size_t length = session->edit.used;
	hv_pid reader = session->reader;

	session->kind = NOBODY;
	screen_end_edit(session, how == HV_EDIT_END ? LINE_STAYS : LINE_HAS_ENDED);
	if (how == HV_EDIT_LINE && session->edit.history != NULL)
		hv_history_add(&session->history, session->line);
	if (window == NULL)
		window = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);
	if (window == NULL || hv_map_parcel((uintptr_t)window, page, HV_PERM_W) < 0) {
		if (hv_reply(reader, page, HV_NONE, (uint64_t)-HV_EINVAL, 0, 0, 0) < 0)
			hv_drop_page(page);
		return;
	}
	memcpy(window, session->line, length);
	hv_unmap_parcel((uintptr_t)window);
	if (hv_reply(reader, page, HV_NONE, 0, length, how, 0) < 0)
		hv_drop_page(page);
}

static void feed_line(struct session *session, int key)
{
	enum hv_edit_result how;

	session->edit.prompt = session->partial.byte;
	how = hv_edit_key(&session->edit, key);
	if (how != HV_EDIT_MORE)
		finish_line(session, how);
}

static int first_key(const struct session *session)
{
	return break_is_key(session) ? BREAK_KEY
				     : (unsigned char)session->queue[session->read % QUEUE];
}

static void drop_key(struct session *session)
{
	if (break_is_key(session))
		session->has_break = false;
	else
		session->read++;
}

void session_escape_ends(struct session *session)
{
	feed_line(session, -1);
}

/* One that has died, or waits no more, reads no key. */
static void check_reader(struct session *session)
{
	bool was_edited = session->kind == READS_LINE;

	if (session->kind == NOBODY || is_caller(session->reader))
		return;
	drop_reader(session);
	if (was_edited)
		screen_end_edit(session, LINE_IS_LEFT);
}

void session_feed(struct session *session)
{
	check_reader(session);
	while (session == foreground && session->kind != NOBODY && session_has_key(session) &&
	       session_may_read(session, session->reader)) {
		int key = first_key(session);

		if (session->kind == READS_LINE) {
			drop_key(session);
			feed_line(session, key);
			continue;
		}
		session->kind = NOBODY;
		/* one whose time is over at this moment has not got it */
		if (hv_reply(session->reader, 0, HV_NONE, 0, (uint64_t)key, 0, 0) == 0)
			drop_key(session);
	}
}

void sessions_check(void)
{
	for (int i = 0; i < HV_TTY_SESSIONS; i++) {
		struct session *session = &sessions[i];

		if (session->word == 0)
			continue;
		if (hv_files[hv_handles[self()][session->event].file].readers == 0)
			session_end(session);
		else
			session_feed(session);
	}
	screen_check();
}

int64_t session_read(struct session *session, enum reader_kind kind, const struct hv_msg *call)
{
	if (session->kind != NOBODY && session->reader == call->from) {
		drop_reader(session); /* what it asked for before it has given up */
		screen_end_edit(session, LINE_IS_LEFT);
	}
	check_reader(session);
	if (session->kind != NOBODY)
		return -HV_EBUSY;
	session->kind = kind;
	session->reader = call->from;
	session->page = call->page;
	if (kind == READS_LINE) {
		memset(&session->edit, 0, sizeof(session->edit));
		session->edit.show = screen_edit;
		session->edit.buf = session->line;
		session->edit.size =
			call->w[2] == 0 || call->w[2] > HV_TTY_LINE ? HV_TTY_LINE : call->w[2];
		session->edit.history = call->w[3] == 1 ? &session->history : NULL;
		session->line[0] = 0;
		screen_begin_edit(session);
	}
	session_feed(session);
	return 0;
}
