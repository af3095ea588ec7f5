/* SPDX-License-Identifier: MIT */
/*
 * Stage 1 translation table descriptors, VMSAv8-64, 4 KiB granule, 48-bit
 * addresses (DDI 0487J.a, D8.3). The builders are branch-free: a flag tested
 * by `if` would double the paths of the proof.
 *
 * Invariant: no bit of a descriptor comes from anywhere but a page-aligned
 * physical address and the four HV_PERM_* flags.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <stdint.h>

#include <uapi/abi.h>

/* ---- geometry (D8.2.8) ---------------------------------------------------- */

#define PTE_ENTRIES	512
#define PTE_L3_SHIFT	12	/* a level-3 entry maps 4 KiB */
#define PTE_L2_SHIFT	21	/* a level-2 entry 2 MiB */
#define PTE_L1_SHIFT	30	/* a level-1 entry 1 GiB */
#define PTE_L0_SHIFT	39	/* a level-0 entry 512 GiB */
#define PTE_L2_SIZE	(1ULL << PTE_L2_SHIFT)
#define PTE_PA_MASK	0x0000fffffffff000ULL

/* ---- bits of every descriptor (D8.3.1) -------------------------------------- */

#define PTE_VALID	(1ULL << 0)
#define PTE_BLOCK	(0ULL << 1)	/* levels 1 and 2, together with VALID */
#define PTE_TABLE	(1ULL << 1)	/* levels 0 to 2 */
#define PTE_PAGE	(1ULL << 1)	/* level 3 */

/* ---- bits of a block or page descriptor (D8.3.2) ------------------------------ */

#define PTE_ATTR(index)	((uint64_t)(index) << 2)	/* byte of MAIR_ELx */
#define PTE_EL0		(1ULL << 6)	/* AP[1]: EL0 may access; RES1 at EL2 */
#define PTE_AP1_RES1	(1ULL << 6)	/* the same bit in a one-range regime */
#define PTE_RO		(1ULL << 7)	/* AP[2] */
#define PTE_SH_INNER	(3ULL << 8)
#define PTE_AF		(1ULL << 10)	/* clear would fault: no hardware update in v8.0 */
#define PTE_NG		(1ULL << 11)	/* belongs to one ASID; RES0 at EL2 */
#define PTE_PXN		(1ULL << 53)	/* never executed at EL1; RES0 at EL2 */
#define PTE_UXN		(1ULL << 54)	/* never executed at EL0 */
#define PTE_XN		(1ULL << 54)	/* never executed, one-range regime */

/* ---- memory types: the same three bytes in MAIR_EL1 and MAIR_EL2 ---------------- */

#define PTE_NORMAL	0	/* write-back, read and write allocate */
#define PTE_DEVICE	1	/* nGnRE */
#define PTE_NORMAL_NC	2	/* not cacheable: for DMA buffers of a later driver */

/* ---- EL1&0 regime ---------------------------------------------------------------- */

/*
 * A level-3 entry. The memory is normal write-back for all (DDI 0487J.a,
 * B2.7: one physical address, one set of attributes).
 */
static inline uint64_t pte_leaf(uint64_t pa, uint64_t perm)
{
	uint64_t write = (perm / HV_PERM_W) & 1;
	uint64_t exec = (perm / HV_PERM_X) & 1;
	uint64_t el0 = (perm / HV_PERM_EL0) & 1;
	uint64_t el0_exec = (perm / HV_PERM_EL0X) & 1;

	return pa | PTE_VALID | PTE_PAGE | PTE_ATTR(PTE_NORMAL) | PTE_SH_INNER |
	       PTE_AF | PTE_NG | (el0 << 6) | ((write ^ 1) << 7) |
	       ((exec ^ 1) << 53) | ((el0_exec ^ 1) << 54);
}

/*
 * A level-3 entry for device registers: nothing of `perm` can make it
 * executable or another type of memory. Shareability does not apply (B2.7.2).
 */
static inline uint64_t pte_device(uint64_t pa, uint64_t perm)
{
	uint64_t write = (perm / HV_PERM_W) & 1;
	uint64_t el0 = (perm / HV_PERM_EL0) & 1;

	return pa | PTE_VALID | PTE_PAGE | PTE_ATTR(PTE_DEVICE) | PTE_AF | PTE_NG |
	       PTE_PXN | PTE_UXN | (el0 << 6) | ((write ^ 1) << 7);
}

/*
 * An entry of level 0 to 2 that points at a table. Bits 2 to 11 and 51 to 58
 * are ignored in a table descriptor (D8.3.1), and bits 59 to 63, which are
 * the hierarchical ones, are clear. Through the recursive entry HV_L0_SELF
 * the walk is one level shorter and this word is taken for a page
 * descriptor: then it is read-only, EL1 only, never executed, non-global.
 */
static inline uint64_t pte_table(uint64_t pa)
{
	return pa | PTE_VALID | PTE_TABLE | PTE_RO | PTE_SH_INNER | PTE_AF |
	       PTE_NG | PTE_PXN | PTE_UXN;
}

/* ---- EL2 regime (HCR_EL2.E2H = 0: one range, no EL0) -------------------------------- */

#define PTE_EL2_BASE	(PTE_VALID | PTE_AP1_RES1 | PTE_SH_INNER | PTE_AF | PTE_ATTR(PTE_NORMAL))
#define PTE_EL2_TEXT	(PTE_EL2_BASE | PTE_RO)
#define PTE_EL2_RODATA	(PTE_EL2_BASE | PTE_RO | PTE_XN)
#define PTE_EL2_DATA	(PTE_EL2_BASE | PTE_XN)
#define PTE_EL2_DEVICE	(PTE_VALID | PTE_AP1_RES1 | PTE_AF | PTE_ATTR(PTE_DEVICE) | PTE_XN)
#define PTE_EL2_TABLE	(PTE_VALID | PTE_TABLE)

#endif
