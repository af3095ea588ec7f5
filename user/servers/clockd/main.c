/* SPDX-License-Identifier: MIT */
/*
 * clockd: the server of the machine's clock, a PL031 (Arm DDI 0224): <hv8/clock.h>.
 * Whoever starts it gives it the clock's page of registers and its line, and
 * the end to read of a pipe as descriptor 3: that is the endpoint for calls.
 * The clock has one alarm, which is set for the client that is to wake first.
 * With an argument it does without the line, as where there is none.
 */
#include <hv8/clock.h>
#include <hv8/device.h>
#include <hv8/irq.h>
#include <hv8/service.h>

#include <unistd.h>

enum {
	RTCDR = 0x000,   /* seconds since 1970 */
	RTCMR = 0x004,   /* when to ask for an interrupt */
	RTCLR = 0x008,   /* sets the clock */
	RTCCR = 0x00c,   /* 1: it runs */
	RTCIMSC = 0x010, /* 1: interrupts are not masked */
	RTCICR = 0x01c,  /* 1 ends the interrupt */
};

enum { ENDPOINT = 3, WORKS_NOT = 1, LOOK_US = 200000 };

static volatile void *registers;
static bool has_line;
static volatile uint32_t interrupts;

/* Until when each client waits; 0: it does not. One that has died or given up
 * stays until then, or until its pid asks for something. */
static uint64_t until[HV_NPROC];

static uint64_t now(void)
{
	return hv_register_read(registers, RTCDR);
}

/* ---- the device ------------------------------------------------------------------ */

static enum hv_handled HV_FAST_HANDLER alarm_rings(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	hv_register_write(registers, RTCICR, 1);
	interrupts++;
	return HV_HANDLED;
}

static bool take_line(const struct hv_dt_node *node)
{
	uint64_t bytes = 0;
	const uint8_t *cells = hv_dt_property(node, "interrupts", &bytes);

	return cells != NULL && bytes >= HV_IRQ_CELLS && hv_irq_enable() == 0 &&
	       hv_irq_handler_fast(hv_irq_intid(cells), alarm_rings, NULL) == 0;
}

static bool begin(bool wants_line)
{
	struct hv_dt_node node = { 0 };
	hv_device device = hv_has_view() ? hv_device_find("arm,pl031", &node) : 0;
	volatile void *page = device == 0 ? NULL : hv_device_open(device, HV_PERM_W);

	if (page == NULL)
		return false;
	registers = (volatile uint8_t *)page + node.address % HV_PAGE_SIZE;
	hv_register_write(registers, RTCIMSC, 0);
	hv_register_write(registers, RTCICR, 1);
	hv_register_write(registers, RTCCR, 1);
	has_line = wants_line && take_line(&node);
	return true;
}

/* ---- clients ---------------------------------------------------------------------- */

static uint64_t count_waiting(void)
{
	uint64_t count = 0;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		count += until[pid] != 0;
	return count;
}

static void answer(hv_pid pid, int64_t result)
{
	/* one that does not wait any more gets none */
	hv_reply(pid, 0, HV_NONE, (uint64_t)result, now(), count_waiting(), interrupts);
}

/* Answers whose time has come; when the next one's will, or 0. */
static uint64_t wake(void)
{
	uint64_t time = now(), next = 0;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		if (until[pid] == 0)
			continue;
		if (until[pid] <= time) {
			until[pid] = 0;
			answer(pid, 0);
		} else if (next == 0 || until[pid] < next) {
			next = until[pid];
		}
	}
	return next;
}

/* The alarm rings at that second only: it must not be over when it is set. */
static void wake_and_set_alarm(void)
{
	uint64_t next;

	do {
		next = wake();
		if (next != 0)
			hv_register_write(registers, RTCMR, (uint32_t)next);
		hv_register_write(registers, RTCIMSC, next != 0 && has_line);
	} while (next != 0 && next <= now());
}

static void serve(const struct hv_msg *call)
{
	hv_drop_page(call->page);
	until[call->from] = 0; /* it has given up what it waited for, or is another */
	if (call->w[0] != HV_CLOCK_GET && call->w[1] > HV_CLOCK_MAX) {
		answer(call->from, -HV_EINVAL);
		return;
	}
	switch (call->w[0]) {
	case HV_CLOCK_WAIT:
		until[call->from] = call->w[1] == 0 ? 1 : call->w[1];
		return;
	case HV_CLOCK_SET:
		hv_register_write(registers, RTCLR, (uint32_t)call->w[1]);
		/* fall through */
	case HV_CLOCK_GET:
		answer(call->from, 0);
		return;
	}
	answer(call->from, -HV_ENOSYS);
}

/* Without a line the clock is looked at from time to time. */
static hv_time deadline(void)
{
	return has_line || count_waiting() == 0 ? HV_FOREVER : hv_deadline_us(LOOK_US);
}

int main(int argc, char **argv)
{
	struct hv_msg call = { 0 };

	(void)argv;
	if (!begin(argc == 1)) {
		hv_dprintf(STDERR_FILENO, "clockd: it was given no clock (arm,pl031)\n");
		return WORKS_NOT;
	}
	hv_irq_mask();
	while (call.result == 0 || call.result == -HV_EINTR || call.result == -HV_ETIMEDOUT) {
		wake_and_set_alarm();
		call = hv_recv_closing(ENDPOINT, deadline(), has_line ? HV_WAIT_IRQ : 0);
		if (call.result == 0)
			serve(&call);
		if (has_line) { /* one that is pending comes here */
			hv_irq_unmask();
			hv_irq_mask();
		}
	}
	hv_register_write(registers, RTCIMSC, 0);
	return call.result == -HV_EPIPE ? 0 : WORKS_NOT;
}
