/* SPDX-License-Identifier: MIT */
/*
 * Nodes of the device tree, their addresses and their interrupts (Devicetree
 * Specification 0.4, 2.3 and 2.4), on top of libfdt. libfdt walks from the
 * root for each question about a parent; one walk that remembers the parents
 * is a tenth of the work of boot.
 *
 * Invariants: a node is a number below node_count; a region is returned only
 * if every bus above the node says how its addresses translate.
 */
#include "boot_dt.h"

#include <libfdt.h>

#include "boot.h"

enum { NODES = 4096, DEPTH = 32 };

static struct {
	int offset;	/* libfdt's name for it */
	int parent;
	int address_cells, size_cells;	/* of its children's addresses, if has_cells */
	bool has_cells;
} nodes[NODES];
static int node_count;
static int found[DT_KINDS];

static const struct {
	const char *compatible;
	enum dt_kind kind;
} kinds[] = {
	{ "arm,pl011", DT_UART },
	{ "arm,gic-v3", DT_GICV3 },
	{ "arm,gic-400", DT_GICV2 },
	{ "arm,cortex-a15-gic", DT_GICV2 },
	{ "arm,armv8-timer", DT_TIMER },
	{ "arm,psci-1.0", DT_PSCI },
	{ "arm,psci-0.2", DT_PSCI },
};

const void *dt_blob(void)
{
	return (const void *)(uintptr_t)facts.dtb.pa;
}

const void *dt_property(int node, const char *name, int *bytes)
{
	return fdt_getprop(dt_blob(), nodes[node].offset, name, bytes);
}

bool dt_is_okay(int node)
{
	const char *status = dt_property(node, "status", NULL);

	return status == NULL || (status[0] == 'o' && status[1] == 'k');
}

