/* SPDX-License-Identifier: MIT */
/* What the parts of the loader offer to each other. A function that returns bool has, if it
 * returns false, said why on the console. */
#ifndef BOOTLOADER_LOADER_H
#define BOOTLOADER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "efi.h"

/* ---- console.c -------------------------------------------------------------- */

void console_start(struct efi_text_output *out);
/* One line. Knows %s, %lu, %lx, and %W for a string of the firmware's characters. */
void say(const char *format, ...);

/* ---- volume.c: the files next to the loader ------------------------------------ */

struct volume {
	struct efi_file *root;
};

struct file {
	struct efi_file *handle;
	const struct config_file *want;
	const char *what;	/* for messages */
	uint64_t size;
};

bool volume_open(struct volume *volume, efi_handle image, struct efi_boot_services *boot);
void volume_close(struct volume *volume);
/* Whether a file can be opened: the only question that is answered without a line. */
bool volume_has(struct volume *volume, const char *path);
bool file_open(struct file *file, struct volume *volume, const char *what,
	       const struct config_file *want);
/* `bytes` from `at` on. */
bool file_read(struct file *file, uint64_t at, void *to, uint64_t bytes);
/* All of it; its SHA-256 must be the one that is wanted, if one is. */
bool file_load(struct file *file, void *to);
void file_close(struct file *file);

/* ---- kernel.c -------------------------------------------------------------------- */

/* Reads the header of an arm64 Image, and how much memory it wants. */
bool kernel_check(struct file *file, uint64_t *image_size);

/* ---- memory.c ----------------------------------------------------------------------- */

struct memory_map {
	uint8_t *buffer;
	uint64_t capacity;
	uint64_t bytes, key, descriptor_bytes;
};

struct block {
	uint64_t start, end;
};

bool memory_map_start(struct memory_map *map, struct efi_boot_services *boot);
void memory_map_end(struct memory_map *map, struct efi_boot_services *boot);
/* As it is now. Says nothing: boot services may be over. */
efi_status memory_map_get(struct memory_map *map, struct efi_boot_services *boot);
/* Takes the lowest free memory of that size from a multiple of 2 MiB on. */
bool memory_take(struct block *block, uint64_t bytes, struct memory_map *map,
		 struct efi_boot_services *boot);
void memory_give_back(struct block *block, struct efi_boot_services *boot);
/*
 * The first gap at or after `from` in the memory that belongs to the kernel
 * once the firmware's boot services are over; false if there is none below
 * 2^48.
 */
bool memory_gap(const struct memory_map *map, uint64_t from, struct block *gap);

/* ---- tree.c: the device tree ----------------------------------------------------------- */

/* What the loader adds to a tree, at most, besides the arguments. */
#define TREE_ROOM (32 << 10)

/* The tree that the firmware offers, or null. */
const void *tree_of_firmware(const struct efi_system_table *system);
/* Its size in bytes; 0 if it is not a sound one. */
uint64_t tree_size(const void *tree);
/* Makes room up to `bytes`, in place, and writes what the kernel looks for in /chosen. */
bool tree_complete(void *tree, uint64_t bytes, const struct block *initrd, const char *args);
/* The number of reservations that are there already. */
int tree_reservations(const void *tree);
/* Keeps `kept` of them and reserves all that is no memory for the kernel. Says nothing. */
bool tree_reserve(void *tree, int kept, const struct memory_map *map);

/* ---- head.S ---------------------------------------------------------------------------- */

/* CurrentEL, in the register's format. */
uint64_t current_el(void);
/* Cleans [start, end) from the caches, turns MMU and caches off, and enters the kernel. */
_Noreturn void enter_kernel(uint64_t kernel, uint64_t tree, uint64_t start, uint64_t end);

/* ---- main.c -------------------------------------------------------------------------------- */

efi_status efi_main(efi_handle image, struct efi_system_table *system);

#endif
