/* SPDX-License-Identifier: MIT */
/*
 * Brings up what each core has of the interrupt controller for itself.
 * Invariant: afterwards exactly four of its interrupts are enabled: the EL2
 * physical timer, the EL1 virtual timer, the virtual interface's maintenance
 * (PPIs), and the SGI by which cores call each other; cpu->sgi sends it here.
 *
 * References: IHI 0048B (GICv2), IHI 0069H (GICv3).
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "boot_gic.h"
#include "layout.h"
#include "prim.h"
#include "vgic.h"

enum gicr_register {
	GICR_CTLR = 0x00000, GICR_TYPER = 0x00008, GICR_WAKER = 0x00014,
	GICR_SGI = 0x10000,		/* second frame: the distributor's layout, INTIDs 0 to 31 */

	GICR_CTLR_RWP = 1 << 3,
	GICR_TYPER_VLPIS = 1 << 1,	/* GICv4: frames of 256 KiB */
	GICR_TYPER_LAST = 1 << 4,
	GICR_WAKER_SLEEP = 1 << 1,
	GICR_WAKER_ASLEEP = 1 << 2,
};

enum {
	GICR_BYTES = 0x100000,
	/* Lower priority than any in use is 0xf0 at best: GICv2 may implement 4 bits only. */
	PRIORITY_MASK = 0xf0,
};

static void enable_private(uint64_t base)
{
	gic_enable(base, GIC_SGI);
	gic_enable(base, machine.timer_intid);
	gic_enable(base, machine.vtimer_intid);
	gic_enable(base, machine.vgic_intid);
}

/* VTR: ListRegs is their number less one; PREbits of v3 gives the words of active priorities. */
static void check_vgic(uint64_t vtr)
{
	if ((vtr & 0x1f) + 1 < HV_NLR)
		boot_fail("the GIC has %lu list registers, and hv8 uses %lu", (vtr & 0x1f) + 1,
			  (uint64_t)HV_NLR);
	if (facts.gic_version == 3 && (vtr >> 26 & 7) + 1 > 5)
		boot_fail("the GIC has more than 32 virtual priorities that preempt each other");
}

/*
 * Group: in the non-secure view all is group 1 and writes of IGROUPR are
 * ignored. A GIC without security extensions, or QEMU's without EL3, gets
 * group 0, which its bit 0 of CTLR enables and which is signalled as IRQ.
 * GICD_SGIR: the list of cores in bits 23:16, each by its own bit of ITARGETSR0.
 */
static void gicv2_start(struct hv_cpu *cpu)
{
	gic_quiesce(GICD_VA, 0, 32, 0);
	enable_private(GICD_VA);
	mmio_write32(GICC_VA + GICC_PMR, PRIORITY_MASK);
	mmio_write32(GICC_VA + GICC_BPR, 7);		/* one group of priorities: no preemption */
	mmio_write32(GICC_VA + GICC_CTLR, GICD_CTLR_GRP1 | GICC_CTLR_EOIMODE);
	mmio_write32(GICH_VA + GICH_HCR, 0);
	check_vgic(mmio_read32(GICH_VA + GICH_VTR));
	cpu->sgi = (uint64_t)(mmio_read32(GICD_VA + GICD_ITARGETSR) & 0xff) << 16 | GIC_SGI;
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

static void redistributor_start(void)
{
	uint64_t frame = redistributor();

	mmio_write32(frame + GICR_WAKER,
		     mmio_read32(frame + GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
	gic_wait_clear(frame + GICR_WAKER, GICR_WAKER_ASLEEP);
	gic_quiesce(frame + GICR_SGI, 0, 32, ~0U);
	gic_wait_clear(frame + GICR_CTLR, GICR_CTLR_RWP);
	enable_private(frame + GICR_SGI);
}

/* The EL1 side of the interface is shut by ICH_HCR_EL2: boot_sysregs.c. */
static void interface_start(void)
{
	sysreg_write(ICC_SRE_AT_EL2, ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB);
	isb();
	if (!(sysreg_read(ICC_SRE_AT_EL2) & ICC_SRE_SRE))
		boot_fail("the firmware keeps the GICv3 in its GICv2 mode (ICC_SRE_EL2.SRE is 0)");
	/*
	 * First: CBPR, unknown at reset, makes writes of BPR1 be ignored
	 * (IHI 0069H, 12.2, ICC_BPR1_EL1).
	 */
	sysreg_write(ICC_CTLR, ICC_CTLR_EOIMODE);
	isb();
	sysreg_write(ICC_PMR, PRIORITY_MASK);
	sysreg_write(ICC_BPR1, 7);
	sysreg_write(ICC_IGRPEN1, 1);
	isb();
}

/* Of more than 16 cores in a cluster SGIs reach the others only with the range selector. */
static void check_range(uint64_t mpidr)
{
	bool has_range = mmio_read32(GICD_VA + GICD_TYPER) & GICD_TYPER_RSS &&
			 sysreg_read(ICC_CTLR) & ICC_CTLR_RSS;

	if ((mpidr & 0xf0) != 0 && !has_range)
		boot_fail("the GIC cannot send interrupts to the core with MPIDR 0x%lx",
			  mpidr & MPIDR_AFF_MASK);
}

/* ICC_SGI1R_EL1 (IHI 0069H, 12.2): a core by its affinity 3.2.1 and the bit of its affinity 0. */
static uint64_t sgi_to(uint64_t mpidr)
{
	return (mpidr >> 32 & 0xff) << 48 | (mpidr >> 4 & 0xf) << 44 | (mpidr >> 16 & 0xff) << 32 |
	       (uint64_t)GIC_SGI << 24 | (mpidr >> 8 & 0xff) << 16 | 1ULL << (mpidr & 0xf);
}

static void gicv3_start(struct hv_cpu *cpu)
{
	uint64_t mpidr = sysreg_read(mpidr_el1);

	if (ID_FIELD(sysreg_read(id_aa64pfr0_el1), PFR0_GIC) == 0)
		boot_fail("the device tree names a GICv3, but the core has no GIC system "
			  "registers");
	interface_start();
	check_vgic(sysreg_read(ICH_VTR));
	if (facts.mpidr_count > 1)
		check_range(mpidr);
	redistributor_start();
	cpu->sgi = sgi_to(mpidr);
}

void boot_gic_core_start(struct hv_cpu *cpu)
{
	if (facts.gic_version == 2)
		gicv2_start(cpu);
	else
		gicv3_start(cpu);
}
