/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on processes and pids. Keep: pids_count of p is the number of
 * pids whose ppid is p; zombies of p are exactly its dead children.
 */
#include "check.h"
#include "context.h"
#include "gic.h"
#include "hypercall.h"
#include "page.h"

#include <arch/pte.h>

int64_t hc_self(void)
{
	return (int64_t)current_pid();
}

int64_t hc_set_name(uint64_t pid, uint64_t name0, uint64_t name1)
{
	int64_t error = check_build(current_pid(), pid);

	if (error)
		return error;

	procs[pid].name[0] = name0;
	procs[pid].name[1] = name1;
	return 0;
}

static int64_t check_embryo(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (!is_embryo_of(pid, self))
		return -HV_EPERM;
	return 0;
}

int64_t hc_set_entry(uint64_t pid, uint64_t pc, uint64_t arg)
{
	int64_t error = check_embryo(current_pid(), pid);

	if (error)
		return error;

	page_zero(procs[pid].ctx);
	ctx_of(pid)[CTX_X0] = arg;
	ctx_of(pid)[CTX_ELR_EL2] = pc;
	ctx_of(pid)[CTX_SPSR_EL2] = SPSR_START;
	return 0;
}

int64_t hc_set_runnable(uint64_t pid)
{
	int64_t error = check_embryo(current_pid(), pid);

	if (error)
		return error;

	procs[pid].state = HV_PROC_LIVE;
	set_add(&sched.ready, pid);
	return 0;
}

static int64_t check_reap(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (procs[pid].ppid != self)
		return -HV_EPERM;
	if (procs[pid].state != HV_PROC_ZOMBIE)
		return -HV_ESTATE;
	if (procs[pid].pages_count | procs[pid].pids_count | procs[pid].files_count |
	    procs[pid].handles_count | procs[pid].devices_count | procs[pid].irqs_count)
		return -HV_EBUSY;
	return 0;
}

int64_t hc_reap(uint64_t pid)
{
	uint64_t self = current_pid();
	int64_t error = check_reap(self, pid);

	if (error)
		return error;

	procs[pid].state = HV_PROC_UNUSED;
	set_remove(&procs[self].zombies, pid);
	return 0;
}

/* The pid gets another owner or parent. */
static void pid_give(uint64_t pid, uint64_t to)
{
	procs[procs[pid].ppid].pids_count--;
	procs[to].pids_count++;
	procs[pid].ppid = to;
}

static int64_t check_reparent(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (procs[pid].state == HV_PROC_UNUSED)
		return -HV_ESTATE;
	if (procs[procs[pid].ppid].ppid != self)
		return -HV_EPERM;
	if (procs[procs[pid].ppid].state != HV_PROC_ZOMBIE)
		return -HV_EBUSY;
	return 0;
}

int64_t hc_reparent(uint64_t pid)
{
	uint64_t self = current_pid();
	int64_t error = check_reparent(self, pid);

	if (error)
		return error;

	set_remove(&procs[procs[pid].ppid].zombies, pid);
	if (procs[pid].state == HV_PROC_ZOMBIE)
		set_add(&procs[self].zombies, pid);
	pid_give(pid, self);
	return 0;
}

static int64_t check_grant_pid(uint64_t self, uint64_t child, uint64_t pid)
{
	int64_t error = is_pid(pid) ? check_grant(self, child) : -HV_ESRCH;

	if (error)
		return error;
	if (procs[pid].ppid != self)
		return -HV_EACCES;
	if (procs[pid].state != HV_PROC_UNUSED)
		return -HV_EBUSY;
	return 0;
}

int64_t hc_grant_pid(uint64_t child, uint64_t pid)
{
	int64_t error = check_grant_pid(current_pid(), child, pid);

	if (error)
		return error;

	pid_give(pid, child);
	return 0;
}

static int64_t check_revoke_pid(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (procs[pid].state != HV_PROC_UNUSED)
		return -HV_EBUSY;
	if (procs[procs[pid].ppid].ppid != self)
		return -HV_EPERM;
	return 0;
}

int64_t hc_revoke_pid(uint64_t pid)
{
	uint64_t self = current_pid();
	int64_t error = check_revoke_pid(self, pid);

	if (error)
		return error;

	pid_give(pid, self);
	return 0;
}

/* May a process run on this core, by the mask? */
static inline void allow(uint64_t core, uint64_t pid, uint64_t cores)
{
	uint64_t *word = &sched.cpus[core].allowed.word[pid / 64];

	*word = (*word & ~(1ULL << (pid % 64))) | (cores >> core & 1) << (pid % 64);
}

static void allow_cores(uint64_t pid, uint64_t cores)
{
	_Static_assert(HV_NCPU == 8, "eight cores are written out");
	allow(0, pid, cores);
	allow(1, pid, cores);
	allow(2, pid, cores);
	allow(3, pid, cores);
	allow(4, pid, cores);
	allow(5, pid, cores);
	allow(6, pid, cores);
	allow(7, pid, cores);
}

static inline uint64_t allowed_bit(uint64_t core, uint64_t pid)
{
	return (uint64_t)set_has(&sched.cpus[core].allowed, pid) << core;
}

/* The cores that a process may run on. */
static uint64_t cores_of(uint64_t pid)
{
	return allowed_bit(0, pid) | allowed_bit(1, pid) | allowed_bit(2, pid) |
	       allowed_bit(3, pid) | allowed_bit(4, pid) | allowed_bit(5, pid) |
	       allowed_bit(6, pid) | allowed_bit(7, pid);
}

