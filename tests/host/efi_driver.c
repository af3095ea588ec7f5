/* SPDX-License-Identifier: MIT */
/*
 * The EFI loader under a firmware that is made up. A request is struct
 * script, then the files it names. The answer: what the loader said, lines
 * parted by '|', then how it ended:
 *
 *   RETURN status pages-not-given-back files-open
 *   RESET
 *   ENTER kernel tree start end maps free=start,end,... reserved=pa,size,... args
 *
 * where `free` is what the last memory map gives to the kernel. Memory is
 * really at the addresses of that map.
 */
#define _GNU_SOURCE
#include <libfdt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "loader.h"

enum { FILES = 4, PIECES = 8, DESCRIPTOR = 48, SECONDS = 20 };

struct script {
	uint64_t el;
	uint64_t stale;		/* so often the map has changed when boot services should end */
	uint64_t short_reads;	/* a read gives at most so many bytes; 0: all */
	uint64_t lost_bytes;	/* a file gives so many bytes less than it has */
	uint64_t no_pages;	/* no memory is given */
	uint64_t firmware_tree;	/* file 3 is the firmware's tree and not on the volume */
	uint64_t size[FILES];	/* kernel, initrd, hv8.cfg, machine.dtb; ~0: there is none */
};

struct piece {
	uint32_t type;
	uint64_t start, end;
	uint64_t attribute;
};

static const char *const names[FILES] = { "\\hv8\\hv8.img", "\\hv8\\initrd.cpio", "\\hv8\\hv8.cfg",
					  "\\hv8\\machine.dtb" };
static struct script script;
static const uint8_t *content[FILES];
static int open_files;
static uint64_t allocated;	/* pages */
static uint64_t maps;		/* how often the map was asked for */

/* Out of order, with a hole at 0x43000000 that no piece describes. */
static struct piece pieces[PIECES] = {
	{ EFI_RUNTIME_DATA, 0x40000000, 0x40010000, EFI_MEMORY_WB },
	{ EFI_BOOT_DATA, 0x40010000, 0x40100000, EFI_MEMORY_WB },
	{ EFI_CONVENTIONAL, 0x40100000, 0x43000000, EFI_MEMORY_WB },
	{ EFI_CONVENTIONAL, 0x09000000, 0x09001000, 0 },
	{ EFI_BOOT_CODE, 0x48000000, 0x48100000, EFI_MEMORY_WB },
	{ EFI_CONVENTIONAL, 0x48100000, 0x48200000, EFI_MEMORY_WB | EFI_MEMORY_SP },
	{ 9 /* ACPI */, 0x48200000, 0x48300000, EFI_MEMORY_WB },
	{ EFI_CONVENTIONAL, 0x43800000, 0x48000000, EFI_MEMORY_WB },
};

/* ---- console and files -------------------------------------------------------------- */

static efi_status output_string(struct efi_text_output *self, const efi_char *text)
{
	(void)self;
	for (; *text != 0; text++)
		if (*text == '\n')
			putchar('|');
		else if (*text != '\r')
			putchar(*text);
	return EFI_SUCCESS;
}

struct open_file {
	struct efi_file file;
	int number;
	uint64_t at;
};

static efi_status file_close_(struct efi_file *self)
{
	open_files--;
	free(self);
	return EFI_SUCCESS;
}

static efi_status file_read_(struct efi_file *self, uint64_t *bytes, void *to)
{
	struct open_file *f = (struct open_file *)self;
	uint64_t size = script.size[f->number];
	uint64_t has = size > script.lost_bytes ? size - script.lost_bytes : 0;
	uint64_t n = f->at < has ? has - f->at : 0;

	if (n > *bytes)
		n = *bytes;
	if (script.short_reads != 0 && n > script.short_reads)
		n = script.short_reads;
	memcpy(to, content[f->number] + f->at, n);
	f->at += n;
	*bytes = n;
	return EFI_SUCCESS;
}

static efi_status get_position(struct efi_file *self, uint64_t *position)
{
	*position = ((struct open_file *)self)->at;
	return EFI_SUCCESS;
}

