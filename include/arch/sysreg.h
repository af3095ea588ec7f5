/* SPDX-License-Identifier: MIT */
/*
 * The control registers that boot writes and handlers rely on, each with its
 * fields named. A manual reference names the chapter of DDI 0487J.a that
 * holds the register; registers are in alphabetical order there. Which value
 * a register gets, and why, is in kernel/boot_sysregs.c.
 *
 * Plain numbers, because boot.S reads them too.
 */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#ifdef __ASSEMBLY__
#define SYSREG_BIT(n)		(1 << (n))
#define SYSREG_FIELD(v, n)	((v) << (n))
#else
#include <stdint.h>
#define SYSREG_BIT(n)		(1ULL << (n))
#define SYSREG_FIELD(v, n)	((uint64_t)(v) << (n))
#endif

/* ---- CurrentEL, DAIF, SPSR (C5.2) ------------------------------------------- */

#define CURRENTEL_EL1		0x4
#define CURRENTEL_EL2		0x8
#define CURRENTEL_EL3		0xc

#define SPSR_M_EL1H		0x5	/* AArch64 EL1, SP_EL1 */
#define SPSR_F			SYSREG_BIT(6)
#define SPSR_I			SYSREG_BIT(7)
#define SPSR_A			SYSREG_BIT(8)
#define SPSR_D			SYSREG_BIT(9)

/* ---- HCR_EL2 (D19.2) ------------------------------------------------------------ */

#define HCR_VM			SYSREG_BIT(0)	/* stage 2 translation */
#define HCR_SWIO		SYSREG_BIT(1)	/* set/way invalidate also cleans */
#define HCR_FMO			SYSREG_BIT(3)	/* FIQ to EL2 */
#define HCR_IMO			SYSREG_BIT(4)	/* IRQ to EL2 */
#define HCR_AMO			SYSREG_BIT(5)	/* SError to EL2 */
#define HCR_VF			SYSREG_BIT(6)	/* virtual FIQ pending */
#define HCR_VI			SYSREG_BIT(7)	/* virtual IRQ pending */
#define HCR_VSE			SYSREG_BIT(8)	/* virtual SError pending */
#define HCR_FB			SYSREG_BIT(9)	/* force broadcast of maintenance */
#define HCR_DC			SYSREG_BIT(12)	/* default cacheable */
#define HCR_TWI			SYSREG_BIT(13)	/* trap WFI */
#define HCR_TWE			SYSREG_BIT(14)	/* trap WFE */
#define HCR_TID0		SYSREG_BIT(15)	/* trap ID group 0 (AArch32) */
#define HCR_TID1		SYSREG_BIT(16)	/* trap REVIDR, AIDR */
#define HCR_TID2		SYSREG_BIT(17)	/* trap CTR_EL0, CCSIDR, CLIDR, CSSELR */
#define HCR_TID3		SYSREG_BIT(18)	/* trap ID_*, MVFR* */
#define HCR_TSC			SYSREG_BIT(19)	/* trap SMC */
#define HCR_TIDCP		SYSREG_BIT(20)	/* trap implementation defined registers */
#define HCR_TACR		SYSREG_BIT(21)	/* trap ACTLR_EL1 */
#define HCR_TSW			SYSREG_BIT(22)	/* trap set/way maintenance */
#define HCR_TPCP		SYSREG_BIT(23)	/* trap maintenance to the PoC */
#define HCR_TPU			SYSREG_BIT(24)	/* trap maintenance to the PoU */
#define HCR_TTLB		SYSREG_BIT(25)	/* trap TLBI */
#define HCR_TVM			SYSREG_BIT(26)	/* trap writes of translation controls */
#define HCR_TGE			SYSREG_BIT(27)	/* EL1 absent */
#define HCR_TDZ			SYSREG_BIT(28)	/* trap DC ZVA */
#define HCR_HCD			SYSREG_BIT(29)	/* HVC undefined */
#define HCR_TRVM		SYSREG_BIT(30)	/* trap reads of translation controls */
#define HCR_RW			SYSREG_BIT(31)	/* EL1 is AArch64 */
#define HCR_E2H			SYSREG_BIT(34)	/* VHE */
#define HCR_TLOR		SYSREG_BIT(35)	/* trap LORegion registers (FEAT_LOR) */
#define HCR_TERR		SYSREG_BIT(36)	/* trap error records (FEAT_RAS) */
#define HCR_TEA			SYSREG_BIT(37)	/* external aborts to EL2 (FEAT_RAS) */
#define HCR_APK			SYSREG_BIT(40)	/* do not trap PAC keys */
#define HCR_API			SYSREG_BIT(41)	/* do not trap PAC instructions */
#define HCR_ENSCXT		SYSREG_BIT(53)	/* do not trap SCXTNUM */
#define HCR_ATA			SYSREG_BIT(56)	/* do not trap allocation tags */

