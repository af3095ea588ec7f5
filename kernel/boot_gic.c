/* SPDX-License-Identifier: MIT */
/*
 * Brings up the interrupt controller for one core. Invariant: afterwards
 * exactly four interrupts are enabled, the EL2 physical timer, the EL1 virtual
 * timer and the virtual interface's maintenance (PPIs), and the UART (an SPI);
 * all are of one priority that passes the mask, and sent to this core.
 *
 * References: IHI 0048B (GICv2), IHI 0069H (GICv3). Under EL3 firmware this
 * is the non-secure view, where group 0 is out of sight (IHI 0048B, 4.6.1).
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "gic.h"
#include "layout.h"
#include "prim.h"
#include "uart.h"
#include "vgic.h"

enum gicd_register {
	GICD_CTLR = 0x000, GICD_TYPER = 0x004, GICD_IGROUPR = 0x080, GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800, GICD_ICFGR = 0xc00, GICD_IROUTER = 0x6000,

	GICD_CTLR_GRP1 = 1 << 0,	/* non-secure view; without EL3 firmware v2: group 0 */
	GICD_CTLR_GRP1A = 1 << 1,
	GICD_CTLR_ARE = 1 << 4,
};
#define GICD_CTLR_RWP (1U << 31)	/* v3: an earlier write is not complete */

enum gicr_register {
	GICR_CTLR = 0x00000, GICR_TYPER = 0x00008, GICR_WAKER = 0x00014,
	GICR_SGI = 0x10000,		/* second frame: the distributor's layout for INTIDs 0 to 31 */

	GICR_CTLR_RWP = 1 << 3,
	GICR_TYPER_VLPIS = 1 << 1,	/* GICv4: frames of 256 KiB */
	GICR_TYPER_LAST = 1 << 4,
	GICR_WAKER_SLEEP = 1 << 1,
	GICR_WAKER_ASLEEP = 1 << 2,
};

enum {
	GICD_BYTES = 0x10000, GICD_V2_BYTES = 0x1000, GICC_BYTES = 0x2000, GICH_BYTES = 0x1000,
	GICR_BYTES = 0x100000,
	PRIORITY = 0xa0, PRIORITY4 = 0x01010101 * 0xa0u,
	/* Lower priority than any in use is 0xf0 at best: GICv2 may implement 4 bits only. */
	PRIORITY_MASK = 0xf0,
};

static uint64_t spi_limit(void)
{
	return 32 * ((uint64_t)(mmio_read32(GICD_VA + GICD_TYPER) & 0x1f) + 1);
}

static void wait_clear(uint64_t va, uint32_t bit)
{
	while (mmio_read32(va) & bit)
		;
}

static void enable(uint64_t base, uint64_t intid)
{
	mmio_write32(base + GICD_ISENABLER + intid / 32 * 4, 1U << (intid % 32));
}

/* INTIDs [first, end), multiples of 32: off, idle, in `group`, of one priority. */
static void quiesce(uint64_t base, uint64_t first, uint64_t end, uint32_t group)
{
	for (uint64_t i = first; i < end; i += 32) {
		mmio_write32(base + GICD_ICENABLER + i / 8, ~0U);
		mmio_write32(base + GICD_ICPENDR + i / 8, ~0U);
		mmio_write32(base + GICD_ICACTIVER + i / 8, ~0U);
		mmio_write32(base + GICD_IGROUPR + i / 8, group);
	}
	for (uint64_t i = first; i < end; i += 4)
		mmio_write32(base + GICD_IPRIORITYR + i, PRIORITY4);
}

uint64_t boot_gic_limit(void)
{
	return spi_limit() < NINTID ? spi_limit() : NINTID;
}

/* ICFGR has two bits for each INTID, the upper one set for an edge (IHI 0048B, 4.3.13). */
void boot_gic_configure(uint64_t intid, bool is_edge)
{
	uint64_t va = GICD_VA + GICD_ICFGR + intid / 16 * 4;
	uint32_t bit = 2U << (intid % 16 * 2);

	mmio_write32(va, is_edge ? mmio_read32(va) | bit : mmio_read32(va) & ~bit);
}

