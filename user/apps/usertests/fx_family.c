/* SPDX-License-Identifier: MIT */
/* Parents and children: what is reaped, inherited, given and taken back. */
#include "ipc.h"

/* ---- reap --------------------------------------------------------------------------- */

/* A dead embryo that still owns one thing of the given kind. */
TEST(reap_only_when_empty)
{
	hv_pid self = (hv_pid)hv_self(), pid = take_pid();
	hv_page ctx = take_page(), root = take_page();
	hv_handle handle = endpoint_make();
	hv_file file = hv_file_alloc();
	hv_pid lent = take_pid();

	DO(clone, pid, ctx, root);
	DO(grant_pid, pid, lent);
	DO(grant_file, pid, file);
	DO(transfer, pid, handle, 3, HV_RIGHT_READ);
	DO(kill, pid, 0);
	FAILS(EBUSY, reap, pid);
	DO(reclaim_page, ctx);
	DO(reclaim_page, root);
	FAILS(EBUSY, reap, pid);
	DO(revoke_pid, lent);
	FAILS(EBUSY, reap, pid);
	DO(revoke_file, file);
	FAILS(EBUSY, reap, pid);
	DO(close, pid, 3);
	DO(reap, pid);
	CHECK_EQ(hv_procs[pid].state, HV_PROC_UNUSED);
	CHECK_EQ(hv_procs[pid].ppid, self);
	FAILS(ESTATE, reap, pid);
}

/* Each of the four alone is enough to refuse: all but pages. */
TEST(reap_refused_by_pages_alone)
{
	hv_pid pid = take_pid();
	hv_page ctx = take_page(), root = take_page();

	DO(clone, pid, ctx, root);
	DO(kill, pid, 0);
	DO(reclaim_page, root);
	FAILS(EBUSY, reap, pid);
	DO(reclaim_page, ctx);
	DO(reap, pid);
}

/* ---- families ------------------------------------------------------------------------ */

/* Ends at once, leaving a child; the child's pid is the status. */
static void leave_child(void *program)
{
	hv_pid child = raw_make(NULL);

	raw_start(child, program, 7);
	hv_kill((hv_pid)hv_self(), child);
}

static hv_pid family(const char *program, hv_pid *orphan)
{
	static const struct hv_grants some = { .pages = 40, .pids = 2, .files = 1 };
	hv_pid parent = peer_start_granted(leave_child, (void *)(uintptr_t)program, &some);

	wait_until_dead(parent);
	*orphan = hv_procs[parent].status;
	CHECK(*orphan > 0 && *orphan < HV_NPROC);
	CHECK_EQ(hv_procs[*orphan].ppid, parent);
	return parent;
}

TEST(reparent_a_living_orphan)
{
	hv_pid self = (hv_pid)hv_self(), orphan, parent = family(raw_spin, &orphan);
	uint64_t pids = hv_procs[self].pids_count;

	FAILS(EPERM, kill, orphan, 0);
	FAILS(EBUSY, reap, parent);
	DO(reparent, orphan);
	CHECK_EQ(hv_procs[orphan].ppid, self);
	CHECK_EQ(hv_procs[orphan].state, HV_PROC_LIVE);
	CHECK_EQ(hv_procs[self].pids_count, pids + 1);
	DO(kill, orphan, 6);
	CHECK_EQ(raw_wait(orphan).status, 6);
	raw_discard(parent);
}

TEST(reparent_a_dead_orphan)
{
	hv_pid self = (hv_pid)hv_self(), orphan, parent = family(raw_exit, &orphan);

	while (hv_procs[orphan].state != HV_PROC_ZOMBIE)
		hv_yield();
	CHECK(!set_has(&hv_procs[self].zombies, orphan));
	DO(reparent, orphan);
	CHECK(set_has(&hv_procs[self].zombies, orphan));
	CHECK(!set_has(&hv_procs[parent].zombies, orphan));
	CHECK_EQ(raw_wait(orphan).status, 7);
	raw_discard(parent);
}

TEST(reparent_an_embryo)
{
	hv_pid self = (hv_pid)hv_self(), breeder = raw_make(NULL), embryo = take_pid();
	hv_page ctx = take_page(), root = take_page();

	DO(grant_page, breeder, ctx);
	DO(grant_page, breeder, root);
	DO(grant_pid, breeder, embryo);
	raw_start(breeder, raw_breed, embryo | ctx << 16 | root << 40);
	wait_until_blocked(breeder);
	FAILS(EPERM, set_name, embryo, 1, 2);
	FAILS(EPERM, set_runnable, embryo);
	DO(kill, breeder, 0);
	DO(reparent, embryo);
	CHECK_EQ(hv_procs[embryo].ppid, self);
	DO(set_name, embryo, 1, 2);
	raw_discard(embryo);
	raw_discard(breeder);
}

TEST(grant_and_revoke_pid)
{
	hv_pid self = (hv_pid)hv_self(), child = raw_make(NULL), pid = take_pid();
	uint64_t count = hv_procs[self].pids_count;

	DO(grant_pid, child, pid);
	CHECK_EQ(hv_procs[pid].ppid, child);
	CHECK_EQ(hv_procs[self].pids_count, count - 1);
	CHECK_EQ(hv_procs[child].pids_count, 1);
	FAILS(EACCES, clone, pid, take_page(), take_page());
	DO(revoke_pid, pid);
	CHECK_EQ(hv_procs[pid].ppid, self);
	CHECK_EQ(hv_procs[self].pids_count, count);
	CHECK_EQ(hv_procs[child].pids_count, 0);
	raw_discard(child);
	hv_pid_free(pid);
}
