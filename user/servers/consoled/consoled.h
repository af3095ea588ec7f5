/* SPDX-License-Identifier: MIT */
/* consoled: sessions, what is on the screen, and where keys come from. */
#ifndef CONSOLED_H
#define CONSOLED_H

#include <hv8/tty.h>

enum {
	PARTIAL = 256,		/* bytes of an unended line; the rest is shown, and forgotten */
	QUEUE = 512,		/* keys typed ahead */
	HISTORY = 32,
	NEXT_SESSION = 'T' & 0x1f,
	BREAK_KEY = 'C' & 0x1f,
};

enum reader_kind { NOBODY, READS_LINE, READS_KEY };

struct text {
	char byte[PARTIAL + 1];	/* ends with a NUL */
	size_t used;
};

struct session {
	uint64_t word;		/* its name: a key and a number; 0: unused */
	hv_handle event;	/* where the break key goes */
	hv_pid owner;
	bool is_waiting;	/* the owner, for it */
	bool has_break;		/* it was typed, and nobody has it yet */
	bool is_breaking;	/* the owner has it, and has asked for nothing since */

	enum reader_kind kind;
	hv_pid reader;
	hv_page page;		/* of the reader, for the line */
	struct hv_edit edit;
	char line[HV_TTY_LINE];

	struct text partial;	/* shown on the last line, before what is edited ... */
	hv_pid writer;		/* ... and whose it is */

	char queue[QUEUE];
	unsigned typed, read;	/* keys ever */

	struct hv_history history;
	char lines[HISTORY][256];
};

extern struct session sessions[HV_TTY_SESSIONS];
extern struct session *foreground;	/* who has the keys, or NULL */

/* Waits pid for self's reply? */
bool is_caller(hv_pid pid);

/* ---- session.c ------------------------------------------------------------------- */

/* -HV_EBUSY: no more, or that word's place is another's. The handle is then still self's. */
int64_t session_open(uint64_t word, hv_pid owner, hv_handle event, struct session **opened);
void session_end(struct session *session);
/* Ends those that nobody has any more, forgets dead readers, and feeds the others. */
void sessions_check(void);
struct session *session_find(uint64_t word);
void session_next(void);	/* the next one has the keys */
void session_switch(struct session *to);	/* NULL: nobody has */

/* False: there is no room for it. */
bool session_type(struct session *session, char key);
void session_break(struct session *session);
void session_send_break(struct session *session);

/* What is typed after a break is not for those whom it ends. */
bool session_may_read(const struct session *session, hv_pid reader);
/* Somebody wants to read; 0, or -HV_EBUSY: another does. */
int64_t session_read(struct session *session, enum reader_kind kind, const struct hv_msg *call);
/* Gives a reader what it waits for, if it is there. */
void session_feed(struct session *session);
bool session_has_key(const struct session *session);
/* The key of several bytes that is begun is not going on. */
void session_escape_ends(struct session *session);

/* ---- screen.c -------------------------------------------------------------------- */

/* Output of a process: at once if its session is in the foreground and the last
 * line is free or its own, else by whole lines, above the last line. */
void screen_write(struct session *session, hv_pid writer, const char *data, size_t length);
void screen_check(void);	/* shows what the dead have left */
void screen_forget(struct session *session);
/* The show function of an edited line; arg is the session. */
void screen_edit(void *arg, const char *text, size_t length);
void screen_begin_edit(struct session *session);
enum line_end {
	LINE_HAS_ENDED,		/* the editor has shown a newline */
	LINE_STAYS,		/* ^D: it goes on after the prompt */
	LINE_IS_LEFT,		/* the reader is dead */
};
void screen_end_edit(struct session *session, enum line_end how);
/* Around a change of the foreground. */
void screen_hide(void);
void screen_leave(struct session *session);
void screen_enter(struct session *session);

/* Messages that are of no session: as lines above the last one. */
void screen_log(const char *text, size_t length);

/* ---- uart.c: where the UART is the server's ------------------------------------------ */

bool uart_is_own(void);
bool uart_start(void);		/* false: it was not given it */
void uart_look(void);		/* whether bytes have come: its interrupt does the same */
/* QEMU before 9.1 may raise an interrupt once and never again (docs/boards.md). */
bool uart_may_be_deaf(void);
int uart_key(void);		/* a byte that has come, or -1 */
bool uart_has_key(void);
void uart_write(const char *data, size_t length);

/* ---- pump.c ---------------------------------------------------------------------- */

enum { PUMP_KEY = 255 };	/* an operation of the pump's alone; w[1] is the key */

/* A child that reads the console and calls self with each key, unless the UART is self's. False:
 * there is none. */
bool pump_start(void);
void pump_stop(void);
bool pump_call(const struct hv_msg *call);	/* false: it is not the pump's */
void pump_go_on(void);		/* gives keys their places, as far as there are */
void pump_freeze(hv_pid who);	/* who is answered when that is done */
bool pump_is_freezing(void);
void pump_try_freeze(void);	/* as soon as it has no key in its hand that self does not know */

#endif
