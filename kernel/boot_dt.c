/* SPDX-License-Identifier: MIT */
/*
 * What boot needs to know of the machine, read from the device tree by
 * libfdt. Invariant: each dt_parse_*() either fills its part of `facts`
 * completely or ends boot with one line that names what is missing.
 */
#include "boot_dt.h"

#include <libfdt.h>

#include "boot.h"
#include "uart.h"

#define DTB_MAX ((uint64_t)8 << 20)

struct facts facts;

static int uart_node = -1;
static int gic_node = -1;
static int reserved_node = -1;

/*
 * The Image protocol: 8-byte aligned, at most 2 MiB. QEMU's -dtb makes larger
 * ones, mostly padding, so the limit is what the view of it has room for.
 */
bool dt_open(uint64_t pa)
{
	if (pa == 0 || pa % 8 != 0)
		return false;
	facts.dtb.pa = pa;
	(void)boot_map_identity(pa, sizeof(struct fdt_header));
	if (fdt_check_header(dt_blob()) != 0)
		return false;
	facts.dtb.size = fdt_totalsize(dt_blob());
	if (facts.dtb.size > DTB_MAX)
		boot_fail("the device tree is too large: %lu KiB, and %lu KiB is the limit",
			  facts.dtb.size >> 10, DTB_MAX >> 10);
	(void)boot_map_identity(pa, facts.dtb.size);
	dt_scan();
	return true;
}

/* chosen/stdout-path: a path or an alias, with options after a colon (3.6). */
static int stdout_node(void)
{
	int chosen = dt_at_root("chosen"), bytes, n = 0;
	const char *path = chosen < 0 ? NULL : dt_property(chosen, "stdout-path", &bytes);

	if (path == NULL)
		return -1;
	while (n < bytes && path[n] != ':' && path[n] != 0)
		n++;
	return dt_path(path, n);
}

static bool is_cadence(int node)
{
	return dt_is_compatible(node, "cdns,uart-r1p12") || dt_is_compatible(node, "xlnx,xuartps");
}

static bool is_uart(int node)
{
	return dt_is_compatible(node, "arm,pl011") || is_cadence(node);
}

/* The `left` bytes at `text` begin with the word. */
static bool begins(const char *text, int left, const char *word)
{
	for (; *word != 0; text++, word++)
		if (left-- <= 0 || *text != *word)
			return false;
	return true;
}

/* Words of bootargs that begin like this; with `is_whole`, that are this. */
static uint64_t count_options(const char *word, bool is_whole)
{
	int chosen = dt_at_root("chosen"), bytes, length = 0;
	const char *args = chosen < 0 ? NULL : dt_property(chosen, "bootargs", &bytes);
	uint64_t count = 0;

	while (word[length] != 0)
		length++;
	for (int at = 0; args != NULL && at + length <= bytes; at++) {
		char after = at + length < bytes ? args[at + length] : 0;

		count += (at == 0 || args[at - 1] == ' ') &&
			 (!is_whole || after == ' ' || after == 0) &&
			 begins(&args[at], bytes - at, word);
	}
	return count;
}

bool dt_has_option(const char *word)
{
	return count_options(word, true) != 0;
}

/* A word that boot does not know would leave the machine without a console, or with two drivers. */
static void parse_uart_option(void)
{
	uint64_t given = count_options("uart=", false);

	facts.uart_is_process = dt_has_option("uart=process");
	if (given > 1 || given != (uint64_t)facts.uart_is_process + dt_has_option("uart=kernel"))
		boot_fail("bootargs: uart=kernel or uart=process, once, is what can be said of "
			  "the UART");
}

void dt_parse_uart(void)
{
	int node = stdout_node();
	struct region region;

	if (node < 0 || !dt_is_okay(node) || !is_uart(node))
		node = dt_find(DT_UART);
	if (node < 0 || !dt_reg(node, 0, &region))
		boot_fail("no UART: the device tree names no enabled arm,pl011 or "
			  "cdns,uart-r1p12 with an address");
	boot_uart_start(is_cadence(node) ? UART_CADENCE : UART_PL011, region.pa);
	facts.uart_pa = region.pa;
	uart_node = node;
	parse_uart_option();
}

