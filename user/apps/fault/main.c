/* SPDX-License-Identifier: MIT */
/*
 * fault: does one forbidden thing and ends by it; the shell, its parent, says
 * what happened. `fault` alone lists what there is.
 */
#include "attack.h"

#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kind {
	const char *name;
	void (*run)(void);
	const char *words;
};

static const uint64_t constant[] = { 1 };
static volatile uint64_t variable;

static void touch(uint64_t address)
{
	(void)*(volatile uint64_t *)address;
}

static void read_null(void)
{
	touch(0);
}

static void read_kernel(void)
{
	touch(0x400000000000);
}

static void read_upper_half(void)
{
	touch(0xffff800000000000);
}

static void write_constant(void)
{
	*(volatile uint64_t *)(uintptr_t)constant = 2;
}

static void write_code(void)
{
	*(volatile uint32_t *)(uintptr_t)write_code = 0;
}

static void write_tables(void)
{
	((volatile struct hv_proc *)HV_VIEW_PROCS)[HV_INIT_PID].state = HV_PROC_ZOMBIE;
}

static void write_own_tables(void)
{
	*(volatile uint64_t *)HV_TABLES_L0 = 0;
}

static void execute_data(void)
{
	attack_jump((uint64_t)(uintptr_t)&variable);
}

static void jump_to_garbage(void)
{
	attack_jump(0xdeadbeef0000);
}

static void jump_unaligned(void)
{
	attack_jump((uint64_t)(uintptr_t)jump_unaligned + 2);
}

/* Below the stack's limit, in one step. */
static void overflow_stack(void)
{
	touch(HV_STACK_LIMIT - 4096);
}

/* The end exists for the compiler, which knows endless recursion when it sees it. */
static uint64_t recurse(uint64_t depth)
{
	volatile uint64_t frame[64];

	if (depth == UINT64_MAX)
		return 0;
	frame[depth % 64] = depth;
	return recurse(depth + 1) + frame[depth % 64];
}

static void recurse_for_ever(void)
{
	variable = recurse(0);
}

/* Every process of it; they get no further than their share of process ids. */
static void fork_for_ever(void)
{
	for (;;)
		fork();
}

static const struct kind kinds[] = {
	{ "null", read_null, "reads address 0" },
	{ "readonly", write_constant, "writes to a constant" },
	{ "code", write_code, "writes to its own code" },
	{ "noexec", execute_data, "executes data" },
	{ "jump", jump_to_garbage, "jumps to a garbage address" },
	{ "stack", overflow_stack, "touches memory below its stack" },
	{ "recursion", recurse_for_ever, "calls itself for ever" },
	{ "align", jump_unaligned, "jumps to an unaligned address" },
	{ "undefined", attack_undefined, "executes an undefined instruction" },
	{ "brk", attack_brk, "executes a breakpoint instruction" },
	{ "abort", abort, "calls abort()" },
	{ "kernel", read_kernel, "reads where the kernel has its own memory" },
	{ "upper", read_upper_half, "reads the upper half of the address space" },
	{ "tables", write_tables, "writes to the kernel's tables" },
	{ "owntables", write_own_tables, "writes to its own translation tables" },
	{ "smc", attack_smc, "calls the firmware" },
	{ "msr", attack_ttbr, "writes TTBR0_EL1, to use other translation tables" },
	{ "mmuoff", attack_mmu_off, "writes SCTLR_EL1, to switch the MMU off" },
	{ "el2", attack_el2, "reads HCR_EL2, a register of the kernel's" },
	{ "setway", attack_set_way, "cleans a cache by set and way" },
	{ "storm", attack_vbar_storm, "takes exceptions without vectors, for ever (^C or kill)" },
	{ "forkbomb", fork_for_ever, "starts processes, for ever (^C or kill)" },
	{ "masked", attack_masked_loop, "loops with interrupts masked, for ever (^C or kill)" },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void list_kinds(void)
{
	fprintf(stderr, "usage: fault KIND\n");
	for (int i = 0; i < KINDS; i++)
		fprintf(stderr, "  %-10s %s\n", kinds[i].name, kinds[i].words);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		list_kinds();
		return APP_USAGE;
	}
	for (int i = 0; i < KINDS; i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		printf("fault: %s\n", kinds[i].words);
		fflush(stdout);
		kinds[i].run();
		printf("fault: nothing happened\n");
		return 1;
	}
	fprintf(stderr, "fault: %s: no such kind\n", argv[1]);
	list_kinds();
	return APP_USAGE;
}
