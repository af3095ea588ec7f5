/* SPDX-License-Identifier: MIT */
/* What command-line programs share: usage messages, numbers, file operands. */
#ifndef HV8_APP_H
#define HV8_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { APP_USAGE = 2 }; /* exit status for bad arguments */

/* Prints "usage: TEXT" and ends the program with APP_USAGE. */
_Noreturn void app_usage(const char *text);

/* A decimal number of at most `max`, and nothing after it. */
bool app_number(const char *text, uint64_t max, uint64_t *out);

/* Seconds such as "2" or "0.25", as nanoseconds. */
bool app_seconds(const char *text, uint64_t *nanoseconds);

/*
 * Calls `each` with every named file opened for reading, or with the standard
 * input if `names` is empty; "-" means the standard input too. `each` gets the
 * argument "-" for it. Returns 0, or 1 if a file could not be opened or `each`
 * returned something else than 0. Messages begin with the program's name.
 */
int app_files(const char *program, char **names, int (*each)(int fd, const char *name));

/* Writes all of `data`; false if nobody can read it any more. */
bool app_write(int fd, const char *data, size_t length);

/* A line without its newline in *line, which grows; its length, or -1 at the end. */
long app_line(FILE *from, char **line, size_t *capacity);

/* Flushes the standard output: `status`, or 1 if it could not be written. */
int app_finish(int status);

#endif