void dt_parse_psci(void)
{
	int node = dt_find(DT_PSCI);
	const char *method = node < 0 ? NULL : dt_property(node, "method", NULL);

	if (node < 0)
		boot_fail("no PSCI: the firmware must offer arm,psci-0.2 or later, and say so "
			  "in the device tree");
	if (method == NULL || method[0] != 's')
		boot_fail("PSCI is not reached by SMC: the device tree must say method = \"smc\"");
	boot_psci_known();
}

/*
 * For systems with pages of 64 KiB a GIC-400 shows each page of a CPU interface
 * sixteen times (Server Base System Architecture, appendix on GICv2): the last of the
 * first page is beside the first of the second.
 */
static struct region interface_of(struct region region)
{
	enum { PAGES = 0x10000 };

	if (region.size != 2 * PAGES)
		return region;
	return (struct region){ region.pa + PAGES - HV_PAGE_SIZE, 2 * HV_PAGE_SIZE };
}

static bool parse_gicv2(void)
{
	bool is_whole = dt_reg(gic_node, 0, &facts.gicd) && dt_reg(gic_node, 1, &facts.gicc) &&
			dt_reg(gic_node, 2, &facts.gich) && dt_reg(gic_node, 3, &facts.gicv);

	facts.gic_version = 2;
	facts.gicc = interface_of(facts.gicc);
	facts.gicv = interface_of(facts.gicv);
	return is_whole;
}

static bool parse_gicv3(void)
{
	int bytes;
	const fdt32_t *count = dt_property(gic_node, "#redistributor-regions", &bytes);
	uint64_t regions = count != NULL && bytes == 4 ? fdt32_to_cpu(*count) : 1;
	const fdt64_t *stride = dt_property(gic_node, "redistributor-stride", &bytes);

	facts.gic_version = 3;
	if (stride != NULL && bytes == 8)
		facts.gicr_stride = fdt64_ld(stride);
	if (!dt_reg(gic_node, 0, &facts.gicd))
		return false;
	while (facts.gicr_count < regions && facts.gicr_count < DT_GICRS &&
	       dt_reg(gic_node, (int)facts.gicr_count + 1, &facts.gicr[facts.gicr_count]))
		facts.gicr_count++;
	return facts.gicr_count > 0;
}

void dt_parse_gic(void)
{
	gic_node = dt_find(DT_GICV3);
	if (gic_node < 0)
		gic_node = dt_find(DT_GICV2);
	if (gic_node < 0)
		boot_fail("no interrupt controller: the device tree names no arm,gic-v3, "
			  "arm,gic-400 or arm,cortex-a15-gic");
	if (!(gic_node == dt_find(DT_GICV3) ? parse_gicv3() : parse_gicv2()))
		boot_fail("the GICv%lu cannot be used: its device tree node lacks a register "
			  "region", facts.gic_version);
	machine.gic_version = facts.gic_version;
}

/* The INTID of the index-th interrupt, 0 if there is none. */
static uint64_t intid_of(int node, int index)
{
	uint64_t intid;
	bool is_edge;

	return node >= 0 && dt_interrupt(node, index, &intid, &is_edge) ? intid : 0;
}

static bool is_ppi(uint64_t intid)
{
	return intid >= 16 && intid < 32;
}

/* The timer's third and fourth: the virtual and the EL2 physical one (binding arm,arch_timer). */
void dt_parse_interrupts(void)
{
	int timer = dt_find(DT_TIMER);

	machine.vtimer_intid = intid_of(timer, 2);
	machine.timer_intid = intid_of(timer, 3);
	machine.uart_intid = intid_of(uart_node, 0);
	machine.vgic_intid = intid_of(gic_node, 0);
	if (!is_ppi(machine.vtimer_intid) || !is_ppi(machine.timer_intid))
		boot_fail("no EL2 timer: the device tree needs an arm,armv8-timer with four "
			  "interrupts");
	if (machine.uart_intid < 32)
		boot_fail("no interrupt for the UART: its device tree node must name one of the "
			  "GIC");
	if (!is_ppi(machine.vgic_intid))
		boot_fail("no maintenance interrupt: the GIC's device tree node must name its own");
}

