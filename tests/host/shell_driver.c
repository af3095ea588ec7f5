/* SPDX-License-Identifier: MIT */
/*
 * Parses a line of the shell. Answers one JSON value: a list of pipelines
 * {"commands": [[words...], ...], "inputs": [...], "separator": n}, then
 * a string if there is a message.
 */
#include "driver.h"
#include "parse.h"

#include <string.h>

static void print_string(const char *text)
{
	putchar('"');
	for (; *text != 0; text++)
		printf("\\u%04x", (unsigned)(uint8_t)*text);
	putchar('"');
}

static void print_pipeline(const struct pipeline *line)
{
	printf("{\"commands\": [");
	for (size_t i = 0; i < line->count; i++) {
		printf(i == 0 ? "[" : ", [");
		for (char **word = line->commands[i].argv; *word != NULL; word++) {
			if (word != line->commands[i].argv)
				printf(", ");
			print_string(*word);
		}
		printf("]");
	}
	printf("], \"inputs\": [");
	for (size_t i = 0; i < line->count; i++) {
		if (i > 0)
			printf(", ");
		if (line->commands[i].input == NULL)
			printf("null");
		else
			print_string(line->commands[i].input);
	}
	printf("], \"separator\": %d, \"source\": ", (int)line->separator);
	char *source = strndup(line->source, line->source_length);
	print_string(source);
	free(source);
	printf("}");
}

static void answer(const char *line)
{
	const struct values values = { .status = 7, .background = 12, .self = 3 };
	struct pipeline *out = malloc(sizeof(*out));
	const char *message = NULL;
	enum parse_result result;

	printf("[");
	for (const char *comma = "";; comma = ", ") {
		result = parse_pipeline(&line, &values, out, &message);
		if (result == PARSE_NOTHING)
			break;
		fputs(comma, stdout);
		if (result == PARSE_ERROR) {
			print_string(message);
			break;
		}
		print_pipeline(out);
	}
	printf("]");
	free(out);
}

int main(void)
{
	for (;;) {
		uint32_t size;
		uint8_t *data = driver_request(&size);

		/* an input line of the shell is shorter than SH_LINE and ends with 0 */
		if (size == 0 || size > SH_LINE || data[size - 1] != 0)
			exit(1);
		answer((char *)data);
		driver_answered(data);
	}
}