static efi_status set_position(struct efi_file *self, uint64_t position)
{
	struct open_file *f = (struct open_file *)self;

	f->at = position == EFI_FILE_END ? script.size[f->number] : position;
	return EFI_SUCCESS;
}

static efi_status file_open_(struct efi_file *self, struct efi_file **file, const efi_char *name,
			     uint64_t mode, uint64_t attributes)
{
	struct open_file *f;

	(void)self;
	if (mode != EFI_FILE_READ || attributes != 0)
		abort();
	for (int i = 0; i < (script.firmware_tree ? 3 : FILES); i++) {
		uint64_t n = 0;

		while (names[i][n] != 0 && (efi_char)names[i][n] == name[n])
			n++;
		if (names[i][n] != 0 || name[n] != 0 || script.size[i] == ~0ULL)
			continue;
		f = calloc(1, sizeof(*f));
		f->file = (struct efi_file){ .close = file_close_, .read = file_read_,
					     .get_position = get_position,
					     .set_position = set_position };
		f->number = i;
		*file = &f->file;
		open_files++;
		return EFI_SUCCESS;
	}
	return EFI_NOT_FOUND;
}

static struct efi_file root = { .open = file_open_, .close = file_close_ };

static efi_status open_volume(struct efi_simple_file_system *self, struct efi_file **file)
{
	(void)self;
	*file = malloc(sizeof(root));
	**file = root;
	open_files++;
	return EFI_SUCCESS;
}

static struct efi_simple_file_system files = { .open_volume = open_volume };
static struct efi_loaded_image loaded = { .device = &files };

/* The first question is about the loader, the second about its volume. */
static efi_status handle_protocol(efi_handle handle, const struct efi_guid *guid, void **interface)
{
	(void)guid;
	*interface = handle == &loaded ? (void *)&loaded : (void *)&files;
	return EFI_SUCCESS;
}

/* ---- memory ------------------------------------------------------------------------------- */

static efi_status get_memory_map(uint64_t *bytes, void *map, uint64_t *key,
				 uint64_t *descriptor_bytes, uint32_t *version)
{
	uint64_t room = *bytes;

	*bytes = sizeof(pieces) / sizeof(pieces[0]) * DESCRIPTOR;
	*descriptor_bytes = DESCRIPTOR;
	*version = 1;
	if (room < *bytes)
		return EFI_BUFFER_TOO_SMALL;
	for (int i = 0; i < PIECES; i++) {
		struct efi_memory_descriptor d = {
			.type = pieces[i].type, .physical = pieces[i].start,
			.pages = (pieces[i].end - pieces[i].start) >> EFI_PAGE_SHIFT,
			.attribute = pieces[i].attribute,
		};

		memcpy((uint8_t *)map + i * DESCRIPTOR, &d, sizeof(d));
	}
	*key = ++maps;
	return EFI_SUCCESS;
}

