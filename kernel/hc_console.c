/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on the console and on power, and the UART's interrupt. Keep:
 * tail <= head <= tail + CONSOLE_RING, and nobody waits to read while the
 * ring holds a byte or the break key is kept.
 */
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "psci.h"
#include "uart.h"

int64_t hc_console_write(uint64_t handle, uint64_t byte)
{
	int64_t error = check_object(current_pid(), handle, HV_FILE_CONSOLE, HV_RIGHT_WRITE);

	if (error)
		return error;
	if (uart_tx_full())
		return -HV_EAGAIN;

	uart_put(byte & 0xff);
	return 0;
}

static bool ring_is_empty(void)
{
	return console.head == console.tail;
}

int64_t hc_console_read(uint64_t handle, uint64_t deadline)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_CONSOLE, HV_RIGHT_READ);
	uint64_t byte, file;

	if (error)
		return error;
	if (ring_is_empty() && !console.has_break && deadline == HV_NOWAIT)
		return -HV_EAGAIN;

	if (console.has_break) {
		console.has_break = 0;
		return BREAK_KEY;
	}
	if (!ring_is_empty()) {
		byte = console.byte[console.tail % CONSOLE_RING];
		console.tail++;
		uart_rx_irq_enable();
		return (int64_t)byte;
	}
	file = handles[self][handle].file;
	set_add(&files[file].receivers, self);
	sched_block(cpu, file, 0, 0, deadline);
	sched_run_next(cpu);
	return -HV_ETIMEDOUT;
}

/* Nobody waits for it: what was typed before it is forgotten, and it is kept. */
static void keep_break(void)
{
	console.tail = console.head;
	console.has_break = 1;
}

/*
 * Takes one byte from the UART: the break key for whoever waits for it, else
 * a byte for a waiting reader, else for the ring. With the ring full the byte
 * stays in the UART, whose interrupt is off until somebody reads.
 */
void console_interrupt(void)
{
	struct hv_file_entry *file = &files[HV_FILE_CONSOLE_INDEX];
	uint64_t reader = set_lowest(&file->receivers);
	uint64_t byte;

	uart_rx_irq_clear();
	if (uart_rx_empty())
		return;
	if (console.head - console.tail == CONSOLE_RING) {
		uart_rx_irq_disable();
		return;
	}
	byte = uart_get();
	if (byte == BREAK_KEY && !set_is_empty(&file->senders)) {
		set_wake_all(&file->senders);
	} else if (reader != 0) {
		set_remove(&file->receivers, reader);
		ctx_of(reader)[CTX_X0] = byte;
		set_add(&sched.ready, reader);
	} else if (byte == BREAK_KEY) {
		keep_break();
	} else {
		console.byte[console.head % CONSOLE_RING] = byte;
		console.head++;
	}
}

int64_t hc_power_off(uint64_t handle)
{
	int64_t error = check_object(current_pid(), handle, HV_FILE_POWER, HV_RIGHT_WRITE);

	if (error)
		return error;

	psci_system_off();
	return 0;
}

int64_t hc_reset(uint64_t handle)
{
	int64_t error = check_object(current_pid(), handle, HV_FILE_POWER, HV_RIGHT_WRITE);

	if (error)
		return error;

	psci_system_reset();
	return 0;
}
