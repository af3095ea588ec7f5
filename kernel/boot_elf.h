/* SPDX-License-Identifier: MIT */
/* Reads a static AArch64 ELF program in memory. Needs nothing of the kernel. */
#ifndef KERNEL_BOOT_ELF_H
#define KERNEL_BOOT_ELF_H

#include <stdbool.h>
#include <stdint.h>

enum elf_status {
	ELF_OK,
	ELF_SHORT,		/* smaller than an ELF header */
	ELF_MAGIC,
	ELF_CLASS,		/* not 64-bit */
	ELF_ENDIAN,		/* not little-endian */
	ELF_MACHINE,		/* not AArch64 */
	ELF_PIE,		/* ET_DYN */
	ELF_TYPE,		/* neither ET_DYN nor ET_EXEC */
	ELF_DYNAMIC,		/* wants an interpreter or a dynamic linker */
	ELF_PHDRS,		/* program headers missing, of a wrong size, or outside the file */
	ELF_NO_LOAD,		/* nothing to load */
	ELF_SEGMENT_FILE,	/* a segment outside the file */
	ELF_SEGMENT_SIZE,	/* more bytes in the file than in memory */
	ELF_SEGMENT_ADDRESS,	/* a segment outside what a process may map */
	ELF_ENTRY,		/* the entry point is in no executable segment, or not aligned */
};

struct elf_segment {
	uint64_t va;
	uint64_t mem_size;	/* 0: nothing to load */
	uint64_t file_size;
	const uint8_t *data;
	bool is_writable;
	bool is_executable;
};

/*
 * Checks a program whose segments must lie in [va_first, va_end). After
 * ELF_OK the functions below may be used on it.
 */
enum elf_status elf_check(const uint8_t *file, uint64_t size, uint64_t va_first, uint64_t va_end);
uint64_t elf_entry(const uint8_t *file);
uint64_t elf_phdr_count(const uint8_t *file);
/* Program header `index`; mem_size is 0 if it is not to be loaded. */
struct elf_segment elf_segment(const uint8_t *file, uint64_t index);
const char *elf_message(enum elf_status status);

#endif
