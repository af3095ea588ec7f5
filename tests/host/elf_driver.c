/* SPDX-License-Identifier: MIT */
/* Answers "STATUS ENTRY (VA MEM_SIZE FILE_SIZE FLAGS SUM)..." for a program. */
#include "boot_elf.h"
#include "driver.h"

#define VA_FIRST 0x10000ULL
#define VA_END 0xff0000000000ULL

static void print_segment(struct elf_segment s)
{
	uint64_t sum = 0;

	if (s.mem_size == 0)
		return;
	if (s.va < VA_FIRST || s.va + s.mem_size > VA_END || s.va + s.mem_size < s.va)
		abort();
	for (uint64_t i = 0; i < s.file_size; i++)
		sum += s.data[i];
	printf(" %llu %llu %llu %d %llu", (unsigned long long)s.va, (unsigned long long)s.mem_size,
	       (unsigned long long)s.file_size, s.is_writable * 2 + s.is_executable,
	       (unsigned long long)sum);
}

int main(void)
{
	for (;;) {
		uint32_t size;
		uint8_t *file = driver_request(&size);
		enum elf_status status = elf_check(file, size, VA_FIRST, VA_END);

		if (elf_message(status)[0] == 0)
			abort();
		printf("%d", (int)status);
		if (status == ELF_OK) {
			printf(" %llu", (unsigned long long)elf_entry(file));
			for (uint64_t i = 0; i < elf_phdr_count(file); i++)
				print_segment(elf_segment(file, i));
		}
		driver_answered(file);
	}
}
