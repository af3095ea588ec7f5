/* SPDX-License-Identifier: MIT */
/* What command-line programs share: usage messages, numbers, file operands. */
#include <hv8/app.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void app_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	exit(APP_USAGE);
}

bool app_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (!isdigit((unsigned char)*text) || value > (max - digit) / 10 || digit > max)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool app_seconds(const char *text, uint64_t *nanoseconds)
{
	char whole[16];
	const char *point = strchr(text, '.');
	size_t length = point != NULL ? (size_t)(point - text) : strlen(text);
	uint64_t seconds;
	uint64_t unit = 100000000;

	if (length >= sizeof(whole))
		return false;
	memcpy(whole, text, length);
	whole[length] = '\0';
	if (!app_number(whole, 1000000000, &seconds))
		return false;
	*nanoseconds = seconds * 1000000000;
	if (point == NULL)
		return true;
	for (point++; *point != '\0'; point++, unit /= 10) {
		if (!isdigit((unsigned char)*point))
			return false;
		*nanoseconds += (uint64_t)(*point - '0') * unit;
	}
	return true;
}

static int open_file(const char *program, const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		fprintf(stderr, "%s: %s: %s\n", program, name, strerror(errno));
	return fd;
}

int app_files(const char *program, char **names, int (*each)(int fd, const char *name))
{
	int status = 0;

	if (*names == NULL)
		return each(STDIN_FILENO, "-") != 0;
	for (; *names != NULL; names++) {
		bool is_stdin = strcmp(*names, "-") == 0;
		int fd = is_stdin ? STDIN_FILENO : open_file(program, *names);

		if (fd < 0 || each(fd, *names) != 0)
			status = 1;
		if (fd >= 0 && !is_stdin)
			close(fd);
	}
	return status;
}

bool app_write(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);

		if (written <= 0)
			return false;
		data += written;
		length -= (size_t)written;
	}
	return true;
}

/* Makes room for one more byte after `used`. */
static bool grow(char **line, size_t *capacity, size_t used)
{
	size_t wanted = *capacity == 0 ? 128 : *capacity * 2;
	char *larger;

	if (used < *capacity)
		return true;
	larger = realloc(*line, wanted);
	if (larger == NULL)
		return false;
	*line = larger;
	*capacity = wanted;
	return true;
}

long app_line(FILE *from, char **line, size_t *capacity)
{
	size_t used = 0;
	int c = getc(from);

	if (c == EOF)
		return -1;
	for (; c != EOF && c != '\n'; c = getc(from)) {
		if (!grow(line, capacity, used + 1))
			return -1;
		(*line)[used++] = (char)c;
	}
	if (!grow(line, capacity, used))
		return -1;
	(*line)[used] = '\0';
	return (long)used;
}

int app_finish(int status)
{
	if (fflush(stdout) == EOF && status == 0)
		return 1;
	return status;
}