/* Boot loaders write 32 or 64 bits, whatever the cells are. */
static bool chosen_address(const char *name, uint64_t *value)
{
	int chosen = dt_at_root("chosen"), bytes;
	const fdt32_t *p = chosen < 0 ? NULL : dt_property(chosen, name, &bytes);

	if (p == NULL || (bytes != 4 && bytes != 8))
		return false;
	*value = fdt32_to_cpu(p[0]);
	if (bytes == 8)
		*value = *value << 32 | fdt32_to_cpu(p[1]);
	return true;
}

void dt_parse_initrd(void)
{
	uint64_t start, end;

	if (!chosen_address("linux,initrd-start", &start) ||
	    !chosen_address("linux,initrd-end", &end))
		boot_fail("no initrd: the boot loader must load the archive with init "
			  "(QEMU: -initrd build/initrd.cpio)");
	if (end < start)
		boot_fail("the initrd ends at 0x%lx, before its start at 0x%lx", end, start);
	if (end - start > HV_VIEW_INITRD_MAX - HV_PAGE_SIZE)
		boot_fail("the initrd is too large: %lu MiB, and %lu MiB is the limit",
			  (end - start) >> 20, (uint64_t)HV_VIEW_INITRD_MAX >> 20);
	facts.initrd = (struct region){ start, end - start };
}

static void add_reserved(struct region region)
{
	if (facts.reserved_count == DT_RESERVED)
		boot_fail("more than %lu reserved regions in the device tree",
			  (uint64_t)DT_RESERVED);
	facts.reserved[facts.reserved_count++] = region;
}

/*
 * Children of /reserved-memory have the CPU's addresses, whether or not the
 * node says `ranges` as it should (3.5.2). What is reserved must not be used
 * because it is not understood.
 */
static void reserve_node(int node)
{
	struct region region;
	int bytes, i = 0;

	if (!dt_is_okay(node) || dt_property(node, "reg", &bytes) == NULL || bytes == 0)
		return;
	for (; dt_reg_on_bus(node, i, &region); i++)
		add_reserved(region);
	if (i == 0)
		boot_fail("the device tree reserves memory, but its reg cannot be read");
}

static void parse_reserved(void)
{
	int count = fdt_num_mem_rsv(dt_blob());
	struct region region;

	if (count < 0)
		boot_fail("the list of reserved memory in the device tree has no end");
	for (int i = 0; i < count; i++)
		if (fdt_get_mem_rsv(dt_blob(), i, &region.pa, &region.size) == 0)
			add_reserved(region);
	facts.reserved_by_header = facts.reserved_count;
	reserved_node = dt_at_root("reserved-memory");
	if (reserved_node < 0)
		return;
	for (int node = dt_next_child(reserved_node, -1); node >= 0;
	     node = dt_next_child(reserved_node, node))
		reserve_node(node);
}

static bool is_memory(int node)
{
	int bytes;
	const char *type = dt_property(node, "device_type", &bytes);

	return type != NULL && fdt_stringlist_contains(type, bytes, "memory");
}

/* "arm,gic" is how all names of GICs begin that boot does not look for. */
static bool is_gic(int node)
{
	int bytes;
	const char *list = dt_property(node, "compatible", &bytes);

	if (node == gic_node)
		return true;
	for (int at = 0; list != NULL && at < bytes; at++)
		if ((at == 0 || list[at - 1] == 0) && begins(&list[at], bytes - at, "arm,gic"))
			return true;
	return false;
}

bool dt_is_kernels(int node)
{
	if ((node == uart_node && !facts.uart_is_process) || is_memory(node))
		return true;
	for (int at = node; at > 0; at = dt_parent(at))
		if (is_gic(at))
			return true;
	return reserved_node >= 0 && dt_parent(node) == reserved_node;
}

/* Banks beyond the array's end are left unused. */
void dt_parse_memory(void)
{
	for (int node = dt_next_child(0, -1); node >= 0; node = dt_next_child(0, node)) {
		if (!is_memory(node) || !dt_is_okay(node))
			continue;
		for (int i = 0; facts.bank_count < DT_BANKS; i++) {
			if (!dt_reg(node, i, &facts.bank[facts.bank_count]))
				break;
			facts.bank_count += facts.bank[facts.bank_count].size != 0;
		}
	}
	if (facts.bank_count == 0)
		boot_fail("no memory: the device tree has no memory node with a region");
	parse_reserved();
}
