/* SPDX-License-Identifier: MIT */
/* Interrupts between any two instructions: of the program, of handlers, of EL0. */
#include "irq.h"

#include <unistd.h>

static volatile unsigned count;

/* ---- whatever it was doing goes on ------------------------------------------------------ */

/* Its own registers are all in use, those of FP too. */
static uint64_t churn(uint64_t seed)
{
	uint64_t a = seed, b = seed ^ 0x1234567, c = 1, d = 77;
	double x = 1, y = (double)seed;

	for (unsigned i = 1; i < 3000; i++) {
		a = a * 6364136223846793005 + b;
		b ^= a >> 17 | c << 5;
		c += b * d;
		d = d << 7 | d >> 57;
		x += y / i;
		y = y * 0.75 + x;
	}
	__asm__ volatile("fmov %0, %d1" : "=r"(seed) : "w"(x + y));
	return a ^ b ^ c ^ d ^ seed;
}

static enum hv_handled HV_FAST_HANDLER often(struct hv_frame *frame, void *arg)
{
	(void)frame;
	count++;
	hv_timer_set(arg, hv_now() + 1 + hv_ticks_of_us(count % 97), often, arg);
	return HV_HANDLED;
}

static enum hv_handled often_with_fp(struct hv_frame *frame, void *arg)
{
	uint64_t junk = churn(count);

	(void)frame;
	__asm__ volatile("fmov d8, %0\n\tfmov d0, %0\n\tfmov d31, %0" : : "r"(junk)
			 : "d0", "d8", "d31");
	count++;
	hv_timer_set(arg, hv_deadline_us(100 + count % 97), often_with_fp, arg);
	return HV_HANDLED;
}

static void check_churn(hv_handler handler)
{
	struct hv_timer timer = { 0 };
	uint64_t expected = churn(5);

	hv_timer_set(&timer, hv_now(), handler, &timer);
	hv_irq_unmask();
	while (count < 200)
		CHECK_EQ(churn(5), expected);
	hv_irq_mask();
	hv_timer_cancel(&timer);
}

TEST(irq_keeps_registers)
{
	irq_start();
	check_churn(often);
}

TEST(irq_keeps_fp_registers)
{
	irq_start();
	hv_timer_use_fp();
	check_churn(often_with_fp);
}

/* The libos is interrupted anywhere: pages, tables, calls. */
TEST(irq_while_pages_come)
{
	struct hv_timer timer = { 0 };

	irq_start();
	hv_timer_set(&timer, hv_now(), often, &timer);
	hv_irq_unmask();
	while (count < 200) {
		volatile char *area = hv_mmap(8 * HV_PAGE_SIZE, HV_PERM_W);

		CHECK(area != NULL);
		for (unsigned i = 0; i < 8; i++) {
			CHECK_EQ(area[i * HV_PAGE_SIZE], 0);
			area[i * HV_PAGE_SIZE] = 1;
		}
		CHECK_EQ(hv_munmap((void *)(uintptr_t)area, 8 * HV_PAGE_SIZE), 0);
	}
	hv_irq_mask();
	hv_timer_cancel(&timer);
}

/* ---- in a handler ---------------------------------------------------------------------------- */

static unsigned in_handler;

static enum hv_handled interrupted(struct hv_frame *frame, void *arg)
{
	struct hv_timer timer = { 0 };
	unsigned before = count;

	(void)arg;
	in_handler++;
	hv_timer_set(&timer, hv_now() + 5, irq_count, (void *)&count);
	hv_irq_unmask();
	while (count == before)
		;
	hv_irq_mask();
	frame->elr += 4;
	return HV_HANDLED;
}

/* A handler of a fault that lets interrupts through is returned to. */
TEST(irq_in_a_handler)
{
	uint64_t sum = 0;

	irq_start();
	hv_on_exception(HV_EXC_BRK, interrupted, NULL);
	for (uint64_t i = 1; i <= 20; i++) {
		register uint64_t x19 __asm__("x19") = i;

		__asm__ volatile("brk #7" : "+r"(x19) : : "memory");
		sum += x19;
	}
	hv_on_exception(HV_EXC_BRK, NULL, NULL);
	CHECK_EQ(sum, 210);
	CHECK_EQ(in_handler, 20);
	CHECK_EQ(count, 20);
}

static enum hv_handled touch(struct hv_frame *frame, void *arg)
{
	(void)frame;
	*(volatile char *)arg = 1;
	return HV_HANDLED;
}

static void touch_in_handler(void *arg)
{
	struct hv_timer timer = { 0 };
	char *area = hv_mmap(HV_PAGE_SIZE, HV_PERM_W);

	(void)arg;
	CHECK(area != NULL);
	irq_start();
	close(2);	/* the message about it is expected */
	hv_timer_set(&timer, 0, touch, area);
	irq_linger();
	_exit(0);
}

/* The page manager may be what was interrupted: a handler must not need it. */
TEST(irq_handler_must_not_fault)
{
	struct hv_exit end;

	irq_start();
	end = peer_run(touch_in_handler, NULL);
	CHECK(end.raw & HV_STATUS_SIGNAL);
	CHECK_EQ(end.by_kernel, 0);
}

/* ---- EL0 ------------------------------------------------------------------------------------- */

/* x0 counts up for ever. */
__asm__(".pushsection .text\n"
	"irq_el0_code: add x0, x0, #1\n"
	"	b	irq_el0_code\n"
	"irq_el0_end:\n"
	".popsection");
extern const char irq_el0_code[], irq_el0_end[];

static enum hv_handled HV_FAST_HANDLER leave(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	return HV_NOT_HANDLED;
}

TEST(irq_ends_a_stay_at_el0)
{
	struct hv_el0 el0;
	struct hv_el0_exit how;
	struct hv_timer timer = { 0 };
	uint64_t last = 0;

	irq_start();
	CHECK_EQ(hv_el0_create(&el0, irq_el0_code, (size_t)(irq_el0_end - irq_el0_code), 0), 0);
	for (unsigned i = 0; i < 50; i++) {
		unsigned stays = 0;

		do {	/* some are too short for an instruction */
			hv_timer_set(&timer, hv_deadline_us(50), leave, NULL);
			hv_el0_enter(&el0, &how);
			CHECK_EQ(how.kind, HV_EXC_IRQ);
			CHECK_EQ(how.esr, HV_ESR_IRQ);
			CHECK(how.frame.x[0] >= last);
			CHECK(++stays < 1000);
		} while (how.frame.x[0] == last);
		last = how.frame.x[0];
	}
	hv_el0_destroy(&el0);
}

/* Handled, it goes on there: only the last of many ends the stay. */
static enum hv_handled HV_FAST_HANDLER tenth(struct hv_frame *frame, void *arg)
{
	(void)frame;
	if (++count == 10)
		return HV_NOT_HANDLED;
	hv_timer_set(arg, hv_deadline_us(20), tenth, arg);
	return HV_HANDLED;
}

TEST(irq_at_el0_is_returned_from)
{
	struct hv_el0 el0;
	struct hv_el0_exit how;
	struct hv_timer timer = { 0 };

	irq_start();
	CHECK_EQ(hv_el0_create(&el0, irq_el0_code, (size_t)(irq_el0_end - irq_el0_code), 0), 0);
	hv_timer_set(&timer, hv_deadline_us(20), tenth, &timer);
	hv_el0_enter(&el0, &how);
	CHECK_EQ(how.kind, HV_EXC_IRQ);
	CHECK_EQ(count, 10);
	hv_el0_destroy(&el0);
}