/* ---- SCTLR_EL2 with E2H = 0 (D19.2) ----------------------------------------------- */

#define SCTLR_M			SYSREG_BIT(0)	/* stage 1 translation */
#define SCTLR_A			SYSREG_BIT(1)	/* alignment fault */
#define SCTLR_C			SYSREG_BIT(2)	/* data caches */
#define SCTLR_SA		SYSREG_BIT(3)	/* SP alignment fault */
#define SCTLR_I			SYSREG_BIT(12)	/* instruction caches */
#define SCTLR_WXN		SYSREG_BIT(19)	/* writable implies execute-never */
#define SCTLR_EE		SYSREG_BIT(25)	/* big-endian */
#define SCTLR_EL2_RES1		0x30c50830	/* bits 4 5 11 16 18 22 23 28 29 */

/* ---- SCTLR_EL1, besides M A C SA I WXN EE (D19.2) ------------------------------------ */

#define SCTLR_EL1_SA0		SYSREG_BIT(4)	/* SP alignment fault at EL0 */
#define SCTLR_EL1_CP15BEN	SYSREG_BIT(5)	/* AArch32 barriers by CP15 */
#define SCTLR_EL1_UMA		SYSREG_BIT(9)	/* EL0 may access DAIF */
#define SCTLR_EL1_DZE		SYSREG_BIT(14)	/* EL0 may DC ZVA */
#define SCTLR_EL1_UCT		SYSREG_BIT(15)	/* EL0 may read CTR_EL0 */
#define SCTLR_EL1_NTWI		SYSREG_BIT(16)	/* EL0's WFI is not trapped to EL1 */
#define SCTLR_EL1_NTWE		SYSREG_BIT(18)	/* EL0's WFE is not trapped to EL1 */
#define SCTLR_EL1_UCI		SYSREG_BIT(26)	/* EL0 may DC CVAU, IC IVAU ... */
#define SCTLR_EL1_RES1		0x30d00800	/* bits 11 20 22 23 28 29 */

/* ---- TCR (D19.2) ------------------------------------------------------------------------ */

#define TCR_T0SZ_48		16		/* 64 - 48 */
#define TCR_IRGN0_WBWA		SYSREG_FIELD(1, 8)
#define TCR_ORGN0_WBWA		SYSREG_FIELD(1, 10)
#define TCR_SH0_INNER		SYSREG_FIELD(3, 12)
#define TCR_TG0_4K		SYSREG_FIELD(0, 14)
#define TCR_WALK		(TCR_T0SZ_48 | TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0_INNER | \
				 TCR_TG0_4K)
#define TCR_EL2_PS_SHIFT	16
#define TCR_EL2_RES1		(SYSREG_BIT(23) | SYSREG_BIT(31))
#define TCR_EL1_T1SZ_48		SYSREG_FIELD(16, 16)
#define TCR_EL1_A1		SYSREG_BIT(22)	/* the ASID is TTBR1's */
#define TCR_EL1_EPD1		SYSREG_BIT(23)	/* upper range: no walks */
#define TCR_EL1_TG1_4K		SYSREG_FIELD(2, 30)
#define TCR_EL1_IPS_SHIFT	32
#define TCR_EL1_AS16		SYSREG_BIT(36)	/* 16-bit ASIDs */
#define TCR_PS_48BIT		5		/* the largest that 4 KiB tables without LPA2 use */

/* ---- MAIR_EL1, MAIR_EL2 (D19.2): attributes by PTE_ATTR index ------------------------------ */

#define MAIR_VALUE		0x4404ff	/* NC, device nGnRE, write-back */

/* ---- CPTR_EL2 with E2H = 0, CPACR_EL1 (D19.2) ------------------------------------------------ */

