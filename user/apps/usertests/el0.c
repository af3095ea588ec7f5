/* SPDX-License-Identifier: MIT */
/*
 * What is below: EL0, AArch64 and AArch32, and forged returns. All of it
 * stays the process's own affair; the kernel only keeps the clock.
 */
#include "insn.h"
#include "peer.h"
#include "probe.h"

/* Runs instructions at RAW_DATA after an ERET with that SPSR. */
static struct raw_end eret_to(uint64_t spsr, hv_perm perm, const uint32_t *code, size_t size)
{
	const struct raw_image image = { .data = code, .data_size = size, .data_perm = perm };

	return raw_run(&image, raw_eret, spsr);
}

static void check_own(const struct raw_end *end, uint64_t vector, uint64_t ec)
{
	CHECK_EQ(end->esr, 0);
	CHECK_EQ(end->status & RAW_EXCEPTION, RAW_EXCEPTION);
	CHECK_EQ(RAW_VECTOR(end->status), vector);
	CHECK_EQ(RAW_EC(end->status), ec);
}

/* ---- EL0, AArch64 --------------------------------------------------------------------- */

static void el0_instruction(uint32_t instruction, uint64_t ec)
{
	const uint32_t code[] = { instruction, INSN_SVC(99) };
	struct raw_end end = eret_to(SPSR_EL0T, HV_PERM_EL0 | HV_PERM_EL0X, code, sizeof(code));

	check_own(&end, VECTOR_SYNC_EL0, ec);
}