static void classify(int node)
{
	int bytes;
	const char *list = dt_property(node, "compatible", &bytes);

	if (list == NULL)
		return;
	for (uint64_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (found[kinds[i].kind] < 0 && fdt_stringlist_contains(list, bytes, kinds[i].compatible) &&
		    dt_is_okay(node))
			found[kinds[i].kind] = node;
}

void dt_scan(void)
{
	int last_at_depth[DEPTH], depth = 0;

	for (int i = 0; i < DT_KINDS; i++)
		found[i] = -1;
	for (int at = 0; at >= 0; at = fdt_next_node(dt_blob(), at, &depth)) {
		if (depth < 0)
			break;
		if (node_count == NODES || depth >= DEPTH)
			boot_fail("the device tree has more than %lu nodes or is deeper than %lu",
				  (uint64_t)NODES, (uint64_t)DEPTH);
		nodes[node_count].offset = at;
		nodes[node_count].parent = depth == 0 ? -1 : last_at_depth[depth - 1];
		last_at_depth[depth] = node_count;
		classify(node_count++);
	}
}

int dt_find(enum dt_kind kind)
{
	return found[kind];
}

int dt_next_child(int parent, int after)
{
	for (int node = after < 0 ? parent + 1 : after + 1; node < node_count; node++)
		if (nodes[node].parent == parent)
			return node;
	return -1;
}

int dt_parent(int node)
{
	return nodes[node].parent;
}

int dt_count(void)
{
	return node_count;
}

const char *dt_name(int node)
{
	return fdt_get_name(dt_blob(), nodes[node].offset, NULL);
}

uint64_t dt_offset(int node)
{
	return (uint64_t)nodes[node].offset;
}

static bool is_named(int node, const char *name)
{
	const char *own = fdt_get_name(dt_blob(), nodes[node].offset, NULL);

	while (own != NULL && *name != 0 && *own == *name) {
		own++;
		name++;
	}
	return own != NULL && *name == 0 && *own == 0;
}

int dt_at_root(const char *name)
{
	for (int node = dt_next_child(0, -1); node >= 0; node = dt_next_child(0, node))
		if (is_named(node, name))
			return node;
	return -1;
}

int dt_path(const char *path, int length)
{
	int offset = fdt_path_offset_namelen(dt_blob(), path, length);

	for (int node = 0; node < node_count; node++)
		if (nodes[node].offset == offset)
			return node;
	return -1;
}

bool dt_is_compatible(int node, const char *name)
{
	return fdt_node_check_compatible(dt_blob(), nodes[node].offset, name) == 0;
}

bool dt_is_usable(int node)
{
	for (int at = node; at > 0; at = nodes[at].parent)
		if (!dt_is_okay(at) || (at != node && !dt_is_compatible(at, "simple-bus")))
			return false;
	return true;
}

bool dt_is_among(int node, const char *const *names, uint64_t count)
{
	int bytes;
	const char *list = dt_property(node, "compatible", &bytes);

	for (uint64_t i = 0; list != NULL && i < count; i++)
		if (fdt_stringlist_contains(list, bytes, names[i]))
			return true;
	return false;
}

/* ---- addresses ----------------------------------------------------------------- */

static uint64_t read_cells(const fdt32_t *p, int n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 32 | fdt32_to_cpu(*p++);
	return value;
}

/* Of an address and a size: PCI's of three cells are none. */
static bool are_words(int address, int size)
{
	return address >= 1 && address <= 2 && size >= 0 && size <= 2;
}

/* Asked of each bus once for each device on it: looked up once. */
static void look_up_cells(int node)
{
	if (nodes[node].has_cells)
		return;
	nodes[node].address_cells = fdt_address_cells(dt_blob(), nodes[node].offset);
	nodes[node].size_cells = fdt_size_cells(dt_blob(), nodes[node].offset);
	nodes[node].has_cells = true;
}

static int address_cells(int node)
{
	look_up_cells(node);
	return nodes[node].address_cells;
}

static int size_cells(int node)
{
	look_up_cells(node);
	return nodes[node].size_cells;
}

/* One step up: a region on `bus` becomes one on the parent of `bus` (2.3.8, ranges). */
static bool translate(int bus, struct region *region)
{
	int child = address_cells(bus), size = size_cells(bus), bytes, step;
	int parent = address_cells(nodes[bus].parent);
	const fdt32_t *p = dt_property(bus, "ranges", &bytes);

	if (p == NULL || !are_words(child, size) || !are_words(parent, 0))
		return false;
	if (bytes == 0)
		return true;
	step = child + parent + size;
	for (int left = bytes / 4; left >= step && step > 0; left -= step, p += step) {
		uint64_t offset = region->pa - read_cells(p, child);
		uint64_t length = read_cells(p + child + parent, size);

		if (offset < length && region->size <= length - offset) {
			region->pa = offset + read_cells(p + child, parent);
			return true;
		}
	}
	return false;
}

bool dt_reg_on_bus(int node, int index, struct region *region)
{
	int bus = nodes[node].parent, address, size, bytes;
	const fdt32_t *p = dt_property(node, "reg", &bytes);

	if (p == NULL || bus < 0)
		return false;
	address = address_cells(bus);
	size = size_cells(bus);
	if (!are_words(address, size) || bytes / 4 < (index + 1) * (address + size))
		return false;
	p += index * (address + size);
	region->pa = read_cells(p, address);
	region->size = read_cells(p + address, size);
	return true;
}

bool dt_reg(int node, int index, struct region *region)
{
	if (!dt_reg_on_bus(node, index, region))
		return false;
	/* The root's addresses are the CPU's. */
	for (int bus = nodes[node].parent; bus > 0; bus = nodes[bus].parent)
		if (!translate(bus, region))
			return false;
	return true;
}

/* ---- interrupts ------------------------------------------------------------------- */

/* The controller of a node: its interrupt-parent, or that of the nearest ancestor with one. */
static bool is_wired_to(int node, uint32_t phandle)
{
	for (; node >= 0; node = nodes[node].parent) {
		int bytes;
		const fdt32_t *p = dt_property(node, "interrupt-parent", &bytes);

		if (p != NULL)
			return bytes == 4 && fdt32_to_cpu(*p) == phandle;
	}
	return false;
}

static int gic_node(void)
{
	return found[DT_GICV3] >= 0 ? found[DT_GICV3] : found[DT_GICV2];
}

/* What every interrupt of the GIC needs: looked up once. `cells` 0: not what its binding says. */
static struct {
	bool is_known;
	uint32_t phandle;
	uint64_t cells;
} gic;

static void look_up_gic(void)
{
	int bytes, node = gic_node();
	const fdt32_t *p = dt_property(node, "#interrupt-cells", &bytes);
	uint64_t cells = p != NULL && bytes == 4 ? fdt32_to_cpu(*p) : 0;

	gic.cells = cells >= 3 && cells <= 8 ? cells : 0;
	gic.phandle = fdt_get_phandle(dt_blob(), nodes[node].offset);
	gic.is_known = true;
}

/* The binding arm,gic: cells are type (0 SPI, 1 PPI), number, flags (1, 2: edges). */
bool dt_interrupt(int node, int index, uint64_t *intid, bool *is_edge)
{
	int bytes;
	const fdt32_t *p = dt_property(node, "interrupts", &bytes);
	uint64_t type, number;

	if (!gic.is_known)
		look_up_gic();
	if (p == NULL || gic.cells == 0 ||
	    (uint64_t)bytes / 4 < ((uint64_t)index + 1) * gic.cells ||
	    !is_wired_to(node, gic.phandle))
		return false;
	p += (uint64_t)index * gic.cells;
	type = fdt32_to_cpu(p[0]);
	number = fdt32_to_cpu(p[1]);
	*intid = (type == 0 ? 32 : 16) + number;
	*is_edge = (fdt32_to_cpu(p[2]) & 3) != 0;
	return (type == 0 && number < 988) || (type == 1 && number < 16);
}
