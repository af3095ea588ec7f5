/* SPDX-License-Identifier: MIT */
/*
 * From UEFI to the kernel. Invariant: until exit_boot_services() is called,
 * whatever goes wrong is said in one line, all that was taken is given back,
 * and the firmware goes on with its next choice.
 */
#include "loader.h"

#include <arch/sysreg.h>

static const char config_path[] = "\\hv8\\hv8.cfg";

/* A timer may change the memory map between two calls, but not for ever. */
enum { EXIT_TRIES = 16 };

#define REVISION_MAJOR(r) ((uint64_t)(r) >> 16)
#define REVISION_MINOR(r) ((uint64_t)((r) & 0xffff) / 10)

struct loading {
	struct efi_boot_services *boot;
	struct memory_map map;
	struct volume volume;
	struct config config;
	char config_text[CONFIG_BYTES];
	struct file kernel, initrd, tree;
	const void *firmware_tree;	/* null: the one in the file */
	uint64_t image_size, tree_size;
	struct block block, tree_at, initrd_at;
	int kept;	/* reservations of the tree's own */
};

static struct loading loading;

static bool read_config(struct loading *l)
{
	struct config_file self = { .path = "\\hv8\\hv8.cfg" };
	struct file file = { .handle = NULL };
	const char *wrong = NULL;
	uint64_t line = 0;
	bool read;

	config_defaults(&l->config);
	if (!volume_has(&l->volume, config_path)) {
		say("no %s: the usual names, and no checksums", config_path);
		return true;
	}
	read = file_open(&file, &l->volume, "configuration", &self);
	if (read && file.size > sizeof(l->config_text)) {
		say("%s is too large: %lu bytes, and %lu is the limit", config_path, file.size,
		    (uint64_t)sizeof(l->config_text));
		read = false;
	}
	read = read && file_read(&file, 0, l->config_text, file.size);
	file_close(&file);
	if (read)
		wrong = config_parse(&l->config, l->config_text, file.size, &line);
	if (wrong != NULL)
		say("%s, line %lu: %s", config_path, line, wrong);
	return read && wrong == NULL;
}

static bool find_tree(struct loading *l, const struct efi_system_table *system)
{
	bool is_named = l->config.tree.path[0] != 0;

	if (!l->config.tree_first || !is_named)
		l->firmware_tree = tree_of_firmware(system);
	if (l->firmware_tree != NULL) {
		l->tree_size = tree_size(l->firmware_tree);
		if (l->tree_size == 0)
			say("the firmware's device tree is damaged");
		else
			say("device tree of the firmware: %lu bytes", l->tree_size);
		return l->tree_size != 0;
	}
	if (!is_named) {
		say("no device tree: the firmware offers none (ACPI only?), and %s names none "
		    "with dtb =", config_path);
		return false;
	}
	if (!file_open(&l->tree, &l->volume, "dtb", &l->config.tree))
		return false;
	l->tree_size = l->tree.size;
	return true;
}

static bool find_files(struct loading *l, const struct efi_system_table *system)
{
	return file_open(&l->kernel, &l->volume, "kernel", &l->config.kernel) &&
	       kernel_check(&l->kernel, &l->image_size) &&
	       file_open(&l->initrd, &l->volume, "initrd", &l->config.initrd) &&
	       find_tree(l, system);
}

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + EFI_PAGE_SIZE - 1) & ~(EFI_PAGE_SIZE - 1);
}

/* Kernel, device tree, initrd, from one multiple of 2 MiB on. */
static bool place(struct loading *l)
{
	uint64_t image = whole_pages(l->image_size), tree = whole_pages(l->tree_size + TREE_ROOM);

	if (image < l->image_size || image > (uint64_t)1 << 47) {
		say("the kernel %s wants 0x%lx bytes of memory, more than there can be",
		    l->config.kernel.path, l->image_size);
		return false;
	}
	if (!memory_take(&l->block, image + tree + l->initrd.size, &l->map, l->boot))
		return false;
	l->tree_at = (struct block){ l->block.start + image, l->block.start + image + tree };
	l->initrd_at = (struct block){ l->tree_at.end, l->tree_at.end + l->initrd.size };
	return true;
}

