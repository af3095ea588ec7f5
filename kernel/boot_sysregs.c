/* SPDX-License-Identifier: MIT */
/*
 * The values of the EL2 and EL1 control registers. This file is the list of
 * what a process can and cannot reach; each bit has its reason beside it.
 *
 * Invariants: EL1 translation is on, through tables that the kernel writes;
 * nothing at EL1 or EL0 can change a register that matters to that, reach
 * firmware, or learn what another process did, except by time; a register
 * that the core does not have is not touched.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "prim.h"

extern uint8_t el2_vectors[];	/* vectors.S */

static uint64_t pa_range(void)
{
	uint64_t range = ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_PARANGE);

	return range < TCR_PS_48BIT ? range : TCR_PS_48BIT;
}

static bool has(uint64_t id_register, unsigned int low)
{
	return ID_FIELD(id_register, low) != 0;
}

void sysregs_check(void)
{
	uint64_t mmfr0 = sysreg_read(id_aa64mmfr0_el1), dczid = sysreg_read(dczid_el0);
	uint64_t block = 4ULL << (dczid & DCZID_BS_MASK);

	if (ID_FIELD(mmfr0, MMFR0_TGRAN4) == 0xf)
		boot_fail("this core has no 4 KiB translation granule, and hv8 knows no other");
	if (ID_FIELD(mmfr0, MMFR0_ASIDBITS) != 2)
		boot_fail("this core has no 16-bit ASIDs, which hv8 needs to tell processes apart");
	if (dczid & DCZID_DZP)
		boot_fail("DC ZVA is prohibited on this core, and hv8 zeroes pages with it");
	if (block < 64 || block > 2048)
		boot_fail("DC ZVA zeroes %lu bytes on this core; hv8 wants 64 to 2048", block);
}

static uint64_t hcr_value(void)
{
	uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);
	uint64_t hcr = HCR_RW;			/* a process starts in AArch64 */

	hcr |= HCR_AMO | HCR_IMO | HCR_FMO;	/* every physical interrupt is the kernel's */
	hcr |= HCR_TVM;		/* SCTLR, TCR, TTBRn, MAIR ...: isolation itself */
	hcr |= HCR_TSC;		/* SMC would go straight to the firmware */
	hcr |= HCR_TACR;	/* ACTLR: implementation-defined switches of the core */
	hcr |= HCR_TIDCP;	/* implementation-defined registers likewise */
	hcr |= HCR_TSW;		/* set/way operations reach every line of the cache */
	hcr |= HCR_TPCP;	/* DC IVAC could undo the kernel's zeroing of a page */
	hcr |= HCR_TTLB;	/* a process never writes tables; its TLBI could slow others */
	hcr |= HCR_TID2;	/* CSSELR_EL1 is writable state, else to be switched */
	hcr |= HCR_TWI;		/* WFI blocks the process, not the core */
	/*
	 * A process may have back:
	 *   TWE   WFE waits at most until the tick, and a spinning process wants it
	 *   TPU   IC IVAU and DC CVAU harm nobody; a JIT needs them
	 *   TID1, TID3, TRVM   constants, or values that it knows
	 *   TDZ   DC ZVA is a store
	 * No stage 2 (VM), no AArch32 EL1, no TGE: EL0 belongs to its own EL1.
	 * Keys of PAC (APK), SCXTNUM (ENSCXT), tags (ATA): clear, so trapped
	 * or off; nobody switches them.
	 */
	if (has(mmfr1, MMFR1_LO))
		hcr |= HCR_TLOR;	/* LORegions are shared by all */
	if (has(pfr0, PFR0_RAS))
		hcr |= HCR_TERR | HCR_TEA;	/* error records, external aborts: the kernel's */
	return hcr;
}

static uint64_t mdcr_value(void)
{
	uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1), pmu = ID_FIELD(dfr0, DFR0_PMUVER);
	uint64_t mdcr = 0;

	/* Counters would tell of others: trapped. HPMN stays as at reset, all: 0 is not allowed. */
	if (pmu != 0 && pmu != 0xf)
		mdcr |= ((sysreg_read(pmcr_el0) >> PMCR_N_SHIFT) & MDCR_HPMN_MASK) |
			MDCR_TPM | MDCR_TPMCR;
	/* Breakpoints, OS lock, debug ROM: shared. TDE stays off: BRK is the process's own. */
	mdcr |= MDCR_TDA | MDCR_TDOSA | MDCR_TDRA;
	if (has(dfr0, DFR0_PMSVER))
		mdcr |= MDCR_TPMS;	/* profiling writes memory; E2PB = 0: its buffer is EL2's */
	if (has(dfr0, DFR0_TRACEFILT))
		mdcr |= MDCR_TTRF;
	if (has(sysreg_read(id_aa64mmfr0_el1), MMFR0_FGT))
		mdcr |= MDCR_TDCC;	/* the debug channel */
	return mdcr;
}

static uint64_t cptr_value(void)
{
	/* FP is trapped until its registers are the running process's. SVE, SME: in CPTR_RES1. */
	uint64_t cptr = CPTR_RES1 | CPTR_TFP;

	cptr |= CPTR_TTA;	/* trace */
	cptr |= CPTR_TCPAC;	/* CPACR_EL1: a constant, so not switched */
	if (has(sysreg_read(id_aa64pfr0_el1), PFR0_AMU))
		cptr |= CPTR_TAM;	/* activity monitors count for all processes */
	return cptr;
}

