/* SPDX-License-Identifier: MIT */
/*
 * The part of the UEFI Specification (2.10) that the loader uses, under its
 * names there. A function that the loader does not call is a `void *`, which
 * keeps its place in the table.
 */
#ifndef BOOTLOADER_EFI_H
#define BOOTLOADER_EFI_H

#include <stdint.h>

typedef uint64_t efi_status;
typedef void *efi_handle;
typedef uint16_t efi_char;	/* UCS-2 */

#define EFI_ERROR(n)		((efi_status)1 << 63 | (n))
#define EFI_SUCCESS		((efi_status)0)
#define EFI_LOAD_ERROR		EFI_ERROR(1)
#define EFI_INVALID_PARAMETER	EFI_ERROR(2)
#define EFI_UNSUPPORTED		EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL	EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES	EFI_ERROR(9)
#define EFI_NOT_FOUND		EFI_ERROR(14)

#define EFI_PAGE_SHIFT	12
#define EFI_PAGE_SIZE	4096ULL

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

/* ---- the console (12.4) ---------------------------------------------------- */

struct efi_text_output {
	void *reset;
	efi_status (*output_string)(struct efi_text_output *self, const efi_char *text);
};

/* ---- memory (7.2) ------------------------------------------------------------ */

enum efi_memory_type {
	EFI_RESERVED, EFI_LOADER_CODE, EFI_LOADER_DATA, EFI_BOOT_CODE, EFI_BOOT_DATA,
	EFI_RUNTIME_CODE, EFI_RUNTIME_DATA, EFI_CONVENTIONAL,
};

enum efi_allocate_type { EFI_ALLOCATE_ANY, EFI_ALLOCATE_BELOW, EFI_ALLOCATE_ADDRESS };

#define EFI_MEMORY_WB	(1ULL << 3)	/* may be cached, write-back */
#define EFI_MEMORY_SP	(1ULL << 18)	/* set apart for a purpose */

struct efi_memory_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t physical;
	uint64_t virtual;
	uint64_t pages;
	uint64_t attribute;
};

/* ---- tables (4.2 to 4.6) --------------------------------------------------------- */

struct efi_table_header {
	uint64_t signature;
	uint32_t revision;	/* major << 16 | minor * 10 */
	uint32_t size, crc32, reserved;
};

struct efi_boot_services {
	struct efi_table_header header;
	void *raise_tpl, *restore_tpl;
	efi_status (*allocate_pages)(uint32_t how, uint32_t type, uint64_t pages,
				     uint64_t *address);
	efi_status (*free_pages)(uint64_t address, uint64_t pages);
	efi_status (*get_memory_map)(uint64_t *bytes, void *map, uint64_t *key,
				     uint64_t *descriptor_bytes, uint32_t *version);
	void *allocate_pool, *free_pool;
	void *create_event, *set_timer, *wait_for_event, *signal_event, *close_event, *check_event;
	void *install_protocol, *reinstall_protocol, *uninstall_protocol;
	efi_status (*handle_protocol)(efi_handle handle, const struct efi_guid *protocol,
				      void **interface);
	void *reserved, *register_notify, *locate_handle, *locate_device_path, *install_table;
	void *load_image, *start_image, *exit, *unload_image;
	efi_status (*exit_boot_services)(efi_handle image, uint64_t key);
};

enum efi_reset_type { EFI_RESET_COLD };

struct efi_runtime_services {
	struct efi_table_header header;
	void *get_time, *set_time, *get_wakeup, *set_wakeup, *set_map, *convert_pointer;
	void *get_variable, *next_variable, *set_variable, *next_count;
	void (*reset_system)(uint32_t type, efi_status status, uint64_t bytes, void *data);
};

struct efi_configuration_table {
	struct efi_guid guid;
	void *table;
};

struct efi_system_table {
	struct efi_table_header header;
	const efi_char *vendor;
	uint32_t vendor_revision;
	efi_handle in_handle;
	void *in;
	efi_handle out_handle;
	struct efi_text_output *out;
	efi_handle error_handle;
	struct efi_text_output *error;
	struct efi_runtime_services *runtime;
	struct efi_boot_services *boot;
	uint64_t table_count;
	struct efi_configuration_table *tables;
};

/* ---- protocols (9.1, 13.4, 13.5) --------------------------------------------------- */

struct efi_loaded_image {
	uint32_t revision;
	efi_handle parent;
	struct efi_system_table *system;
	efi_handle device;	/* of the volume that the application is on */
};

#define EFI_FILE_READ	1ULL
#define EFI_FILE_END	(~0ULL)	/* a position */

struct efi_file {
	uint64_t revision;
	efi_status (*open)(struct efi_file *self, struct efi_file **file, const efi_char *name,
			   uint64_t mode, uint64_t attributes);
	efi_status (*close)(struct efi_file *self);
	void *delete;
	efi_status (*read)(struct efi_file *self, uint64_t *bytes, void *buffer);
	void *write;
	efi_status (*get_position)(struct efi_file *self, uint64_t *position);
	efi_status (*set_position)(struct efi_file *self, uint64_t position);
};

struct efi_simple_file_system {
	uint64_t revision;
	efi_status (*open_volume)(struct efi_simple_file_system *self, struct efi_file **root);
};

#endif