#define EL0_TEST(name, instruction, ec) \
	TEST(el0_##name) { el0_instruction(instruction, ec); }

EL0_TEST(svc, INSN_SVC(1), EC_SVC64)
EL0_TEST(hvc, INSN_HVC(0), EC_UNKNOWN)
EL0_TEST(smc, INSN_SMC(0), EC_UNKNOWN)
EL0_TEST(hlt, INSN_HLT(0xf000), EC_UNKNOWN)
EL0_TEST(brk, INSN_BRK(1), EC_BRK64)
EL0_TEST(eret, INSN_ERET, EC_UNKNOWN)
EL0_TEST(udf, INSN_UDF, EC_UNKNOWN)
EL0_TEST(wfi, INSN_WFI, EC_WFX)
EL0_TEST(msr_ttbr0, INSN_SYSTEM(3, 0, 2, 0, 0, 0), EC_UNKNOWN)
EL0_TEST(msr_sctlr, INSN_SYSTEM(3, 0, 1, 0, 0, 0), EC_UNKNOWN)
EL0_TEST(msr_vbar, INSN_SYSTEM(3, 0, 12, 0, 0, 0), EC_UNKNOWN)
EL0_TEST(msr_daif, INSN_SYSTEM(3, 3, 4, 2, 1, 0), EC_SYSREG)
EL0_TEST(mrs_ctr, INSN_SYSTEM(3, 3, 0, 0, 1, 1), EC_SYSREG)
EL0_TEST(mrs_cntvct, INSN_SYSTEM(3, 3, 14, 0, 2, 1), EC_SYSREG)
EL0_TEST(mrs_cntpct, INSN_SYSTEM(3, 3, 14, 0, 1, 1), EC_SYSREG)
EL0_TEST(dc_civac, INSN_SYSTEM(1, 3, 7, 14, 1, 0), EC_SYSREG)
EL0_TEST(tlbi, INSN_SYSTEM(1, 0, 8, 7, 0, 0), EC_UNKNOWN)
/* ldr x0, [x0]; str x0, [x0]; with x0 = 0 */
EL0_TEST(load_unmapped, 0xf9400000, EC_DABORT_EL0)
EL0_TEST(store_unmapped, 0xf9000000, EC_DABORT_EL0)

/* mov x0, #(address >> 16), lsl #16; an access */
static void el0_access(uint32_t access)
{
	const uint32_t code[] = { 0xd2a00020, access, INSN_SVC(99) };	/* x0 = 0x10000 */
	struct raw_end end = eret_to(SPSR_EL0T, HV_PERM_EL0 | HV_PERM_EL0X, code, sizeof(code));

	check_own(&end, VECTOR_SYNC_EL0, access == 0xd61f0000 ? EC_IABORT_EL0 : EC_DABORT_EL0);
	CHECK(FSC_IS_PERMISSION(ESR_FSC(end.status)));
}

TEST(el0_cannot_touch_its_host)
{
	el0_access(0xf9400000);		/* ldr x0, [x0] */
	el0_access(0xf9000000);		/* str x0, [x0] */
	el0_access(0xd61f0000);		/* br x0 */
}

TEST(el0_loop_is_preempted)
{
	static const uint32_t code[] = { INSN_LOOP };
	const struct raw_image image = { .data = code, .data_size = sizeof(code),
					 .data_perm = HV_PERM_EL0 | HV_PERM_EL0X };
	hv_pid child = raw_make(&image);
	uint64_t ticks = hv_sched->ticks;

	raw_start(child, raw_eret, SPSR_EL0T);
	while (hv_sched->ticks < ticks + 5)
		hv_yield();
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	raw_discard(child);
}

/* What EL1 may not execute because EL0 could write it, and the reverse. */
TEST(el0_writable_code_is_not_el1_code)
{
	static const uint32_t code[] = { INSN_SVC(1) };
	struct raw_end end = eret_to(SPSR_EL1H, HV_PERM_W | HV_PERM_X | HV_PERM_EL0, code,
				     sizeof(code));

	check_own(&end, VECTOR_SYNC, EC_IABORT);
	end = eret_to(SPSR_EL0T, HV_PERM_X | HV_PERM_EL0, code, sizeof(code));
	check_own(&end, VECTOR_SYNC_EL0, EC_IABORT_EL0);
}

/* ---- forged returns ----------------------------------------------------------------------- */

/* An ERET to a level that EL1 may not choose stays where it is (D1.11.4). */
static void forged(uint64_t spsr)
{
	static const uint32_t code[] = { INSN_SVC(5) };
	struct raw_end end = eret_to(spsr, HV_PERM_X, code, sizeof(code));

	check_own(&end, VECTOR_SYNC, EC_ILLEGAL_STATE);
}

TEST(eret_to_el2h) { forged(SPSR_EL2H); }
TEST(eret_to_el2t) { forged(SPSR_EL2H & ~1); }
TEST(eret_to_el3h) { forged(SPSR_EL3H); }
TEST(eret_to_reserved_mode) { forged(0x3c2); }
TEST(eret_to_svc32) { forged(SPSR_SVC32); }
TEST(eret_to_hyp32) { forged(SPSR_HYP32); }
TEST(eret_to_mon32) { forged(0x1d6); }
TEST(eret_with_il) { forged(SPSR_EL1H | 1 << 20); }

TEST(eret_to_el1h)
{
	static const uint32_t code[] = { INSN_SVC(5) };
	struct raw_end end = eret_to(SPSR_EL1H, HV_PERM_X, code, sizeof(code));

	check_own(&end, VECTOR_SYNC, EC_SVC64);
	end = eret_to(SPSR_EL1H & ~1, HV_PERM_X, code, sizeof(code));
	check_own(&end, VECTOR_SYNC_SP0, EC_SVC64);
}

/* Software step without the debug registers: nothing comes of it. */
TEST(eret_with_ss)
{
	static const uint32_t code[] = { INSN_SVC(5) };
	struct raw_end end = eret_to(SPSR_EL1H | 1 << 21, HV_PERM_X, code, sizeof(code));

	check_own(&end, VECTOR_SYNC, EC_SVC64);
}

/* ---- EL0, AArch32 ---------------------------------------------------------------------------- */

static void need_aarch32(void)
{
	uint64_t pfr0;

	__asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
	if ((pfr0 & 15) != 2)
		check_skip("no AArch32 at EL0");
}

static struct raw_end run32(uint32_t instruction)
{
	const uint32_t code[] = { instruction, 0xef000063 };	/* svc #99 */

	return eret_to(SPSR_USER32, HV_PERM_EL0 | HV_PERM_EL0X, code, sizeof(code));
}

static void check_own32(uint32_t instruction, uint64_t ec)
{
	struct raw_end end;

	need_aarch32();
	end = run32(instruction);
	check_own(&end, VECTOR_SYNC_EL0_32, ec);
}

TEST(a32_svc)
{
	struct raw_end end;

	need_aarch32();
	end = run32(0xef000007);
	check_own(&end, VECTOR_SYNC_EL0_32, EC_SVC32);
	CHECK_EQ(end.status & 0xffff, 7);
}

TEST(a32_vfp) { check_own32(0xeeb70a00, EC_SVC32); }		/* vmov.f32 s0, #1.0 */
TEST(a32_udf) { check_own32(0xe7f000f0, EC_UNKNOWN); }
TEST(a32_bkpt) { check_own32(0xe1200070, EC_BRK32); }
TEST(a32_hvc) { check_own32(0xe1400070, EC_UNKNOWN); }
TEST(a32_smc) { check_own32(0xe1600070, EC_UNKNOWN); }
TEST(a32_load_from_its_host) { check_own32(0xe59f0ffc, EC_DABORT_EL0); }	/* RAW_STACK */

/* CP15 is the kernel's (HSTR_EL2), or undefined: never a register of the core. */
TEST(a32_cp15)
{
	static const uint32_t code[] = {
		0xee100f10,	/* mrc p15, 0, r0, c0, c0, 0: MIDR */
		0xee010f10,	/* mcr p15, 0, r0, c1, c0, 0: SCTLR */
		0xee020f10,	/* mcr p15, 0, r0, c2, c0, 0: TTBR0 */
		0xee1d0f70,	/* mrc p15, 0, r0, c13, c0, 3: TPIDRURO */
		0xee0d0f50,	/* mcr p15, 0, r0, c13, c0, 2: TPIDRURW */
		0xee080f17,	/* mcr p15, 0, r0, c8, c7, 0: TLBIALL */
		0xee190f1d,	/* mrc p15, 0, r0, c9, c13, 0: PMCCNTR */
	};

	need_aarch32();
	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		struct raw_end end = run32(code[i]);
		bool is_stopped = end.esr != 0 && end.status == 0;
		bool is_own = end.esr == 0 && (end.status & RAW_EXCEPTION) &&
			      RAW_VECTOR(end.status) == VECTOR_SYNC_EL0_32 &&
			      RAW_EC(end.status) != EC_SVC32;

		CHECK(is_stopped || is_own);
	}
}

