/* SPDX-License-Identifier: MIT */
/*
 * A line that is edited, a key at a time: by hv_readline for a process that
 * reads the console itself, by the console's server for its clients.
 */
#ifndef HV8_EDIT_H
#define HV8_EDIT_H

#include <stdbool.h>
#include <stddef.h>

struct hv_history {
	char (*line)[256];	/* ring of `size` lines */
	unsigned size;
	unsigned count;		/* lines ever added */
};
void hv_history_add(struct hv_history *history, const char *line);

struct hv_edit {
	/* the caller's */
	void (*show)(void *arg, const char *text, size_t length);	/* \n is a new line */
	void *arg;
	const char *prompt;	/* for ^L; shown by the caller at first */
	char *buf;
	size_t size;		/* of buf, with the NUL; not 0 */
	struct hv_history *history;	/* or NULL */
	/* the rest is zero at first */
	size_t used;
	size_t cursor;
	unsigned back;		/* lines gone back in the history */
	int escape;		/* bytes of a key that are there */
	int digit;		/* the first, of a key with a number */
};

enum hv_edit_result {
	HV_EDIT_MORE,
	HV_EDIT_LINE,		/* buf holds it, with a NUL and no newline */
	HV_EDIT_END,		/* ^D at the start */
	HV_EDIT_BREAK,		/* ^C */
};

/* In a key of several bytes: the next one follows within this time, or it ends. */
enum { HV_EDIT_ESCAPE_US = 50000 };

/* `byte` is -1 if none has come for HV_EDIT_ESCAPE_US while edit->escape was not 0. */
enum hv_edit_result hv_edit_key(struct hv_edit *edit, int byte);

#endif
