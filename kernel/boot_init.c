/* SPDX-License-Identifier: MIT */
/*
 * Builds the address space and context of process 1 from the program "init"
 * in the initrd. Invariants: every table and leaf is what alloc_l1..l3 and
 * alloc_frame would have made; the count of each table is the number of its
 * valid entries, without the kernel's two in L0; each frame is mapped once.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "boot_cpio.h"
#include "boot_elf.h"
#include "prim.h"

/* Page 0 stays unmapped, so that a null pointer faults. */
#define USER_FIRST ((uint64_t)HV_PAGE_SIZE)
#define USER_END ((uint64_t)HV_L0_USER_END << PTE_L0_SHIFT)

void *memcpy(void *to, const void *from, size_t n);	/* boot.S */

static uint64_t page_of(uint64_t descriptor)
{
	return ((descriptor & PTE_PA_MASK) - machine.pages_pa) >> HV_PAGE_SHIFT;
}

/* The level-3 entry of an address; tables on the way are made if missing. */
static uint64_t *leaf_entry(uint64_t va, uint64_t *l3)
{
	uint64_t table = procs[HV_INIT_PID].root, type = HV_PAGE_L1;

	for (unsigned int shift = PTE_L0_SHIFT; shift > PTE_L3_SHIFT; shift -= 9, type++) {
		uint64_t *entry = &pages[table][(va >> shift) % PTE_ENTRIES];

		if (*entry == 0) {
			*entry = pte_table(boot_page_pa(ram_take(type)));
			page_descs[table].count++;
		}
		table = page_of(*entry);
	}
	*l3 = table;
	return &pages[table][(va >> PTE_L3_SHIFT) % PTE_ENTRIES];
}

static uint64_t perm_of(uint64_t leaf)
{
	return (leaf & PTE_RO ? 0 : HV_PERM_W) | (leaf & PTE_PXN ? 0 : HV_PERM_X);
}

/* The frame of an address; with the rights of all segments that share it. */
static uint64_t frame_at(uint64_t va, uint64_t perm)
{
	uint64_t l3, frame, *entry = leaf_entry(va, &l3);

	if (*entry == 0) {
		frame = ram_take(HV_PAGE_FRAME);
		page_descs[l3].count++;
	} else {
		frame = page_of(*entry);
		perm |= perm_of(*entry);
	}
	*entry = pte_leaf(boot_page_pa(frame), perm);
	return frame;
}

/* Instruction fetches of process 1 must see what was just stored (B2.4.4). */
static void clean_to_pou(uint64_t page)
{
	uint64_t line = 4ULL << ((sysreg_read(ctr_el0) >> CTR_DMINLINE_SHIFT) & 0xf);
	uint64_t va = (uint64_t)(uintptr_t)pages[page];

	for (uint64_t at = 0; at < HV_PAGE_SIZE; at += line)
		dc_cvau(va + at);
}

static void load_segment(const struct elf_segment *s)
{
	uint64_t perm = (s->is_writable ? HV_PERM_W : 0) | (s->is_executable ? HV_PERM_X : 0);
	uint64_t at = 0;

	while (at < s->mem_size) {
		uint64_t offset = (s->va + at) % HV_PAGE_SIZE;
		uint64_t n = HV_PAGE_SIZE - offset;
		uint64_t frame = frame_at(s->va + at, perm);
		uint64_t left = at < s->file_size ? s->file_size - at : 0;

		memcpy((uint8_t *)pages[frame] + offset, s->data + at, left < n ? left : n);
		if (s->is_executable)
			clean_to_pou(frame);
		at += n;
	}
}

static void make_roots(void)
{
	struct hv_proc *init = &procs[HV_INIT_PID];

	init->root = ram_take(HV_PAGE_L0);
	init->ctx = ram_take(HV_PAGE_CTX);
	pages[init->root][HV_L0_SELF] = pte_table(boot_page_pa(init->root));
	pages[init->root][HV_L0_VIEW] = machine.view_pte;
}

void init_load(void)
{
	struct cpio_file file;
	enum cpio_status archive_status;
	enum elf_status status;

	archive_status = cpio_find((const uint8_t *)(uintptr_t)facts.initrd.pa, facts.initrd.size,
				   "init", &file);
	if (archive_status != CPIO_OK)
		boot_fail("the initrd cannot be used: %s", cpio_message(archive_status));
	status = elf_check(file.data, file.size, USER_FIRST, USER_END);
	if (status != ELF_OK)
		boot_fail("init in the initrd %s", elf_message(status));

	make_roots();
	for (uint64_t i = 0; i < elf_phdr_count(file.data); i++) {
		struct elf_segment segment = elf_segment(file.data, i);

		load_segment(&segment);
	}
	dsb_ish();
	ic_ialluis();
	dsb_ish();
	isb();
	pages[procs[HV_INIT_PID].ctx][CTX_ELR_EL2] = elf_entry(file.data);
	pages[procs[HV_INIT_PID].ctx][CTX_SPSR_EL2] =
		SPSR_D | SPSR_A | SPSR_I | SPSR_F | SPSR_M_EL1H;
	boot_print("hv8: initrd %lu KiB, init %lu KiB\n", facts.initrd.size >> 10, file.size >> 10);
}
