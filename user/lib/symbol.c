/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses: from the symbol table of a program in the initrd.
 * The file is checked as any input is: a broken one gives no names.
 */
#include "os.h"

#include <elf.h>
#include <string.h>

static bool is_inside(const struct hv_initrd_file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset;
}

/* Of a file that find_section has checked. */
static const Elf64_Shdr *section_at(const struct hv_initrd_file *file, uint32_t i)
{
	const Elf64_Ehdr *header = (const void *)file->data;

	return (const Elf64_Shdr *)(const void *)(file->data + header->e_shoff) + i;
}

/* The section of a type with a valid link, or NULL. */
static const Elf64_Shdr *find_section(const struct hv_initrd_file *file, uint32_t type)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	const Elf64_Shdr *section, *link;

	if (!is_inside(file, 0, sizeof(*header)) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0
	    || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(*section)
	    || !is_inside(file, header->e_shoff, (uint64_t)header->e_shnum * sizeof(*section)))
		return NULL;
	for (uint32_t i = 0; i < header->e_shnum; i++) {
		section = section_at(file, i);
		link = section_at(file, section->sh_link < header->e_shnum ? section->sh_link : 0);
		if (section->sh_type == type
		    && is_inside(file, section->sh_offset, section->sh_size)
		    && is_inside(file, link->sh_offset, link->sh_size))
			return section;
	}
	return NULL;
}

/* A symbol's name; NULL if it is empty, a mapping symbol, or not terminated. */
static const char *name_of(const struct hv_initrd_file *file, const Elf64_Shdr *strings,
			   uint32_t at)
{
	const char *name;

	if (at >= strings->sh_size)
		return NULL;
	name = (const char *)file->data + strings->sh_offset + at;
	if (*name == 0 || *name == '$' || memchr(name, 0, strings->sh_size - at) == NULL)
		return NULL;
	return name;
}

/* Is addr in the section that the symbol is in? */
static bool has_address(const struct hv_initrd_file *file, const Elf64_Sym *symbol, uint64_t addr)
{
	const Elf64_Ehdr *header = (const void *)file->data;
	const Elf64_Shdr *section;

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= header->e_shnum)
		return false;	/* or it is no address at all */
	section = section_at(file, symbol->st_shndx);
	return addr >= section->sh_addr && addr - section->sh_addr < section->sh_size;
}

/* Could it stand for addr, and better than `best`? */
static bool is_better(const struct hv_initrd_file *file, const Elf64_Sym *symbol,
	const Elf64_Sym *best, uint64_t addr)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if (!has_address(file, symbol, addr) || symbol->st_value > addr
	    || (type != STT_FUNC && type != STT_NOTYPE))
		return false;
	if (symbol->st_size != 0 && addr - symbol->st_value >= symbol->st_size)
		return false;
	return best == NULL || symbol->st_value > best->st_value
		|| (symbol->st_value == best->st_value && type == STT_FUNC);
}

char *hv_symbolize(const char *prog, uint64_t addr, char *buf, size_t n)
{
	struct hv_initrd_file file;
	const Elf64_Shdr *symbols, *strings;
	const Elf64_Sym *symbol, *best = NULL;
	const char *name = NULL;

	hv_snprintf(buf, n, "0x%lx", addr);
	if (!hv_has_view() || !hv_initrd_find(prog, &file))
		return buf;
	symbols = find_section(&file, SHT_SYMTAB);
	if (symbols == NULL)
		return buf;
	strings = section_at(&file, symbols->sh_link);
	symbol = (const void *)(file.data + symbols->sh_offset);
	for (uint64_t i = 0; i < symbols->sh_size / sizeof(*symbol); i++)
		if (is_better(&file, &symbol[i], best, addr) &&
		    name_of(&file, strings, symbol[i].st_name))
			best = &symbol[i];
	if (best != NULL)
		name = name_of(&file, strings, best->st_name);
	if (name != NULL)
		hv_snprintf(buf, n, "%s+0x%lx", name, addr - best->st_value);
	return buf;
}
