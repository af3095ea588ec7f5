/* SPDX-License-Identifier: MIT */
/* The shell: what its parts know of each other. */
#ifndef SH_H
#define SH_H

#include "parse.h"

#include <hv8/libos.h>

enum {
	STATUS_ERROR = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_A_PROGRAM = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128, /* plus the signal that ended it */
	STATUS_BREAK = 130,
};

/* One per program, since a shell is a program. */
struct shell {
	struct values values; /* $? $! $$ */
	bool ends;            /* `exit` was called */
	hv_handle console;    /* where the break key is typed, or HV_NONE */
	struct hv_history history;
};
extern struct shell shell;

/* "sh: ..." on the standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs all pipelines of a line; sets $?. */
void run_line(const char *line);

/* ---- jobs: a job is the processes of one pipeline ---- */

struct job {
	bool in_use;
	bool is_background;
	size_t alive; /* processes not dead yet */
	pid_t last;   /* whose status is the job's */
	int status;
	char text[64];
};

struct job *job_new(const char *text, size_t length, bool is_background);
void job_add(struct job *job, pid_t pid);
int job_number(const struct job *job);

/* Waits for all of it and returns its status; the break key kills it. */
int job_wait_foreground(struct job *job);
/* Likewise, but the break key ends the waiting only. */
int job_wait(struct job *job);
void job_kill(struct job *job, int signal);

/* "%2" or the pid of one of its processes; NULL if there is none. */
struct job *job_find(const char *text);
void jobs_print(void);
int jobs_wait_all(void);

/* Takes note of children that are dead and tells about ended background jobs. */
void jobs_poll(void);

/* Forgets all of them, in a child that is a copy of the shell. */
void jobs_forget(void);

/* Adds the devices that a program is to have, as far as the shell has them. */
void devices_for(const char *program, struct hv_grants *grants);

/* Says how a child ended, if it did not end well. Returns its status. */
int report_exit(const struct hv_exit *how);

/* ---- commands that the shell runs itself ---- */

/*
 * A new list of words with the patterns among them replaced by file names; to
 * be freed. NULL if there is no memory.
 */
char **glob_expand(char **argv);

/* Patterns in a word that takes none become what was typed. */
void glob_restore(char *word);

struct builtin {
	const char *name;
	const char *words; /* for `help` */
	int (*run)(char **argv);
};
const struct builtin *builtin_find(const char *name);

/* Replaces !! and !n at the start of a line; false if it says there is none. */
bool history_expand(char *line, size_t bytes);
int history_command(char **argv);
int help_command(char **argv);
int console_command(char **argv);
/* If the console has a server already, that and not this shell is to read it. */
void console_join(void);
/* The console's server is gone for good: true if the console is read directly again. */
bool console_recover(void);
extern const struct builtin builtins[]; /* ends with a NULL name */

#endif
