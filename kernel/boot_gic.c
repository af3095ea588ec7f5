/* SPDX-License-Identifier: MIT */
/*
 * Brings up the distributor of the interrupt controller, for all cores.
 * Invariant: afterwards exactly one shared interrupt is enabled, the UART's,
 * or none if that is a process's; all are of one priority that passes the
 * mask, and sent to this core.
 *
 * References: IHI 0048B (GICv2), IHI 0069H (GICv3). Under EL3 firmware this
 * is the non-secure view, where group 0 is out of sight (IHI 0048B, 4.6.1).
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "boot_gic.h"
#include "layout.h"
#include "prim.h"
#include "uart.h"

enum { GICD_BYTES = 0x10000, GICD_V2_BYTES = 0x1000, GICC_BYTES = 0x2000, GICH_BYTES = 0x1000,
       PRIORITY4 = 0x01010101 * 0xa0u };

static uint64_t spi_limit(void)
{
	return 32 * ((uint64_t)(mmio_read32(GICD_VA + GICD_TYPER) & 0x1f) + 1);
}

void gic_wait_clear(uint64_t va, uint32_t bit)
{
	while (mmio_read32(va) & bit)
		;
}

void gic_enable(uint64_t base, uint64_t intid)
{
	mmio_write32(base + GICD_ISENABLER + intid / 32 * 4, 1U << (intid % 32));
}

void gic_quiesce(uint64_t base, uint64_t first, uint64_t end, uint32_t group)
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
	if (!facts.uart_is_process)
		gic_enable(GICD_VA, machine.uart_intid);
}

static void check_uart_intid(void)
{
	if (machine.uart_intid < 32 || machine.uart_intid >= spi_limit())
		boot_fail("the UART's interrupt %lu is not one of the GIC's %lu",
			  machine.uart_intid, spi_limit());
}

static void gicv2_start(void)
{
	uint32_t self;

	boot_map_device(GICD_VA, facts.gicd.pa, GICD_V2_BYTES);
	boot_map_device(GICC_VA, facts.gicc.pa, GICC_BYTES);
	boot_map_device(GICH_VA, facts.gich.pa, GICH_BYTES);
	check_uart_intid();
	mmio_write32(GICD_VA + GICD_CTLR, 0);
	gic_quiesce(GICD_VA, 32, spi_limit(), 0);
	/* ITARGETSR0 reads as the reading core's own bit (IHI 0048B, 4.3.12). */
	self = mmio_read32(GICD_VA + GICD_ITARGETSR) & 0xff;
	for (uint64_t i = 32; i < spi_limit(); i += 4)
		mmio_write32(GICD_VA + GICD_ITARGETSR + i, self * 0x01010101U);
	start_uart_irq();
	mmio_write32(GICD_VA + GICD_CTLR, GICD_CTLR_GRP1);
}

/* All is group 1: what ICC_IAR1_EL1 acknowledges, and what non-secure software may have. */
static void gicv3_start(void)
{
	uint64_t affinity = sysreg_read(mpidr_el1) & MPIDR_AFF_MASK;

	boot_map_device(GICD_VA, facts.gicd.pa, GICD_BYTES);
	check_uart_intid();
	mmio_write32(GICD_VA + GICD_CTLR, 0);
	gic_wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	gic_quiesce(GICD_VA, 32, spi_limit() < NINTID ? spi_limit() : 992, ~0U);
	gic_wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	mmio_write32(GICD_VA + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1A | GICD_CTLR_GRP1);
	gic_wait_clear(GICD_VA + GICD_CTLR, GICD_CTLR_RWP);
	for (uint64_t i = 32; i < boot_gic_limit(); i++)
		mmio_write64(GICD_VA + GICD_IROUTER + 8 * i, affinity);
	start_uart_irq();
}

void boot_gic_start(void)
{
	if (facts.gic_version == 2)
		gicv2_start();
	else
		gicv3_start();
	boot_gic_core_start(&sched.cpus[0]);
	boot_print("hv8: GICv%lu at 0x%lx, timer interrupt %lu; %s at 0x%lx, interrupt %lu\n",
		   facts.gic_version, facts.gicd.pa, machine.timer_intid,
		   machine.uart_kind == UART_CADENCE ? "Cadence UART" : "PL011", facts.uart_pa,
		   machine.uart_intid);
}
