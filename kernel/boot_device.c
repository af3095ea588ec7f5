/* SPDX-License-Identifier: MIT */
/*
 * Which pages of device registers processes may have: those of enabled nodes
 * of the device tree with an address that the CPU reaches by simple buses.
 *
 * Invariants: no such page is RAM, reserved memory, a register of the
 * interrupt controller or of the kernel's UART, mapped by the kernel (but for
 * a UART that is a process's: the kernel's mapping is for panic), or within
 * the range of addresses that page numbers cover; no two entries are of one
 * page. A page is without HV_DEVICE_DMA only if all that has registers
 * in it is known not to reach memory by itself.
 */
#include "boot.h"

#include "boot_dt.h"

/* Larger ones are PCIe's windows and flash, and would fill the table. */
enum { MOST_PAGES = 16 };

enum class { KERNEL, DMA, PLAIN };

static uint64_t device_count = 1;	/* 0 is none */
static uint64_t kept_back;
static bool allows_dma, is_full;

static uint64_t first_page(struct region region)
{
	return region.pa & ~(uint64_t)(HV_PAGE_SIZE - 1);
}

static bool overlaps(struct region region, uint64_t page)
{
	return region.size != 0 && region.pa < page + HV_PAGE_SIZE &&
	       page <= region.pa + (region.size - 1);
}

/* Known to have no way to memory, of its own or by a DMA controller. */
static bool is_plain(int node)
{
	static const char *const plain[] = {
		"arm,pl011", "arm,pl031", "arm,pl061", "arm,sp804", "arm,sp805",
		"cdns,uart-r1p12", "cdns,ttc",
	};
	static const char *const reaches[] = {
		"dmas", "dma-coherent", "dma-ranges", "iommus", "iommu-map", "memory-region",
	};

	if (!dt_is_among(node, plain, sizeof(plain) / sizeof(plain[0])))
		return false;
	for (uint64_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++)
		if (dt_property(node, reaches[i], NULL) != NULL)
			return false;
	return true;
}

static enum class class_of(int node)
{
	if (dt_is_kernels(node))
		return KERNEL;
	return is_plain(node) ? PLAIN : DMA;
}

static struct hv_device_entry *find(uint64_t page)
{
	for (uint64_t i = 1; i < device_count; i++)
		if (devices[i].pa == page)
			return &devices[i];
	return NULL;
}

static void enter_page(int node, uint64_t page)
{
	struct hv_device_entry *device = find(page);

	if (device == NULL) {
		is_full = is_full || device_count == HV_NDEVICE;
		if (is_full)
			return;
		device = &devices[device_count++];
		device->state = HV_DEVICE_UNMAPPED;
		device->owner = HV_INIT_PID;
		device->pa = page;
		device->node = dt_offset(node);
	}
	device->node_count++;
}

/* Bits above 47 have no place in a descriptor. */
static bool is_reachable(struct region region)
{
	return region.size != 0 && region.pa >> 48 == 0 && region.size >> 48 == 0 &&
	       (region.pa + region.size - 1) >> 48 == 0;
}

static void enter(int node, struct region region)
{
	uint64_t first = first_page(region), end = region.pa + region.size;

	if (!is_reachable(region))
		return;
	if (end - first > MOST_PAGES * HV_PAGE_SIZE) {
		boot_print("hv8: device %s at 0x%lx is too large for processes: %lu KiB\n",
			   dt_name(node), region.pa, region.size >> 10);
		return;
	}
	for (uint64_t page = first; page < end; page += HV_PAGE_SIZE)
		enter_page(node, page);
}

static void enter_all(void)
{
	struct region region;

	for (int node = 0; node < dt_count(); node++) {
		enum class class;

		if (!dt_reg(node, 0, &region) || !dt_is_usable(node))
			continue;
		class = class_of(node);
		if (class == DMA && !allows_dma)
			kept_back++;
		else
			for (int i = 0; class != KERNEL && dt_reg(node, i, &region); i++)
				enter(node, region);
	}
}

static bool is_given_uart(uint64_t pa)
{
	return facts.uart_is_process && pa == (facts.uart_pa & ~(uint64_t)(HV_PAGE_SIZE - 1));
}

