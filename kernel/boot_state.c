/* SPDX-License-Identifier: MIT */
/*
 * The state before the first eret: everything that is not kernel belongs to
 * process 1. Invariants: each count of procs[1] is the number of things whose
 * owner it is; the handles of process 1 are the only ones. With uart=process
 * nobody has a handle to the console, and nobody can make one.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "prim.h"

static void make_file(uint64_t file, uint64_t type, uint64_t handle)
{
	files[file].type = type;
	files[file].owner = 0;	/* nobody may take the slot back */
	files[file].refs = 1;
	files[file].readers = 1;
	files[file].writers = 1;
	handles[HV_INIT_PID][handle].file = file;
	handles[HV_INIT_PID][handle].rights = HV_RIGHT_ALL;
}

static void start_files(void)
{
	if (!facts.uart_is_process)
		make_file(HV_FILE_CONSOLE_INDEX, HV_FILE_CONSOLE, HV_INIT_HANDLE_CONSOLE);
	make_file(HV_FILE_POWER_INDEX, HV_FILE_POWER, HV_INIT_HANDLE_POWER);
	for (uint64_t i = HV_FILE_POWER_INDEX + 1; i < HV_NFILE; i++)
		files[i].owner = HV_INIT_PID;
}

static void start_procs(void)
{
	struct hv_proc *init = &procs[HV_INIT_PID];

	for (uint64_t pid = HV_INIT_PID + 1; pid < HV_NPROC; pid++)
		procs[pid].ppid = HV_INIT_PID;
	init->state = HV_PROC_LIVE;
	init->pids_count = HV_NPROC - HV_INIT_PID - 1;
	init->files_count = HV_NFILE - HV_FILE_POWER_INDEX - 1;
	init->handles_count = facts.uart_is_process ? 1 : 2;
	init->recv_slot = HV_NONE;
	init->name[0] = 0x74696e69;	/* "init", little-endian */
}

static void start_cpu(struct hv_cpu *cpu, uint64_t i)
{
	cpu->number = HV_NCPU + i;
	cpu->bit = 1ULL << i;
	cpu->turn = HV_INIT_PID;
	cpu->pages_pa = machine.pages_pa;
}

static void start_sched(void)
{
	sched.cpus[0].current = HV_INIT_PID;
	sched.core[HV_INIT_PID] = HV_NCPU;
	for (uint64_t i = 0; i < HV_NCPU; i++)
		start_cpu(&sched.cpus[i], i);
	for (uint64_t i = 0; i < TIMER_NODES; i++)
		timer_tree[i] = TIMER_OFF;
	machine.tick_period = sysreg_read(cntfrq_el0) / HV_TICK_HZ;
	if (machine.tick_period == 0)
		boot_fail("the counter's frequency is %lu Hz: the firmware must set CNTFRQ_EL0",
			  sysreg_read(cntfrq_el0));
	sched.cpus[0].next_tick = sysreg_read(cntpct_el0) + machine.tick_period;
}

void boot_affinity_start(uint64_t count)
{
	machine.cores = (1ULL << count) - 1;
	for (uint64_t i = 0; i < count; i++)
		for (uint64_t w = 0; w < HV_SET_WORDS; w++)
			sched.cpus[i].allowed.word[w] = ~0ULL;
}

void state_start(void)
{
	start_files();
	start_procs();
	start_sched();
	bootinfo.magic = HV_BOOTINFO_MAGIC;
	bootinfo.version = 1;
	bootinfo.gic_version = facts.gic_version;
	bootinfo.midr = sysreg_read(midr_el1);
	bootinfo.cntfrq = sysreg_read(cntfrq_el0);
	bootinfo.boot_time = sysreg_read(cntvct_el0);
	sysreg_write(cnthp_cval_el2, sched.cpus[0].next_tick);
	sysreg_write(cnthp_ctl_el2, CNT_CTL_ENABLE);
	isb();
}
