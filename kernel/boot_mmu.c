/* SPDX-License-Identifier: MIT */
/*
 * The EL2 translation tables. Invariants: an entry of normal memory only ever
 * changes from invalid to valid, so needs no TLBI (D8.13.1); no address of the
 * kernel image is mapped writable and executable, nor twice with different
 * rights once leave_boot() has cleared boot's two entries.
 *
 *   level 0   [KERNEL_VA]  el2_tables[T_L1]
 *             [identity]   boot_tables[B_ID_L1], boot only
 *   level 1   kernel, pages[], devices: one level-2 table each
 */
#include "boot.h"

#include "boot_tables.h"
#include "layout.h"
#include "prim.h"

/* Fixed places in el2_tables; the rest is a pool for pages[]. */
enum {
	T_L0, T_L1, T_KERNEL_L2, T_PAGES_L2, T_DEVICE_L2, T_DEVICE_L3,
	T_KERNEL_L3, KERNEL_L3_COUNT = 6,	/* linker.ld asserts that they suffice */
	T_POOL = T_KERNEL_L3 + KERNEL_L3_COUNT,
	T_COUNT = 48,
};

/* Places in boot_tables. */
enum { B_BOOT_L3, B_ID_L1, B_ID_POOL };

/*
 * Level 0 first: boot.S points TTBR0_EL2 at it. In a section of its own that
 * is neither in the image file nor zeroed as bss: these are in use by then.
 */
__attribute__((section(".el2_tables,\"aw\",@nobits//"), aligned(4096)))
uint64_t el2_tables[T_COUNT][PTE_ENTRIES];
__attribute__((aligned(4096))) uint64_t boot_tables[BOOT_TABLES][PTE_ENTRIES];

/* With initial values: .data, which no later zeroing touches. */
static uint64_t pool_next = T_POOL;
static uint64_t id_pool_next = B_ID_POOL + 1;	/* the first maps the boot section */

static uint64_t index_of(uint64_t va, unsigned int shift)
{
	return (va >> shift) % PTE_ENTRIES;
}

/* ---- with the MMU off: symbols are physical addresses, stores are not cached ------ */

