/* SPDX-License-Identifier: MIT */
/*
 * The last routine of the old image. It runs on a copy of itself in the
 * window: no calls, no data but its argument, no address of its own.
 */
#include "exec.h"

#include <signal.h>

HV_INLINE uintptr_t drop_page(const struct plan *plan, uintptr_t va)
{
	uint64_t pte = L3_ENTRY(va), l2 = L2_ENTRY(va);

	if (pte != 0)
		hv_free_frame(plan->pid, ((l2 & HV_PTE_PA_MASK) - plan->ram_base) >> HV_PAGE_SHIFT,
			va >> HV_PAGE_SHIFT & 511,
			((pte & HV_PTE_PA_MASK) - plan->ram_base) >> HV_PAGE_SHIFT);
	return va + HV_PAGE_SIZE;
}

HV_INLINE void drop(const struct plan *plan, uintptr_t va, uintptr_t end)
{
	while (va < end) {
		if (!(L0_ENTRY(va) & HV_PTE_VALID))
			va = (va | ((1UL << 39) - 1)) + 1;
		else if (!(L1_ENTRY(va) & HV_PTE_VALID))
			va = (va | ((1UL << 30) - 1)) + 1;
		else if (!(L2_ENTRY(va) & HV_PTE_VALID))
			va = (va | ((1UL << 21) - 1)) + 1;
		else
			va = drop_page(plan, va);
	}
}

__attribute__((section(".hv_runner"), used))
_Noreturn void os_exec_run(const struct plan *plan)
{
	for (uint64_t i = 0; i < plan->area_count; i++)
		drop(plan, plan->area[i].start, plan->area[i].end);
	for (uint64_t i = 0; i < plan->count; i++)
		if (hv_map_frame(plan->pid, plan->entry[i].l3, plan->entry[i].index,
				plan->entry[i].parcel, plan->entry[i].perm) < 0)
			hv_kill(plan->pid, HV_STATUS_SIGNAL | SIGKILL);
	HV_ASM_REG(0) = plan->arg;
	HV_ASM_REG(1) = plan->entry_point;
	__asm__ volatile("msr spsel, #1\n\tbr x1" : : "r"(x0), "r"(x1) : "memory");
	__builtin_unreachable();
}
