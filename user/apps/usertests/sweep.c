/* SPDX-License-Identifier: MIT */
/*
 * Every encoding of the system instruction space (C6.2: MSR, MRS, SYS, SYSL
 * with op0 = 1, 2, 3) executed at EL1. Whatever the core and the kernel make
 * of it, the machine goes on; a trap names the instruction exactly; and what
 * simply runs is in the list below.
 */
#include "insn.h"
#include "raw.h"

enum { SLOTS = 60 };		/* instructions of one child: its status has a bit for each */

/* op0 above op1, CRn, CRm and op2, as in the instruction: bits 20..5 of it. */
#define KEY(op0, op1, crn, crm, op2) \
	((unsigned)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

/* Encodings first .. last may run. */
struct range {
	unsigned first, last;
	const char *what;
};

static const struct range writes_that_run[] = {
	{ KEY(1, 0, 7, 1, 0), KEY(1, 0, 7, 1, 0), "IC IALLUIS" },
	{ KEY(1, 0, 7, 5, 0), KEY(1, 0, 7, 5, 0), "IC IALLU" },
	{ KEY(1, 0, 7, 8, 0), KEY(1, 0, 7, 8, 3), "AT S1E1R .. S1E0W" },
	{ KEY(1, 0, 7, 9, 0), KEY(1, 0, 7, 9, 1), "AT S1E1RP, S1E1WP" },
	{ KEY(1, 3, 7, 3, 4), KEY(1, 3, 7, 3, 7), "CFP, DVP, CPP RCTX" },
	{ KEY(1, 3, 7, 5, 1), KEY(1, 3, 7, 5, 1), "IC IVAU" },
	{ KEY(1, 3, 7, 11, 1), KEY(1, 3, 7, 11, 1), "DC CVAU" },
	{ KEY(3, 0, 1, 2, 4), KEY(3, 0, 1, 2, 4), "SMPRI_EL1, zero without FEAT_FGT" },
	{ KEY(3, 0, 4, 0, 0), KEY(3, 0, 4, 0, 1), "SPSR_EL1, ELR_EL1" },
	{ KEY(3, 0, 4, 1, 0), KEY(3, 0, 4, 1, 0), "SP_EL0" },
	{ KEY(3, 0, 4, 2, 0), KEY(3, 0, 4, 2, 4), "SPSel, PAN, UAO" },
	{ KEY(3, 0, 7, 4, 0), KEY(3, 0, 7, 4, 0), "PAR_EL1" },
	{ KEY(3, 0, 12, 1, 1), KEY(3, 0, 12, 1, 1), "DISR_EL1" },
	{ KEY(3, 0, 12, 12, 5), KEY(3, 0, 12, 12, 5), "ICC_SRE_EL1, all bits fixed" },
	{ KEY(3, 0, 13, 0, 4), KEY(3, 0, 13, 0, 4), "TPIDR_EL1" },
	{ KEY(3, 0, 14, 1, 0), KEY(3, 0, 14, 1, 0), "CNTKCTL_EL1" },
	/* implementation defined: HCR_EL2.TIDCP traps them on hardware, QEMU's are constants */
	{ KEY(3, 1, 11, 0, 0), KEY(3, 1, 11, 15, 7), "S3_1_C11" },
	{ KEY(3, 1, 15, 0, 0), KEY(3, 1, 15, 15, 7), "S3_1_C15" },
	{ KEY(3, 3, 4, 2, 0), KEY(3, 3, 4, 2, 7), "NZCV, DAIF, DIT, SSBS, TCO" },
	{ KEY(3, 3, 4, 4, 0), KEY(3, 3, 4, 4, 1), "FPCR, FPSR" },
	{ KEY(3, 3, 13, 0, 2), KEY(3, 3, 13, 0, 3), "TPIDR_EL0, TPIDRRO_EL0" },
	{ KEY(3, 3, 13, 0, 5), KEY(3, 3, 13, 0, 5), "TPIDR2_EL0 without FEAT_FGT" },
	{ KEY(3, 3, 14, 3, 0), KEY(3, 3, 14, 3, 2), "CNTV_*" },
};

static const struct range reads_that_run[] = {
	{ KEY(3, 0, 0, 0, 0), KEY(3, 0, 0, 7, 7), "identification" },
	{ KEY(3, 0, 1, 0, 0), KEY(3, 0, 1, 0, 0), "SCTLR_EL1" },
	{ KEY(3, 0, 1, 2, 4), KEY(3, 0, 1, 2, 4), "SMPRI_EL1" },
	{ KEY(3, 0, 2, 0, 0), KEY(3, 0, 2, 0, 2), "TTBR0_EL1, TTBR1_EL1, TCR_EL1" },
	{ KEY(3, 0, 4, 0, 0), KEY(3, 0, 4, 2, 4), "SPSR_EL1 .. UAO" },
	{ KEY(3, 0, 5, 1, 0), KEY(3, 0, 6, 0, 0), "AFSR0_EL1 .. FAR_EL1" },
	{ KEY(3, 0, 7, 4, 0), KEY(3, 0, 7, 4, 0), "PAR_EL1" },
	{ KEY(3, 0, 10, 2, 0), KEY(3, 0, 10, 3, 0), "MAIR_EL1, AMAIR_EL1" },
	{ KEY(3, 0, 12, 0, 0), KEY(3, 0, 12, 0, 1), "VBAR_EL1, RVBAR_EL1" },
	{ KEY(3, 0, 12, 1, 0), KEY(3, 0, 12, 1, 1), "ISR_EL1, DISR_EL1" },
	{ KEY(3, 0, 12, 12, 5), KEY(3, 0, 12, 12, 5), "ICC_SRE_EL1" },
	{ KEY(3, 0, 13, 0, 1), KEY(3, 0, 13, 0, 4), "CONTEXTIDR_EL1, TPIDR_EL1" },
	{ KEY(3, 0, 14, 1, 0), KEY(3, 0, 14, 1, 0), "CNTKCTL_EL1" },
	{ KEY(3, 1, 0, 0, 1), KEY(3, 1, 0, 0, 1), "CLIDR_EL1, emulated" },
	{ KEY(3, 1, 0, 0, 6), KEY(3, 1, 0, 0, 7), "SMIDR_EL1, AIDR_EL1" },
	{ KEY(3, 1, 11, 0, 0), KEY(3, 1, 11, 15, 7), "S3_1_C11" },	/* as above */
	{ KEY(3, 1, 15, 0, 0), KEY(3, 1, 15, 15, 7), "S3_1_C15" },
	{ KEY(3, 3, 0, 0, 1), KEY(3, 3, 0, 0, 7), "CTR_EL0, emulated, DCZID_EL0" },
	{ KEY(3, 3, 2, 4, 0), KEY(3, 3, 2, 4, 1), "RNDR, RNDRRS" },
	{ KEY(3, 3, 4, 2, 0), KEY(3, 3, 4, 4, 1), "NZCV .. FPSR" },
	{ KEY(3, 3, 13, 0, 2), KEY(3, 3, 13, 0, 3), "TPIDR_EL0, TPIDRRO_EL0" },
	{ KEY(3, 3, 13, 0, 5), KEY(3, 3, 13, 0, 5), "TPIDR2_EL0 without FEAT_FGT" },
	{ KEY(3, 3, 14, 0, 0), KEY(3, 3, 14, 0, 2), "CNTFRQ_EL0, CNTPCT_EL0, CNTVCT_EL0" },
	{ KEY(3, 3, 14, 0, 5), KEY(3, 3, 14, 0, 6), "CNTPCTSS_EL0, CNTVCTSS_EL0" },
	{ KEY(3, 3, 14, 3, 0), KEY(3, 3, 14, 3, 2), "CNTV_*" },
};

/* Without vectors of its own a child could not note anything. */
#define KEY_VBAR_EL1 KEY(3, 0, 12, 0, 0)

struct sweep {
	bool is_read;
	const struct range *runs;
	size_t run_count;
	unsigned key[SLOTS];		/* of the batch */
	bool is_trapped[SLOTS];
	uint32_t page[2 * SLOTS + 1];
	unsigned traps, undefined;	/* of all batches */
};

static uint32_t encode(const struct sweep *sweep, unsigned key)
{
	return 0xd5000000U | (uint32_t)sweep->is_read << 21 | (uint32_t)key << 5;
}

static uint64_t syndrome(const struct sweep *sweep, unsigned key)
{
	return ISS_SYSTEM(key >> 14, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7,
			  sweep->is_read);
}

static bool may_run(const struct sweep *sweep, unsigned key)
{
	for (size_t i = 0; i < sweep->run_count; i++)
		if (key >= sweep->runs[i].first && key <= sweep->runs[i].last)
			return true;
	return false;
}

static void assemble(struct sweep *sweep, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool is_left_out = sweep->is_trapped[i] ||
				   (!sweep->is_read && sweep->key[i] == KEY_VBAR_EL1);

		sweep->page[2 * i] = is_left_out ? INSN_UDF : encode(sweep, sweep->key[i]);
		sweep->page[2 * i + 1] = INSN_CLEAR_X0;
	}
	sweep->page[2 * count] = INSN_RET;
}

