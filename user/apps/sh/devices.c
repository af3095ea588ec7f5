/* SPDX-License-Identifier: MIT */
/*
 * Which devices a program gets, their registers and interrupt lines: devices.txt
 * of the initrd has a line "PROGRAM COMPATIBLE..." for each. Those that another
 * process has are left out, and the program finds that out.
 */
#include "sh.h"

#include <hv8/device.h>
#include <hv8/irq.h>

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

/* Its registers, if processes may have them, and its interrupt lines. */
static void add_node(const struct hv_dt_node *node, struct hv_grants *grants)
{
	uint64_t lines[HV_NIRQ / 64], bytes = 0;
	hv_device device = node->size == 0 ? 0 : hv_device_at(node->address);
	const uint8_t *cells = hv_dt_property(node, "interrupts", &bytes);

	if (device != 0 && is_free(device))
		grants->devices[device / 64] |= 1UL << device % 64;
	hv_irq_lines(lines);
	for (uint64_t at = 0; at + HV_IRQ_CELLS <= bytes; at += HV_IRQ_CELLS) {
		int64_t line = hv_irq_line(hv_irq_intid(cells + at));

		if (line > 0)
			grants->irqs[line / 64] |= lines[line / 64] & 1UL << line % 64;
	}
}

static void add_compatible(const char *word, size_t length, struct hv_grants *grants)
{
	struct hv_dt_node node = { 0 };
	char name[64];

	if (length >= sizeof(name))
		return;
	memcpy(name, word, length);
	name[length] = '\0';
	while (hv_dt_next(&node))
		if (node.is_enabled && hv_dt_is_compatible(&node, name))
			add_node(&node, grants);
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