static int64_t check_clone(uint64_t self, uint64_t pid, uint64_t ctx, uint64_t root)
{
	int64_t error;

	if (!is_pid(pid))
		return -HV_ESRCH;
	if (procs[pid].ppid != self)
		return -HV_EACCES;
	if (procs[pid].state != HV_PROC_UNUSED)
		return -HV_ESTATE;
	error = check_page(self, ctx, HV_PAGE_FREE);
	if (error)
		return error;
	if (root == ctx)
		return -HV_EINVAL;
	return check_page(self, root, HV_PAGE_FREE);
}

/* A pid that was used before may still hold the words of its last process. */
static void proc_reset(struct hv_proc *proc)
{
	proc->wait_file = 0;
	proc->wait_peer = 0;
	proc->wait_flags = 0;
	proc->recv_slot = HV_NONE;
	proc->reply_to = 0;
	proc->status = 0;
	proc->cause_esr = 0;
	proc->cause_elr = 0;
	proc->cause_far = 0;
	proc->has_vgic = 0;
	proc->name[0] = 0;
	proc->name[1] = 0;
}

int64_t hc_clone(uint64_t pid, uint64_t ctx, uint64_t root)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_clone(self, pid, ctx, root);

	if (error)
		return error;

	context_save(cpu, ctx_of(self));
	page_copy(ctx, procs[self].ctx);
	pages[ctx][CTX_X0] = 0;
	page_zero(root);
	pte_write(&pages[root][HV_L0_SELF], pte_table(page_pa(root)));
	dsb_ishst();	/* both, before anything loads this root */
	page_descs[ctx].type = HV_PAGE_CTX;
	page_descs[root].type = HV_PAGE_L0;
	page_descs[root].count = 0;
	page_give(ctx, pid);
	page_give(root, pid);
	proc_reset(&procs[pid]);
	allow_cores(pid, cores_of(self));
	procs[pid].ctx = ctx;
	procs[pid].root = root;
	procs[pid].state = HV_PROC_EMBRYO;
	return 0;
}

int64_t hc_yield(void)
{
	sched_yield(this_cpu());
	return 0;
}

static int64_t check_switch(struct hv_cpu *cpu, uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (procs[pid].ppid != self && procs[self].ppid != pid)
		return -HV_EPERM;
	if (!set_has_both(&sched.ready, &cpu->allowed, pid))
		return -HV_ESTATE;
	return 0;
}

int64_t hc_switch_to(uint64_t pid)
{
	struct hv_cpu *cpu = this_cpu();
	int64_t error = check_switch(cpu, cpu->current, pid);

	if (error)
		return error;

	sched_set_aside(cpu);
	sched_run(cpu, pid);
	return 0;
}

/* Self or a child, not dead. */
static int64_t check_family(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (pid != self && procs[pid].ppid != self)
		return -HV_EPERM;
	if (procs[pid].state == HV_PROC_UNUSED || procs[pid].state == HV_PROC_ZOMBIE)
		return -HV_ESTATE;
	return 0;
}

int64_t hc_kill(uint64_t pid, uint64_t status)
{
	struct hv_cpu *cpu = this_cpu();
	int64_t error = check_family(cpu->current, pid);

	if (error)
		return error;

	if (sched.core[pid] != 0 && pid != cpu->current)
		proc_doom(pid, status);
	else
		proc_stop(cpu, pid, status);
	return 0;
}

static int64_t check_affinity(uint64_t self, uint64_t pid, uint64_t cores)
{
	int64_t error = check_family(self, pid);

	if (error)
		return error;
	if (cores == 0 || cores & ~machine.cores)
		return -HV_EINVAL;
	return 0;
}

int64_t hc_set_affinity(uint64_t pid, uint64_t cores)
{
	struct hv_cpu *cpu = this_cpu();
	int64_t error = check_affinity(cpu->current, pid, cores);
	struct hv_cpu *there;

	if (error)
		return error;

	allow_cores(pid, cores);
	there = &sched.cpus[sched.core[pid] % HV_NCPU];
	if (sched.core[pid] == 0 || cores & there->bit)
		return 0;
	if (there == cpu)
		sched_leave(cpu);
	else
		gic_interrupt(there->sgi);
	return 0;
}

static int64_t check_wait(uint64_t self, uint64_t deadline, uint64_t console_handle)
{
	int64_t error = 0;

	if (console_handle != HV_NONE)
		error = check_object(self, console_handle, HV_FILE_CONSOLE, HV_RIGHT_READ);
	if (error)
		return error;
	if (!set_is_empty(&procs[self].zombies))
		return 0;
	if (console_handle != HV_NONE && console.has_break)
		return 0;
	return deadline == HV_NOWAIT ? -HV_EAGAIN : 0;
}

int64_t hc_wait(uint64_t deadline, uint64_t console_handle)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_wait(self, deadline, console_handle);
	uint64_t file = 0;

	if (error)
		return error;

	if (!set_is_empty(&procs[self].zombies))
		return (int64_t)set_lowest(&procs[self].zombies);
	if (console_handle != HV_NONE && console.has_break) {
		console.has_break = 0;
		return -HV_EINTR;
	}
	if (console_handle != HV_NONE) {
		file = handles[self][console_handle].file;
		set_add(&files[file].senders, self);
	}
	sched_block(cpu, file, 0, HV_WAIT_CHILD, deadline);
	sched_run_next(cpu);
	return -HV_EINTR;
}