static efi_status allocate_pages(uint32_t how, uint32_t type, uint64_t count, uint64_t *address)
{
	if (type != EFI_LOADER_DATA)
		abort();
	if (script.no_pages && how == EFI_ALLOCATE_ADDRESS)
		return EFI_OUT_OF_RESOURCES;
	if (how == EFI_ALLOCATE_ANY)
		*address = 0x47000000;
	if (mmap((void *)(uintptr_t)*address, count << EFI_PAGE_SHIFT, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return EFI_NOT_FOUND;
	allocated += count;
	return EFI_SUCCESS;
}

static efi_status free_pages(uint64_t address, uint64_t count)
{
	if (munmap((void *)(uintptr_t)address, count << EFI_PAGE_SHIFT) != 0)
		abort();
	allocated -= count;
	return EFI_SUCCESS;
}

static efi_status exit_boot_services(efi_handle image, uint64_t key)
{
	uint64_t change;

	if (image != &loaded || key != maps)
		abort();
	if (script.stale == 0)
		return EFI_SUCCESS;
	/* A driver keeps two more pages than before, or gives one back. */
	change = script.stale-- % 2 == 0 ? -2 * EFI_PAGE_SIZE : EFI_PAGE_SIZE;
	pieces[4].end += change;
	pieces[5].start += change;
	return EFI_INVALID_PARAMETER;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static _Noreturn void end(void)
{
	fflush(stdout);
	_exit(0);
}

static void reset_system(uint32_t type, efi_status status, uint64_t bytes, void *data)
{
	(void)status;
	(void)bytes;
	(void)data;
	printf(type == EFI_RESET_COLD ? "RESET" : "another reset");
	end();
}

uint64_t current_el(void)
{
	return script.el << 2;
}

void enter_kernel(uint64_t kernel, uint64_t tree, uint64_t start, uint64_t stop)
{
	const void *blob = (const void *)(uintptr_t)tree;
	int bytes, chosen = fdt_path_offset(blob, "/chosen");
	const fdt64_t *from = fdt_getprop(blob, chosen, "linux,initrd-start", &bytes);
	const char *args = fdt_getprop(blob, chosen, "bootargs", NULL);
	uint64_t initrd = fdt64_ld(from), pa, size;

	if (memcmp((void *)(uintptr_t)kernel, content[0], script.size[0]) != 0 ||
	    memcmp((void *)(uintptr_t)initrd, content[1], script.size[1]) != 0 ||
	    initrd + script.size[1] > stop)
		abort();
	printf("ENTER %#llx %#llx %#llx %#llx %llu free=", (unsigned long long)kernel,
	       (unsigned long long)tree, (unsigned long long)start, (unsigned long long)stop,
	       (unsigned long long)maps);
	for (int i = 0; i < PIECES; i++)
		if (pieces[i].attribute == EFI_MEMORY_WB &&
		    (pieces[i].type == EFI_CONVENTIONAL ||
		     (pieces[i].type >= EFI_LOADER_CODE && pieces[i].type <= EFI_BOOT_DATA)))
			printf("%llu,%llu,", (unsigned long long)pieces[i].start,
			       (unsigned long long)pieces[i].end);
	printf(" reserved=");
	for (int i = 0; i < fdt_num_mem_rsv(blob); i++)
		if (fdt_get_mem_rsv(blob, i, &pa, &size) == 0)
			printf("%llu,%llu,", (unsigned long long)pa, (unsigned long long)size);
	printf(" args=%s", args == NULL ? "" : args);
	end();
}

/* A multiple of 8, where firmware has to put its tree; exactly as long as it is. */
static void *aligned_tree(void)
{
	uint64_t size = script.size[3] == ~0ULL ? 0 : script.size[3];
	void *tree = malloc(size);

	memcpy(tree, content[3], size);
	return tree;
}

static void run(void)
{
	static struct efi_text_output out = { .output_string = output_string };
	static struct efi_boot_services boot = {
		.allocate_pages = allocate_pages, .free_pages = free_pages,
		.get_memory_map = get_memory_map, .handle_protocol = handle_protocol,
		.exit_boot_services = exit_boot_services,
	};
	static struct efi_runtime_services runtime = { .reset_system = reset_system };
	static const efi_char vendor[] = { 'm', 'a', 'd', 'e', ' ', 'u', 'p', 0 };
	struct efi_configuration_table table = {
		.guid = { 0xb1b621d5, 0xf19c, 0x41a5,
			  { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 } },
		.table = aligned_tree(),
	};
	struct efi_system_table system = {
		.header.revision = 2 << 16 | 70, .vendor = vendor, .out = &out, .boot = &boot,
		.runtime = &runtime, .table_count = script.firmware_tree, .tables = &table,
	};
	efi_status status = efi_main(&loaded, &system);

	printf("RETURN %#llx %llu %d", (unsigned long long)status, (unsigned long long)allocated,
	       open_files);
	end();
}

int main(void)
{
	for (;;) {
		uint32_t size;
		uint8_t *request = driver_request(&size);
		const uint8_t *at = request + sizeof(script);
		int status;
		pid_t child;

		if (size < sizeof(script))
			return 1;
		memcpy(&script, request, sizeof(script));
		for (int i = 0; i < FILES; i++) {
			content[i] = at;
			at += script.size[i] == ~0ULL ? 0 : script.size[i];
		}
		child = fork();
		if (child == 0) {
			alarm(SECONDS);
			run();
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			return 1;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			printf("DIED %d", WIFSIGNALED(status) ? WTERMSIG(status) :
								WEXITSTATUS(status));
		driver_answered(request);
	}
}