/* Extensions whose controls are unknown at reset and must be neutral. */
static void el2_extensions(struct hv_cpu *cpu)
{
	uint64_t mmfr0 = sysreg_read(id_aa64mmfr0_el1);

	if (has(sysreg_read(id_aa64mmfr1_el1), MMFR1_HCX))
		sysreg_write(HCRX_AT_EL2, 0);	/* nothing new is let through */
	if (has(mmfr0, MMFR0_FGT)) {
		sysreg_write(HFGRTR_AT_EL2, 0);	/* the coarse traps decide */
		sysreg_write(HFGWTR_AT_EL2, 0);
		sysreg_write(HFGITR_AT_EL2, 0);
		sysreg_write(HDFGRTR_AT_EL2, 0);
		sysreg_write(HDFGWTR_AT_EL2, 0);
	}
	if (ID_FIELD(mmfr0, MMFR0_ECV) > 1)
		sysreg_write(CNTPOFF_AT_EL2, 0);
	if (has(sysreg_read(id_aa64pfr0_el1), PFR0_RAS)) {
		cpu->more |= HV_CPU_RAS;
		sysreg_write(VDISR_AT_EL2, 0);
		sysreg_write(VSESR_AT_EL2, 0);
	}
}

/*
 * Until a process has asked for the virtual CPU interface: with GICv3 all of it
 * trapped, with GICv2 mapped nowhere. With GICv2 on a core that has the
 * registers: off, and ICC_SRE_EL1 trapped (Enable = 0).
 */
static void el2_gic(void)
{
	if (ID_FIELD(sysreg_read(id_aa64pfr0_el1), PFR0_GIC) == 0)
		return;
	if (facts.gic_version == 2) {
		sysreg_write(ICC_SRE_AT_EL2, 0);
		return;
	}
	sysreg_write(ICH_VMCR, 0);
	sysreg_write(ICH_HCR, ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1);
}

/* On the cores of the baseline both are RES0 (DDI 0500J, 4.3). */
static bool keeps_afsr(void)
{
	uint64_t kept;

	sysreg_write(afsr0_el1, ~0ULL);
	sysreg_write(afsr1_el1, ~0ULL);
	isb();
	kept = sysreg_read(afsr0_el1) | sysreg_read(afsr1_el1);
	sysreg_write(afsr0_el1, 0);
	sysreg_write(afsr1_el1, 0);
	return kept != 0;
}

static void el2_registers(struct hv_cpu *cpu)
{
	sysreg_write(hcr_el2, hcr_value());
	sysreg_write(mdcr_el2, mdcr_value());
	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN);	/* CNTP_* is trapped, CNTV_* its own */
	sysreg_write(cntvoff_el2, 0);			/* one time for all */
	sysreg_write(hstr_el2, 0xffff);			/* AArch32 EL0: no CP15 register */
	sysreg_write(vttbr_el2, 0);			/* VMID 0, no stage 2 */
	sysreg_write(vtcr_el2, 0x80000000);		/* RES1 only */
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	/* On Cortex-A53: EL1 may write none of the core's own registers. */
	sysreg_write(actlr_el2, 0);
	sysreg_write(vbar_el2, (uint64_t)(uintptr_t)el2_vectors);
	sysreg_write(tpidr_el2, (uint64_t)(uintptr_t)cpu);
	el2_extensions(cpu);
	if (keeps_afsr())
		cpu->more |= HV_CPU_AFSR;
	el2_gic();
}

/* What processes run with, the same for all; HCR_EL2.TVM keeps them from changing it. */
static void el1_registers(void)
{
	uint64_t sctlr = SCTLR_EL1_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA;

	sctlr |= SCTLR_EL1_SA0;	/* SP alignment is checked at EL0 too */
	sctlr |= SCTLR_EL1_DZE;	/* DC ZVA at EL0 is a store */
	/*
	 * UCT and UCI off: cache maintenance of EL0 goes to its own EL1. nTWI
	 * and nTWE off: so do WFI and WFE. WXN off: a process decides about
	 * its own pages. UMA off: DAIF is its EL1's.
	 */
	sysreg_write(sctlr_el1, sctlr);
	sysreg_write(tcr_el1, TCR_WALK | TCR_EL1_T1SZ_48 | TCR_EL1_EPD1 | TCR_EL1_TG1_4K |
		     TCR_EL1_AS16 | pa_range() << TCR_EL1_IPS_SHIFT);
	sysreg_write(mair_el1, MAIR_VALUE);
	sysreg_write(amair_el1, 0);
	sysreg_write(ttbr0_el1, machine.empty_root);	/* ASID 0 is nobody's */
	sysreg_write(ttbr1_el1, 0);			/* never walked: EPD1 */
	sysreg_write(contextidr_el1, 0);
	sysreg_write(cpacr_el1, CPACR_FPEN);		/* CPTR_EL2 decides */
	sysreg_write(mdscr_el1, 0);			/* no software step, no debug events */
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(cntp_ctl_el0, 0);
	sysreg_write(cntkctl_el1, 0);
	sysreg_write(csselr_el1, 0);
}

static void el1_performance_monitors(void)
{
	uint64_t pmu = ID_FIELD(sysreg_read(id_aa64dfr0_el1), DFR0_PMUVER);

	if (pmu == 0 || pmu == 0xf)
		return;
	sysreg_write(pmuserenr_el0, 0);
	sysreg_write(pmcr_el0, 0);		/* counters stop: nobody reads them */
	sysreg_write(pmintenclr_el1, 0xffffffff);
}

void sysregs_machine(void)
{
	machine.cptr = cptr_value();
	machine.has_sme = has(sysreg_read(id_aa64pfr1_el1), PFR1_SME);	/* TPIDR2_EL0 is EL1's */
}

void sysregs_start(struct hv_cpu *cpu)
{
	el2_registers(cpu);
	el1_registers();
	el1_performance_monitors();
	isb();
	tlbi_el1();	/* the firmware's */
	dsb_ish();
	isb();
}
