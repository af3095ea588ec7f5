/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU interface, GICv2 (memory) or GICv3 (system registers).
 * Keeps: a list register holds a line of the process whose registers the core
 * holds, `listed` says which; it is built from irqs[] and two bits of state,
 * never from what was read. While nobody's lines are loaded it is off, and
 * with GICv3 what EL1 would do to it traps.
 *
 * What is not listed waits in irqs_pending: one line is listed each time that
 * there is an occasion, and the maintenance interrupt makes one while lines
 * wait.
 */
#include "vgic.h"

#include <arch/sysreg.h>

#include "irq.h"
#include "layout.h"
#include "prim.h"
#include "sched.h"

/* List registers 1 to 3: those of devices. */
enum { LR_DEVICES = (1 << HV_NLR) - 2 };

_Static_assert(HV_NLR == 4, "four list registers are written out");

static bool is_v2(void)
{
	return machine.gic_version == 2;
}

static uint64_t gich_read(uint64_t offset)
{
	return mmio_read32(GICH_VA + offset);
}

static void gich_write(uint64_t offset, uint64_t value)
{
	mmio_write32(GICH_VA + offset, (uint32_t)value);
}

/* On: EL1 has group 1 of it. TALL0: group 0 is nobody's (GICv3; with GICv2 all is one group). */
static void write_control(bool is_on, bool has_more)
{
	uint64_t on = ICH_HCR_EN | (has_more ? ICH_HCR_UIE : 0);

	if (is_v2())
		gich_write(GICH_HCR, is_on ? on : 0);
	else
		sysreg_write(ICH_HCR, is_on ? on | ICH_HCR_TALL0 :
					      ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1);
}

/* ---- the loaded process gets one line more ------------------------------------------- */

static uint64_t empty_lists(void)
{
	return is_v2() ? gich_read(GICH_ELSR0) : sysreg_read(ICH_ELRSR);
}

static void write_pending(uint64_t k, uint64_t lr)
{
	uint64_t pending = (uint64_t)LR_PENDING << LR_SHIFT_V3;

	if (is_v2())
		gich_write(GICH_LR0 + 4 * k, lr | LR_PENDING << LR_SHIFT_V2);
	else if (k == 1)
		sysreg_write(ICH_LR1, lr | pending);
	else if (k == 2)
		sysreg_write(ICH_LR2, lr | pending);
	else
		sysreg_write(ICH_LR3, lr | pending);
}

/*
 * The timer's list register is the first, always: its interrupt may come
 * again while the process serves it, and no two may hold one INTID.
 */
static void write_timer(void)
{
	uint64_t lr = irqs[HV_IRQ_TIMER].lr;

	if (is_v2())
		gich_write(GICH_LR0, lr | (gich_read(GICH_LR0) & LR_STATES << LR_SHIFT_V2) |
					     LR_PENDING << LR_SHIFT_V2);
	else
		sysreg_write(ICH_LR0, lr | sysreg_read(ICH_LR0) >> LR_SHIFT_V3 << LR_SHIFT_V3 |
					      (uint64_t)LR_PENDING << LR_SHIFT_V3);
}

/* Does the timer's line wait? It is to be listed then. */
static bool take_timer(struct hv_proc *proc)
{
	if (!set_has(&proc->irqs_pending, HV_IRQ_TIMER))
		return false;
	set_remove(&proc->irqs_pending, HV_IRQ_TIMER);
	proc->listed[0] = HV_IRQ_TIMER;
	return true;
}

/*
 * Takes one line of a device that waits for list register k, of which `empty`
 * has a bit for each that is free; 0 if there is none. The one that follows
 * what k held last comes first, so that none waits for ever.
 */
static uint64_t take_line(struct hv_proc *proc, uint64_t empty, uint64_t k)
{
	uint64_t line = empty == 0 ? 0 : set_next(&proc->irqs_pending, proc->listed[k]);

	if (line != 0) {
		set_remove(&proc->irqs_pending, line);
		proc->listed[k] = line;
	}
	return line;
}

void vgic_list(struct hv_cpu *cpu)
{
	struct hv_proc *proc = &procs[cpu->loaded];
	uint64_t empty = empty_lists() & LR_DEVICES, k = ctz64(empty) % HV_NLR;
	uint64_t line;

	if (take_timer(proc))
		write_timer();
	line = take_line(proc, empty, k);
	if (line != 0)
		write_pending(k, irqs[line].lr);
	write_control(true, !set_is_empty(&proc->irqs_pending));
}

/* All ones, or 0 where list register k holds the line; then it holds none. */
static uint64_t forget(struct hv_proc *proc, uint64_t k, uint64_t line)
{
	uint64_t keep = -(uint64_t)(proc->listed[k] != line);

	proc->listed[k] &= keep;
	return keep;
}

void vgic_forget(uint64_t pid, uint64_t line)
{
	struct hv_proc *proc = &procs[pid];
	uint64_t keep1 = forget(proc, 1, line), keep2 = forget(proc, 2, line);
	uint64_t keep3 = forget(proc, 3, line);

	set_remove(&proc->irqs_pending, line);
	if (is_v2()) {
		gich_write(GICH_LR0 + 4, gich_read(GICH_LR0 + 4) & keep1);
		gich_write(GICH_LR0 + 8, gich_read(GICH_LR0 + 8) & keep2);
		gich_write(GICH_LR0 + 12, gich_read(GICH_LR0 + 12) & keep3);
		return;
	}
	sysreg_write(ICH_LR1, sysreg_read(ICH_LR1) & keep1);
	sysreg_write(ICH_LR2, sysreg_read(ICH_LR2) & keep2);
	sysreg_write(ICH_LR3, sysreg_read(ICH_LR3) & keep3);
}

