/* SPDX-License-Identifier: MIT */
/* Registers of one process are never seen or changed by another. */
#include "insn.h"
#include "peer.h"

enum { LEAKERS = 4, ROUNDS = 2 };

static hv_pid leaker(uint64_t seed)
{
	const struct raw_image image = { .data = rawleak, .data_size = HV_PAGE_SIZE,
					 .data_perm = HV_PERM_X };
	hv_pid pid = raw_make(&image);

	raw_start(pid, rawleak, seed | (uint64_t)ROUNDS << 32);
	return pid;
}

static void run_leakers(void)
{
	hv_pid pids[LEAKERS];

	for (unsigned i = 0; i < LEAKERS; i++)
		pids[i] = leaker(0x11110001 * (i + 1));
	for (unsigned i = 0; i < LEAKERS; i++) {
		struct raw_end end = raw_wait(pids[i]);

		CHECK_EQ(end.esr, 0);
		CHECK_EQ(end.status, RAW_GOOD);
	}
}

/* Several processes hold every register, until a tick has come in between: rawleak.S. */
TEST(registers_kept_across_preemption)
{
	enum { MOST = 1000 };
	uint64_t ticks = hv_sched->ticks;

	for (int i = 0; i < MOST && hv_sched->ticks == ticks; i++)
		run_leakers();
	CHECK(hv_sched->ticks > ticks);
}

/* The same against processes that switch by hypercalls, thousands of times. */
TEST(registers_kept_across_yields)
{
	hv_pid yielder = raw_launch(raw_yield, 0), pids[2];

	pids[0] = leaker(0x2468ace1);
	pids[1] = leaker(0x13579bdf);
	CHECK_EQ(raw_wait(pids[0]).status, RAW_GOOD);
	CHECK_EQ(raw_wait(pids[1]).status, RAW_GOOD);
	raw_discard(yielder);
}

/* A new process finds nothing, though its forerunners filled every register. */
TEST(registers_of_a_fresh_process)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		hv_pid dirty = leaker(0x0f0f0f0f * seed), fresh = raw_make(NULL);

		raw_start(fresh, raw_fresh, 0);
		CHECK_EQ(raw_wait(fresh).status, 0);
		CHECK_EQ(raw_run(NULL, raw_fresh, 0).status, 0);
		raw_discard(dirty);
		CHECK_EQ(raw_run(NULL, raw_fresh, 0).status, 0);
	}
}

/* ESR_EL1 and FAR_EL1, which only hardware writes. */
TEST(fault_registers_are_private)
{
	hv_pid a = raw_launch(raw_fault, 0x7000), b = raw_launch(raw_fault, 0xbadc0de000);
	hv_pid c = raw_launch(raw_fault, 0xffff000012345678);

	CHECK_EQ(raw_wait(a).status, RAW_GOOD);
	CHECK_EQ(raw_wait(b).status, RAW_GOOD);
	CHECK_EQ(raw_wait(c).status, RAW_GOOD);
}

/* A trap to the kernel leaves ESR_EL1, FAR_EL1, ELR_EL1 and SPSR_EL1 alone. */
TEST(traps_keep_el1_registers)
{
	uint64_t before[4], after[4];

	__asm__ volatile("mrs %0, esr_el1\n mrs %1, far_el1\n mrs %2, elr_el1\n mrs %3, spsr_el1"
			 : "=r"(before[0]), "=r"(before[1]), "=r"(before[2]), "=r"(before[3]));
	__asm__ volatile("mrs xzr, ctr_el0\n mrs xzr, clidr_el1" ::: "memory");
	hv_yield();
	__asm__ volatile("mrs %0, esr_el1\n mrs %1, far_el1\n mrs %2, elr_el1\n mrs %3, spsr_el1"
			 : "=r"(after[0]), "=r"(after[1]), "=r"(after[2]), "=r"(after[3]));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(after[i], before[i]);
}

/* Q registers of self against peers that overwrite all of theirs. */
static void spoil_fp(void *rounds)
{
	for (uintptr_t i = 0; i < (uintptr_t)rounds; i++) {
		__asm__ volatile("dup v0.2d, %0\n dup v8.2d, %0\n dup v16.2d, %0\n dup v31.2d, %0\n"
				 "msr fpsr, %1" :: "r"(~i), "r"(0x1fUL)
				 : "v0", "v8", "v16", "v31");
		hv_yield();
	}
}

TEST(fp_registers_are_private)
{
	hv_pid peer = peer_start(spoil_fp, (void *)300);
	uint64_t lost = 0;

	for (uint64_t i = 1; i < 200; i++) {
		uint64_t low, high, fpsr;

		__asm__ volatile("dup v8.2d, %3\n dup v31.2d, %3\n msr fpsr, xzr\n"
				 "mov x8, %4\n hvc #0\n"
				 "umov %0, v8.d[1]\n umov %1, v31.d[0]\n mrs %2, fpsr"
				 : "=&r"(low), "=&r"(high), "=&r"(fpsr)
				 : "r"(i), "i"(HV_NR_yield)
				 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
				   "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "v8",
				   "v31", "memory");
		lost += low != i || high != i || fpsr != 0;
	}
	CHECK_EQ(lost, 0);
	peer_join(peer);
}

/* Each virtual timer belongs to its process. */
TEST(timer_registers_are_private)
{
	hv_pid peer = leaker(0x01234567);
	uint64_t control, value;

	__asm__ volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1"
			 :: "r"(~0ULL >> 1), "r"(3UL));
	for (int i = 0; i < 20; i++)
		hv_yield();
	__asm__ volatile("mrs %0, cntv_ctl_el0\n mrs %1, cntv_cval_el0"
			 : "=r"(control), "=r"(value));
	__asm__ volatile("msr cntv_ctl_el0, xzr");
	CHECK_EQ(control & 3, 3);
	CHECK_EQ(value, ~0ULL >> 1);
	CHECK_EQ(raw_wait(peer).status, RAW_GOOD);
}