static void *at(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static bool load_tree(struct loading *l)
{
	uint8_t *to = at(l->tree_at.start);
	const uint8_t *from = l->firmware_tree;

	if (from == NULL) {
		if (!file_load(&l->tree, to))
			return false;
		if (tree_size(to) == 0 || tree_size(to) > l->tree_size) {
			say("the dtb %s is no device tree, or is damaged", l->config.tree.path);
			return false;
		}
	}
	for (uint64_t i = 0; from != NULL && i < l->tree_size; i++)
		to[i] = from[i];
	l->kept = tree_reservations(to);
	return tree_complete(to, l->tree_at.end - l->tree_at.start, &l->initrd_at, l->config.args);
}

static bool load_all(struct loading *l)
{
	return file_load(&l->kernel, at(l->block.start)) &&
	       file_load(&l->initrd, at(l->initrd_at.start)) && load_tree(l);
}

static void give_back(struct loading *l)
{
	file_close(&l->kernel);
	file_close(&l->initrd);
	file_close(&l->tree);
	volume_close(&l->volume);
	memory_give_back(&l->block, l->boot);
	memory_map_end(&l->map, l->boot);
}

/*
 * The tree has to hold the very map that the firmware agrees to end with, so
 * it is written again with each try. Once exit_boot_services() was called, the
 * console is gone, whether or not it succeeded (7.4.6).
 */
static void leave(struct loading *l, efi_handle image, struct efi_runtime_services *runtime)
{
	void *tree = at(l->tree_at.start);
	efi_status status = EFI_INVALID_PARAMETER;

	for (int i = 0; i < EXIT_TRIES && status == EFI_INVALID_PARAMETER; i++) {
		status = memory_map_get(&l->map, l->boot);
		if (status == EFI_SUCCESS && !tree_reserve(tree, l->kept, &l->map))
			status = EFI_OUT_OF_RESOURCES;
		if (status == EFI_SUCCESS)
			status = l->boot->exit_boot_services(image, l->map.key);
	}
	if (status == EFI_SUCCESS)
		enter_kernel(l->block.start, l->tree_at.start, l->block.start, l->block.end);
	runtime->reset_system(EFI_RESET_COLD, status, 0, NULL);
}

/* The first look at the reservations, while there still is a console to complain on. */
static bool try_reservations(struct loading *l)
{
	if (memory_map_get(&l->map, l->boot) == EFI_SUCCESS &&
	    tree_reserve(at(l->tree_at.start), l->kept, &l->map))
		return true;
	say("the memory that the firmware keeps cannot be written into the device tree");
	return false;
}

efi_status efi_main(efi_handle image, struct efi_system_table *system)
{
	struct loading *l = &loading;

	console_start(system->out);
	*l = (struct loading){ .boot = system->boot };
	say("firmware %W, UEFI %lu.%lu, EL%lu", system->vendor,
	    REVISION_MAJOR(system->header.revision), REVISION_MINOR(system->header.revision),
	    current_el() >> 2);
	if (current_el() != CURRENTEL_EL2) {
		say("the firmware does not run at EL2, where the kernel has to be: switch "
		    "virtualization on (QEMU: -M virt,virtualization=on)");
		return EFI_UNSUPPORTED;
	}
	if (volume_open(&l->volume, image, system->boot) && read_config(l) &&
	    find_files(l, system) && memory_map_start(&l->map, l->boot) && place(l) &&
	    load_all(l) && try_reservations(l)) {
		file_close(&l->kernel);
		file_close(&l->initrd);
		file_close(&l->tree);
		volume_close(&l->volume);
		say("leaving the firmware for the kernel");
		leave(l, image, system->runtime);
	}
	give_back(l);
	say("nothing was started");
	return EFI_LOAD_ERROR;
}
