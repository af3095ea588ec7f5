/* SPDX-License-Identifier: MIT */
/* What self does to its virtual CPU interface (IHI 0069H, 12.2), which no hypercall tells. */
#include "fuzz.h"

#define icc_write(name, value) \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

enum { TIMER_TICKS = 100000, SPURIOUS = 1020, ON = 1, MASKED = 2 };

static void set_timer(void)
{
	uint64_t deadline = hv_now() + fuzz_random(TIMER_TICKS), how = fuzz_random(4);

	__asm__ volatile("msr cntv_cval_el0, %0" : : "r"(deadline));
	__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(how == 0 ? MASKED | ON : ON));
}

/* Acknowledges one; often it is ended, too. */
static void serve(void)
{
	uint64_t intid;

	icc_write("s3_0_c4_c6_0", 0xff);		/* ICC_PMR_EL1 */
	icc_write("s3_0_c12_c12_7", 1);			/* ICC_IGRPEN1_EL1 */
	__asm__ volatile("mrs %0, s3_0_c12_c12_0\n\tdsb sy" : "=r"(intid) : : "memory");
	if (intid < SPURIOUS && fuzz_random(4) != 0)
		icc_write("s3_0_c12_c12_1", intid);	/* ICC_EOIR1_EL1 */
}

void fuzz_interrupts(void)
{
	if (hv_bootinfo->gic_version != 3 || hv_procs[hv_self()].has_vgic == 0)
		return;
	switch (fuzz_random(4)) {
	case 0:
		set_timer();
		return;
	case 1:
		icc_write("s3_0_c12_c12_1", fuzz_random(64));
		return;
	case 2:
		icc_write("s3_0_c12_c12_4", fuzz_random(4));	/* ICC_CTLR_EL1: EOImode, CBPR */
		return;
	default:
		serve();
		return;
	}
}
