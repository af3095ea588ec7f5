/* SPDX-License-Identifier: MIT */
/*
 * Which devices a program gets: devices.txt of the initrd has a line "PROGRAM
 * COMPATIBLE..." for each. Those that another process has are left out, and
 * the program finds that out.
 */
#include "sh.h"

#include <hv8/device.h>

#include <string.h>

static const char list_name[] = "devices.txt";

/* The word at *at, ended by a space or the end of the line; its length. */
static size_t next_word(const char **at, const char *end)
{
	const char *start;

	while (*at < end && **at == ' ')
		(*at)++;
	start = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	return (size_t)(*at - start);
}

/* The shell has it, and it can be given away. */
static bool is_free(hv_device device)
{
	return hv_devices[device].owner == (hv_pid)hv_self() &&
	       hv_devices[device].state == HV_DEVICE_UNMAPPED;
}

static void add_compatible(const char *word, size_t length, struct hv_grants *grants)
{
	struct hv_dt_node node = { 0 };
	char name[64];
	hv_device device;

	if (length >= sizeof(name))
		return;
	memcpy(name, word, length);
	name[length] = '\0';
	while ((device = hv_device_find(name, &node)) != 0)
		if (is_free(device))
			grants->devices[device / 64] |= 1UL << device % 64;
}

static void read_line(const char *line, const char *end, const char *program,
		      struct hv_grants *grants)
{
	size_t length = next_word(&line, end);

	if (length != strlen(program) || memcmp(line - length, program, length) != 0)
		return;
	while ((length = next_word(&line, end)) > 0)
		add_compatible(line - length, length, grants);
}

void devices_for(const char *program, struct hv_grants *grants)
{
	struct hv_initrd_file file, list;

	if (!hv_initrd_find(program, &file) || !hv_initrd_find(list_name, &list))
		return;
	for (const char *line = (const char *)list.data, *end = line + list.size; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL)
			stop = end;
		read_line(line, stop, file.name, grants);
		line = stop + 1;
	}
}
