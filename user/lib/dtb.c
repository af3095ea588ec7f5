/* SPDX-License-Identifier: MIT */
/*
 * The device tree, as the kernel shows it (Devicetree Specification 0.4: 5.4
 * tokens, 2.3 addresses). Boot has checked that it is sound.
 */
#include <hv8/device.h>

#include <string.h>

enum token { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };
enum header { OFF_STRUCT = 8, OFF_STRINGS = 12 };

static const uint8_t *blob(void)
{
	return (const uint8_t *)HV_VIEW_DTB + hv_bootinfo->dtb_offset;
}

uint32_t hv_dt_cell(const uint8_t *cell)
{
	return (uint32_t)cell[0] << 24 | (uint32_t)cell[1] << 16 | (uint32_t)cell[2] << 8 | cell[3];
}

static const uint8_t *structure(uint64_t offset)
{
	return blob() + hv_dt_cell(blob() + OFF_STRUCT) + offset;
}

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + 3) & ~3UL;
}

/* Where the token behind the one at `at` is. */
static uint64_t behind(uint64_t at)
{
	const uint8_t *token = structure(at);

	if (hv_dt_cell(token) == BEGIN_NODE)
		return at + 4 + aligned(strlen((const char *)token + 4) + 1);
	if (hv_dt_cell(token) == PROP)
		return at + 12 + aligned(hv_dt_cell(token + 4));
	return at + 4;
}

const uint8_t *hv_dt_property(const struct hv_dt_node *node, const char *name, uint64_t *bytes)
{
	const char *strings = (const char *)blob() + hv_dt_cell(blob() + OFF_STRINGS);

	for (uint64_t at = behind(node->offset);; at = behind(at)) {
		const uint8_t *token = structure(at);

		if (hv_dt_cell(token) == PROP &&
		    strcmp(strings + hv_dt_cell(token + 8), name) == 0) {
			*bytes = hv_dt_cell(token + 4);
			return token + 12;
		}
		if (hv_dt_cell(token) != PROP && hv_dt_cell(token) != NOP)
			return NULL;
	}
}

bool hv_dt_is_compatible(const struct hv_dt_node *node, const char *name)
{
	uint64_t bytes, length = strlen(name) + 1;
	const char *at = (const char *)hv_dt_property(node, "compatible", &bytes);
	const char *end = at + bytes;

	while (at != NULL && at + length <= end) {
		if (memcmp(at, name, length) == 0)
			return true;
		at += strlen(at) + 1;
	}
	return false;
}

/* ---- addresses ------------------------------------------------------------------ */

static uint64_t number(const uint8_t *at, uint64_t cells)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < cells; i++)
		value = value << 32 | hv_dt_cell(at + 4 * i);
	return value;
}

static uint64_t cells_of(const struct hv_dt_node *node, const char *name, uint64_t otherwise)
{
	uint64_t bytes;
	const uint8_t *cell = hv_dt_property(node, name, &bytes);

	return cell != NULL && bytes == 4 ? hv_dt_cell(cell) : otherwise;
}

/* What the node is for those below it. */
static void note_bus(struct hv_dt_node *node)
{
	struct hv_dt_bus *bus = &node->bus[node->depth - 1];
	uint64_t bytes;
	const char *status = (const char *)hv_dt_property(node, "status", &bytes);
	bool is_above = node->depth == 1 || node->bus[node->depth - 2].is_enabled;

	bus->address_cells = cells_of(node, "#address-cells", 2);
	bus->size_cells = cells_of(node, "#size-cells", 1);
	bus->ranges = hv_dt_property(node, "ranges", &bus->ranges_size);
	bus->is_enabled = is_above && (status == NULL || strncmp(status, "ok", 2) == 0);
	node->is_enabled = bus->is_enabled;
}

/* One step up: the address on `bus` becomes one on the bus that it is on. */
static bool translate(const struct hv_dt_bus *bus, uint64_t above_cells, uint64_t *address)
{
	uint64_t step = 4 * (bus->address_cells + above_cells + bus->size_cells);
	const uint8_t *at = bus->ranges;

	if (at == NULL || bus->ranges_size == 0)
		return at != NULL;
	for (uint64_t left = bus->ranges_size; left >= step; left -= step, at += step) {
		uint64_t offset = *address - number(at, bus->address_cells);
		const uint8_t *to = at + 4 * bus->address_cells;

		if (offset < number(to + 4 * above_cells, bus->size_cells)) {
			*address = number(to, above_cells) + offset;
			return true;
		}
	}
	return false;
}

static void note_address(struct hv_dt_node *node)
{
	const struct hv_dt_bus *bus = &node->bus[node->depth - 2];
	uint64_t bytes;
	const uint8_t *reg = hv_dt_property(node, "reg", &bytes);

	if (reg == NULL || bus->address_cells > 2 || bus->size_cells > 2 ||
	    bytes < 4 * (bus->address_cells + bus->size_cells))
		return;
	node->address = number(reg, bus->address_cells);
	node->size = number(reg + 4 * bus->address_cells, bus->size_cells);
	for (; bus > node->bus; bus--)
		if (!translate(bus, bus[-1].address_cells, &node->address))
			node->size = 0;
}

/* ---- the walk --------------------------------------------------------------------- */

static void come_to(struct hv_dt_node *node, uint64_t at)
{
	node->offset = at;
	node->name = (const char *)structure(at) + 4;
	node->address = 0;
	node->size = 0;
	note_bus(node);
	if (node->depth > 1)
		note_address(node);
}

/* `depth` of a walk counts the nodes that have begun and not ended. */
bool hv_dt_next(struct hv_dt_node *node)
{
	for (uint64_t at = node->next;; at = behind(at)) {
		switch ((enum token)hv_dt_cell(structure(at))) {
		case BEGIN_NODE:
			node->next = behind(at);
			if (++node->depth > HV_DT_DEPTH)
				continue;
			come_to(node, at);
			return true;
		case END_NODE:
			node->depth--;
			continue;
		case PROP:
		case NOP:
			continue;
		}
		node->next = at;
		return false;
	}
}
