/* SPDX-License-Identifier: MIT */
/* A process misuses its CPU interface: it harms itself alone. */
#include "insn.h"
#include "irq.h"

/* With the interface, by instruction: executed, or stopped as without. */
static struct raw_end run_with_vgic(uint32_t instruction, uint64_t operand)
{
	const struct raw_image image = { .patch = instruction };

	return raw_run(&image, raw_vgic, operand);
}

static void check_stopped(uint32_t instruction, uint64_t iss)
{
	static const uint64_t operands[] = { 0, 1, ~0ULL };
	enum { ISS_MASK = 0x3ffc1f };

	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		struct raw_end end = run_with_vgic(instruction, operands[i]);

		CHECK_EQ(ESR_EC(end.esr), EC_SYSREG);
		CHECK_EQ(end.esr & ISS_MASK, iss);
	}
}

static void check_allowed(uint32_t instruction)
{
	static const uint64_t operands[] = { 0, 27, 1023, ~0ULL };

	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++)
		CHECK_EQ(run_with_vgic(instruction, operands[i]).esr, 0);
}

static void require_v3(void)
{
	if (hv_bootinfo->gic_version != 3)
		check_skip("the CPU interface of this GIC is no system register");
}

/* Interrupts to other cores are the kernel's, and so is group 0. */
#define STOPS(name, crn, crm, op2, l)							\
	TEST(irq_stops_##name)								\
	{										\
		require_v3();								\
		check_stopped(INSN_SYSTEM(3, 0, crn, crm, op2, l),			\
			      ISS_SYSTEM(3, 0, crn, crm, op2, l));			\
	}
STOPS(sgi1r, 12, 11, 5, 0)
STOPS(asgi1r, 12, 11, 6, 0)
STOPS(sgi0r, 12, 11, 7, 0)
STOPS(iar0, 12, 8, 0, 1)
STOPS(eoir0, 12, 8, 1, 0)
STOPS(hppir0, 12, 8, 2, 1)
STOPS(bpr0, 12, 8, 3, 0)
STOPS(ap0r0, 12, 8, 4, 0)
STOPS(igrpen0, 12, 12, 6, 0)

#define ALLOWED(name, crn, crm, op2, l)							\
	TEST(irq_allows_##name)								\
	{										\
		require_v3();								\
		check_allowed(INSN_SYSTEM(3, 0, crn, crm, op2, l));			\
	}
ALLOWED(pmr, 4, 6, 0, 0)
ALLOWED(ap1r0, 12, 9, 0, 0)
ALLOWED(dir, 12, 11, 1, 0)
ALLOWED(rpr, 12, 11, 3, 1)
ALLOWED(iar1, 12, 12, 0, 1)
ALLOWED(eoir1, 12, 12, 1, 0)
ALLOWED(hppir1, 12, 12, 2, 1)
ALLOWED(bpr1, 12, 12, 3, 0)
ALLOWED(ctlr, 12, 12, 4, 0)
ALLOWED(igrpen1, 12, 12, 7, 0)

/* ---- forged ends ----------------------------------------------------------------------- */

#define ICC(crn, crm, op2) "s3_0_c" #crn "_c" #crm "_" #op2
#define icc_write(name, value) \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")
#define icc_read(name) ({							\
	uint64_t value_;							\
	__asm__ volatile("mrs %0, " name : "=r"(value_) : : "memory");	\
	value_; })
#define ICC_EOIR1 ICC(12, 12, 1)
#define ICC_DIR ICC(12, 11, 1)
#define ICC_CTLR ICC(12, 12, 4)
#define ICC_PMR ICC(4, 6, 0)
#define ICC_AP1R0 ICC(12, 9, 0)
#define ICC_BPR1 ICC(12, 12, 3)

enum { CTLR_EOIMODE = 2, INTID_END = 1024 };

static void forge_all(void)
{
	for (uint64_t intid = 0; intid < INTID_END; intid++) {
		icc_write(ICC_EOIR1, intid);
		icc_write(ICC_DIR, intid);
	}
	icc_write(ICC_EOIR1, 0xffffff);
	icc_write(ICC_DIR, ~0ULL);
}

static void check_clock_goes_on(void)
{
	uint64_t ticks = hv_sched->ticks;
	hv_time deadline = hv_deadline_us(2000000);

	while (hv_sched->ticks < ticks + 3)
		CHECK(hv_now() < deadline);
}

