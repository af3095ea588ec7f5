/* SPDX-License-Identifier: MIT */
/*
 * A real device's interrupt, a level: the alarm of the clock, a PL031 (Arm
 * DDI 0224). It asks from the match until it is cleared.
 */
#include "device.h"
#include "irq.h"

enum { DR = 0x00, MR = 0x04, IMSC = 0x10, RIS = 0x14, ICR = 0x1c };

static volatile void *rtc;
static uint64_t rtc_intid;
static volatile unsigned count;

/* The clock's device, which must be ours. */
static hv_device own_clock(struct hv_dt_node *node)
{
	hv_device device = hv_device_find("arm,pl031", node);

	if (hv_bootinfo->gic_version == 2 && hv_bootinfo->cpu_count > 1)
		check_skip("QEMU before 9.1 ends a line of a GICv2 only on the core that took it");
	if (device == 0 || hv_devices[device].owner != (hv_pid)hv_self())
		check_skip("not started with the clock");
	return device;
}

/* The clock is self's, quiet, and its interrupts go to the handler. */
static void take_clock(hv_handler handler)
{
	struct hv_dt_node node = { 0 };
	hv_device device = own_clock(&node);
	uint64_t bytes;
	const uint8_t *cells;

	irq_start();
	cells = hv_dt_property(&node, "interrupts", &bytes);
	CHECK(cells != NULL && bytes == HV_IRQ_CELLS);
	rtc_intid = hv_irq_intid(cells);
	rtc = hv_device_open(device, HV_PERM_W);
	CHECK(rtc != NULL);
	hv_register_write(rtc, IMSC, 0);
	hv_register_write(rtc, ICR, 1);
	if (handler != NULL)
		CHECK_EQ(hv_irq_handler(rtc_intid, handler, NULL), 0);
}

/* It asks from now on. */
static void ring(void)
{
	hv_register_write(rtc, IMSC, 1);
	while (hv_register_read(rtc, RIS) == 0)
		hv_register_write(rtc, MR, hv_register_read(rtc, DR));
}

/* It asks within a second. */
static void ring_later(void)
{
	hv_register_write(rtc, IMSC, 1);
	hv_register_write(rtc, MR, hv_register_read(rtc, DR) + 1);
}

static enum hv_handled clear(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	count++;
	hv_register_write(rtc, ICR, 1);
	return HV_HANDLED;
}

TEST(irq_device_comes_once_for_each)
{
	take_clock(clear);
	irq_linger();
	count = 0;	/* who died with the line in use has left one pending */
	for (unsigned i = 1; i <= 20; i++) {
		ring();
		irq_await(&count, i);
	}
	irq_linger();
	CHECK_EQ(count, 20);
}

static enum hv_handled clear_fifth(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	if (++count >= 5)
		hv_register_write(rtc, ICR, 1);
	return HV_HANDLED;
}

/* Ended, but still asking: it comes again. */
TEST(irq_device_asks_until_cleared)
{
	take_clock(clear_fifth);
	ring();
	irq_await(&count, 5);
	irq_linger();
	CHECK_EQ(count, 5);
}

TEST(irq_device_ends_wfi)
{
	take_clock(clear);
	irq_linger();
	count = 0;
	ring_later();
	while (count == 0) {
		hv_irq_wait();
		hv_irq_unmask();
		hv_irq_mask();
	}
	CHECK_EQ(count, 1);
}

TEST(irq_device_ends_recv)
{
	hv_handle endpoint = endpoint_make();

	take_clock(clear);
	irq_linger();
	count = 0;
	ring_later();
	CHECK_EQ(hv_recv(endpoint, HV_FOREVER, HV_WAIT_IRQ), -HV_EINTR);
	CHECK_EQ(count, 0);
	CHECK_EQ(hv_recv(endpoint, HV_FOREVER, HV_WAIT_IRQ), -HV_EINTR);
	irq_await(&count, 1);
	CHECK_EQ(hv_recv(endpoint, HV_NOWAIT, HV_WAIT_IRQ), -HV_EAGAIN);
}

/* Whoever has not asked to be woken is not, and has it afterwards. */
TEST(irq_device_while_its_owner_waits)
{
	hv_handle endpoint = endpoint_make();

	take_clock(clear);
	irq_linger();
	count = 0;
	ring_later();
	CHECK_EQ(hv_recv(endpoint, hv_deadline_us(1200000), 0), -HV_ETIMEDOUT);
	CHECK_EQ(count, 0);
	irq_await(&count, 1);
}

/* While another process has the core. */
TEST(irq_device_while_another_runs)
{
	hv_pid spinner = raw_launch(raw_spin, 0);

	take_clock(clear);
	irq_linger();
	count = 0;
	ring_later();
	hv_irq_unmask();
	while (count == 0)
		hv_yield();
	hv_irq_mask();
	CHECK_EQ(count, 1);
	raw_discard(spinner);
}

/* ---- the driver dies ------------------------------------------------------------------ */

static void ring_and_sit(void *arg)
{
	(void)arg;
	take_clock(clear);
	ring();
	for (;;)
		hv_wait(HV_FOREVER, HV_NONE);
}

/* It still asks when the next has it, who hears of that and can quieten it. */
TEST(irq_device_of_a_dead_driver)
{
	struct hv_grants grants = { .pages = 64, .pids = 1, .files = 2 };
	struct hv_dt_node node = { 0 };
	hv_pid driver;

	(void)own_clock(&node);
	irq_start();
	devices_into(&grants);
	hv_irq_lines(grants.irqs);
	driver = peer_start_granted(ring_and_sit, NULL, &grants);
	wait_until_blocked(driver);
	peer_kill(driver);
	take_clock(NULL);
	ring();
	CHECK_EQ(hv_irq_handler(rtc_intid, clear, NULL), 0);
	irq_await(&count, 1);
	irq_linger();
	CHECK(hv_register_read(rtc, RIS) == 0);
}

static enum hv_handled ignore(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	count++;
	return HV_HANDLED;
}

static void never_clear(void *arg)
{
	(void)arg;
	take_clock(ignore);
	ring();
	hv_irq_unmask();
	for (;;)
		;
}

/* A driver that never quietens its device hears of nothing else, and harms nobody. */
TEST(irq_device_never_cleared)
{
	struct hv_grants grants = { .pages = 64, .pids = 1, .files = 2 };
	uint64_t ticks = hv_sched->ticks;
	hv_pid driver;

	irq_start();
	devices_into(&grants);
	hv_irq_lines(grants.irqs);
	driver = peer_start_granted(never_clear, NULL, &grants);
	while (hv_sched->ticks < ticks + 20)
		hv_yield();
	peer_kill(driver);
	take_clock(clear);
	irq_linger();
	CHECK(hv_register_read(rtc, RIS) == 0);
}
