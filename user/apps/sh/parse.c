/* SPDX-License-Identifier: MIT */
/* The shell's parser: from tokens to pipelines. The grammar is in parse.h. */
#include "parse.h"
#include "lex.h"

struct parser {
	struct lexer lexer;
	struct token token; /* the next one, not yet used */
	struct pipeline *out;
	size_t words;
	const char *message;
};

static void advance(struct parser *parser)
{
	parser->token = lex_next(&parser->lexer);
}

static bool fail(struct parser *parser, const char *message)
{
	parser->message = message;
	return false;
}

/* One command: its words go to out->words, ended by NULL. */
static bool parse_command(struct parser *parser)
{
	struct pipeline *out = parser->out;
	struct command *command = &out->commands[out->count++];

	command->argv = &out->words[parser->words];
	command->input = NULL;
	for (;; advance(parser)) {
		bool is_input = parser->token.type == TOKEN_LESS;

		if (is_input)
			advance(parser);
		if (parser->token.type != TOKEN_WORD && is_input)
			return fail(parser, "'<' needs the name of a file");
		if (parser->token.type != TOKEN_WORD)
			break;
		if (is_input)
			command->input = parser->token.text;
		else
			out->words[parser->words++] = parser->token.text;
	}
	if (parser->token.type == TOKEN_ERROR)
		return fail(parser, parser->token.text);
	if (parser->token.type == TOKEN_GREATER)
		return fail(parser, "'>' cannot work: all files are read-only");
	if (command->argv == &out->words[parser->words])
		return fail(parser, parser->token.missing_before);
	out->words[parser->words++] = NULL;
	return true;
}

static bool parse_commands(struct parser *parser)
{
	while (parse_command(parser)) {
		if (parser->token.type != TOKEN_PIPE)
			return true;
		advance(parser);
	}
	return false;
}

static enum separator separator_of(enum token_type type)
{
	switch (type) {
	case TOKEN_SEMI:
		return SEPARATOR_SEMI;
	case TOKEN_AMPERSAND:
		return SEPARATOR_BACKGROUND;
	case TOKEN_AND:
		return SEPARATOR_AND;
	case TOKEN_OR:
		return SEPARATOR_OR;
	default:
		return SEPARATOR_END;
	}
}

/* "&&" and "||" need something behind them. */
static bool ends_well(struct parser parser)
{
	if (parser.token.type != TOKEN_AND && parser.token.type != TOKEN_OR)
		return true;
	advance(&parser);
	return parser.token.type != TOKEN_END;
}

enum parse_result parse_pipeline(const char **cursor, const struct values *values,
				 struct pipeline *out, const char **message)
{
	struct parser parser = { .out = out };

	out->count = 0;
	lex_start(&parser.lexer, *cursor, values, out->text, sizeof(out->text));
	advance(&parser);
	if (parser.token.type == TOKEN_END)
		return PARSE_NOTHING;
	out->source = parser.token.start;
	if (!parse_commands(&parser)) {
		*message = parser.message;
		return PARSE_ERROR;
	}
	if (!ends_well(parser)) {
		*message = "the line ends where a command should follow";
		return PARSE_ERROR;
	}
	out->separator = separator_of(parser.token.type);
	out->source_length = (size_t)(parser.token.start - out->source);
	while (out->source_length > 0 && out->source[out->source_length - 1] == ' ')
		out->source_length--;
	*cursor = parser.lexer.cursor;
	return PARSE_PIPELINE;
}
