/* SPDX-License-Identifier: MIT */
/* Instructions that would reach beyond the process end it, and nothing else. */
#include "insn.h"
#include "raw.h"

enum outcome { STOPS, UNDEF, EITHER, EITHER_OR_NOTHING };

/* The kernel stopped the child at its patched instruction. */
static void check_stopped(const struct raw_end *end, uint64_t ec)
{
	CHECK_EQ(ESR_EC(end->esr), ec);
	CHECK_EQ(end->elr, raw_address(raw_patch));
	CHECK_EQ(end->status, 0);
}

static void check_undefined(const struct raw_end *end)
{
	CHECK_EQ(end->esr, 0);
	CHECK_EQ(end->status & RAW_EXCEPTION, RAW_EXCEPTION);
	CHECK_EQ(RAW_VECTOR(end->status), VECTOR_SYNC);
	CHECK_EQ(RAW_EC(end->status), EC_UNKNOWN);
}

static struct raw_end run_instruction(uint32_t instruction, uint64_t operand)
{
	const struct raw_image image = { .patch = instruction };

	return raw_run(&image, raw_patched, operand);
}

static void try_system(uint32_t instruction, uint64_t iss, enum outcome outcome)
{
	static const uint64_t operands[] = { 0, ~0ULL };
	enum { ISS_MASK = 0x3ffc1f };

	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		struct raw_end end = run_instruction(instruction, operands[i]);

		if (outcome == EITHER_OR_NOTHING && end.esr == 0 &&
		    end.status == operands[i])
			continue;
		if (outcome == UNDEF || (outcome != STOPS && end.esr == 0)) {
			check_undefined(&end);
		} else {
			check_stopped(&end, EC_SYSREG);
			CHECK_EQ(end.esr & ISS_MASK, iss);
		}
	}
}

#define INSN(name, op0, op1, crn, crm, op2, l, outcome)			\
	TEST(trap_##name)							\
	{									\
		try_system(INSN_SYSTEM(op0, op1, crn, crm, op2, l),		\
			   ISS_SYSTEM(op0, op1, crn, crm, op2, l), outcome);	\
	}
#include "sysregs.def"

/* ---- other instructions --------------------------------------------------------- */

TEST(trap_smc)
{
	/* PSCI SYSTEM_OFF, CPU_ON, and nothing known */
	static const uint64_t functions[] = { 0x84000008, 0xc4000003, 0x84000009, 0, ~0ULL };

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		struct raw_end end = run_instruction(INSN_SMC(0), functions[i]);

		check_stopped(&end, EC_SMC64);
		end = run_instruction(INSN_SMC(0xffff), functions[i]);
		check_stopped(&end, EC_SMC64);
	}
}

/* Without -semihosting it is undefined; it must never reach the host. */
TEST(trap_hlt)
{
	struct raw_end end = run_instruction(INSN_HLT(0xf000), 0x18);

	check_undefined(&end);
}

TEST(trap_brk_is_the_process_own)
{
	struct raw_end end = run_instruction(INSN_BRK(7), 0);

	CHECK_EQ(end.esr, 0);
	CHECK_EQ(RAW_VECTOR(end.status), VECTOR_SYNC);
	CHECK_EQ(RAW_EC(end.status), EC_BRK64);
	CHECK_EQ(end.status & 0xffff, 7);
}

TEST(trap_svc_is_the_process_own)
{
	struct raw_end end = run_instruction(INSN_SVC(3), 0);

	CHECK_EQ(RAW_VECTOR(end.status), VECTOR_SYNC);
	CHECK_EQ(RAW_EC(end.status), EC_SVC64);
}

TEST(trap_undefined_is_the_process_own)
{
	struct raw_end end = run_instruction(0x00000001U, 0);

	check_undefined(&end);
}

static uint64_t read_ctr(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, ctr_el0" : "=r"(value));
	return value;
}

static uint64_t read_clidr(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, clidr_el1" : "=r"(value));
	return value;
}

/* Emulated: DminLine and IminLine are sane, bit 31 is always one (D19.2.34). */
TEST(emulated_ctr_el0)
{
	uint64_t ctr = read_ctr();
	struct raw_end end = run_instruction(INSN_SYSTEM(3, 3, 0, 0, 1, 1), 0);

	CHECK_EQ(ctr >> 31 & 1, 1);
	CHECK((ctr >> 16 & 15) >= 2 && (ctr & 15) >= 2);
	CHECK_EQ(end.esr, 0);
	CHECK_EQ(end.status, ctr);
	__asm__ volatile("mrs xzr, ctr_el0");
}

TEST(emulated_clidr_el1)
{
	uint64_t clidr = read_clidr();
	struct raw_end end = run_instruction(INSN_SYSTEM(3, 1, 0, 0, 1, 1), 0);

	CHECK((clidr & 7) != 0);
	CHECK_EQ(end.status, clidr);
}

/* The emulation writes the one register that the instruction names. */
TEST(emulated_read_keeps_registers)
{
	uint64_t x[4] = { 1, 2, 3, 4 };

	__asm__ volatile("mov x9, %1\n mov x10, %2\n mrs x11, ctr_el0\n mov x12, %3\n"
			 "eor %0, x9, x10\n eor %0, %0, x12\n"
			 : "=&r"(x[3]) : "r"(x[0]), "r"(x[1]), "r"(x[2])
			 : "x9", "x10", "x11", "x12");
	CHECK_EQ(x[3], 1 ^ 2 ^ 3);
}

#define CACHE_TEST(op)								\
	TEST(emulated_dc_##op)							\
	{									\
		static volatile uint64_t data[64] __attribute__((aligned(256)));	\
										\
		for (uint64_t i = 0; i < 64; i++) {				\
			data[i] = i * 0x9e3779b97f4a7c15ULL;			\
			__asm__ volatile("dc " #op ", %0" :: "r"(&data[i]) : "memory"); \
			CHECK_EQ(data[i], i * 0x9e3779b97f4a7c15ULL);		\
		}								\
		for (uint64_t i = 0; i < 64; i++)				\
			CHECK_EQ(data[i], i * 0x9e3779b97f4a7c15ULL);		\
	}

CACHE_TEST(ivac)
CACHE_TEST(cvac)
CACHE_TEST(civac)

/* Maintenance of an address that is not mapped must not reach anything. */
TEST(dc_civac_unmapped)
{
	struct raw_end end = run_instruction(INSN_SYSTEM(1, 3, 7, 14, 1, 0), RAW_STACK_TOP);

	CHECK(end.esr != 0 || (end.status & RAW_EXCEPTION) != 0);
	end = run_instruction(INSN_SYSTEM(1, 3, 7, 14, 1, 0), 0xffff000000000000ULL);
	CHECK(end.esr != 0 || (end.status & RAW_EXCEPTION) != 0);
}

/* Of the kernel's own tables, which a process may read, it is allowed and does nothing. */
TEST(dc_of_the_view)
{
	uint64_t before = hv_procs[HV_INIT_PID].state;

	__asm__ volatile("dc civac, %0" :: "r"(&hv_procs[HV_INIT_PID]) : "memory");
	__asm__ volatile("dc ivac, %0" :: "r"(&hv_procs[HV_INIT_PID]) : "memory");
	CHECK_EQ(hv_procs[HV_INIT_PID].state, before);
}
