/* SPDX-License-Identifier: MIT */
/* The process's own timer: at its own vector, whatever it does meanwhile. */
#include "insn.h"
#include "irq.h"
#include "raw.h"

#include <unistd.h>

static volatile unsigned count;

static uint64_t soon(void)
{
	return hv_deadline_us(200);
}

/* Interrupts on, and a timer that counts. */
static void start_timer(struct hv_timer *timer)
{
	irq_start();
	hv_timer_set(timer, soon(), irq_count, (void *)&count);
}

TEST(irq_timer_fires_once)
{
	struct hv_timer timer = { 0 };

	start_timer(&timer);
	irq_await(&count, 1);
	CHECK(hv_now() >= timer.deadline);
	irq_linger();
	CHECK_EQ(count, 1);
}

TEST(irq_masked_waits_for_unmask)
{
	struct hv_timer timer = { 0 };
	uint64_t ticks = hv_sched->ticks;

	start_timer(&timer);
	while (hv_sched->ticks < ticks + 3)
		;
	CHECK_EQ(count, 0);
	irq_await(&count, 1);
}

/* ---- several timers ----------------------------------------------------------------- */

enum { TIMERS = 20 };
static unsigned order[TIMERS];

static enum hv_handled note_order(struct hv_frame *frame, void *arg)
{
	(void)frame;
	order[count++] = (unsigned)(uintptr_t)arg;
	return HV_HANDLED;
}

/* Whatever the order in which they are set. */
TEST(irq_timers_in_order)
{
	static struct hv_timer timers[TIMERS];
	uint64_t start = hv_now();

	irq_start();
	for (unsigned i = 0; i < TIMERS; i++) {
		unsigned which = i * 7 % TIMERS;

		hv_timer_set(&timers[which], start + hv_ticks_of_us(100) * which, note_order,
			     (void *)(uintptr_t)which);
	}
	irq_await(&count, TIMERS);
	for (unsigned i = 0; i < TIMERS; i++)
		CHECK_EQ(order[i], i);
}

TEST(irq_timer_cancelled)
{
	struct hv_timer gone = { 0 }, stays = { 0 }, moved = { 0 };

	irq_start();
	hv_timer_set(&gone, soon(), note_order, (void *)1);
	hv_timer_set(&moved, soon(), note_order, (void *)2);
	hv_timer_set(&stays, soon() + hv_ticks_of_us(300), note_order, (void *)3);
	hv_timer_cancel(&gone);
	hv_timer_cancel(&gone);
	hv_timer_set(&moved, soon() + hv_ticks_of_us(900), note_order, (void *)4);
	irq_await(&count, 2);
	irq_linger();
	CHECK_EQ(count, 2);
	CHECK_EQ(order[0], 3);
	CHECK_EQ(order[1], 4);
}

static enum hv_handled again(struct hv_frame *frame, void *arg)
{
	struct hv_timer *timer = arg;

	(void)frame;
	if (++count < 50)
		hv_timer_set(timer, 0, again, timer);	/* long past: at once */
	return HV_HANDLED;
}

TEST(irq_timer_set_by_its_handler)
{
	struct hv_timer timer = { 0 };

	irq_start();
	hv_timer_set(&timer, soon(), again, &timer);
	irq_await(&count, 50);
}

/* ---- it comes while self is away ------------------------------------------------------ */

TEST(irq_timer_ends_wfi)
{
	struct hv_timer timer = { 0 };
	unsigned waits = 0;

	start_timer(&timer);
	while (count == 0) {	/* masked all the while: the wait ends all the same */
		hv_irq_wait();
		waits++;
		CHECK(waits < 3);
		hv_irq_unmask();
		hv_irq_mask();
	}
}

static enum hv_handled tick(struct hv_frame *frame, void *arg)
{
	hv_timer_set(arg, soon(), tick, arg);
	return irq_count(frame, (void *)&count);
}

/* It may come right before the wait, which then waits for the next. */
TEST(irq_timer_ends_wfi_unmasked)
{
	struct hv_timer timer = { 0 };
	uint64_t deadline = soon();

	irq_start();
	hv_timer_set(&timer, deadline, tick, &timer);
	hv_irq_unmask();
	while (count == 0)
		hv_irq_wait();
	hv_timer_cancel(&timer);
	CHECK(hv_now() >= deadline);
}

TEST(irq_timer_while_another_runs)
{
	struct hv_timer timer = { 0 };
	hv_pid spinner = raw_launch(raw_spin, 0);

	start_timer(&timer);
	hv_irq_unmask();
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t ticks = hv_sched->ticks;

		while (count < i || hv_sched->ticks < ticks + 2)
			hv_yield();
		CHECK_EQ(count, i);
		hv_timer_set(&timer, soon(), irq_count, (void *)&count);
	}
	hv_timer_cancel(&timer);
	raw_discard(spinner);
}

/* sleep is by timer too, and others go off meanwhile. */
TEST(irq_sleep_lets_timers_go_off)
{
	struct hv_timer timer = { 0 };
	uint64_t end = hv_deadline_us(3000);

	start_timer(&timer);
	hv_irq_unmask();
	hv_sleep_until(end);
	CHECK(hv_now() >= end);
	CHECK_EQ(count, 1);
	hv_irq_mask();
	hv_timer_set(&timer, soon(), irq_count, (void *)&count);
	hv_sleep_until(hv_deadline_us(3000));	/* masked: it waits all the same */
	CHECK_EQ(count, 1);
	irq_await(&count, 2);
}

