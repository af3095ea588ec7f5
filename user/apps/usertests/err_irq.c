/* SPDX-License-Identifier: MIT */
/* Errors of the calls on interrupt lines, in their order, and what the calls do. */
#include "errors.h"
#include "irq.h"

/* Numbers of no line: the timer's is each process's own and none that can be owned. */
#define NO_LINE(check, arg)								\
	{ check, HV_EINVAL, arg, 0 }, { check, HV_EINVAL, arg, HV_IRQ_TIMER },		\
	{ check, HV_EINVAL, arg, HV_NIRQ }, { check, HV_EINVAL, arg, unused_line() },	\
	{ check, HV_EINVAL, arg, 1ULL << 32 | irq_own_line(0) },			\
	{ check, HV_EINVAL, arg, 1ULL << 59 | irq_own_line(0) },			\
	{ check, HV_EINVAL, arg, ~0ULL }

static hv_irq unused_line(void)
{
	hv_irq line = HV_NIRQ - 1;

	CHECK_EQ(hv_irqs[line].state, HV_IRQ_NONE);
	return line;
}

/* A line of the runner's. */
static hv_irq line_of_parent(void)
{
	for (hv_irq line = HV_IRQ_TIMER + 1; line < HV_NIRQ; line++)
		if (hv_irqs[line].owner == hv_procs[hv_self()].ppid)
			return line;
	check_skip("the runner has no interrupt line left");
}

/*
 * The line that self uses asks, and that has come by way of any core before
 * the tables are looked at. It needs children: before there is a cast.
 */
static void before_lines(void)
{
	irq_stir(2);
}

/* Lines of the cast's live child, of self, used and not, and of the runner. */
struct lines {
	hv_irq live, used, own, parents;
};

static void lines_make(struct lines *lines, const struct cast *c)
{
	lines->parents = line_of_parent();
	lines->live = irq_own_line(0);
	DO(grant_irq, c->live, lines->live);
	lines->used = irq_own_line(0);
	DO(enable_vgic);
	DO(alloc_irq, lines->used);
	irq_await_arrival(lines->used);
	lines->own = irq_own_line(0);
}

TEST(errors_enable_vgic)
{
	CHECK_EQ(hv_procs[hv_self()].has_vgic, 0);
	DO(enable_vgic);
	CHECK_EQ(hv_procs[hv_self()].has_vgic, 1);
	FAILS(EEXIST, enable_vgic);
	CHECK_EQ(hv_procs[hv_self()].has_vgic, 1);
}

TEST(errors_alloc_irq)
{
	struct cast c;
	struct lines lines;

	before_lines();
	cast_make(&c);
	FAILS(ESTATE, alloc_irq, irq_own_line(0));
	lines_make(&lines, &c);
	const struct vector good = { HV_NR_alloc_irq, { lines.own } };
	const struct violation bad[] = {
		NO_LINE(1, 0),
		{ 2, HV_EACCES, 0, lines.live }, { 2, HV_EACCES, 0, lines.parents },
		{ 3, HV_EBUSY, 0, lines.used },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_irqs[lines.own].state, HV_IRQ_USED);
}

TEST(errors_free_irq)
{
	struct cast c;
	struct lines lines;

	before_lines();
	cast_make(&c);
	lines_make(&lines, &c);
	const struct vector good = { HV_NR_free_irq, { lines.used } };
	const struct violation bad[] = {
		NO_LINE(1, 0),
		{ 2, HV_EACCES, 0, lines.live }, { 2, HV_EACCES, 0, lines.parents },
		{ 3, HV_ENOENT, 0, lines.own },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_irqs[lines.used].state, HV_IRQ_FREE);
	CHECK_EQ(hv_irqs[lines.used].owner, c.self);
	FAILS(ENOENT, free_irq, lines.used);
}

