/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of hypercalls and traps. A trap that is not made useful by
 * emulation stops the process that took it, and nothing else.
 */
#include "trap.h"
#include "check.h"
#include "console.h"
#include "context.h"
#include "gic.h"
#include "hypercall.h"
#include "irq.h"
#include "timer.h"
#include "vgic.h"

/* ---- the dispatch table ---------------------------------------------------- */

typedef void (*hypercall_fn)(void);

/* It starts a page: one instruction less for each hypercall. */
extern const hypercall_fn hypercall_table[HC_COUNT];
__attribute__((section(".rodata.hypercall_table")))
const hypercall_fn hypercall_table[HC_COUNT] = {
#define HC_ANY(n, name, ...) [n] = (hypercall_fn)hc_##name,
#include "hypercall_any.h"
};

enum { PATH_FREE = 0, PATH_FAST = 1, PATH_FULL = 2 };
#define HC_ANY(n, name, path, ...) \
	_Static_assert((n != HC_NR_self) + (n >= HC_FULL_FIRST) == PATH_##path, \
		       #name " is in the wrong class");
#include "hypercall_any.h"

/* ---- syndromes (D19.2.37) ---------------------------------------------------- */

enum {
	EC_WFX = 0x01,
	EC_FP = 0x07,
	EC_HVC64 = 0x16,
	EC_SYSREG = 0x18,
	EC_SHIFT = 26,
};

#define ESR_WFX_TI_MASK 3ULL		/* 0: WFI */
#define SPSR_M_AARCH32 (1ULL << 4)

/* ISS of EC 0x18: Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], Rt [9:5],
 * CRm [4:1], direction [0], 1 = read. */
#define ISS_RT(iss) (((iss) >> 5) & 31)
#define ISS_KEY_MASK 0x3ffc1fULL
#define ISS_KEY(op0, op1, crn, crm, op2, read) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1 | (read))

#define KEY_CTR_EL0	ISS_KEY(3ULL, 3ULL, 0ULL, 0ULL, 1ULL, 1ULL)
#define KEY_CLIDR_EL1	ISS_KEY(3ULL, 1ULL, 0ULL, 0ULL, 1ULL, 1ULL)
#define KEY_DC_IVAC	ISS_KEY(1ULL, 0ULL, 7ULL, 6ULL, 1ULL, 0ULL)
#define KEY_DC_CVAC	ISS_KEY(1ULL, 3ULL, 7ULL, 10ULL, 1ULL, 0ULL)
#define KEY_DC_CIVAC	ISS_KEY(1ULL, 3ULL, 7ULL, 14ULL, 1ULL, 0ULL)

#define PAR_F 1ULL			/* the translation failed */

/* Not inlined: a trap that ends with this is proved without it. */
__attribute__((noinline)) void trap_stop(struct hv_cpu *cpu)
{
	struct hv_proc *proc = &procs[cpu->current];

	proc->cause_esr = sysreg_read(esr_el2);
	proc->cause_elr = sysreg_read(elr_el2);
	proc->cause_far = sysreg_read(far_el2);
	proc_stop(cpu, cpu->current, 0);
}

static void skip_instruction(void)
{
	sysreg_write(elr_el2, sysreg_read(elr_el2) + 4);
}

/*
 * WFI: blocked until the process's own virtual timer expires. With the timer
 * off there is nothing yet that could wake it but its parent's kill.
 */
static void trap_wfi(struct hv_cpu *cpu)
{
	bool is_enabled = sysreg_read(cntv_ctl_el0) & 1;
	uint64_t deadline = sysreg_read(cntv_cval_el0);

	skip_instruction();
	if (is_enabled && deadline <= sysreg_read(cntvct_el0))
		return;
	sched_block(cpu, 0, 0, HV_WAIT_WFI, is_enabled ? deadline : HV_FOREVER);
	sched_run_next(cpu);
}

/*
 * Data cache maintenance by address to the point of coherency, whichever was
 * asked for, is a clean and invalidate: a plain invalidate could uncover what
 * was in memory before the kernel zeroed the page. Only frames have lines of
 * their owner's to maintain.
 */
static void trap_cache(struct hv_cpu *cpu, uint64_t va)
{
	uint64_t saved = sysreg_read(par_el1);
	uint64_t par, page;

	at_s1e1r(va);
	isb();
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, saved);
	if (par & PAR_F) {
		trap_stop(cpu);
		return;
	}
	page = ((par & HV_PTE_PA_MASK) - machine.pages_pa) >> HV_PAGE_SHIFT;
	if (is_page_of_type(page, HV_PAGE_FRAME))
		dc_civac((uint64_t)pages[page] + va % HV_PAGE_SIZE);
	skip_instruction();
}

