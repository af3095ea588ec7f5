/* SPDX-License-Identifier: MIT */
/* What exec.c leaves in the window for exec_run.c to carry out. */
#ifndef LIB_EXEC_H
#define LIB_EXEC_H

#include "os.h"

/* Pages of the window: they belong to neither image. */
#define RUNNER_VA	HV_WINDOW_VA
#define RUNNER_STACK_VA	(HV_WINDOW_VA + HV_PAGE_SIZE)
#define PLAN_VA		(HV_WINDOW_VA + 2 * HV_PAGE_SIZE)

/* A page of the new image. */
struct plan_entry {
	uint32_t l3;
	uint32_t parcel;
	uint32_t index;
	uint32_t perm;
};

struct plan_area {
	uintptr_t start;
	uintptr_t end;
};

struct plan {
	hv_pid pid;
	uint64_t ram_base;
	uint64_t entry_point;
	uint64_t arg;
	uint64_t area_count;	/* of the old image; the window is in none */
	struct plan_area area[OS_REGIONS + 2];
	uint64_t count;		/* of the new one */
	struct plan_entry entry[];
};

_Noreturn void os_exec_jump(const struct plan *plan, uintptr_t runner, uintptr_t sp);
_Noreturn void os_exec_run(const struct plan *plan);

#endif
