/* SPDX-License-Identifier: MIT */
/*
 * The device tree, by libfdt. Invariant: what firmware keeps for itself, or
 * does not call memory, is reserved in the tree that the kernel gets.
 */
#include "loader.h"

#include <libfdt.h>
#include <string.h>

static const struct efi_guid device_tree = {
	0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }
};

const void *tree_of_firmware(const struct efi_system_table *system)
{
	for (uint64_t i = 0; i < system->table_count; i++)
		if (memcmp(&system->tables[i].guid, &device_tree, sizeof(device_tree)) == 0)
			return system->tables[i].table;
	return NULL;
}

uint64_t tree_size(const void *tree)
{
	if (fdt_check_header(tree) != 0 || fdt_check_full(tree, fdt_totalsize(tree)) != 0)
		return 0;
	return fdt_totalsize(tree);
}

static int chosen_node(void *tree)
{
	int node = fdt_path_offset(tree, "/chosen");

	return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(tree, 0, "chosen") : node;
}

bool tree_complete(void *tree, uint64_t bytes, const struct block *initrd, const char *args)
{
	int error = fdt_open_into(tree, tree, (int)bytes), node = 0;

	if (error == 0)
		node = chosen_node(tree);
	if (node < 0)
		error = node;
	if (error == 0)
		error = fdt_setprop_u64(tree, node, "linux,initrd-start", initrd->start);
	if (error == 0)
		error = fdt_setprop_u64(tree, node, "linux,initrd-end", initrd->end);
	if (error == 0 && args[0] != 0)
		error = fdt_setprop(tree, node, "bootargs", args, (int)strlen(args) + 1);
	if (error != 0)
		say("the device tree cannot be changed: %s", fdt_strerror(error));
	return error == 0;
}

int tree_reservations(const void *tree)
{
	return fdt_num_mem_rsv(tree);
}

bool tree_reserve(void *tree, int kept, const struct memory_map *map)
{
	struct block gap = { 0, 0 };

	while (fdt_num_mem_rsv(tree) > kept)
		if (fdt_del_mem_rsv(tree, kept) != 0)
			return false;
	for (; memory_gap(map, gap.end, &gap);)
		if (fdt_add_mem_rsv(tree, gap.start, gap.end - gap.start) != 0)
			return false;
	return kept >= 0;
}
