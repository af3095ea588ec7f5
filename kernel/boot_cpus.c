/* SPDX-License-Identifier: MIT */
/*
 * Starts the other cores, one after another, by PSCI (DEN 0022E).
 *
 * Invariant: this core holds the kernel's lock until its first eret, and each
 * other core ends boot by asking for it, in leave_boot_core() of vectors.S.
 * So a ticket that was drawn says that a core has left the boot section for
 * good; and none does anything before the boot section is unmapped.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "prim.h"
#include "psci.h"

/* A core that PSCI has started, or switches off, has so many seconds. */
enum { PATIENCE = 10 };

/* lock.S */
void lock_take(void);
extern uint32_t kernel_lock;

static uint32_t is_refused;	/* 1: the core that is being started stays off */

static uint64_t affinity(void)
{
	return sysreg_read(mpidr_el1) & MPIDR_AFF_MASK;
}

/* ---- on the first core ------------------------------------------------------------ */

/* 5.2.2 */
static const char *error_of(int64_t result)
{
	switch (result) {
	case -1: return "NOT_SUPPORTED";
	case -2: return "INVALID_PARAMETERS";
	case -3: return "DENIED";
	case -4: return "ALREADY_ON";
	case -5: return "ON_PENDING";
	case -6: return "INTERNAL_FAILURE";
	case -9: return "INVALID_ADDRESS";
	}
	return "an error without a name";
}

static uint64_t tickets(void)
{
	return __atomic_load_n(&kernel_lock, __ATOMIC_ACQUIRE) >> 16;
}

static uint64_t deadline(void)
{
	return sysreg_read(cntpct_el0) + PATIENCE * sysreg_read(cntfrq_el0);
}

static bool is_late(uint64_t end)
{
	isb();		/* else the counter may be read early (D11.2.1) */
	return sysreg_read(cntpct_el0) > end;
}

/* Until PSCI says so the core may execute what boot is about to unmap. */
static void wait_until_off(uint64_t mpidr)
{
	uint64_t end = deadline();

	while (psci_affinity_info(mpidr) != PSCI_AFFINITY_OFF)
		if (is_late(end))
			boot_fail("the core with MPIDR 0x%lx is not used, and cannot be "
				  "switched off", mpidr);
}

/* Whether a core that was switched on takes part. */
static bool has_come(uint64_t mpidr, uint64_t drawn)
{
	uint64_t end = deadline();

	while (tickets() == drawn) {
		if (__atomic_load_n(&is_refused, __ATOMIC_ACQUIRE)) {
			is_refused = 0;
			wait_until_off(mpidr);
			return false;
		}
		if (is_late(end))
			boot_fail("the core with MPIDR 0x%lx was switched on, and does not come",
				  mpidr);
	}
	return true;
}

static bool start_core(uint64_t mpidr, uint64_t index)
{
	uint64_t pc = facts.kernel_pa + (uint64_t)(boot_core - __kernel_start);
	uint64_t drawn = tickets();
	int64_t result = psci_cpu_on(mpidr, pc, index);

	if (result == 0)
		return has_come(mpidr, drawn);
	boot_print("hv8: the core with MPIDR 0x%lx stays off: PSCI says %s\n", mpidr,
		   error_of(result));
	return false;
}

void boot_cpus_start(void)
{
	uint64_t count = 1;

	lock_take();
	for (uint64_t i = 1; i < facts.mpidr_count; i++)
		count += start_core(facts.mpidr[i], count);
	bootinfo.cpu_count = count;
	boot_affinity_start(count);
	if (count > 1)
		boot_print("hv8: %lu cores\n", count);
}

/* ---- on the core that is being started ---------------------------------------------- */

void boot_core_stop(void)
{
	if (facts.mpidr_count == 0 || affinity() == facts.mpidr[0])
		return;
	__atomic_store_n(&is_refused, 1, __ATOMIC_RELEASE);
	psci_cpu_off();
	for (;;)
		wfi();
}

void boot_core_main(uint64_t index)
{
	struct hv_cpu *cpu = &sched.cpus[index];

	features_compare();
	boot_gic_core_start(cpu);
	sysregs_start(cpu);
	cpu->next_tick = sysreg_read(cntpct_el0) + machine.tick_period;
	sysreg_write(cnthp_cval_el2, cpu->next_tick);
	sysreg_write(cnthp_ctl_el2, CNT_CTL_ENABLE);
	sysreg_write(cptr_el2, machine.cptr);
	isb();
	leave_boot_core();
}
