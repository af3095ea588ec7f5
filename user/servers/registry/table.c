/* SPDX-License-Identifier: MIT */
/*
 * The table of servers: servers.txt of the initrd has a line for each kind:
 *
 *   NAME PROGRAM tty                  it has the console instead of a device, or the UART if
 *                                     that is for a process
 *   NAME PROGRAM COMPATIBLE           the first such device; none: no server
 *   NAME PROGRAM COMPATIBLE TYPE      all virtio devices of that type: NAME0, NAME1, ...
 *
 * Numbers go by the order of the device tree. What is mapped is a page, so
 * virtio devices in one page have one server.
 */
#include "registry.h"

#include <hv8/device.h>
#include <hv8/irq.h>
#include <hv8/virtio.h>

#include <stdlib.h>
#include <string.h>

enum { WORDS = 4, WORD_BYTES = 64 };

struct server servers[SERVERS_MAX];
unsigned server_count;

static bool is_probed;
static char line[WORDS][WORD_BYTES]; /* the words of one */

/* ---- servers.txt ------------------------------------------------------------------- */

/* Takes the next line of [*at, end) apart; words that it does not have are empty. */
static void split(const char **at, const char *end)
{
	memset(line, 0, sizeof(line));
	for (unsigned word = 0; *at < end && **at != '\n';) {
		size_t length = 0;

		while (*at + length < end && (*at)[length] != ' ' && (*at)[length] != '\n')
			length++;
		if (word < WORDS && length < WORD_BYTES)
			memcpy(line[word++], *at, length);
		*at += length;
		while (*at < end && **at == ' ')
			(*at)++;
	}
	*at += *at < end;
}

static struct server *add(void)
{
	struct server *server = &servers[server_count];

	if (server_count == SERVERS_MAX)
		return NULL;
	server_count++;
	memcpy(server->name, line[0], HV_NAME_BYTES);
	memcpy(server->program, line[1], HV_NAME_BYTES);
	server->ends[0] = server->ends[1] = -1;
	return server;
}

/* ---- devices --------------------------------------------------------------------------- */

/* The lines of all those devices in the page that are alike. */
static void find_lines(hv_device device, const char *compatible, uint64_t lines[HV_NIRQ / 64])
{
	struct hv_dt_node node = { 0 };
	hv_device found;

	while ((found = hv_device_find(compatible, &node)) != 0) {
		uint64_t bytes = 0;
		const uint8_t *cells = hv_dt_property(&node, "interrupts", &bytes);
		int64_t number = found != device || cells == NULL || bytes < HV_IRQ_CELLS
					 ? 0
					 : hv_irq_line(hv_irq_intid(cells));

		if (number > 0)
			lines[number / 64] |= 1UL << number % 64;
	}
}

static void add_first(void)
{
	struct hv_dt_node node = { 0 };
	hv_device device = hv_device_find(line[2], &node);
	struct server *server = device == 0 ? NULL : add();

	if (server == NULL)
		return;
	server->device = device;
	find_lines(device, line[2], server->lines);
}

static void add_console(void)
{
	struct server *server = add();
	int64_t number;

	if (server == NULL)
		return;
	server->has_uart = hv_bootinfo->uart_pa != 0;
	server->has_tty = !server->has_uart;
	if (server->has_tty)
		return;
	server->device = hv_device_at(hv_bootinfo->uart_pa);
	number = hv_irq_line(hv_bootinfo->uart_intid);
	if (number > 0)
		server->lines[number / 64] |= 1UL << number % 64;
}

/* How many of them are in a page that is another's until now. */
static int64_t count_in(hv_device device, uint32_t type)
{
	static const uint64_t no_lines[HV_NIRQ / 64];
	int64_t count = device_get(device, no_lines);

	if (count < 0)
		return count;
	count = hv_virtio_count(device, type);
	device_put(device, no_lines);
	return count;
}

static int64_t add_units(hv_device device, unsigned *first)
{
	int64_t units = count_in(device, (uint32_t)strtoul(line[3], NULL, 10));
	struct server *server = units <= 0 ? NULL : add();

	if (server == NULL)
		return units;
	server->device = device;
	server->first = *first;
	server->units = (unsigned)units;
	*first += server->units;
	find_lines(device, line[2], server->lines);
	return 0;
}

/* All pages with such devices, each once. */
static int64_t add_numbered(void)
{
	uint64_t seen[HV_NDEVICE / 64] = { 0 };
	struct hv_dt_node node = { 0 };
	hv_device device;
	unsigned first = 0;
	int64_t error = 0;

	while (error >= 0 && (device = hv_device_find(line[2], &node)) != 0) {
		if (seen[device / 64] >> device % 64 & 1)
			continue;
		seen[device / 64] |= 1UL << device % 64;
		error = add_units(device, &first);
	}
	return error;
}

/* ---- all of them ------------------------------------------------------------------------- */

static int64_t read_all(bool numbered)
{
	struct hv_initrd_file file;
	int64_t error = 0;

	if (!hv_initrd_find("servers.txt", &file))
		return -HV_ENOENT;
	for (const char *at = (const char *)file.data, *end = at + file.size;
	     at < end && error == 0;) {
		split(&at, end);
		if (line[2][0] == '\0' || (line[3][0] != '\0') != numbered)
			continue;
		if (numbered) {
			error = add_numbered();
		} else if (strcmp(line[2], "tty") == 0) {
			add_console();
		} else {
			add_first();
		}
	}
	return error;
}

void table_read(void)
{
	read_all(false);
}

int64_t table_probe(void)
{
	unsigned before = server_count;
	int64_t error;

	if (is_probed)
		return 0;
	error = read_all(true);
	if (error < 0) { /* numbers would differ: another time */
		memset(&servers[before], 0, (server_count - before) * sizeof(servers[0]));
		server_count = before;
	}
	is_probed = error == 0;
	return error;
}

/* The number behind the server's name, or -1. */
static long number_in(const struct server *server, const char *name)
{
	size_t length = strlen(server->name);
	char *end;
	unsigned long number;

	if (strncmp(name, server->name, length) != 0 || name[length] < '0' || name[length] > '9')
		return -1;
	number = strtoul(name + length, &end, 10);
	return *end == '\0' && number < 1000 ? (long)number : -1;
}

static bool is_named(const struct server *server, const char *name)
{
	long number;

	if (server->units == 0)
		return strcmp(name, server->name) == 0;
	number = number_in(server, name);
	return number >= (long)server->first && number < (long)(server->first + server->units);
}

struct server *table_find(const char name[HV_NAME_BYTES + 1])
{
	for (unsigned i = 0; i < server_count; i++)
		if (is_named(&servers[i], name))
			return &servers[i];
	return NULL;
}

uint64_t table_unit(const struct server *server, const char *name)
{
	return server->units == 0 ? 0 : (uint64_t)number_in(server, name) - server->first;
}
