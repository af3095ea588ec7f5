/* SPDX-License-Identifier: MIT */
/* The shell's lexer: cuts a line into operators and words, and undoes quoting. */
#include "lex.h"

#include <stdio.h>
#include <string.h>

static char unterminated_single[] = "a ' has no partner";
static char unterminated_double[] = "a \" has no partner";
static char trailing_backslash[] = "nothing follows the \\ at the end";
static char too_long[] = "the line is too long once it is expanded";

void lex_start(struct lexer *lexer, const char *line, const struct values *values, char *text,
	       size_t text_bytes)
{
	*lexer = (struct lexer){ line, values, text, text + text_bytes };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_word(char c)
{
	return c == '\0' || is_space(c) || strchr("|<>&;", c) != NULL;
}

/* One byte of a word; the byte after it stays free for the end. */
static bool put(struct lexer *lexer, char c)
{
	if (lexer->text + 1 >= lexer->text_end)
		return false;
	*lexer->text++ = c;
	return true;
}

/* $? $! $$; any other $ stands for itself. */
static bool put_dollar(struct lexer *lexer)
{
	char digits[12];
	int value;

	switch (lexer->cursor[1]) {
	case '?':
		value = lexer->values->status;
		break;
	case '!':
		value = lexer->values->background;
		break;
	case '$':
		value = lexer->values->self;
		break;
	default:
		return put(lexer, *lexer->cursor++);
	}
	lexer->cursor += 2;
	snprintf(digits, sizeof(digits), "%d", value);
	for (const char *digit = digits; *digit != '\0'; digit++)
		if (!put(lexer, *digit))
			return false;
	return true;
}

/* '...': everything stands for itself. Returns a message or NULL. */
static char *lex_single(struct lexer *lexer)
{
	for (lexer->cursor++; *lexer->cursor != '\''; lexer->cursor++) {
		if (*lexer->cursor == '\0')
			return unterminated_single;
		if (!put(lexer, *lexer->cursor))
			return too_long;
	}
	lexer->cursor++;
	return NULL;
}

/* "...": $ is replaced, and \ quotes " \ and $. Returns a message or NULL. */
static char *lex_double(struct lexer *lexer)
{
	lexer->cursor++;
	while (*lexer->cursor != '"') {
		bool fits;

		if (*lexer->cursor == '\0')
			return unterminated_double;
		if (*lexer->cursor == '\\' && lexer->cursor[1] != '\0' &&
		    strchr("\"\\$", lexer->cursor[1]) != NULL)
			lexer->cursor++;
		else if (*lexer->cursor == '$') {
			if (!put_dollar(lexer))
				return too_long;
			continue;
		}
		fits = put(lexer, *lexer->cursor++);
		if (!fits)
			return too_long;
	}
	lexer->cursor++;
	return NULL;
}

/* One piece of a word: a quoted string, an escape, a $, or one byte. */
static char *lex_piece(struct lexer *lexer)
{
	switch (*lexer->cursor) {
	case '\'':
		return lex_single(lexer);
	case '"':
		return lex_double(lexer);
	case '$':
		return put_dollar(lexer) ? NULL : too_long;
	case '*':
		lexer->cursor++;
		return put(lexer, GLOB_MANY) ? NULL : too_long;
	case '?':
		lexer->cursor++;
		return put(lexer, GLOB_ONE) ? NULL : too_long;
	case '\\':
		if (*++lexer->cursor == '\0')
			return trailing_backslash;
		break;
	}
	return put(lexer, *lexer->cursor++) ? NULL : too_long;
}

static struct token lex_word(struct lexer *lexer)
{
	struct token token = { TOKEN_WORD, lexer->text, lexer->cursor, NULL };

	while (!ends_word(*lexer->cursor)) {
		char *message = lex_piece(lexer);

		if (message != NULL) {
			token.type = TOKEN_ERROR;
			token.text = message;
			return token;
		}
	}
	if (lexer->text == lexer->text_end) {
		token.type = TOKEN_ERROR;
		token.text = too_long;
		return token;
	}
	*lexer->text++ = '\0';
	return token;
}

static struct token operator_token(struct lexer *lexer, enum token_type type, size_t length,
				   const char *missing_before)
{
	struct token token = { type, NULL, lexer->cursor, missing_before };

	lexer->cursor += length;
	return token;
}

struct token lex_next(struct lexer *lexer)
{
	while (is_space(*lexer->cursor))
		lexer->cursor++;
	switch (*lexer->cursor) {
	case '\0':
	case '#':
		return operator_token(lexer, TOKEN_END, 0,
				      "the line ends where a command should follow");
	case '|':
		if (lexer->cursor[1] == '|')
			return operator_token(lexer, TOKEN_OR, 2, "no command before '||'");
		return operator_token(lexer, TOKEN_PIPE, 1, "no command before '|'");
	case '&':
		if (lexer->cursor[1] == '&')
			return operator_token(lexer, TOKEN_AND, 2, "no command before '&&'");
		return operator_token(lexer, TOKEN_AMPERSAND, 1, "no command before '&'");
	case ';':
		return operator_token(lexer, TOKEN_SEMI, 1, "no command before ';'");
	case '<':
		return operator_token(lexer, TOKEN_LESS, 1, NULL);
	case '>':
		return operator_token(lexer, TOKEN_GREATER, 1, NULL);
	default:
		return lex_word(lexer);
	}
}