/* ---- the interface changes hands -------------------------------------------------------- */

/* What the running process has made of it, into its context page. */
static void save(uint64_t *ctx)
{
	if (is_v2()) {
		ctx[CTX_VMCR] = gich_read(GICH_VMCR);
		ctx[CTX_APR] = gich_read(GICH_APR);
		ctx[CTX_LR_STATE] = gich_read(GICH_LR0) >> LR_SHIFT_V2 & LR_STATES;
		ctx[CTX_LR_STATE + 1] = gich_read(GICH_LR0 + 4) >> LR_SHIFT_V2 & LR_STATES;
		ctx[CTX_LR_STATE + 2] = gich_read(GICH_LR0 + 8) >> LR_SHIFT_V2 & LR_STATES;
		ctx[CTX_LR_STATE + 3] = gich_read(GICH_LR0 + 12) >> LR_SHIFT_V2 & LR_STATES;
		return;
	}
	ctx[CTX_VMCR] = sysreg_read(ICH_VMCR);
	ctx[CTX_APR] = sysreg_read(ICH_AP1R0);
	ctx[CTX_LR_STATE] = sysreg_read(ICH_LR0) >> LR_SHIFT_V3;
	ctx[CTX_LR_STATE + 1] = sysreg_read(ICH_LR1) >> LR_SHIFT_V3;
	ctx[CTX_LR_STATE + 2] = sysreg_read(ICH_LR2) >> LR_SHIFT_V3;
	ctx[CTX_LR_STATE + 3] = sysreg_read(ICH_LR3) >> LR_SHIFT_V3;
}

/* The list register k of a process, as it was left. */
static uint64_t list_word(const struct hv_proc *proc, const uint64_t *ctx, uint64_t k,
			  unsigned int shift)
{
	return irqs[proc->listed[k]].lr | (ctx[CTX_LR_STATE + k] & LR_STATES) << shift;
}

static void load_registers(const struct hv_proc *proc, const uint64_t *ctx)
{
	if (is_v2()) {
		gich_write(GICH_VMCR, ctx[CTX_VMCR]);
		gich_write(GICH_APR, ctx[CTX_APR]);
		gich_write(GICH_LR0, list_word(proc, ctx, 0, LR_SHIFT_V2));
		gich_write(GICH_LR0 + 4, list_word(proc, ctx, 1, LR_SHIFT_V2));
		gich_write(GICH_LR0 + 8, list_word(proc, ctx, 2, LR_SHIFT_V2));
		gich_write(GICH_LR0 + 12, list_word(proc, ctx, 3, LR_SHIFT_V2));
		return;
	}
	sysreg_write(ICH_VMCR, ctx[CTX_VMCR]);
	sysreg_write(ICH_AP1R0, ctx[CTX_APR]);
	sysreg_write(ICH_LR0, list_word(proc, ctx, 0, LR_SHIFT_V3));
	sysreg_write(ICH_LR1, list_word(proc, ctx, 1, LR_SHIFT_V3));
	sysreg_write(ICH_LR2, list_word(proc, ctx, 2, LR_SHIFT_V3));
	sysreg_write(ICH_LR3, list_word(proc, ctx, 3, LR_SHIFT_V3));
}

/* Bit k, if list register k was left with no interrupt. */
static uint64_t empty_bit(const uint64_t *ctx, uint64_t k)
{
	return (uint64_t)((ctx[CTX_LR_STATE + k] & LR_STATES) == 0) << k;
}

static bool has_pending(const struct hv_proc *proc, const uint64_t *ctx)
{
	uint64_t states = ctx[CTX_LR_STATE] | ctx[CTX_LR_STATE + 1] |
			  ctx[CTX_LR_STATE + 2] | ctx[CTX_LR_STATE + 3];

	return (states & LR_PENDING) != 0 || !set_is_empty(&proc->irqs_pending);
}

/*
 * The loaded process leaves the core, unless it waits for an interrupt and
 * has one: then it is ready again, and stays if the core becomes its own.
 */
void vgic_leave(struct hv_cpu *cpu)
{
	uint64_t pid = cpu->loaded;
	uint64_t *ctx = ctx_of(pid);

	save(ctx);
	if (has_pending(&procs[pid], ctx) && irq_wake(pid) && cpu->current == 0)
		sched_run_next(cpu);
	if (cpu->current != pid) {
		write_control(false, false);
		sched_kick(cpu);	/* it may be ready, for another core */
	}
}

void vgic_load(uint64_t pid)
{
	const struct hv_proc *proc = &procs[pid];

	load_registers(proc, ctx_of(pid));
	write_control(true, !set_is_empty(&proc->irqs_pending));
}

void vgic_enter(struct hv_cpu *cpu)
{
	struct hv_proc *proc = &procs[cpu->loaded];
	uint64_t *ctx = ctx_of(cpu->loaded);
	uint64_t empty = empty_bit(ctx, 1) | empty_bit(ctx, 2) | empty_bit(ctx, 3);
	uint64_t k = ctz64(empty) % HV_NLR;

	if (take_timer(proc))
		ctx[CTX_LR_STATE] |= LR_PENDING;
	if (take_line(proc, empty, k) != 0)
		ctx[CTX_LR_STATE + k] = LR_PENDING;
	vgic_load(cpu->loaded);
}
