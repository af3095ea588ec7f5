/* SPDX-License-Identifier: MIT */
/*
 * Who runs, who waits, who dies. Keeps: sched.core of p is the core
 * whose current process it is, and each blocked process is in the
 * sets that its wait_file and wait_peer name.
 *
 * A turn lasts until a tick or a yield. A core that is handed over is no turn:
 * else two processes that hand it to each other could keep all others from it.
 */
#include "sched.h"

#include "gic.h"

bool sched_is_blocked(uint64_t pid)
{
	return procs[pid].state == HV_PROC_LIVE && !set_has(&sched.ready, pid) &&
	       sched.core[pid] == 0;
}

/* Gives the core to the ready process that follows `after` and may run here, or idles. */
static inline void run_after(struct hv_cpu *cpu, uint64_t after)
{
	uint64_t next = set_next_both(&sched.ready, &cpu->allowed, after);

	if (next == 0) {
		cpu->current = 0;
		return;
	}
	cpu->turn = next;
	sched_run(cpu, next);
}

void sched_run_next(struct hv_cpu *cpu)
{
	run_after(cpu, cpu->turn - 1);
}

void sched_hand_over(struct hv_cpu *cpu, uint64_t pid, bool may_run)
{
	if (may_run) {
		sched_enter(cpu, pid);
		return;
	}
	sched_run_next(cpu);
	set_add(&sched.ready, pid);
}

void sched_leave(struct hv_cpu *cpu)
{
	sched_set_aside(cpu);
	sched_run_next(cpu);
}

void sched_yield(struct hv_cpu *cpu)
{
	sched_set_aside(cpu);
	run_after(cpu, cpu->turn);
}

/* The core's bit, if somebody is ready who may run on it. */
static inline uint64_t wanted(uint64_t core)
{
	return (uint64_t)have_common(&sched.ready, &sched.cpus[core].allowed) << core;
}

/* Not inlined: what comes before it is proved without. */
__attribute__((noinline)) void sched_kick(struct hv_cpu *cpu)
{
	_Static_assert(HV_NCPU == 8, "eight cores are written out");
	uint64_t others = sched.idle & ~cpu->bit, core;

	if (others == 0 || set_is_empty(&sched.ready))
		return;
	others &= wanted(0) | wanted(1) | wanted(2) | wanted(3) |
		  wanted(4) | wanted(5) | wanted(6) | wanted(7);
	if (others == 0)
		return;
	core = ctz64(others) % HV_NCPU;
	sched.idle &= ~sched.cpus[core].bit;
	gic_interrupt(sched.cpus[core].sgi);
}

void sched_unwait(uint64_t pid)
{
	struct hv_proc *proc = &procs[pid];

	/* file 0 and process 0 are nobody's: their sets stay empty */
	set_remove(&files[proc->wait_file].senders, pid);
	set_remove(&files[proc->wait_file].receivers, pid);
	set_remove(&procs[proc->wait_peer].callers, pid);
}

/* Tells the parent, if it waits for that. */
static void proc_notify_parent(uint64_t pid)
{
	uint64_t parent = procs[pid].ppid;

	set_add(&procs[parent].zombies, pid);
	if (sched_is_blocked(parent) && procs[parent].wait_flags & HV_WAIT_CHILD) {
		sched_unwait(parent);
		ctx_of(parent)[CTX_X0] = (uint64_t)-HV_EINTR;
		set_add(&sched.ready, parent);
	}
}

/*
 * After this the process never runs again, so its translations are removed
 * here, once, and its pages can be reclaimed without. If it is the one whose
 * tables the core walks, the core is moved to the empty table first: a
 * speculative walk must not refill the TLB behind the invalidation.
 */
static void proc_flush(struct hv_cpu *cpu, uint64_t pid)
{
	if (cpu->loaded == pid) {
		sysreg_write(ttbr0_el1, machine.empty_root);
		isb();
	}
	dsb_ishst();
	tlbi_asid(pid);
	dsb_ish();
}

/* Its lines are masked when they fire next, or when they are revoked. */
static void proc_forget_irqs(struct hv_proc *proc)
{
	proc->irqs_pending.word[0] = 0;
	proc->irqs_pending.word[1] = 0;
	proc->listed[0] = 0;
	proc->listed[1] = 0;
	proc->listed[2] = 0;
	proc->listed[3] = 0;
}

void proc_stop(struct hv_cpu *cpu, uint64_t pid, uint64_t status)
{
	procs[pid].status = status;
	proc_forget_irqs(&procs[pid]);
	sched_unwait(pid);
	procs[pid].state = HV_PROC_ZOMBIE;
	set_remove(&sched.ready, pid);
	sched.core[pid] = 0;
	set_wake_all(&procs[pid].callers);
	proc_notify_parent(pid);
	proc_flush(cpu, pid);
	if (cpu->current == pid)
		sched_run_next(cpu);
}

void proc_doom(uint64_t pid, uint64_t status)
{
	struct hv_cpu *cpu = &sched.cpus[sched.core[pid] % HV_NCPU];

	procs[pid].status = status;
	cpu->doomed = 1;
	gic_interrupt(cpu->sgi);
}
