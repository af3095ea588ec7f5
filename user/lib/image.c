/* SPDX-License-Identifier: MIT */
/*
 * Programs: finding one, checking its ELF headers, and going through the
 * pages it consists of. Nothing of the file is trusted.
 */
#include "os.h"

#include <elf.h>
#include <string.h>

static const Elf64_Phdr *segment(const struct hv_initrd_file *file, unsigned i)
{
	const Elf64_Ehdr *header = (const void *)file->data;

	return (const Elf64_Phdr *)(const void *)(file->data + header->e_phoff) + i;
}

static uintptr_t segment_end(const Elf64_Phdr *s)
{
	return HV_PAGE_OF(s->p_vaddr + s->p_memsz + HV_PAGE_SIZE - 1);
}

static bool is_program(const struct hv_initrd_file *file)
{
	const Elf64_Ehdr *header = (const void *)file->data;

	return file->size >= sizeof(*header) && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0
		&& header->e_ident[EI_CLASS] == ELFCLASS64
		&& header->e_ident[EI_DATA] == ELFDATA2LSB
		&& header->e_type == ET_EXEC && header->e_machine == EM_AARCH64
		&& header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phoff <= file->size
		&& (uint64_t)header->e_phnum * sizeof(Elf64_Phdr) <= file->size - header->e_phoff;
}

/* Whole pages only: what it has none of comes as zeroes. */
static bool is_lazy(const Elf64_Phdr *s)
{
	return (s->p_flags & PF_LAZY) != 0 && s->p_vaddr % HV_PAGE_SIZE == 0;
}

/* Within the file, within the program's addresses, on pages of its own. */
static bool is_segment(const struct hv_initrd_file *file, const Elf64_Phdr *s, uintptr_t *above)
{
	if (s->p_filesz > s->p_memsz || s->p_offset > file->size
	    || s->p_filesz > file->size - s->p_offset)
		return false;
	if (s->p_vaddr < HV_TEXT_VA || s->p_vaddr >= HV_HEAP_LIMIT
	    || s->p_memsz > HV_HEAP_LIMIT - s->p_vaddr)
		return false;
	if (HV_PAGE_OF(s->p_vaddr) < *above)
		return false;
	*above = segment_end(s);
	return true;
}

int64_t image_check(const struct hv_initrd_file *file, uintptr_t *entry, uint64_t *pages)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	uintptr_t above = 0;
	bool has_entry = false;

	if (!is_program(file))
		return -HV_ENOEXEC;
	*pages = 0;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *s = segment(file, i);

		if (s->p_type != PT_LOAD || s->p_memsz == 0)
			continue;
		if (!is_segment(file, s, &above))
			return -HV_ENOEXEC;
		if (s->p_flags & PF_X && header->e_entry >= s->p_vaddr
		    && header->e_entry - s->p_vaddr < s->p_filesz)
			has_entry = true;
		if (!is_lazy(s))
			*pages += (segment_end(s) - HV_PAGE_OF(s->p_vaddr)) >> HV_PAGE_SHIFT;
	}
	*entry = header->e_entry;
	return has_entry && *entry % 4 == 0 ? 0 : -HV_ENOEXEC;
}

static hv_perm segment_perm(const Elf64_Phdr *s)
{
	return (s->p_flags & PF_W ? HV_PERM_W : 0UL) | (s->p_flags & PF_X ? HV_PERM_X : 0UL);
}

static int64_t segment_pages(const struct hv_initrd_file *file, const Elf64_Phdr *s,
	image_visit visit, void *arg)
{
	uintptr_t file_end = s->p_vaddr + s->p_filesz;
	struct image_page page;
	int64_t error = 0;

	page.perm = segment_perm(s);
	for (page.va = HV_PAGE_OF(s->p_vaddr); error == 0 && page.va < segment_end(s);
	     page.va += HV_PAGE_SIZE) {
		uintptr_t start = page.va < s->p_vaddr ? s->p_vaddr : page.va;
		uintptr_t above = page.va + HV_PAGE_SIZE;
		uintptr_t end = above < file_end ? above : file_end;

		page.offset = start - page.va;
		page.size = start < end ? end - start : 0;
		page.data = file->data + s->p_offset + (start - s->p_vaddr);
		error = visit(&page, arg);
	}
	return error;
}

