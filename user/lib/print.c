/* SPDX-License-Identifier: MIT */
/*
 * A small formatter for messages that must not depend on stdio: it allocates
 * nothing and works in an exception handler.
 */
#include "os.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

struct out {
	char *buf;
	size_t size;	/* with the final NUL */
	size_t used;	/* may be more than fits */
};

static void put(struct out *out, char c)
{
	if (out->used + 1 < out->size)
		out->buf[out->used] = c;
	out->used++;
}

struct spec {
	unsigned width;
	char pad;
	bool is_left;
	bool is_long;
};

static void put_padded(struct out *out, const char *s, size_t n, struct spec spec)
{
	for (size_t i = n; !spec.is_left && i < spec.width; i++)
		put(out, spec.pad);
	for (size_t i = 0; i < n; i++)
		put(out, s[i]);
	for (size_t i = n; spec.is_left && i < spec.width; i++)
		put(out, ' ');
}

static void put_number(struct out *out, uint64_t value, unsigned base, bool is_negative,
	struct spec spec)
{
	char digits[24];
	size_t i = sizeof(digits);

	do {
		digits[--i] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (is_negative)
		digits[--i] = '-';
	put_padded(out, digits + i, sizeof(digits) - i, spec);
}

static const char *parse_spec(const char *f, struct spec *spec)
{
	*spec = (struct spec){ .pad = ' ' };
	for (; *f == '-' || *f == '0'; f++) {
		if (*f == '-')
			spec->is_left = true;
		else
			spec->pad = '0';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		spec->width = spec->width * 10 + (unsigned)(*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		spec->is_long = true;
	return f;
}

static void put_conversion(struct out *out, char conversion, struct spec spec, va_list *args)
{
	uint64_t value;
	const char *s;
	char c;

	switch (conversion) {
	case 'd':
		value = spec.is_long ? va_arg(*args, uint64_t) : (uint64_t)va_arg(*args, int);
		put_number(out, (int64_t)value < 0 ? -value : value, 10, (int64_t)value < 0, spec);
		break;
	case 'u':
	case 'x':
		value = spec.is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
		put_number(out, value, conversion == 'u' ? 10 : 16, false, spec);
		break;
	case 'p':
		put_padded(out, "0x", 2, (struct spec){ 0 });
		put_number(out, va_arg(*args, uint64_t), 16, false, spec);
		break;
	case 's':
		s = va_arg(*args, const char *);
		put_padded(out, s, strlen(s), spec);
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_padded(out, &c, 1, spec);
		break;
	default:
		put(out, conversion);
	}
}

static void format(struct out *out, const char *f, va_list *args)
{
	struct spec spec;

	for (; *f != 0; f++) {
		if (*f != '%') {
			put(out, *f);
			continue;
		}
		f = parse_spec(f + 1, &spec);
		if (*f == 0)
			break;
		put_conversion(out, *f, spec, args);
	}
	if (out->size > 0)
		out->buf[out->used < out->size ? out->used : out->size - 1] = 0;
}

int hv_snprintf(char *buf, size_t n, const char *f, ...)
{
	struct out out = { buf, n, 0 };
	va_list args;

	va_start(args, f);
	format(&out, f, &args);
	va_end(args);
	return (int)out.used;
}

int hv_dprintf(int fd, const char *f, ...)
{
	char buf[256];
	struct out out = { buf, sizeof(buf), 0 };
	va_list args;

	va_start(args, f);
	format(&out, f, &args);
	va_end(args);
	if (out.used >= sizeof(buf))
		out.used = sizeof(buf) - 1;
	return (int)write(fd, buf, out.used);
}
