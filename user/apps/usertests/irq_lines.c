/* SPDX-License-Identifier: MIT */
/* Interrupts of devices: each comes once, to its owner, however many there are. */
#include "irq.h"

/* List registers of lines: the first is the timer's. */
enum { DEVICE_LISTS = HV_NLR - 1, PATIENCE_US = 5000000 };

static volatile unsigned counts[LINES_MAX];

static void handle_lines(unsigned number)
{
	for (unsigned i = 0; i < number; i++) {
		/* a line in use is no own line any more: always the first of those left */
		uint64_t intid = irq_intid(irq_own_line(0));

		CHECK_EQ(hv_irq_handler_fast(intid, irq_count, (void *)&counts[i]), 0);
	}
}

static void check_counts(unsigned number, unsigned expected)
{
	for (unsigned i = 0; i < number; i++)
		CHECK_EQ(counts[i], expected);
}

static unsigned waiting(void)
{
	const volatile struct hv_set *set = &hv_procs[hv_self()].irqs_pending;

	return (unsigned)(__builtin_popcountl(set->word[0]) + __builtin_popcountl(set->word[1]));
}

/* They come by way of the core that all of them are sent to. */
static void wait_for_waiting(unsigned number)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	while (waiting() != number && hv_now() < deadline)
		continue;
	CHECK_EQ(waiting(), number);
}

TEST(irq_line_comes_once)
{
	irq_start();
	irq_stir(1);
	handle_lines(1);
	irq_await(&counts[0], 1);
	irq_linger();
	CHECK_EQ(counts[0], 1);
}

/* Taken into use again, without anybody having died with it. */
TEST(irq_quiet_line_does_not_come)
{
	uint64_t intid = irq_intid(irq_own_line(0));

	irq_start();
	handle_lines(1);
	irq_linger();
	CHECK_EQ(hv_irq_handler_fast(intid, NULL, NULL), 0);
	counts[0] = 0;
	handle_lines(1);
	irq_linger();
	CHECK_EQ(counts[0], 0);
}

/* More than there are list registers; the rest waits in irqs_pending. */
TEST(irq_more_than_list_registers)
{
	irq_start();
	irq_stir(LINES_MAX);
	handle_lines(LINES_MAX);
	wait_for_waiting(LINES_MAX - DEVICE_LISTS);
	irq_linger();
	check_counts(LINES_MAX, 1);
	CHECK_EQ(waiting(), 0);
}

/* They stay with their owner while others run, and are no other's. */
static void have_own_timer(void *arg)
{
	struct hv_timer timer = { 0 };
	volatile unsigned count = 0;

	(void)arg;
	CHECK_EQ(hv_irq_enable(), 0);
	for (unsigned i = 1; i <= 20; i++) {
		hv_timer_set(&timer, hv_deadline_us(50), irq_count, (void *)&count);
		irq_await(&count, i);
		hv_yield();
	}
	check_counts(LINES_MAX, 0);
}

TEST(irq_kept_across_switches)
{
	hv_pid others[3];

	irq_start();
	irq_stir(LINES_MAX);
	handle_lines(LINES_MAX);
	for (unsigned i = 0; i < 3; i++)
		others[i] = peer_start(have_own_timer, NULL);
	for (unsigned i = 0; i < 3; i++)
		peer_join(others[i]);
	check_counts(LINES_MAX, 0);
	wait_for_waiting(LINES_MAX - DEVICE_LISTS);
	irq_linger();
	check_counts(LINES_MAX, 1);
}

/* ---- free ------------------------------------------------------------------------------ */

TEST(irq_free_forgets_it)
{
	hv_irq line = irq_own_line(0);
	uint64_t intid = irq_intid(line);

	irq_start();
	irq_stir(1);
	CHECK_EQ(hv_irq_handler_fast(intid, irq_count, (void *)&counts[0]), 0);
	irq_await_arrival(line);
	CHECK(irq_becomes_next(intid, true));
	CHECK_EQ(hv_irq_handler_fast(intid, NULL, NULL), 0);
	CHECK(!irq_is_next(intid, false));
	irq_linger();
	CHECK_EQ(counts[0], 0);
	CHECK_EQ(hv_irq_handler_fast(intid, irq_count, (void *)&counts[0]), 0);
	irq_linger();
	CHECK_EQ(counts[0], 0);
	irq_stir(2);	/* of others: they come */
	handle_lines(2);
	irq_await(&counts[1], 1);
}

