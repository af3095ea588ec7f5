/* SPDX-License-Identifier: MIT */
/* Lines on the firmware's console, each in one call. */
#include "loader.h"

#include <stdarg.h>

enum { LINE = 240 };

struct line {
	efi_char text[LINE + 3];
	int length;
};

static struct efi_text_output *output;

void console_start(struct efi_text_output *out)
{
	output = out;
}

/* What does not fit is left out. */
static void put(struct line *line, efi_char c)
{
	if (line->length < LINE)
		line->text[line->length++] = c;
}

static void put_string(struct line *line, const char *s)
{
	for (; *s != 0; s++)
		put(line, (efi_char)(unsigned char)*s);
}

static void put_number(struct line *line, uint64_t value, uint64_t base)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0)
		put(line, (efi_char)digits[--n]);
}

static void put_value(struct line *line, const char **format, va_list *args)
{
	if (**format == 's') {
		put_string(line, va_arg(*args, const char *));
	} else if (**format == 'W') {
		for (const efi_char *s = va_arg(*args, const efi_char *); s != NULL && *s != 0; s++)
			put(line, *s);
	} else {
		++*format;	/* the l of %lu and %lx */
		put_number(line, va_arg(*args, uint64_t), **format == 'x' ? 16 : 10);
	}
}

void say(const char *format, ...)
{
	struct line line = { .length = 0 };
	va_list args;

	va_start(args, format);
	put_string(&line, "hv8 loader: ");
	for (const char *p = format; *p != 0; p++) {
		if (*p == '%') {
			p++;
			put_value(&line, &p, &args);
		} else {
			put(&line, (efi_char)(unsigned char)*p);
		}
	}
	va_end(args);
	line.text[line.length] = '\r';
	line.text[line.length + 1] = '\n';
	line.text[line.length + 2] = 0;
	if (output != NULL)
		(void)output->output_string(output, line.text);
}
