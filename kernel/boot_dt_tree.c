/* SPDX-License-Identifier: MIT */
/*
 * Nodes of the device tree, their addresses and their interrupts (Devicetree
 * Specification 0.4, 2.3 and 2.4), on top of libfdt. libfdt walks from the
 * root for each question about a parent, and checks a node's tags anew for
 * each about a property: one walk by its tags remembers parents and
 * properties, which otherwise are two thirds of the instructions of boot.
 *
 * Invariants: a node is a number below node_count; its properties are those
 * before its first child, within the structure block and the strings; a region
 * is returned only if every bus above the node says how its addresses translate.
 */
#include "boot_dt.h"

#include <libfdt.h>

#include "boot.h"

enum { NODES = 4096, DEPTH = 32, PROPERTIES = 16384 };

static struct {
	const char *name;
	int offset;	/* libfdt's name for it */
	int parent;
	int first_property, end_property;
	int address_cells, size_cells;	/* of its children's addresses */
} nodes[NODES];
static int node_count;

/* From the start of the tree. */
static struct {
	uint32_t name, value;
	int bytes;
} properties[PROPERTIES];
static int property_count;

static int found[DT_KINDS];

static const struct {
	const char *compatible;
	enum dt_kind kind;
} kinds[] = {
	{ "arm,pl011", DT_UART },
	{ "cdns,uart-r1p12", DT_UART },
	{ "xlnx,xuartps", DT_UART },
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

static bool is_same(const char *a, const char *b)
{
	for (; *a != 0 && *a == *b; a++)
		b++;
	return *a == *b;
}

const void *dt_property(int node, const char *name, int *bytes)
{
	const char *blob = dt_blob();

	for (int i = nodes[node].first_property; i < nodes[node].end_property; i++)
		if (is_same(blob + properties[i].name, name)) {
			if (bytes != NULL)
				*bytes = properties[i].bytes;
			return blob + properties[i].value;
		}
	return NULL;
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
		if (found[kinds[i].kind] < 0 &&
		    fdt_stringlist_contains(list, bytes, kinds[i].compatible) &&
		    dt_is_okay(node))
			found[kinds[i].kind] = node;
}

static void add_node(int offset, int parent)
{
	if (node_count == NODES)
		boot_fail("the device tree has more than %lu nodes", (uint64_t)NODES);
	nodes[node_count].name = fdt_get_name(dt_blob(), offset, NULL);
	nodes[node_count].offset = offset;
	nodes[node_count].parent = parent;
	nodes[node_count].first_property = property_count;
	nodes[node_count].end_property = property_count;
	node_count++;
}

/* One whose name is not in the strings is none. */
static void add_property(int offset)
{
	const char *blob = dt_blob(), *name;
	int bytes;
	const char *value = fdt_getprop_by_offset(blob, offset, &name, &bytes);

	if (value == NULL)
		return;
	if (property_count == PROPERTIES)
		boot_fail("the device tree has more than %lu properties", (uint64_t)PROPERTIES);
	properties[property_count].name = (uint32_t)(name - blob);
	properties[property_count].value = (uint32_t)(value - blob);
	properties[property_count].bytes = bytes;
	nodes[node_count - 1].end_property = ++property_count;
}

/* Ends with the root, or where the tree is damaged. */
static void walk(void)
{
	int last_at_depth[DEPTH], depth = 0, at = 0, next;
	bool takes_properties = false;

	for (;; at = next) {
		uint32_t tag = fdt_next_tag(dt_blob(), at, &next);

		if (tag == FDT_BEGIN_NODE) {
			if (depth == DEPTH)
				boot_fail("the device tree is deeper than %lu nodes",
					  (uint64_t)DEPTH);
			last_at_depth[depth] = node_count;
			add_node(at, depth == 0 ? -1 : last_at_depth[depth - 1]);
			depth++;
			takes_properties = true;
		} else if (tag == FDT_PROP) {
			if (takes_properties)
				add_property(at);
		} else if (tag == FDT_END_NODE) {
			takes_properties = false;
			if (--depth <= 0)
				return;
		} else if (tag != FDT_NOP) {
			return;
		}
	}
}

/* -1: damaged. What is not said: 2.3.5. */
static int cells_of(int node, const char *name, int otherwise)
{
	int bytes;
	const fdt32_t *p = dt_property(node, name, &bytes);
	uint32_t cells = p != NULL && bytes == 4 ? fdt32_to_cpu(*p) : FDT_MAX_NCELLS + 1;

	if (p == NULL)
		return otherwise;
	return cells <= FDT_MAX_NCELLS ? (int)cells : -1;
}

void dt_scan(void)
{
	for (int i = 0; i < DT_KINDS; i++)
		found[i] = -1;
	walk();
	for (int node = 0; node < node_count; node++) {
		nodes[node].address_cells = cells_of(node, "#address-cells", 2);
		nodes[node].size_cells = cells_of(node, "#size-cells", 1);
		classify(node);
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
	return nodes[node].name;
}

uint64_t dt_offset(int node)
{
	return (uint64_t)nodes[node].offset;
}

int dt_at_root(const char *name)
{
	for (int node = dt_next_child(0, -1); node >= 0; node = dt_next_child(0, node))
		if (nodes[node].name != NULL && is_same(nodes[node].name, name))
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
	return dt_is_among(node, &name, 1);
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

/* One step up: a region on `bus` becomes one on the parent of `bus` (2.3.8, ranges). */
static bool translate(int bus, struct region *region)
{
	int child = nodes[bus].address_cells, size = nodes[bus].size_cells, bytes, step;
	int parent = nodes[nodes[bus].parent].address_cells;
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
	address = nodes[bus].address_cells;
	size = nodes[bus].size_cells;
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