/* A level (DDI 0183G, 3.4; UG1085, 13). */
static void start_uart_irq(void)
{
	boot_gic_configure(machine.uart_intid, false);
	enable(GICD_VA, machine.uart_intid);
}

/* The PPIs that the kernel takes; `base` is where the registers of INTIDs 0 to 31 are. */
static void start_ppis(uint64_t base)
{
	enable(base, machine.timer_intid);
	enable(base, machine.vtimer_intid);
	enable(base, machine.vgic_intid);
}

/* VTR: ListRegs is one less than their number; PREbits of v3 says how many words of active priorities. */
static void check_vgic(uint64_t vtr)
{
	if ((vtr & 0x1f) + 1 < HV_NLR)
		boot_fail("the GIC has %lu list registers, and hv8 uses %lu", (vtr & 0x1f) + 1,
			  (uint64_t)HV_NLR);
	if (facts.gic_version == 3 && (vtr >> 26 & 7) + 1 > 5)
		boot_fail("the GIC has more than 32 virtual priorities that preempt each other");
}

static void check_uart_intid(void)
{
	if (machine.uart_intid < 32 || machine.uart_intid >= spi_limit())
		boot_fail("the UART's interrupt %lu is not one of the GIC's %lu", machine.uart_intid, spi_limit());
}

/* ---- GICv2 --------------------------------------------------------------------- */

/*
 * Group: in the non-secure view all is group 1 and writes of IGROUPR are
 * ignored. A GIC without security extensions, or QEMU's without EL3, gets
 * group 0, which its bit 0 of CTLR enables and which is signalled as IRQ.
 */
static void gicv2_start(void)
{
	uint32_t self;

	boot_map_device(GICD_VA, facts.gicd.pa, GICD_V2_BYTES);
	boot_map_device(GICC_VA, facts.gicc.pa, GICC_BYTES);
	boot_map_device(GICH_VA, facts.gich.pa, GICH_BYTES);
	check_uart_intid();
	mmio_write32(GICD_VA + GICD_CTLR, 0);
	quiesce(GICD_VA, 0, spi_limit(), 0);
	/* ITARGETSR0 reads as the reading core's own bit (IHI 0048B, 4.3.12). */
	self = mmio_read32(GICD_VA + GICD_ITARGETSR) & 0xff;
	for (uint64_t i = 32; i < spi_limit(); i += 4)
		mmio_write32(GICD_VA + GICD_ITARGETSR + i, self * 0x01010101U);
	start_uart_irq();
	start_ppis(GICD_VA);
	mmio_write32(GICD_VA + GICD_CTLR, GICD_CTLR_GRP1);

	mmio_write32(GICC_VA + GICC_PMR, PRIORITY_MASK);
	mmio_write32(GICC_VA + GICC_BPR, 7);		/* one group of priorities: no preemption */
	mmio_write32(GICC_VA + GICC_CTLR, GICD_CTLR_GRP1 | GICC_CTLR_EOIMODE);
	mmio_write32(GICH_VA + GICH_HCR, 0);
	check_vgic(mmio_read32(GICH_VA + GICH_VTR));
}

/* ---- GICv3 ---------------------------------------------------------------------- */

/*
 * The frame of this core in one region, or 0. The search goes through the
 * 1 MiB window GICR_VA, which stays where the frame was found.
 */
