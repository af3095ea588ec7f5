/* SPDX-License-Identifier: MIT */
/* What successful calls of the process group do, seen through the views. */
#include "ipc.h"

TEST(self_is_the_pid)
{
	hv_pid self = (hv_pid)hv_self();

	CHECK(self > 1 && self < HV_NPROC);
	CHECK_EQ(hv_procs[self].state, HV_PROC_LIVE);
	CHECK(hv_sched->core[self] != 0);
}

TEST(set_name_shows)
{
	hv_pid self = (hv_pid)hv_self(), child = raw_make(NULL);

	DO(set_name, self, 0x1122334455667788, 0x99aabbccddeeff00);
	CHECK_EQ(hv_procs[self].name[0], 0x1122334455667788);
	CHECK_EQ(hv_procs[self].name[1], 0x99aabbccddeeff00);
	DO(set_name, child, 7, 8);
	CHECK_EQ(hv_procs[child].name[0], 7);
	CHECK_EQ(hv_procs[child].name[1], 8);
	raw_discard(child);
}

TEST(clone_makes_an_embryo)
{
	hv_pid self = (hv_pid)hv_self(), pid = take_pid();
	hv_page ctx = take_page(), root = take_page();
	uint64_t pages = hv_procs[self].pages_count, pids = hv_procs[self].pids_count;
	const volatile struct hv_proc *proc = &hv_procs[pid];

	DO(clone, pid, ctx, root);
	CHECK_EQ(proc->state, HV_PROC_EMBRYO);
	CHECK_EQ(proc->ppid, self);
	CHECK_EQ(proc->ctx, ctx);
	CHECK_EQ(proc->root, root);
	CHECK_EQ(proc->pages_count, 2);
	CHECK_EQ(proc->pids_count, 0);
	CHECK_EQ(proc->files_count, 0);
	CHECK_EQ(proc->handles_count, 0);
	CHECK_EQ(proc->recv_slot, HV_NONE);
	CHECK_EQ(hv_procs[self].pages_count, pages - 2);
	CHECK_EQ(hv_procs[self].pids_count, pids);
	CHECK_EQ(hv_page_descs[ctx].type, HV_PAGE_CTX);
	CHECK_EQ(hv_page_descs[ctx].owner, pid);
	CHECK_EQ(hv_page_descs[root].type, HV_PAGE_L0);
	CHECK_EQ(hv_page_descs[root].owner, pid);
	CHECK(!set_has(&hv_sched->ready, pid) && hv_sched->core[pid] == 0);
	raw_discard(pid);
	hv_pid_free(pid);
}

TEST(clone_copies_no_handle)
{
	hv_pid pid = (hv_pid)hv_embryo_new();

	CHECK(hv_procs[hv_self()].handles_count > 0);
	for (hv_handle h = 0; h < HV_NHANDLE; h++)
		CHECK_EQ(hv_handles[pid][h].file, 0);
	raw_discard(pid);
}

/* A pid that had a past starts anew. */
TEST(clone_forgets_the_past)
{
	const struct hv_proc zero = { 0 };
	hv_pid child = raw_make(NULL), again;
	const volatile struct hv_proc *proc;

	DO(set_name, child, 1, 2);
	raw_start(child, raw_load, 0xdead0000);
	CHECK((raw_wait(child).status & RAW_EXCEPTION) != 0);
	again = (hv_pid)hv_embryo_new();
	proc = &hv_procs[again];
	CHECK_EQ(proc->status | proc->cause_esr | proc->cause_elr | proc->cause_far, 0);
	CHECK_EQ(proc->name[0] | proc->name[1], zero.name[0]);
	CHECK_EQ(proc->wait_file | proc->wait_peer | proc->wait_flags | proc->reply_to, 0);
	for (int i = 0; i < HV_SET_WORDS; i++)
		CHECK_EQ(proc->callers.word[i] | proc->zombies.word[i], 0);
	raw_discard(again);
}

/* Clone on the level of registers: the embryo goes on where the caller was. */
static uint64_t clone_registers(hv_pid pid, hv_page ctx, hv_page root)
{
	register uint64_t x0 __asm__("x0") = pid;
	register uint64_t x1 __asm__("x1") = ctx;
	register uint64_t x2 __asm__("x2") = root;
	register uint64_t x8 __asm__("x8") = HV_NR_clone;
	uint64_t q, result;

	__asm__ volatile("fmov d20, %5\n hvc #0\n fmov %1, d20"
			 : "+r"(x0), "=r"(q), "+r"(x1), "+r"(x2), "+r"(x8)
			 : "r"(0x4142434445464748ULL)
			 : "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14",
			   "x15", "x16", "x17", "v20", "memory");
	result = x0;	/* before a call takes the register */
	CHECK_EQ(q, 0x4142434445464748);
	return result;
}

TEST(clone_keeps_fp_registers)
{
	hv_pid pid = take_pid();

	CHECK_EQ(clone_registers(pid, take_page(), take_page()), 0);
	raw_discard(pid);
	hv_pid_free(pid);
}

TEST(set_entry_starts_from_nothing)
{
	struct raw_end end = raw_run(NULL, raw_fresh, 0);

	CHECK_EQ(end.esr, 0);
	CHECK_EQ(end.status, 0);
}

TEST(set_entry_masks_at_el1)
{
	/* DAIF 0x3c0, CurrentEL 4, SPSel 1 */
	CHECK_EQ(raw_run(NULL, raw_pstate, 0).status, 0x3c5);
}

