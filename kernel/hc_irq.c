/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on interrupt lines. Keep: irqs_count of p is the number of lines
 * that p owns; a line that is not used is masked.
 */
#include "check.h"
#include "gic.h"
#include "hypercall.h"
#include "vgic.h"

int64_t hc_enable_vgic(void)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	uint64_t *ctx = ctx_of(self);

	if (procs[self].has_vgic != 0)
		return -HV_EEXIST;

	ctx[CTX_VMCR] = 0;
	ctx[CTX_APR] = 0;
	ctx[CTX_LR_STATE] = 0;
	ctx[CTX_LR_STATE + 1] = 0;
	ctx[CTX_LR_STATE + 2] = 0;
	ctx[CTX_LR_STATE + 3] = 0;
	procs[self].has_vgic = 1;
	cpu->more |= HV_CPU_VGIC;
	vgic_load(self);
	return 0;
}

static bool is_line(uint64_t line)
{
	return line < HV_NIRQ && irqs[line].state != HV_IRQ_NONE;
}

/* Is it a line of the caller's, in that state? */
static int64_t check_line(uint64_t self, uint64_t line, uint64_t state)
{
	if (!is_line(line))
		return -HV_EINVAL;
	if (irqs[line].owner != self)
		return -HV_EACCES;
	if (irqs[line].state != state)
		return state == HV_IRQ_FREE ? -HV_EBUSY : -HV_ENOENT;
	return 0;
}

int64_t hc_alloc_irq(uint64_t line)
{
	uint64_t self = current_pid();
	int64_t error = check_line(self, line, HV_IRQ_FREE);

	if (error)
		return error;
	if (procs[self].has_vgic == 0)
		return -HV_ESTATE;

	irqs[line].state = HV_IRQ_USED;
	gic_set_bit(GICD_ISENABLER, irqs[line].intid);
	return 0;
}

/* Masked first; then it may be active no longer, whether the process has ended it or not. */
int64_t hc_free_irq(uint64_t line)
{
	uint64_t self = current_pid();
	int64_t error = check_line(self, line, HV_IRQ_USED);

	if (error)
		return error;

	irqs[line].state = HV_IRQ_FREE;
	gic_set_bit(GICD_ICENABLER, irqs[line].intid);
	vgic_forget(self, line);
	gic_set_bit(GICD_ICACTIVER, irqs[line].intid);
	return 0;
}

static void irq_give(uint64_t line, uint64_t to)
{
	procs[irqs[line].owner].irqs_count--;
	procs[to].irqs_count++;
	irqs[line].owner = to;
}

static int64_t check_grant_irq(uint64_t self, uint64_t child, uint64_t line)
{
	int64_t error = check_grant(self, child);

	return error ? error : check_line(self, line, HV_IRQ_FREE);
}

int64_t hc_grant_irq(uint64_t child, uint64_t line)
{
	int64_t error = check_grant_irq(current_pid(), child, line);

	if (error)
		return error;

	irq_give(line, child);
	return 0;
}

static int64_t check_revoke_irq(uint64_t self, uint64_t line)
{
	uint64_t owner;

	if (!is_line(line))
		return -HV_EINVAL;
	owner = irqs[line].owner;
	if (procs[owner].ppid != self)
		return -HV_EPERM;
	if (irqs[line].state == HV_IRQ_USED && procs[owner].state != HV_PROC_ZOMBIE)
		return -HV_EBUSY;
	return 0;
}

/*
 * What a dead owner had not ended is pending again, for the next: once too
 * often, maybe, but never lost.
 */
int64_t hc_revoke_irq(uint64_t line)
{
	uint64_t self = current_pid();
	int64_t error = check_revoke_irq(self, line);

	if (error)
		return error;

	if (irqs[line].state == HV_IRQ_USED) {
		irqs[line].state = HV_IRQ_FREE;
		gic_set_bit(GICD_ICENABLER, irqs[line].intid);
		gic_set_bit(GICD_ISPENDR, irqs[line].intid);
		gic_set_bit(GICD_ICACTIVER, irqs[line].intid);
	}
	irq_give(line, self);
	return 0;
}