TEST(errors_grant_irq)
{
	struct cast c;
	struct lines lines;

	before_lines();
	cast_make(&c);
	lines_make(&lines, &c);
	const struct vector good = { HV_NR_grant_irq, { c.embryo, lines.own } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, c.lent },	  { 2, HV_EPERM, 0, HV_INIT_PID },
		{ 3, HV_ESTATE, 0, c.zombie },	  { 3, HV_ESTATE, 0, c.unused },
		NO_LINE(4, 1),
		{ 5, HV_EACCES, 1, lines.live }, { 5, HV_EACCES, 1, lines.parents },
		{ 6, HV_EBUSY, 1, lines.used },
	};
	uint64_t before = hv_procs[c.self].irqs_count;

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_irqs[lines.own].owner, c.embryo);
	CHECK_EQ(hv_irqs[lines.own].state, HV_IRQ_FREE);
	CHECK_EQ(hv_procs[c.self].irqs_count, before - 1);
	CHECK_EQ(hv_procs[c.embryo].irqs_count, 1);
	FAILS(EACCES, grant_irq, c.live, lines.own);
}

/* Takes its one line into use and waits. */
static void use_line(void *arg)
{
	(void)arg;
	DO(enable_vgic);
	DO(alloc_irq, irq_own_line(0));
	for (;;)
		hv_wait(HV_FOREVER, HV_NONE);
}

TEST(errors_revoke_irq)
{
	struct cast c;
	struct lines lines;
	struct hv_grants grants;
	hv_irq used;
	hv_pid user;

	before_lines();
	cast_make(&c);
	lines_make(&lines, &c);
	used = irq_own_line(0);
	grants = irq_grants(1);
	user = peer_start_granted(use_line, NULL, &grants);
	wait_until_blocked(user);
	CHECK_EQ(hv_irqs[used].state, HV_IRQ_USED);
	const struct vector good = { HV_NR_revoke_irq, { lines.live } };
	const struct violation bad[] = {
		NO_LINE(1, 0),
		{ 2, HV_EPERM, 0, irq_own_line(0) }, { 2, HV_EPERM, 0, lines.used },
		{ 2, HV_EPERM, 0, lines.parents },
		{ 3, HV_EBUSY, 0, used },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_irqs[lines.live].owner, c.self);
	FAILS(EPERM, revoke_irq, lines.live);
	DO(kill, user, 1);
	DO(revoke_irq, used);
	CHECK_EQ(hv_irqs[used].owner, c.self);
	CHECK_EQ(hv_irqs[used].state, HV_IRQ_FREE);
	CHECK_EQ(hv_procs[user].irqs_count, 0);
}

/* ---- lines and death ---------------------------------------------------------------- */

/* The last thing that a dead child has keeps it from being reaped. */
TEST(reap_refused_by_a_line_alone)
{
	hv_pid pid = take_pid();
	hv_page ctx = take_page(), root = take_page();
	hv_irq line = irq_own_line(0);

	DO(clone, pid, ctx, root);
	DO(grant_irq, pid, line);
	DO(kill, pid, 0);
	DO(reclaim_page, ctx);
	DO(reclaim_page, root);
	FAILS(EBUSY, reap, pid);
	DO(revoke_irq, line);
	DO(reap, pid);
	CHECK_EQ(hv_irqs[line].owner, hv_self());
}

/* A line goes down two generations, and comes back when both are dead. */
static void hand_down(void *arg)
{
	hv_irq line = irq_own_line(0);
	hv_pid child = raw_launch(raw_sleep, 0);

	(void)arg;
	wait_until_blocked(child);
	DO(grant_irq, child, line);
	CHECK_EQ(hv_irqs[line].owner, child);
	hv_kill((hv_pid)hv_self(), 0);
}

TEST(irq_comes_back_from_a_grandchild)
{
	hv_irq line = irq_own_line(0);
	struct hv_grants grants = irq_grants(1);

	grants.pids = 2;
	peer_join(peer_start_granted(hand_down, NULL, &grants));
	CHECK(hv_irqs[line].owner != (hv_pid)hv_self());
	raw_bury();
	CHECK_EQ(hv_irqs[line].owner, hv_self());
}