/* The kernel stopped the child: for exactly one instruction of the batch. */
static void note_trap(struct sweep *sweep, unsigned count, const struct raw_end *end)
{
	enum { ISS_MASK = 0x3ffc1f };
	uint64_t slot = (end->elr - RAW_DATA) / 8;

	CHECK(slot < count && end->elr % 8 == 0);
	CHECK(!sweep->is_trapped[slot]);
	if (ESR_EC(end->esr) == EC_SYSREG) {
		CHECK_EQ(end->esr & ISS_MASK, syndrome(sweep, sweep->key[slot]));
	} else {
		CHECK(ESR_EC(end->esr) == EC_SVE || ESR_EC(end->esr) == EC_SME);
	}
	sweep->is_trapped[slot] = true;
	sweep->traps++;
}

/* Runs the batch again and again, without what was trapped, until it gets through. */
static void run_batch(struct sweep *sweep, unsigned count)
{
	const struct raw_image image = { .data = sweep->page, .data_size = sizeof(sweep->page),
					 .data_perm = HV_PERM_X };
	struct raw_end end;

	for (unsigned i = 0; i < count; i++)
		sweep->is_trapped[i] = false;
	for (;;) {
		assemble(sweep, count);
		end = raw_run(&image, raw_sweep, 0);
		if (end.esr == 0)
			break;
		note_trap(sweep, count, &end);
	}
	for (unsigned i = 0; i < count; i++) {
		bool is_undefined = end.status >> i & 1;

		if (!is_undefined && !may_run(sweep, sweep->key[i]))
			check_report(SITE("an instruction ran; case = its op0:op1:CRn:CRm:op2"),
				     sweep->key[i], 1, 0);
		sweep->undefined += is_undefined && !sweep->is_trapped[i];
	}
}