/* Also of one that waits for a list register. */
TEST(irq_free_forgets_one_that_waits)
{
	uint64_t intids[LINES_MAX];

	irq_start();
	irq_stir(LINES_MAX);
	for (unsigned i = 0; i < LINES_MAX; i++)
		intids[i] = irq_intid(irq_own_line(i));
	handle_lines(LINES_MAX);
	wait_for_waiting(LINES_MAX - DEVICE_LISTS);
	for (unsigned i = 0; i < LINES_MAX; i += 2)
		CHECK_EQ(hv_irq_handler_fast(intids[i], NULL, NULL), 0);
	irq_linger();
	for (unsigned i = 0; i < LINES_MAX; i++)
		CHECK_EQ(counts[i], i % 2);
	CHECK_EQ(waiting(), 0);
}

static enum hv_handled free_own(struct hv_frame *frame, void *arg)
{
	(void)frame;
	counts[0]++;
	hv_irq_handler_fast(*(uint64_t *)arg, NULL, NULL);
	return HV_HANDLED;
}

/* In its own handler, before its end: the next interrupts come all the same. */
TEST(irq_free_while_active)
{
	uint64_t intid = irq_intid(irq_own_line(0));
	struct hv_timer timer = { 0 };

	irq_start();
	irq_stir(1);
	CHECK_EQ(hv_irq_handler_fast(intid, free_own, &intid), 0);
	irq_await(&counts[0], 1);
	hv_timer_set(&timer, hv_deadline_us(100), irq_count, (void *)&counts[1]);
	irq_await(&counts[1], 1);
	CHECK_EQ(hv_irq_handler_fast(intid, irq_count, (void *)&counts[0]), 0);
	irq_linger();
	CHECK_EQ(counts[0], 1);
}

/* ---- the owner dies ----------------------------------------------------------------------- */

static enum hv_handled die(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	hv_kill((hv_pid)hv_self(), 0);
	return HV_HANDLED;
}

static void die_in_handler(void *arg)
{
	(void)arg;
	irq_start();
	CHECK_EQ(hv_irq_handler_fast(irq_intid(irq_own_line(0)), die, NULL), 0);
	hv_irq_unmask();
	hv_sleep_until(hv_deadline_us(1000000));
	CHECK(false);
}

/* What its owner had begun and not ended comes to the next. */
TEST(irq_active_when_its_owner_dies)
{
	struct hv_grants grants = irq_grants(1);

	irq_start();
	irq_stir(1);
	for (unsigned i = 0; i < 3; i++)
		peer_join(peer_start_granted(die_in_handler, NULL, &grants));
	handle_lines(1);
	irq_await(&counts[0], 1);
	irq_linger();
	CHECK_EQ(counts[0], 1);
}

static void sit_on_it(void *arg)
{
	(void)arg;
	irq_start();
	handle_lines(1);
	for (;;)
		hv_wait(HV_FOREVER, HV_NONE);
}

TEST(irq_pending_when_its_owner_is_killed)
{
	struct hv_grants grants = irq_grants(1);
	hv_pid child;

	irq_start();
	irq_stir(1);
	child = peer_start_granted(sit_on_it, NULL, &grants);
	wait_until_blocked(child);
	peer_kill(child);
	handle_lines(1);
	irq_await(&counts[0], 1);
}

/* It goes from owner to owner, and each has it once. */
static void serve_once(void *arg)
{
	(void)arg;
	irq_start();
	handle_lines(1);
	irq_await(&counts[0], 1);
}

TEST(irq_goes_from_owner_to_owner)
{
	struct hv_grants grants = irq_grants(1);

	irq_start();
	irq_stir(1);
	/* each ends it and dies with the line in use: revoked, it is pending again */
	for (unsigned i = 0; i < 4; i++)
		peer_join(peer_start_granted(serve_once, NULL, &grants));
	CHECK_EQ(counts[0], 0);
}

/* A line that its owner leaves free, pending or not, bothers nobody. */
TEST(irq_pending_line_of_nobody)
{
	uint64_t ticks = hv_sched->ticks;

	irq_stir(LINES_MAX);
	while (hv_sched->ticks < ticks + 5)
		hv_yield();
}
