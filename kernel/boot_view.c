/* SPDX-License-Identifier: MIT */
/*
 * The read-only view of the kernel's tables: a level-1 table for entry
 * HV_L0_VIEW of a process. Invariant: every leaf is read-only, EL1 only,
 * never executed, and shows one of the tables named here and nothing else;
 * the tables themselves are in reserved pages.
 */
#include "boot.h"

#include "layout.h"

static uint64_t l2_page;

static void show_page(uint64_t va, uint64_t pa)
{
	uint64_t *l2 = &pages[l2_page][(va >> PTE_L2_SHIFT) % PTE_ENTRIES];
	uint64_t l3;

	if (*l2 == 0)
		*l2 = boot_page_pa(ram_take(HV_PAGE_RESERVED)) | PTE_VALID | PTE_TABLE;
	l3 = ((*l2 & PTE_PA_MASK) - machine.pages_pa) >> HV_PAGE_SHIFT;
	pages[l3][(va >> PTE_L3_SHIFT) % PTE_ENTRIES] = pte_leaf(pa, 0);
}

/* Shows the pages that hold [pa, pa + size); the offset of pa in its page. */
static uint64_t show(uint64_t va, uint64_t pa, uint64_t size)
{
	uint64_t offset = pa % HV_PAGE_SIZE;

	for (uint64_t at = 0; at < offset + size; at += HV_PAGE_SIZE)
		show_page(va + at, pa - offset + at);
	return offset;
}

static void show_table(uint64_t va, const void *table, uint64_t size)
{
	(void)show(va, (uint64_t)(uintptr_t)table - KERNEL_VA + facts.kernel_pa, size);
}

void view_build(void)
{
	uint64_t l1 = ram_take(HV_PAGE_RESERVED);

	l2_page = ram_take(HV_PAGE_RESERVED);
	/* All views are within the first GiB of their level-0 entry. */
	pages[l1][0] = boot_page_pa(l2_page) | PTE_VALID | PTE_TABLE;
	machine.view_pte = boot_page_pa(l1) | PTE_VALID | PTE_TABLE;
	machine.empty_root = boot_page_pa(ram_take(HV_PAGE_RESERVED));

	show_table(HV_VIEW_BOOTINFO, &bootinfo, sizeof(bootinfo));
	show_table(HV_VIEW_SCHED, &sched, sizeof(sched));
	show_table(HV_VIEW_PROCS, procs, sizeof(procs));
	show_table(HV_VIEW_FILES, files, sizeof(files));
	show_table(HV_VIEW_HANDLES, handles, sizeof(handles));
	show_table(HV_VIEW_IRQS, irqs, sizeof(irqs));
	show_table(HV_VIEW_DEVICES, devices, sizeof(devices));
	show_table(HV_VIEW_PAGE_DESCS, page_descs, sizeof(page_descs));
	bootinfo.dtb_offset = show(HV_VIEW_DTB, facts.dtb.pa, facts.dtb.size);
	bootinfo.dtb_size = facts.dtb.size;
	bootinfo.initrd_offset = show(HV_VIEW_INITRD, facts.initrd.pa, facts.initrd.size);
	bootinfo.initrd_size = facts.initrd.size;
}
