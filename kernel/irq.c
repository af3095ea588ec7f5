/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of processes. Keep: a line that is used is enabled in the
 * distributor, its owner has the virtual CPU interface, and it waits or is
 * listed for its owner alone. The interrupt stays active until the owner has
 * ended it, so it comes once for each time that the owner serves it.
 */
#include "irq.h"

#include <arch/sysreg.h>

#include "gic.h"
#include "sched.h"

bool irq_wake(uint64_t pid)
{
	uint64_t flags = procs[pid].wait_flags;

	if (!sched_is_blocked(pid) || !(flags & (HV_WAIT_WFI | HV_WAIT_IRQ)))
		return false;
	sched_unwait(pid);
	if (!(flags & HV_WAIT_WFI))
		ctx_of(pid)[CTX_X0] = (uint64_t)-HV_EINTR;
	set_add(&sched.ready, pid);
	return true;
}

/* The line of a dead owner is masked; what it asks for is kept for the next owner. */
bool irq_forward(struct hv_cpu *cpu, uint64_t intid)
{
	uint64_t line = irq_line[intid];
	uint64_t owner = irqs[line].owner;
	uint64_t core = sched.core[owner];

	if (irqs[line].state != HV_IRQ_USED || procs[owner].state != HV_PROC_LIVE) {
		gic_set_bit(GICD_ICENABLER, intid);
		gic_set_bit(GICD_ISPENDR, intid);
		return false;
	}
	set_add(&procs[owner].irqs_pending, line);
	irq_wake(owner);
	if (core != 0 && core != cpu->number)	/* there it is listed */
		gic_interrupt(sched.cpus[core % HV_NCPU].sgi);
	return true;
}

/*
 * The timer's line stays asserted, so the timer is masked until the process
 * sets it anew. A process without the virtual CPU interface reads ISTATUS.
 */
void irq_timer(struct hv_cpu *cpu)
{
	sysreg_write(cntv_ctl_el0, sysreg_read(cntv_ctl_el0) | CNT_CTL_IMASK);
	if (cpu->more & HV_CPU_VGIC)
		set_add(&procs[cpu->loaded].irqs_pending, HV_IRQ_TIMER);
}
