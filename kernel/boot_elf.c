/* SPDX-License-Identifier: MIT */
/*
 * Reads a static AArch64 ELF program in memory (System V ABI, chapters 4 and
 * 5; IHI 0056). Fields are read byte by byte: an archive aligns files to 4
 * bytes only.
 *
 * Invariant: no byte outside [file, file + size) is read, whatever it says.
 */
#include "boot_elf.h"

enum {
	EHDR_BYTES = 64, EI_CLASS = 4, EI_DATA = 5,
	E_TYPE = 16, E_MACHINE = 18, E_ENTRY = 24, E_PHOFF = 32, E_PHENTSIZE = 54, E_PHNUM = 56,
	CLASS_64 = 2, DATA_LITTLE = 1, TYPE_EXEC = 2, TYPE_DYN = 3, MACHINE_AARCH64 = 183,

	PHDR_BYTES = 56,
	P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_VADDR = 16, P_FILESZ = 32, P_MEMSZ = 40,
	TYPE_LOAD = 1, TYPE_DYNAMIC = 2, TYPE_INTERP = 3, FLAG_X = 1, FLAG_W = 2,
};

static uint64_t get(const uint8_t *p, uint64_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | p[bytes];
	return value;
}

static const uint8_t *phdr(const uint8_t *file, uint64_t index)
{
	return file + get(file + E_PHOFF, 8) + index * PHDR_BYTES;
}

static enum elf_status header_check(const uint8_t *f, uint64_t size)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };
	uint64_t type, phoff, phnum;

	if (size < EHDR_BYTES)
		return ELF_SHORT;
	if (get(f, 4) != get(magic, 4))
		return ELF_MAGIC;
	if (f[EI_CLASS] != CLASS_64)
		return ELF_CLASS;
	if (f[EI_DATA] != DATA_LITTLE)
		return ELF_ENDIAN;
	if (get(f + E_MACHINE, 2) != MACHINE_AARCH64)
		return ELF_MACHINE;
	type = get(f + E_TYPE, 2);
	if (type != TYPE_EXEC)
		return type == TYPE_DYN ? ELF_PIE : ELF_TYPE;
	phoff = get(f + E_PHOFF, 8);
	phnum = get(f + E_PHNUM, 2);
	if (get(f + E_PHENTSIZE, 2) != PHDR_BYTES || phnum == 0 || phoff > size ||
	    phnum * PHDR_BYTES > size - phoff)
		return ELF_PHDRS;
	return ELF_OK;
}

static enum elf_status segment_check(const uint8_t *p, uint64_t size, uint64_t va_first,
				     uint64_t va_end)
{
	uint64_t offset = get(p + P_OFFSET, 8), file_size = get(p + P_FILESZ, 8);
	uint64_t va = get(p + P_VADDR, 8), mem_size = get(p + P_MEMSZ, 8);

	if (file_size > mem_size)
		return ELF_SEGMENT_SIZE;
	if (offset > size || file_size > size - offset)
		return ELF_SEGMENT_FILE;
	if (va < va_first || va > va_end || mem_size > va_end - va)
		return ELF_SEGMENT_ADDRESS;
	return ELF_OK;
}

enum elf_status elf_check(const uint8_t *file, uint64_t size, uint64_t va_first, uint64_t va_end)
{
	enum elf_status status = header_check(file, size);
	bool has_load = false, has_entry = false;

	for (uint64_t i = 0; status == ELF_OK && i < elf_phdr_count(file); i++) {
		const uint8_t *p = phdr(file, i);
		uint64_t type = get(p + P_TYPE, 4);
		uint64_t offset = elf_entry(file) - get(p + P_VADDR, 8);

		if (type == TYPE_INTERP || type == TYPE_DYNAMIC)
			return ELF_DYNAMIC;
		if (type != TYPE_LOAD || get(p + P_MEMSZ, 8) == 0)
			continue;
		has_load = true;
		status = segment_check(p, size, va_first, va_end);
		if ((get(p + P_FLAGS, 4) & FLAG_X) && offset < get(p + P_MEMSZ, 8))
			has_entry = true;
	}
	if (status != ELF_OK)
		return status;
	if (!has_load)
		return ELF_NO_LOAD;
	return has_entry && elf_entry(file) % 4 == 0 ? ELF_OK : ELF_ENTRY;
}

uint64_t elf_entry(const uint8_t *file)
{
	return get(file + E_ENTRY, 8);
}

uint64_t elf_phdr_count(const uint8_t *file)
{
	return get(file + E_PHNUM, 2);
}

struct elf_segment elf_segment(const uint8_t *file, uint64_t index)
{
	const uint8_t *p = phdr(file, index);
	uint64_t flags = get(p + P_FLAGS, 4), mem_size = get(p + P_MEMSZ, 8);

	/* elf_check() has looked at nothing else of these. */
	if (get(p + P_TYPE, 4) != TYPE_LOAD || mem_size == 0)
		return (struct elf_segment){ 0 };
	return (struct elf_segment){
		.va = get(p + P_VADDR, 8),
		.mem_size = mem_size,
		.file_size = get(p + P_FILESZ, 8),
		.data = file + get(p + P_OFFSET, 8),
		.is_writable = (flags & FLAG_W) != 0,
		.is_executable = (flags & FLAG_X) != 0,
	};
}

const char *elf_message(enum elf_status status)
{
	switch (status) {
	case ELF_OK: return "is sound";
	case ELF_SHORT: return "is too short for an ELF file";
	case ELF_MAGIC: return "is not an ELF file";
	case ELF_CLASS: return "is not a 64-bit ELF file";
	case ELF_ENDIAN: return "is a big-endian ELF file; hv8 is little-endian";
	case ELF_MACHINE: return "is an ELF file for another machine than AArch64";
	case ELF_PIE: return "is position-independent; link it with -no-pie";
	case ELF_TYPE: return "is an ELF file but not an executable one";
	case ELF_DYNAMIC: return "is dynamically linked; link it with -static";
	case ELF_PHDRS: return "has no program headers, or they lie outside the file";
	case ELF_NO_LOAD: return "has no segment to load";
	case ELF_SEGMENT_FILE: return "has a segment that lies outside the file: is it truncated?";
	case ELF_SEGMENT_SIZE: return "has a segment with more bytes in the file than in memory";
	case ELF_SEGMENT_ADDRESS: return "has a segment at an address that no process may map";
	case ELF_ENTRY: return "has an entry point outside its executable segments";
	}
	return "is corrupt";
}
