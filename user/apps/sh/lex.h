/* SPDX-License-Identifier: MIT */
/* The shell's words and operators. */
#ifndef SH_LEX_H
#define SH_LEX_H

#include "parse.h"

enum token_type {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_PIPE,
	TOKEN_LESS,
	TOKEN_GREATER,
	TOKEN_AMPERSAND,
	TOKEN_SEMI,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_ERROR, /* text says what is wrong */
};

struct token {
	enum token_type type;
	char *text;                 /* of a word, quotes removed */
	const char *start;          /* in the line */
	const char *missing_before; /* message if a command should come before it */
};

struct lexer {
	const char *cursor;
	const struct values *values;
	char *text; /* where the next word goes */
	char *text_end;
};

/* `text` holds the words and outlives the tokens. */
void lex_start(struct lexer *lexer, const char *line, const struct values *values, char *text,
	       size_t text_bytes);

struct token lex_next(struct lexer *lexer);

#endif