TEST(a32_loop_is_preempted)
{
	static const uint32_t code[] = { 0xeafffffe };		/* b . */
	const struct raw_image image = { .data = code, .data_size = sizeof(code),
					 .data_perm = HV_PERM_EL0 | HV_PERM_EL0X };
	uint64_t ticks = hv_sched->ticks;
	hv_pid child;

	need_aarch32();
	child = raw_make(&image);
	raw_start(child, raw_eret, SPSR_USER32);
	while (hv_sched->ticks < ticks + 5)
		hv_yield();
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	raw_discard(child);
}

/* A Thumb IT block survives preemption: SPSR is kept exactly. */
TEST(a32_thumb_it_block_is_kept)
{
	static const uint16_t code[] = {
		0x2001,		/* movs r0, #1 */
		0xf44f, 0x1180,	/* mov.w r1, #0x100000 */
		0x2800,		/* loop: cmp r0, #0 */
		0xbf18,		/* it ne */
		0x3901,		/* subne r1, #1 */
		0x2900,		/* cmp r1, #0 */
		0xd1fa,		/* bne loop */
		0xdf07,		/* svc #7 */
	};
	const struct raw_image image = { .data = code, .data_size = sizeof(code),
					 .data_perm = HV_PERM_EL0 | HV_PERM_EL0X };
	hv_pid rival;
	struct raw_end end;

	need_aarch32();
	rival = raw_launch(raw_spin, 0);
	end = raw_run(&image, raw_eret, SPSR_USER32_THUMB);
	check_own(&end, VECTOR_SYNC_EL0_32, EC_SVC32);
	CHECK_EQ(end.status & 0xffff, 7);
	raw_discard(rival);
}
