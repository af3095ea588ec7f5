/* SPDX-License-Identifier: MIT */
/*
 * The interrupt lines that processes may have: every shared interrupt that an
 * enabled node of the device tree names, but the UART's if that is the
 * kernel's. Invariant: each has one INTID of its own, is routed to this core,
 * and is masked.
 */
#include "boot.h"

#include "boot_dt.h"
#include "gic.h"

enum { PRIORITY = 0xa0 };

static uint64_t line_count = HV_IRQ_TIMER + 1;

/*
 * List register: HW (the process's end of interrupt deactivates the physical
 * one), group 1 (v3), priority, physical and virtual INTID (IHI 0048B, 5.3.8;
 * IHI 0069H, ICH_LR<n>_EL2). The timer has no physical one: the kernel masks it.
 */
static uint64_t list_register(uint64_t intid, bool is_physical)
{
	uint64_t hw = is_physical;

	if (facts.gic_version == 2)
		return hw << 31 | (PRIORITY >> 3) << 23 | (is_physical ? intid << 10 : 0) | intid;
	return hw << 61 | 1ULL << 60 | (uint64_t)PRIORITY << 48 |
	       (is_physical ? intid << 32 : 0) | intid;
}

static void add_line(uint64_t intid, bool is_edge)
{
	if (line_count == HV_NIRQ) {
		boot_print("hv8: no line for interrupt %lu: %lu lines are all\n", intid,
			   (uint64_t)HV_NIRQ);
		return;
	}
	boot_gic_configure(intid, is_edge);
	irqs[line_count].state = HV_IRQ_FREE;
	irqs[line_count].owner = HV_INIT_PID;
	irqs[line_count].intid = intid;
	irqs[line_count].lr = list_register(intid, true);
	irq_line[intid] = line_count++;
}

static bool is_for_processes(uint64_t intid)
{
	return intid >= 32 && intid < boot_gic_limit() && intid != machine.uart_intid &&
	       irq_line[intid] == 0;
}

static void add_node(int node)
{
	uint64_t intid;
	bool is_edge;

	for (int i = 0; dt_interrupt(node, i, &intid, &is_edge); i++)
		if (is_for_processes(intid) && dt_is_usable(node))
			add_line(intid, is_edge);
}

/* From here on no interrupt is the kernel's UART's: none has that INTID (IHI 0048B, 3.2.5). */
static void give_uart(void)
{
	bootinfo.uart_pa = facts.uart_pa;
	bootinfo.uart_intid = machine.uart_intid;
	bootinfo.uart_kind = machine.uart_kind;
	machine.uart_intid = GIC_SPURIOUS;
}

void boot_irq_start(void)
{
	if (facts.uart_is_process)
		give_uart();
	for (int node = 0; node < dt_count(); node++)
		add_node(node);
	if (facts.uart_is_process && irq_line[bootinfo.uart_intid] == 0)
		boot_fail("uart=process: no line is left for the UART's interrupt %lu",
			  bootinfo.uart_intid);
	irqs[HV_IRQ_TIMER].intid = machine.vtimer_intid;
	irqs[HV_IRQ_TIMER].lr = list_register(machine.vtimer_intid, false);
	procs[HV_INIT_PID].irqs_count = line_count - HV_IRQ_TIMER - 1;
}