TEST(set_entry_passes_its_argument)
{
	static const uint64_t values[] = { 0, 1, 0x8000000000000000, ~0ULL, 0x0123456789abcdef };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		CHECK_EQ(raw_run(NULL, raw_exit, values[i]).status, values[i]);
}

/* Start addresses that no code can be at end the child at its own vectors, or never. */
TEST(set_entry_anywhere)
{
	static const uint64_t wild[] = { 0, 1, 2, 3, 0x10001, ~0ULL, 0x0000ffffffffffff,
					 0xffff000000000000, 0x0001000000000000, 0x400000000000,
					 0x8000000000000000, HV_VIEW_BASE, HV_TABLES_L0 };

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		hv_pid child = raw_make(NULL);
		hv_time until = hv_deadline_us(3000);

		DO(set_entry, child, wild[i], 0);
		DO(set_runnable, child);
		while (hv_now() < until)
			hv_yield();
		raw_discard(child);
	}
}

TEST(set_runnable_makes_it_ready)
{
	hv_pid child = raw_make(NULL);

	DO(set_entry, child, raw_address(raw_spin), 0);
	CHECK(!set_has(&hv_sched->ready, child));
	DO(set_runnable, child);
	CHECK_EQ(hv_procs[child].state, HV_PROC_LIVE);
	CHECK(!is_blocked(child));
	FAILS(EPERM, set_runnable, child);
	FAILS(EPERM, set_entry, child, 0, 0);
	raw_discard(child);
	CHECK(!set_has(&hv_sched->ready, child));
}

/* A process for each core that keeps it busy. */
static void others_start(const char *program, hv_pid pids[HV_NCPU])
{
	for (uint64_t i = 0; i < hv_bootinfo->cpu_count; i++)
		pids[i] = raw_launch(program, 0);
}

static void others_end(const hv_pid pids[HV_NCPU])
{
	for (uint64_t i = 0; i < hv_bootinfo->cpu_count; i++)
		raw_discard(pids[i]);
}

/* With a spinner in between: round-robin would run that first. */
static bool switch_runs_child(void)
{
	hv_pid spinners[HV_NCPU], child;
	bool is_dead, is_undisturbed;
	int64_t result;
	uint64_t ticks;

	others_start(raw_spin, spinners);
	child = raw_launch(raw_exit, 9);
	ticks = hv_sched->ticks;
	result = hv_switch_to(child);
	is_dead = hv_procs[child].state == HV_PROC_ZOMBIE;
	is_undisturbed = hv_sched->ticks == ticks;
	CHECK((result == 0 && is_dead) || !is_undisturbed);
	CHECK_EQ(raw_wait(child).status, 9);
	others_end(spinners);
	return is_dead && is_undisturbed;
}

TEST(switch_to_runs_it_now)
{
	int tries = 0;

	/* all on one core: another, when its process blocks, would take the child */
	DO(set_affinity, (hv_pid)hv_self(), 1);
	/* a tick may come between; not every time */
	while (!switch_runs_child())
		CHECK(++tries < 50);
}

/* One more than there are cores: somebody is always ready. */
TEST(yield_returns)
{
	hv_pid others[HV_NCPU];
	uint64_t before;

	others_start(raw_yield, others);
	before = switches_so_far();
	for (int i = 0; i < 100; i++)
		DO(yield);
	CHECK(switches_so_far() - before >= 200);
	others_end(others);
}

/* One that runs on another core is told, and dies there. */
TEST(kill_leaves_a_zombie)
{
	hv_pid self = (hv_pid)hv_self(), child = raw_launch(raw_spin, 0);

	DO(kill, child, 0xfedcba9876543210);
	wait_until_dead(child);
	CHECK_EQ(hv_procs[child].state, HV_PROC_ZOMBIE);
	CHECK_EQ(hv_procs[child].status, 0xfedcba9876543210);
	CHECK_EQ(hv_procs[child].cause_esr, 0);
	CHECK(set_has(&hv_procs[self].zombies, child));
	CHECK(!set_has(&hv_sched->ready, child));
	CHECK_EQ(hv_wait(HV_NOWAIT, HV_NONE), child);
	FAILS(ESTATE, kill, child, 1);
	raw_discard(child);
	CHECK(!set_has(&hv_procs[self].zombies, child));
}

TEST(kill_an_embryo)
{
	hv_pid child = raw_make(NULL);

	DO(kill, child, 4);
	CHECK_EQ(hv_procs[child].state, HV_PROC_ZOMBIE);
	FAILS(EPERM, set_runnable, child);
	FAILS(EPERM, set_entry, child, 0, 0);
	raw_discard(child);
}

static void exit_plain(void *status)
{
	hv_kill((hv_pid)hv_self(), (uintptr_t)status);
}

TEST(kill_oneself)
{
	CHECK_EQ(peer_run(exit_plain, (void *)0x1234567800000000).raw, 0x1234567800000000);
	CHECK_EQ(peer_run(exit_plain, NULL).raw, 0);
}

/* The dead one's parent gets the lowest dead child first. */
TEST(wait_lowest_first)
{
	hv_pid a = raw_launch(raw_exit, 1), b = raw_launch(raw_exit, 2);
	hv_pid c = raw_launch(raw_exit, 3);
	hv_pid low = a < b ? a : b;

	low = low < c ? low : c;
	wait_until_dead(a);
	wait_until_dead(b);
	wait_until_dead(c);
	CHECK_EQ(hv_wait(HV_FOREVER, HV_NONE), low);
	raw_discard(a);
	raw_discard(b);
	raw_discard(c);
}
