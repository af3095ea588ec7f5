/* SPDX-License-Identifier: MIT */
/* Encodings of the instructions that tests put together at run time (C6.2). */
#ifndef USERTESTS_INSN_H
#define USERTESTS_INSN_H

#include <stdint.h>

/* The system instruction space: MSR, MRS, SYS with Rt = x0. */
#define INSN_SYSTEM(op0, op1, crn, crm, op2, l)				\
	(0xd5000000U | (uint32_t)(l) << 21 | (uint32_t)(op0) << 19 |		\
	 (uint32_t)(op1) << 16 | (uint32_t)(crn) << 12 | (uint32_t)(crm) << 8 |	\
	 (uint32_t)(op2) << 5)

#define INSN_HVC(imm) (0xd4000002U | (uint32_t)(imm) << 5)
#define INSN_SVC(imm) (0xd4000001U | (uint32_t)(imm) << 5)
#define INSN_SMC(imm) (0xd4000003U | (uint32_t)(imm) << 5)
#define INSN_BRK(imm) (0xd4200000U | (uint32_t)(imm) << 5)
#define INSN_HLT(imm) (0xd4400000U | (uint32_t)(imm) << 5)
#define INSN_UDF 0x00000000U
#define INSN_ERET 0xd69f03e0U
#define INSN_RET 0xd65f03c0U
#define INSN_NOP 0xd503201fU
#define INSN_WFI 0xd503207fU
#define INSN_LOOP 0x14000000U		/* b . */
#define INSN_CLEAR_X0 0xaa1f03e0U	/* mov x0, xzr */

/* The same register access as the syndrome of EC 0x18 describes it, with Rt = x0. */
#define ISS_SYSTEM(op0, op1, crn, crm, op2, l)				\
	((uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 | (uint64_t)(op1) << 14 |	\
	 (uint64_t)(crn) << 10 | (uint64_t)(crm) << 1 | (uint64_t)(l))

enum {
	EC_UNKNOWN = 0x00,
	EC_WFX = 0x01,
	EC_ILLEGAL_STATE = 0x0e,
	EC_SVC32 = 0x11,
	EC_SVC64 = 0x15,
	EC_HVC64 = 0x16,
	EC_SMC64 = 0x17,
	EC_SYSREG = 0x18,
	EC_SVE = 0x19,
	EC_SME = 0x1d,
	EC_IABORT_EL0 = 0x20,
	EC_IABORT = 0x21,
	EC_PC_ALIGNMENT = 0x22,
	EC_DABORT_EL0 = 0x24,
	EC_DABORT = 0x25,
	EC_BRK32 = 0x38,
	EC_BRK64 = 0x3c,
};

/* Vectors as raw children number them: offset / 0x80. */
enum {
	VECTOR_SYNC_SP0 = 0,
	VECTOR_SYNC = 4,	/* from EL1 with SP_EL1 */
	VECTOR_SYNC_EL0 = 8,
	VECTOR_SYNC_EL0_32 = 12,
};

/* SPSR_EL1 values for ERET: everything masked. */
enum {
	SPSR_EL0T = 0x3c0,
	SPSR_EL1H = 0x3c5,
	SPSR_EL2H = 0x3c9,
	SPSR_EL3H = 0x3cd,
	SPSR_USER32 = 0x1d0,	/* AArch32 user mode, A32 */
	SPSR_USER32_THUMB = 0x1f0,
	SPSR_SVC32 = 0x1d3,	/* AArch32 supervisor: EL1, which is AArch64 here */
	SPSR_HYP32 = 0x1da,
};

#endif
