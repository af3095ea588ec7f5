/* SPDX-License-Identifier: MIT */
/*
 * The last routine of the old image. It runs on a copy of itself in the
 * window: no calls, no data but its argument, no address of its own.
 */
#include "exec.h"

#include <signal.h>

HV_INLINE void drop_table(const struct plan *plan, uintptr_t va)
{
	hv_page l3 = ((L2_ENTRY(va) & HV_PTE_PA_MASK) - plan->ram_base) >> HV_PAGE_SHIFT;

	for (hv_index i = 0; i < HV_PAGE_WORDS; i++, va += HV_PAGE_SIZE) {
		uint64_t pte = L3_ENTRY(va);

		if (pte == 0 || (va >= HV_WINDOW_VA && va < HV_WINDOW_END))
			continue;
		hv_free_frame(plan->pid, l3, i,
			((pte & HV_PTE_PA_MASK) - plan->ram_base) >> HV_PAGE_SHIFT);
	}
}

HV_INLINE void drop_all(const struct plan *plan)
{
	uintptr_t va = 0;

	while (va < USER_VA_END) {
		if (!(L0_ENTRY(va) & HV_PTE_VALID)) {
			va += 1UL << 39;
		} else if (!(L1_ENTRY(va) & HV_PTE_VALID)) {
			va += 1UL << 30;
		} else {
			if (L2_ENTRY(va) & HV_PTE_VALID)
				drop_table(plan, va);
			va += 1UL << 21;
		}
	}
}

__attribute__((section(".hv_runner"), used))
_Noreturn void os_exec_run(const struct plan *plan)
{
	drop_all(plan);
	for (uint64_t i = 0; i < plan->count; i++)
		if (hv_map_frame(plan->pid, plan->entry[i].l3, plan->entry[i].index,
				plan->entry[i].parcel, plan->entry[i].perm) < 0)
			hv_kill(plan->pid, HV_STATUS_SIGNAL | SIGKILL);
	HV_ASM_REG(0) = plan->arg;
	HV_ASM_REG(1) = plan->entry_point;
	__asm__ volatile("msr spsel, #1\n\tbr x1" : : "r"(x0), "r"(x1) : "memory");
	__builtin_unreachable();
}