/* Word 31 of the context stands for XZR: written here, read never. */
static void trap_read(struct hv_cpu *cpu, uint64_t rt, uint64_t value)
{
	ctx_of(cpu->current)[CTX_X0 + rt] = value;
	skip_instruction();
}

static void trap_sysreg(struct hv_cpu *cpu, uint64_t esr)
{
	uint64_t key = esr & ISS_KEY_MASK;
	uint64_t rt = ISS_RT(esr);
	uint64_t operand = rt == 31 ? 0 : ctx_of(cpu->current)[CTX_X0 + rt];

	if (key == KEY_CTR_EL0)
		trap_read(cpu, rt, sysreg_read(ctr_el0));
	else if (key == KEY_CLIDR_EL1)
		trap_read(cpu, rt, sysreg_read(clidr_el1));
	else if (key == KEY_DC_IVAC || key == KEY_DC_CVAC || key == KEY_DC_CIVAC)
		trap_cache(cpu, operand);
	else
		trap_stop(cpu);
}

/*
 * AArch32 at EL0 is a process's own affair: it runs, uses FP, takes its SVCs
 * and faults to the process's EL1, and is preempted. Anything in it that
 * needs emulation stops the process: its instructions are of two sizes and
 * may sit in an IT block.
 */
void trap_sync(struct hv_cpu *cpu)
{
	uint64_t esr = sysreg_read(esr_el2);
	uint64_t ec = esr >> EC_SHIFT & 0x3f;
	bool is_aarch32 = sysreg_read(spsr_el2) & SPSR_M_AARCH32;

	if (ec == EC_FP && !(cpu->more & HV_CPU_FP))
		context_load_fp(cpu, ctx_of(cpu->current));
	else if (is_aarch32)
		trap_stop(cpu);
	else if (ec == EC_SYSREG)
		trap_sysreg(cpu, esr);
	else if (ec == EC_WFX && (esr & ESR_WFX_TI_MASK) == 0)
		trap_wfi(cpu);
	else if (ec == EC_HVC64)
		ctx_of(cpu->current)[CTX_X0] = (uint64_t)-HV_ENOSYS;
	else
		trap_stop(cpu);
}

/* What an interrupt means. Returns whether a process ends it, not the kernel. */
static bool take_interrupt(struct hv_cpu *cpu, uint64_t intid)
{
	if (intid == machine.timer_intid)
		timer_interrupt(cpu);
	else if (intid == machine.uart_intid)
		console_interrupt();
	else if (intid == machine.vtimer_intid)
		irq_timer(cpu);
	else if (intid != machine.vgic_intid && intid != GIC_SGI)	/* these say: look again */
		return irq_forward(cpu, intid);
	return false;
}

void trap_doomed(struct hv_cpu *cpu)
{
	cpu->doomed = 0;
	proc_stop(cpu, cpu->current, procs[cpu->current].status);
}

/* These are not inlined: an interrupt ends with them, whatever it was, and is proved without. */
__attribute__((noinline)) void leave_idle(struct hv_cpu *cpu)
{
	if (cpu->current != 0) {
		if (!set_has(&cpu->allowed, cpu->current))
			sched_leave(cpu);
		return;
	}
	sched_run_next(cpu);
	if (cpu->current != 0 && cpu->next_tick == TIMER_OFF) {
		cpu->next_tick = sysreg_read(cntpct_el0) + machine.tick_period;
		timer_arm();
	}
	sched_kick(cpu);	/* the way out of a core that has waited does not */
}

__attribute__((noinline)) void leave_irq(struct hv_cpu *cpu)
{
	if (cpu->more & HV_CPU_VGIC)
		vgic_list(cpu);
	leave_idle(cpu);
}

void trap_irq(struct hv_cpu *cpu)
{
	uint32_t iar = gic_ack(), intid = gic_intid(iar);

	if (intid < GIC_SPURIOUS) {
		gic_drop(iar);
		if (!take_interrupt(cpu, intid))
			gic_deactivate(iar);
	}
	leave_irq(cpu);
}