#define CPTR_RES1		0x33ff		/* includes TZ (SVE) and TSM (SME): trapped */
#define CPTR_TFP		SYSREG_BIT(10)	/* trap FP and SIMD, at EL2 too */
#define CPTR_TTA		SYSREG_BIT(20)	/* trap trace registers */
#define CPTR_TAM		SYSREG_BIT(30)	/* trap activity monitors (FEAT_AMU) */
#define CPTR_TCPAC		SYSREG_BIT(31)	/* trap CPACR_EL1 */
#define CPACR_FPEN		SYSREG_FIELD(3, 20)	/* FP and SIMD at EL1 and EL0 */

/* ---- MDCR_EL2 (D19.3) ------------------------------------------------------------------------ */

#define MDCR_HPMN_MASK		0x1f		/* counters that EL1 would see */
#define MDCR_TPMCR		SYSREG_BIT(5)	/* trap PMCR_EL0 */
#define MDCR_TPM		SYSREG_BIT(6)	/* trap all performance monitors */
#define MDCR_HPME		SYSREG_BIT(7)
#define MDCR_TDE		SYSREG_BIT(8)	/* debug exceptions to EL2 */
#define MDCR_TDA		SYSREG_BIT(9)	/* trap debug registers */
#define MDCR_TDOSA		SYSREG_BIT(10)	/* trap OS lock and power-down registers */
#define MDCR_TDRA		SYSREG_BIT(11)	/* trap debug ROM address registers */
#define MDCR_TPMS		SYSREG_BIT(14)	/* trap statistical profiling (FEAT_SPE) */
#define MDCR_TTRF		SYSREG_BIT(19)	/* trap TRFCR_EL1 (FEAT_TRF) */
#define MDCR_TDCC		SYSREG_BIT(27)	/* trap the debug channel (FEAT_FGT) */
#define PMCR_N_SHIFT		11

/* ---- the generic timer (D19.12) -------------------------------------------------------------- */

#define CNTHCTL_EL1PCTEN	SYSREG_BIT(0)	/* EL1 may read CNTPCT_EL0 */
#define CNTHCTL_EL1PCEN		SYSREG_BIT(1)	/* EL1 may use CNTP_* */
#define CNT_CTL_ENABLE		SYSREG_BIT(0)
#define CNT_CTL_IMASK		SYSREG_BIT(1)

/* ---- GICv3 CPU interface (IHI 0069H, 12.2, 12.4) by encoding: gas has names with +gic only --- */

#define ICC_IAR1		S3_0_C12_C12_0
#define ICC_EOIR1		S3_0_C12_C12_1
#define ICC_BPR1		S3_0_C12_C12_3
#define ICC_CTLR		S3_0_C12_C12_4
#define ICC_IGRPEN1		S3_0_C12_C12_7
#define ICC_PMR			S3_0_C4_C6_0
#define ICC_DIR			S3_0_C12_C11_1
#define ICC_SGI1R		S3_0_C12_C11_5
#define ICC_SRE_AT_EL2		S3_4_C12_C9_5
#define ICH_HCR			S3_4_C12_C11_0
#define ICH_VTR			S3_4_C12_C11_1
#define ICH_ELRSR		S3_4_C12_C11_5
#define ICH_VMCR		S3_4_C12_C11_7
#define ICH_AP1R0		S3_4_C12_C9_0
#define ICH_LR0			S3_4_C12_C12_0
#define ICH_LR1			S3_4_C12_C12_1
#define ICH_LR2			S3_4_C12_C12_2
#define ICH_LR3			S3_4_C12_C12_3
#define ICC_CTLR_EOIMODE	SYSREG_BIT(1)	/* EOIR drops the priority, DIR deactivates */
#define ICC_CTLR_RSS		SYSREG_BIT(18)	/* SGIs to affinity 0 of 16 to 255 */
#define ICC_SRE_SRE		SYSREG_BIT(0)	/* system registers, not MMIO */
#define ICC_SRE_DFB		SYSREG_BIT(1)	/* no FIQ bypass */
#define ICC_SRE_DIB		SYSREG_BIT(2)	/* no IRQ bypass */
#define ICH_HCR_EN		SYSREG_BIT(0)
#define ICH_HCR_UIE		SYSREG_BIT(1)	/* maintenance: at most one list register in use */
#define ICH_HCR_TC		SYSREG_BIT(10)	/* trap ICC_* common to both groups */
#define ICH_HCR_TALL0		SYSREG_BIT(11)	/* trap ICC_* of group 0 */
#define ICH_HCR_TALL1		SYSREG_BIT(12)	/* trap ICC_* of group 1 */
#define ICH_HCR_TSEI		SYSREG_BIT(13)
#define ICH_HCR_TDIR		SYSREG_BIT(14)	/* trap ICC_DIR_EL1 */