static uint64_t pa_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void early_boot_section(uint64_t kernel_pa)
{
	uint64_t *l3 = boot_tables[B_BOOT_L3];
	uint64_t text = pa_of(__boot_text_end), rodata = pa_of(__boot_rodata_end);
	uint64_t data = pa_of(__boot_data_end), pa = kernel_pa;

	for (; pa < text; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_TEXT;
	for (; pa < rodata; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_RODATA;
	for (; pa < data; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_DATA;
}

static void early_resident(uint64_t kernel_pa)
{
	uint64_t *l3 = el2_tables[T_KERNEL_L3];
	uint64_t text = pa_of(__text_end), rodata = pa_of(__rodata_end);
	uint64_t end = pa_of(__kernel_end), pa = kernel_pa + BOOT_SIZE;

	for (; pa < text; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_TEXT;
	for (; pa < rodata; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_RODATA;
	for (; pa < end; pa += HV_PAGE_SIZE)
		*l3++ = pa | PTE_PAGE | PTE_EL2_DATA;
}

void boot_early_tables(uint64_t kernel_pa)
{
	uint64_t (*t)[PTE_ENTRIES] = el2_tables;
	uint64_t (*b)[PTE_ENTRIES] = boot_tables;

	for (uint64_t i = 0; i < T_COUNT * PTE_ENTRIES; i += 2) {
		t[0][i] = 0;
		t[0][i + 1] = 0;
	}
	early_boot_section(kernel_pa);
	early_resident(kernel_pa);
	t[T_L0][index_of(KERNEL_VA, PTE_L0_SHIFT)] = pa_of(t[T_L1]) | PTE_EL2_TABLE;
	t[T_L1][index_of(KERNEL_VA, PTE_L1_SHIFT)] = pa_of(t[T_KERNEL_L2]) | PTE_EL2_TABLE;
	t[T_L1][index_of(PAGES_VA, PTE_L1_SHIFT)] = pa_of(t[T_PAGES_L2]) | PTE_EL2_TABLE;
	t[T_L1][index_of(DEVICE_VA, PTE_L1_SHIFT)] = pa_of(t[T_DEVICE_L2]) | PTE_EL2_TABLE;
	t[T_DEVICE_L2][index_of(DEVICE_VA, PTE_L2_SHIFT)] = pa_of(t[T_DEVICE_L3]) | PTE_EL2_TABLE;
	t[T_KERNEL_L2][0] = pa_of(b[B_BOOT_L3]) | PTE_EL2_TABLE;
	for (uint64_t i = 0; i < KERNEL_L3_COUNT; i++)
		t[T_KERNEL_L2][1 + i] = pa_of(t[T_KERNEL_L3 + i]) | PTE_EL2_TABLE;

	t[T_L0][index_of(kernel_pa, PTE_L0_SHIFT)] = pa_of(b[B_ID_L1]) | PTE_EL2_TABLE;
	b[B_ID_L1][index_of(kernel_pa, PTE_L1_SHIFT)] = pa_of(b[B_ID_POOL]) | PTE_EL2_TABLE;
	b[B_ID_POOL][index_of(kernel_pa, PTE_L2_SHIFT)] = pa_of(b[B_BOOT_L3]) | PTE_EL2_TABLE;
}

/* ---- with the MMU on ------------------------------------------------------------------ */

static uint64_t kernel_va_to_pa(const void *p)
{
	return (uint64_t)(uintptr_t)p - KERNEL_VA + facts.kernel_pa;
}

static void *kernel_pa_to_va(uint64_t pa)
{
	return (void *)(uintptr_t)(pa - facts.kernel_pa + KERNEL_VA);
}

/* The new entries are seen by walks that follow (D8.2.6; DSB, then ISB for this core). */
static void publish(void)
{
	dsb_ishst();
	isb();
}

static uint64_t *identity_l2(uint64_t pa)
{
	uint64_t *entry = &boot_tables[B_ID_L1][index_of(pa, PTE_L1_SHIFT)];

	if (*entry == 0) {
		if (id_pool_next == BOOT_TABLES)
			boot_fail("device tree and initrd are spread over too many GiB: load "
				  "them closer together");
		*entry = kernel_va_to_pa(boot_tables[id_pool_next++]) | PTE_EL2_TABLE;
	}
	return kernel_pa_to_va(*entry & PTE_PA_MASK);
}

const uint8_t *boot_map_identity(uint64_t pa, uint64_t size)
{
	if (pa >> PTE_L0_SHIFT != facts.kernel_pa >> PTE_L0_SHIFT ||
	    (pa + size) >> PTE_L0_SHIFT != facts.kernel_pa >> PTE_L0_SHIFT)
		boot_fail("nothing can be read at 0x%lx, too far from the kernel: load the "
			  "device tree and the initrd next to it", pa);
	for (uint64_t at = pa & ~(PTE_L2_SIZE - 1); at < pa + size; at += PTE_L2_SIZE) {
		uint64_t *entry = &identity_l2(at)[index_of(at, PTE_L2_SHIFT)];

		if (*entry == 0)
			*entry = at | PTE_EL2_RODATA;
	}
	publish();
	return (const uint8_t *)(uintptr_t)pa;
}

static uint64_t *pages_l3(uint64_t page)
{
	uint64_t *entry = &el2_tables[T_PAGES_L2][page / PTE_ENTRIES];

	if (*entry == 0) {
		if (pool_next == T_COUNT)
			boot_fail("memory is in too many pieces: give the machine fewer banks "
				  "and reservations");
		*entry = kernel_va_to_pa(el2_tables[pool_next++]) | PTE_EL2_TABLE;
	}
	return kernel_pa_to_va(*entry & PTE_PA_MASK);
}

void boot_map_pages(uint64_t first, uint64_t end)
{
	uint64_t page = first;

	while (page < end) {
		if (page % PTE_ENTRIES == 0 && end - page >= PTE_ENTRIES) {
			el2_tables[T_PAGES_L2][page / PTE_ENTRIES] =
				boot_page_pa(page) | PTE_BLOCK | PTE_EL2_DATA;
			page += PTE_ENTRIES;
		} else {
			pages_l3(page)[page % PTE_ENTRIES] =
				boot_page_pa(page) | PTE_PAGE | PTE_EL2_DATA;
			page++;
		}
	}
	publish();
}

/*
 * Devices share one level-3 table: DEVICE_VA to DEVICE_VA + 2 MiB. The search
 * for a redistributor moves its window, hence break before make (D8.13.1).
 */
void boot_map_device(uint64_t va, uint64_t pa, uint64_t size)
{
	uint64_t *l3 = el2_tables[T_DEVICE_L3];

	for (uint64_t at = 0; at < size; at += HV_PAGE_SIZE)
		l3[index_of(va + at, PTE_L3_SHIFT)] = 0;
	dsb_ishst();
	tlbi_el2();
	dsb_ish();
	isb();
	for (uint64_t at = 0; at < size; at += HV_PAGE_SIZE)
		l3[index_of(va + at, PTE_L3_SHIFT)] =
			((pa & PTE_PA_MASK) + at) | PTE_PAGE | PTE_EL2_DEVICE;
	publish();
}

bool boot_has_device(uint64_t pa)
{
	for (uint64_t i = 0; i < PTE_ENTRIES; i++) {
		uint64_t entry = el2_tables[T_DEVICE_L3][i];

		if ((entry & PTE_VALID) && (entry & PTE_PA_MASK) == pa)
			return true;
	}
	return false;
}

uint64_t *boot_section_entry(void)
{
	return &el2_tables[T_KERNEL_L2][0];
}

uint64_t *boot_identity_entry(void)
{
	return &el2_tables[T_L0][index_of(facts.kernel_pa, PTE_L0_SHIFT)];
}
