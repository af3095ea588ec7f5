/* SPDX-License-Identifier: MIT */
/* Helpers of the tests of interrupts: see irq.h. */
#include "irq.h"

/* Between cores an interrupt takes as long as the host takes to run both. */
enum { PATIENCE_US = 5000000, LINGER_US = 3000, LINGER_CORES_US = 50000 };

void irq_start(void)
{
	int64_t error = hv_irq_enable();

	if (error == -HV_ENOSYS)
		check_skip("a process cannot reach the CPU interface of this GIC");
	CHECK_EQ(error, 0);
}

hv_irq irq_own_line(unsigned n)
{
	uint64_t lines[HV_NIRQ / 64];
	hv_irq line = 0;

	hv_irq_lines(lines);
	do
		while (++line < HV_NIRQ && !(lines[line / 64] >> line % 64 & 1))
			;
	while (line < HV_NIRQ && n-- > 0);
	if (line >= HV_NIRQ)
		check_skip("not started with enough interrupt lines");
	return line;
}

uint64_t irq_intid(hv_irq line)
{
	return hv_irqs[line].intid;
}

struct hv_grants irq_grants(unsigned count)
{
	struct hv_grants grants = { .pages = 64, .pids = 1, .files = 2 };

	while (count-- > 0) {
		hv_irq line = irq_own_line(count);

		grants.irqs[line / 64] |= 1UL << line % 64;
	}
	return grants;
}

static void take_and_die(void *arg)
{
	unsigned count = *(unsigned *)arg;
	hv_irq lines[LINES_MAX];

	for (unsigned i = 0; i < count; i++)
		lines[i] = irq_own_line(i);
	DO(enable_vgic);
	for (unsigned i = 0; i < count; i++)
		DO(alloc_irq, lines[i]);
}

void irq_stir(unsigned count)
{
	struct hv_grants grants = irq_grants(count);
	hv_irq first = irq_own_line(0);

	peer_join(peer_start_granted(take_and_die, &count, &grants));
	CHECK_EQ(irq_own_line(0), first);
}

static bool has_arrived(hv_irq line)
{
	const volatile struct hv_proc *self = &hv_procs[hv_self()];
	bool is_listed = false;

	for (unsigned i = 0; i < HV_NLR; i++)
		is_listed |= self->listed[i] == line;
	return is_listed || self->irqs_pending.word[line / 64] >> line % 64 & 1;
}

void irq_await_arrival(hv_irq line)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	while (!has_arrived(line))
		CHECK(hv_now() < deadline);
}

/* ICC_HPPIR1_EL1 */
bool irq_is_next(uint64_t intid, bool otherwise)
{
	uint64_t next;

	if (hv_bootinfo->gic_version != 3)
		return otherwise;
	__asm__ volatile("isb\n\tmrs %0, s3_0_c12_c12_2" : "=r"(next) : : "memory");
	return next == intid;
}

/* Another core may take it first, and then calls the one that self is on. */
bool irq_becomes_next(uint64_t intid, bool otherwise)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	while (hv_bootinfo->gic_version == 3 && !irq_is_next(intid, false) && hv_now() < deadline)
		continue;
	return irq_is_next(intid, otherwise);
}

enum hv_handled irq_count(struct hv_frame *frame, void *arg)
{
	(void)frame;
	++*(volatile unsigned *)arg;
	return HV_HANDLED;
}

void irq_await(const volatile unsigned *count, unsigned wanted)
{
	hv_time deadline = hv_deadline_us(PATIENCE_US);

	hv_irq_unmask();
	while (*count < wanted && hv_now() < deadline)
		;
	hv_irq_mask();
	CHECK_EQ(*count, wanted);
}

void irq_linger(void)
{
	hv_time end = hv_deadline_us(hv_bootinfo->cpu_count > 1 ? LINGER_CORES_US : LINGER_US);

	hv_irq_unmask();
	while (hv_now() < end)
		;
	hv_irq_mask();
}