/* ---- newer than Armv8.0, by encoding: written only where the ID registers show them ---------- */

#define HCRX_AT_EL2		S3_4_C1_C2_2	/* FEAT_HCX */
#define HFGRTR_AT_EL2		S3_4_C1_C1_4	/* FEAT_FGT, five registers */
#define HFGWTR_AT_EL2		S3_4_C1_C1_5
#define HFGITR_AT_EL2		S3_4_C1_C1_6
#define HDFGRTR_AT_EL2		S3_4_C3_C1_4
#define HDFGWTR_AT_EL2		S3_4_C3_C1_5
#define VDISR_AT_EL2		S3_4_C12_C1_1	/* FEAT_RAS */
#define VSESR_AT_EL2		S3_4_C5_C2_3
#define CNTPOFF_AT_EL2		S3_4_C14_C0_6	/* FEAT_ECV, second part */

/* ---- identification (D19.2): lowest bit of each four-bit field used -------------------------- */

#define PFR0_GIC		24	/* ID_AA64PFR0_EL1: GIC system registers */
#define PFR0_RAS		28
#define PFR0_AMU		44
#define PFR1_SME		24	/* ID_AA64PFR1_EL1 */
#define DFR0_PMUVER		8	/* ID_AA64DFR0_EL1; 0 and 15: no standard PMU */
#define DFR0_PMSVER		32
#define DFR0_TRACEFILT		40
#define MMFR0_PARANGE		0	/* ID_AA64MMFR0_EL1 */
#define MMFR0_ASIDBITS		4	/* 2: 16 bits */
#define MMFR0_TGRAN4		28	/* 15: no 4 KiB granule */
#define MMFR0_FGT		56
#define MMFR0_ECV		60
#define MMFR1_LO		16	/* ID_AA64MMFR1_EL1 */
#define MMFR1_HCX		40
#define ID_FIELD(value, low)	(((value) >> (low)) & 0xf)

#define DCZID_BS_MASK		0xf	/* log2 of the block in words of 4 bytes */
#define DCZID_DZP		SYSREG_BIT(4)	/* DC ZVA prohibited */
#define CTR_DMINLINE_SHIFT	16	/* log2 of the line in words of 4 bytes */
#define MPIDR_AFF_MASK		0xff00ffffff

/* ---- ESR_EL2 (D19.2) ------------------------------------------------------------------------- */

#define ESR_EC_SHIFT		26
#define ESR_EC_MASK		0x3f
#define ESR_IL			SYSREG_BIT(25)
#define ESR_ISS_MASK		0x1ffffff
#define ESR_EC_UNKNOWN		0x00
#define ESR_EC_WFX		0x01
#define ESR_EC_CP15_32		0x03	/* AArch32 MCR, MRC */
#define ESR_EC_CP15_64		0x04
#define ESR_EC_CP14_32		0x05
#define ESR_EC_CP14_LS		0x06
#define ESR_EC_FP		0x07	/* FP or SIMD trapped by CPTR_EL2 */
#define ESR_EC_CP14_64		0x0c
#define ESR_EC_ILLEGAL		0x0e	/* illegal execution state */
#define ESR_EC_HVC64		0x16
#define ESR_EC_SMC64		0x17
#define ESR_EC_SYS64		0x18	/* MSR, MRS or system instruction */
#define ESR_EC_SVE		0x19
#define ESR_EC_IABT_LOWER	0x20
#define ESR_EC_IABT		0x21
#define ESR_EC_PC_ALIGN		0x22
#define ESR_EC_DABT_LOWER	0x24
#define ESR_EC_DABT		0x25
#define ESR_EC_SP_ALIGN		0x26
#define ESR_EC_SERROR		0x2f
#define ESR_EC_BRK64		0x3c

#endif