int64_t image_pages(const struct hv_initrd_file *file, bool with_lazy, image_visit visit, void *arg)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	uint64_t left = with_lazy ? 0 : OS_LAZY;
	int64_t error = 0;

	for (unsigned i = 0; error == 0 && i < header->e_phnum; i++) {
		const Elf64_Phdr *s = segment(file, i);

		if (s->p_type != PT_LOAD || s->p_memsz == 0)
			continue;
		if (left > 0 && is_lazy(s))
			left--;
		else
			error = segment_pages(file, s, visit, arg);
	}
	return error;
}

/* The segments that image_pages leaves out without with_lazy. */
uint64_t image_lazy(const struct hv_initrd_file *file, struct lazy lazy[OS_LAZY])
{
	const Elf64_Ehdr *header = (const void *)file->data;
	uint64_t n = 0;

	for (unsigned i = 0; n < OS_LAZY && i < header->e_phnum; i++) {
		const Elf64_Phdr *s = segment(file, i);

		if (s->p_type != PT_LOAD || s->p_memsz == 0 || !is_lazy(s))
			continue;
		lazy[n].start = s->p_vaddr;
		lazy[n].end = segment_end(s);
		lazy[n].file_end = s->p_vaddr + s->p_filesz;
		lazy[n].data = file->data + s->p_offset;
		lazy[n].perm = segment_perm(s);
		n++;
	}
	return n;
}

/* ---- the start-up block ------------------------------------------------------- */

static size_t strings_size(char *const v[], uint64_t *count)
{
	size_t size = 0;

	for (*count = 0; v != NULL && v[*count] != NULL; (*count)++)
		size += strlen(v[*count]) + 1;
	return size;
}

/* Copies the strings and fills in the vector; returns the end of the strings. */
static uint8_t *put_strings(uint8_t *at, uint64_t *vector, char *const v[], uint64_t n,
	uintptr_t shift)
{
	for (uint64_t i = 0; i < n; i++) {
		size_t size = strlen(v[i]) + 1;

		memcpy(at, v[i], size);
		vector[i] = (uintptr_t)at + shift;
		at += size;
	}
	vector[n] = 0;
	return at;
}

int64_t startup_build(uint8_t *buffer, const char *name, char *const argv[], char *const envp[])
{
	uint64_t argc, envc;
	size_t strings = strings_size(argv, &argc) + strings_size(envp, &envc);
	size_t vectors = ((argc + 1) + (envc + 1)) * sizeof(uint64_t);
	size_t size = ((sizeof(struct startup) + 15) & ~15UL) + ((vectors + strings + 15) & ~15UL);
	uintptr_t shift = HV_STACK_TOP - (uintptr_t)(buffer + STARTUP_MAX);
	struct startup *startup;
	uint64_t *vector;
	uint8_t *at;

	if (size > STARTUP_MAX)
		return -HV_E2BIG;
	startup = STARTUP_OF(buffer, size);
	memset(startup, 0, sizeof(*startup));
	vector = (uint64_t *)(void *)((uint8_t *)startup + ((sizeof(*startup) + 15) & ~15UL));
	startup->magic = STARTUP_MAGIC;
	startup->argc = argc;
	startup->argv = (uintptr_t)vector + shift;
	startup->envp = (uintptr_t)(vector + argc + 1) + shift;
	startup->ram_base = os.ram_base;
	for (unsigned i = 0; i < HV_NAME_BYTES && name[i] != 0; i++)
		startup->name[i / 8] |= (uint64_t)(uint8_t)name[i] << i % 8 * 8;
	at = put_strings((uint8_t *)(vector + argc + envc + 2), vector, argv, argc, shift);
	put_strings(at, vector + argc + 1, envp, envc, shift);
	return (int64_t)size;
}