/* All encodings with that op0. */
static void sweep_all(unsigned op0, bool is_read)
{
	static struct sweep sweep;
	unsigned count = 0;

	sweep.is_read = is_read;
	sweep.runs = is_read ? reads_that_run : writes_that_run;
	sweep.run_count = is_read ? sizeof(reads_that_run) / sizeof(reads_that_run[0]) :
				    sizeof(writes_that_run) / sizeof(writes_that_run[0]);
	for (unsigned key = KEY(op0, 0, 0, 0, 0); key < KEY(op0 + 1, 0, 0, 0, 0); key++) {
		sweep.key[count++] = key;
		if (count == SLOTS || key + 1 == KEY(op0 + 1, 0, 0, 0, 0)) {
			run_batch(&sweep, count);
			count = 0;
		}
	}
	CHECK(sweep.undefined > 1000);
	CHECK(is_read || sweep.traps > 10);
}

/* ---- what was written is not what the next one reads ------------------------------ */

enum { SYSTEM_READ = 1 << 21 };

/* CNTV_TVAL_EL0 runs with the clock. */
#define KEY_CNTV_TVAL_EL0 KEY(3, 3, 14, 3, 0)

static struct raw_end run_one(uint32_t instruction, uint64_t operand)
{
	const struct raw_image image = { .patch = instruction };

	return raw_run(&image, raw_patched, operand);
}

/* A process writes the register, and one that comes after it reads it. */
static void try_leak(unsigned key)
{
	static const uint64_t patterns[] = { ~0ULL, 0x5a5a5a5a5a5a5a5a, 0xf0000000 };
	uint32_t write = 0xd5000000U | (uint32_t)key << 5, read = write | SYSTEM_READ;
	struct raw_end before = run_one(read, 0);

	if (before.esr != 0 || (before.status & RAW_EXCEPTION) || key == KEY_CNTV_TVAL_EL0)
		return;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct raw_end after;

		run_one(write, patterns[i]);
		after = run_one(read, 0);
		if (after.status != before.status)
			check_report(SITE("another's value is read; case = op0:op1:CRn:CRm:op2"),
				     key, after.status, before.status);
	}
}

TEST(sweep_leaks)
{
	unsigned tried = 0;

	for (size_t i = 0; i < sizeof(writes_that_run) / sizeof(writes_that_run[0]); i++)
		for (unsigned key = writes_that_run[i].first; key <= writes_that_run[i].last;
		     key++) {
			if (key >= KEY(3, 0, 0, 0, 0))
				try_leak(key);
			tried++;
		}
	CHECK(tried > 20);
}

TEST(sweep_sys) { sweep_all(1, false); }
TEST(sweep_sysl) { sweep_all(1, true); }
TEST(sweep_debug_writes) { sweep_all(2, false); }
TEST(sweep_debug_reads) { sweep_all(2, true); }
TEST(sweep_writes) { sweep_all(3, false); }
TEST(sweep_reads) { sweep_all(3, true); }