/* ---- recv ------------------------------------------------------------------------------- */

TEST(irq_ends_recv)
{
	hv_handle endpoint = endpoint_make();
	struct hv_timer timer = { 0 };

	start_timer(&timer);
	CHECK_EQ(hv_irq_recv(endpoint, HV_FOREVER).result, -HV_EINTR);
	CHECK_EQ(count, 0);
	CHECK(hv_now() >= timer.deadline);
	/* it is pending now, so this does not wait; nor does it fail to see it */
	CHECK_EQ(hv_recv(endpoint, HV_FOREVER, HV_WAIT_IRQ), -HV_EINTR);
	irq_await(&count, 1);
	CHECK_EQ(hv_irq_recv(endpoint, HV_NOWAIT).result, -HV_EAGAIN);
	CHECK_EQ(hv_irq_recv(endpoint, hv_deadline_us(100)).result, -HV_ETIMEDOUT);
	hv_timer_set(&timer, hv_deadline_us(1000000), irq_count, (void *)&count);
	CHECK_EQ(hv_irq_recv(endpoint, hv_deadline_us(100)).result, -HV_ETIMEDOUT);
}

static void send_once(void *arg)
{
	CHECK_EQ(hv_send(*(hv_handle *)arg, HV_FOREVER, 0, HV_NONE, 5, 6, 7, 8), 0);
}

/* A server that has interrupts and messages, and misses none of either. */
TEST(irq_and_messages)
{
	enum { SENDERS = 4 };
	hv_handle endpoint = endpoint_make();
	struct hv_timer timer = { 0 };
	hv_pid pids[SENDERS];
	unsigned messages = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		pids[i] = peer_start(send_once, &endpoint);
	start_timer(&timer);
	while (messages < SENDERS || count < SENDERS) {
		struct hv_msg msg = hv_irq_recv(endpoint, HV_FOREVER);
		unsigned before = count;

		messages += msg.result == 0;
		CHECK(msg.result == 0 || msg.result == -HV_EINTR);
		hv_irq_unmask();
		hv_irq_mask();
		if (count != before)
			hv_timer_set(&timer, soon(), irq_count, (void *)&count);
	}
	CHECK_EQ(messages, SENDERS);
	for (unsigned i = 0; i < SENDERS; i++)
		peer_join(pids[i]);
}

/* With nobody else's right to send there is nothing to wait for but interrupts. */
TEST(irq_recv_without_vgic_waits)
{
	hv_handle endpoint = endpoint_make();

	CHECK_EQ(hv_recv(endpoint, hv_deadline_us(500), HV_WAIT_IRQ), -HV_ETIMEDOUT);
	FAILS(EINVAL, recv, endpoint, HV_NOWAIT, HV_WAIT_WFI);
	FAILS(EINVAL, recv, endpoint, HV_NOWAIT, 16);
}

/* ---- fork and exec ------------------------------------------------------------------------ */

static void child_without(void *arg)
{
	uint64_t ctl;

	(void)arg;
	CHECK_EQ(hv_procs[hv_self()].has_vgic, 0);
	__asm__ volatile("mrs %0, cntv_ctl_el0" : "=r"(ctl));
	CHECK_EQ(ctl & 1, 0);
	usleep(2000);
	CHECK_EQ(count, 0);
	FAILS(ESTATE, alloc_irq, irq_own_line(0));
}

static void child_with_its_own(void *arg)
{
	struct hv_timer timer = { 0 };

	(void)arg;
	CHECK_EQ(hv_irq_enable(), 0);
	hv_timer_set(&timer, soon(), irq_count, (void *)&count);
	irq_await(&count, 1);
}

TEST(irq_child_of_fork_has_none)
{
	struct hv_timer timer = { 0 };
	struct hv_grants grants = irq_grants(1);

	start_timer(&timer);
	peer_join(peer_start_granted(child_without, NULL, &grants));
	peer_join(peer_start(child_with_its_own, NULL));
	irq_await(&count, 1);
}

static void child_that_execs(void *arg)
{
	struct hv_timer timer = { 0 };
	char *argv[] = { "sleep", "0.01", NULL };

	(void)arg;
	start_timer(&timer);
	CHECK_EQ(hv_irq_handler(irq_intid(irq_own_line(0)), irq_count, (void *)&count), 0);
	hv_timer_set(&timer, hv_deadline_us(5000), irq_count, (void *)&count);
	hv_irq_unmask();
	execv("sleep", argv);
	_exit(1);
}

/* The next program has no handlers: nothing comes to it. */
TEST(irq_nothing_comes_after_exec)
{
	struct hv_grants grants = irq_grants(1);
	hv_irq line = irq_own_line(0);
	hv_pid child;

	irq_stir(1);
	child = peer_start_granted(child_that_execs, NULL, &grants);
	peer_join(child);
	CHECK_EQ(hv_irqs[line].owner, hv_self());
}
