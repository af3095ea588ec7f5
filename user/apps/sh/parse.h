/* SPDX-License-Identifier: MIT */
/*
 * The shell's language:
 *
 *   line     = pipeline ((";" | "&" | "&&" | "||") pipeline)* [";" | "&"]
 *   pipeline = command ("|" command)*
 *   command  = (word | "<" word)+
 *
 * A word may hold '...', "..." and \c; $? $! and $$ are replaced outside '...'.
 * * and ? outside quotes are patterns: they come out as GLOB_MANY and GLOB_ONE.
 * "#" at the start of a word begins a comment.
 */
#ifndef SH_PARSE_H
#define SH_PARSE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SH_LINE = 1024,         /* bytes of an input line, its end included */
	SH_WORDS = SH_LINE + 2, /* words and the ends of their lists */
	SH_COMMANDS = SH_LINE / 2 + 1,
	SH_EXPANDED = 5, /* bytes that two bytes such as "$?" can become */
};

/* Bytes that nobody types. */
enum glob_byte { GLOB_MANY = 1, GLOB_ONE = 2 };

enum separator { SEPARATOR_END, SEPARATOR_SEMI, SEPARATOR_BACKGROUND, SEPARATOR_AND, SEPARATOR_OR };

struct command {
	char **argv; /* ends with NULL; argv[0] exists */
	char *input; /* file of "<", or NULL */
};

struct pipeline {
	struct command commands[SH_COMMANDS];
	size_t count;
	enum separator separator; /* what follows it */
	const char *source;       /* its own text in the line */
	size_t source_length;

	char *words[SH_WORDS];
	char text[SH_LINE * SH_EXPANDED];
};

struct values {
	int status;     /* $? */
	int background; /* $!: pid, 0 = none yet */
	int self;       /* $$ */
};

enum parse_result { PARSE_PIPELINE, PARSE_NOTHING, PARSE_ERROR };

/*
 * Reads the next pipeline from *cursor and moves it behind. On an error
 * *message says what is wrong, and the rest of the line is of no use.
 */
enum parse_result parse_pipeline(const char **cursor, const struct values *values,
				 struct pipeline *out, const char **message);

#endif