/* Ends of interrupts that self does not have, the kernel's among them. */
TEST(irq_forged_ends)
{
	volatile unsigned count = 0;
	struct hv_timer timer = { 0 };

	require_v3();
	irq_start();
	forge_all();
	check_clock_goes_on();
	icc_write(ICC_CTLR, CTLR_EOIMODE);
	forge_all();
	check_clock_goes_on();
	icc_write(ICC_CTLR, 0);
	hv_timer_set(&timer, hv_deadline_us(200), irq_count, (void *)&count);
	irq_await(&count, 1);
}

static void forge_for_ever(void *arg)
{
	(void)arg;
	irq_start();
	for (;;)
		forge_all();
}

/* Another process's lines are served as if nothing were. */
TEST(irq_forged_ends_of_another)
{
	volatile unsigned count = 0;
	hv_pid forger;

	require_v3();
	irq_start();
	forger = peer_start(forge_for_ever, NULL);
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t intid = irq_intid(irq_own_line(0));

		irq_stir(1);
		CHECK_EQ(hv_irq_handler_fast(intid, irq_count, (void *)&count), 0);
		irq_await(&count, i);
		hv_yield();
		irq_linger();
		CHECK_EQ(count, i);
		CHECK_EQ(hv_irq_handler_fast(intid, NULL, NULL), 0);
	}
	peer_kill(forger);
}

/* ---- what one sets is no other's ------------------------------------------------------------- */

struct setting {
	uint64_t pmr, bpr, apr;
};

static void keep_setting(void *arg)
{
	const struct setting *setting = arg;

	DO(enable_vgic);
	CHECK_EQ(icc_read(ICC_PMR), 0);
	CHECK_EQ(icc_read(ICC_AP1R0), 0);
	CHECK_EQ(icc_read(ICC_CTLR) & CTLR_EOIMODE, 0);
	icc_write(ICC_PMR, setting->pmr);
	icc_write(ICC_BPR1, setting->bpr);
	icc_write(ICC_AP1R0, setting->apr);
	for (unsigned i = 0; i < 50; i++) {
		CHECK_EQ(icc_read(ICC_PMR), setting->pmr);
		CHECK_EQ(icc_read(ICC_BPR1), setting->bpr);
		CHECK_EQ(icc_read(ICC_AP1R0), setting->apr);
		hv_yield();
	}
}

TEST(irq_registers_are_each_ones_own)
{
	enum { PEERS = 4 };
	static struct setting settings[PEERS] = {
		{ 0xf0, 3, 1 << 20 }, { 0x80, 4, 1 << 3 }, { 0x10, 5, 0 }, { 0xf8, 7, 1U << 31 },
	};
	hv_pid pids[PEERS];

	require_v3();
	for (unsigned i = 0; i < PEERS; i++)
		pids[i] = peer_start(keep_setting, &settings[i]);
	for (unsigned i = 0; i < PEERS; i++)
		peer_join(pids[i]);
}

/* ---- masked for ever ------------------------------------------------------------------------- */

static void ignore_all(void *arg)
{
	struct hv_timer timer = { 0 };

	(void)arg;
	irq_start();
	for (unsigned left = LINES_MAX - 1; left > 0; left--)
		DO(alloc_irq, irq_own_line(0));
	hv_timer_set(&timer, 1, irq_count, NULL);
	for (;;)
		;
}

/* Whoever does not take its interrupts keeps nobody from anything. */
TEST(irq_masked_for_ever)
{
	struct hv_grants grants = irq_grants(LINES_MAX - 1);
	volatile unsigned count = 0;
	struct hv_timer timer = { 0 };
	uint64_t ticks;
	hv_pid child;

	irq_start();
	irq_stir(LINES_MAX - 1);
	child = peer_start_granted(ignore_all, NULL, &grants);
	ticks = hv_sched->ticks;
	while (hv_sched->ticks < ticks + 10)
		hv_yield();
	hv_timer_set(&timer, hv_deadline_us(200), irq_count, (void *)&count);
	irq_await(&count, 1);
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	peer_kill(child);
}

/* The timer expires again each time that it is set: a storm, but the process's own. */
static void storm(void *arg)
{
	(void)arg;
	irq_start();
	__asm__ volatile("msr cntv_cval_el0, xzr");
	for (;;)
		__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(1UL) : "memory");
}

TEST(irq_timer_storm)
{
	uint64_t ticks = hv_sched->ticks;
	hv_pid child;

	irq_start();
	child = peer_start(storm, NULL);
	while (hv_sched->ticks < ticks + 10)
		hv_yield();
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	peer_kill(child);
}