/* Within what page numbers cover, or mapped by the kernel. */
static bool is_taken(uint64_t pa)
{
	return pa - machine.pages_pa < (uint64_t)HV_NPAGE << HV_PAGE_SHIFT ||
	       (boot_has_device(pa) && !is_given_uart(pa));
}

/* The page is not for processes after all. */
static void drop(struct hv_device_entry *device)
{
	struct hv_device_entry *last = &devices[--device_count];

	*device = *last;
	*last = (struct hv_device_entry){ 0 };
}

/* What something of that class means for a page that it has a part of. */
static void judge(enum class class, struct hv_device_entry *device)
{
	if (class == KERNEL || (class == DMA && !allows_dma))
		drop(device);
	else if (class == DMA)
		device->flags |= HV_DEVICE_DMA;
}

/* A region of a node, enabled or not. */
static void judge_region(int node, struct region region)
{
	for (uint64_t i = device_count; i-- > 1;)
		if (overlaps(region, devices[i].pa))
			judge(class_of(node), &devices[i]);
}

static void judge_reserved(struct region region)
{
	for (uint64_t i = device_count; i-- > 1;)
		if (overlaps(region, devices[i].pa))
			judge(KERNEL, &devices[i]);
}

static void judge_all(void)
{
	struct region region;

	for (int node = 0; node < dt_count(); node++)
		for (int i = 0; dt_reg(node, i, &region); i++)
			judge_region(node, region);
	/* The EFI loader puts all that is no memory of the kernel's into the header's list. */
	for (uint64_t i = facts.reserved_by_header; i < facts.reserved_count; i++)
		judge_reserved(facts.reserved[i]);
	for (uint64_t i = device_count; i-- > 1;)
		if (is_taken(devices[i].pa))
			drop(&devices[i]);
}

static bool is_memory(uint64_t page)
{
	for (uint64_t i = 0; i < facts.bank_count; i++)
		if (overlaps(facts.bank[i], page))
			return true;
	return false;
}

static void share_page(uint64_t page)
{
	struct hv_device_entry *device;

	if (page % HV_PAGE_SIZE != 0 || is_taken(page) || is_memory(page))
		boot_fail("the GICv2's virtual CPU interface cannot be at 0x%lx", page);
	if (device_count == HV_NDEVICE)
		return;		/* as if there were none: no process can map it */
	device = &devices[device_count++];
	device->state = HV_DEVICE_SHARED;
	device->pa = page;
	device->node = dt_offset(dt_find(DT_GICV2));
	device->node_count = 1;
}

/*
 * The virtual CPU interface of a GICv2, two pages of registers (IHI 0048B,
 * 5.5): whoever has it may map them, and sees its own.
 */
static void share_vgic(void)
{
	if (!is_reachable(facts.gicv) || facts.gicv.size < 2 * HV_PAGE_SIZE)
		boot_fail("the GICv2's virtual CPU interface cannot be %lu bytes at 0x%lx",
			  facts.gicv.size, facts.gicv.pa);
	share_page(facts.gicv.pa);
	share_page(facts.gicv.pa + HV_PAGE_SIZE);
}

/* Nobody could print otherwise. */
static void check_uart(void)
{
	for (uint64_t i = 1; i < device_count; i++)
		if (is_given_uart(devices[i].pa))
			return;
	boot_fail("uart=process: what shares 4 KiB with the UART at 0x%lx is not for processes",
		  facts.uart_pa);
}

void devices_start(void)
{
	allows_dma = dt_has_option("dma=on") && !dt_has_option("dma=off");
	enter_all();
	if (is_full)
		boot_print("hv8: the table of devices is full: some are not handed out\n");
	judge_all();
	procs[HV_INIT_PID].devices_count = device_count - 1;
	if (facts.uart_is_process)
		check_uart();
	if (facts.gic_version == 2)
		share_vgic();
	boot_print("hv8: %lu pages of device registers for processes; %lu devices that may do "
		   "DMA kept back%s\n",
		   procs[HV_INIT_PID].devices_count, kept_back, allows_dma ? "" : " (no dma=on)");
}