static uint64_t find_frame(struct region region)
{
	uint64_t self = sysreg_read(mpidr_el1), offset = 0, window = 1, typer;

	do {
		if (offset / GICR_BYTES != window) {
			window = offset / GICR_BYTES;
			boot_map_device(GICR_VA, region.pa + window * GICR_BYTES, GICR_BYTES);
		}
		typer = mmio_read64(GICR_VA + offset % GICR_BYTES + GICR_TYPER);
		/* Affinity 3.2.1.0 in one word of TYPER; MPIDR has affinity 3 apart. */
		if (typer >> 32 == ((self & 0xffffff) | (self >> 32 & 0xff) << 24))
			return GICR_VA + offset % GICR_BYTES;
		offset += facts.gicr_stride != 0 ? facts.gicr_stride :
			  typer & GICR_TYPER_VLPIS ? 0x40000 : 0x20000;
	} while (!(typer & GICR_TYPER_LAST) && offset < region.size);
	return 0;
}

static uint64_t redistributor(void)
{
	for (uint64_t i = 0; i < facts.gicr_count; i++) {
		uint64_t frame = find_frame(facts.gicr[i]);

		if (frame != 0)
			return frame;
	}
	boot_fail("no GICv3 redistributor for this core in the regions that the device tree names");
}

static void gicv3_redistributor_start(void)
{
	uint64_t frame = redistributor();

	mmio_write32(frame + GICR_WAKER, mmio_read32(frame + GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
	wait_clear(frame + GICR_WAKER, GICR_WAKER_ASLEEP);
	quiesce(frame + GICR_SGI, 0, 32, ~0U);
	wait_clear(frame + GICR_CTLR, GICR_CTLR_RWP);
	start_ppis(frame + GICR_SGI);
}

/* The EL1 side of the interface is shut by ICH_HCR_EL2: boot_sysregs.c. */
static void gicv3_interface_start(void)
{
	sysreg_write(ICC_SRE_AT_EL2, ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB);
	isb();
	if (!(sysreg_read(ICC_SRE_AT_EL2) & ICC_SRE_SRE))
		boot_fail("the firmware keeps the GICv3 in its GICv2 mode (ICC_SRE_EL2.SRE is 0)");
	/* First: CBPR, unknown at reset, makes writes of BPR1 be ignored (IHI 0069H, 12.2, ICC_BPR1_EL1). */
	sysreg_write(ICC_CTLR, ICC_CTLR_EOIMODE);
	isb();
	sysreg_write(ICC_PMR, PRIORITY_MASK);
	sysreg_write(ICC_BPR1, 7);
	sysreg_write(ICC_IGRPEN1, 1);
	isb();
}

/* All is group 1: what ICC_IAR1_EL1 acknowledges, and what non-secure software may have. */
static void gicv3_start(void)
{
	uint64_t affinity = sysreg_read(mpidr_el1) & MPIDR_AFF_MASK;

	if (ID_FIELD(sysreg_read(id_aa64pfr0_el1), PFR0_GIC) == 0)
		boot_fail("the device tree names a GICv3, but the core has no GIC system registers");
	boot_map_device(GICD_VA, facts.gicd.pa, GICD_BYTES);
	check_uart_intid();
	mmio_write32(GICD_VA + GICD_CTLR, 0);
	wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	quiesce(GICD_VA, 32, spi_limit() < NINTID ? spi_limit() : 992, ~0U);
	wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	mmio_write32(GICD_VA + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1A | GICD_CTLR_GRP1);
	wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	for (uint64_t i = 32; i < boot_gic_limit(); i++)
		mmio_write64(GICD_VA + GICD_IROUTER + 8 * i, affinity);
	start_uart_irq();
	gicv3_interface_start();
	check_vgic(sysreg_read(ICH_VTR));
	gicv3_redistributor_start();
}

void boot_gic_start(void)
{
	if (facts.gic_version == 2)
		gicv2_start();
	else
		gicv3_start();
	boot_print("hv8: GICv%lu at 0x%lx, timer interrupt %lu; %s at 0x%lx, interrupt %lu\n",
		   facts.gic_version, facts.gicd.pa, machine.timer_intid,
		   machine.uart_kind == UART_CADENCE ? "Cadence UART" : "PL011", facts.uart_pa,
		   machine.uart_intid);
}
