/* SPDX-License-Identifier: MIT */
/*
 * The UART, where it is this server's (uart=process): a PL011 (DDI 0183G, 3.3)
 * or a Cadence UART (UG1087). The rate is what the firmware has set. Received
 * bytes wait in a ring; interrupts are masked but while the server waits, and
 * whoever waits for the transmitter looks at the receiver meanwhile. A byte that
 * has been written is in the transmitter, from which the death of a driver does
 * not take it: a reply to a client says that.
 */
#include "consoled.h"

#include <hv8/device.h>
#include <hv8/irq.h>

enum pl011 {
	PL011_DR = 0x000,
	PL011_FR = 0x018,
	PL011_LCRH = 0x02c,
	PL011_CR = 0x030,
	PL011_IFLS = 0x034,
	PL011_IMSC = 0x038,
	PL011_ICR = 0x044,

	PL011_FR_BUSY = 1 << 3,
	PL011_FR_RXFE = 1 << 4,
	PL011_FR_TXFF = 1 << 5,
	PL011_LCRH_FEN = 1 << 4,
	PL011_LCRH_WLEN8 = 3 << 5,
	PL011_CR_ON = 1 << 0 | 1 << 8 | 1 << 9,	/* and its sender, and its receiver */
	PL011_INT_RX = 1 << 4 | 1 << 6,	/* at the trigger level; below it, and the line is idle */
	PL011_INT_ALL = 0x7ff,
};

enum cadence {
	CADENCE_CR = 0x00,
	CADENCE_IER = 0x08,
	CADENCE_IDR = 0x0c,
	CADENCE_ISR = 0x14,
	CADENCE_RXTOUT = 0x1c,
	CADENCE_RXWM = 0x20,
	CADENCE_SR = 0x2c,
	CADENCE_FIFO = 0x30,

	CADENCE_CR_ON = 1 << 2 | 1 << 4,
	CADENCE_CR_BITS = 0x3c,	/* on and off of both */
	CADENCE_INT_RX = 1 << 0,
	CADENCE_INT_ALL = 0x1fff,
	CADENCE_SR_RXEMPTY = 1 << 1,
	CADENCE_SR_TXFULL = 1 << 4,
};

enum { RING = 1024, PATIENCE_US = 1000000 };

static volatile void *registers;
static bool is_cadence;

static uint8_t ring[RING];
static unsigned received, taken; /* bytes ever */
static bool is_masked;		 /* the ring is full: bytes stay in the device */
static bool is_stuck;		 /* the transmitter was full for long: what finds no room is lost */

/* ---- the registers of both kinds: these run in the handler, too --------------------- */

static HV_FAST_HANDLER bool has(uint64_t pl011, uint64_t cadence)
{
	uint32_t status = hv_register_read(registers, is_cadence ? CADENCE_SR : PL011_FR);

	return (status & (is_cadence ? cadence : pl011)) != 0;
}

static HV_FAST_HANDLER bool is_empty(void)
{
	return has(PL011_FR_RXFE, CADENCE_SR_RXEMPTY);
}

static HV_FAST_HANDLER bool is_full(void)
{
	return has(PL011_FR_TXFF, CADENCE_SR_TXFULL);
}

static HV_FAST_HANDLER void let_in(bool is_on)
{
	if (is_cadence)
		hv_register_write(registers, is_on ? CADENCE_IER : CADENCE_IDR, CADENCE_INT_RX);
	else
		hv_register_write(registers, PL011_IMSC, is_on ? PL011_INT_RX : 0);
}

/* Cadence: its interrupt is sticky, and back at once while the receiver holds something; so it is
 * cleared last, before the look that finds nothing. */
static HV_FAST_HANDLER bool has_more(void)
{
	if (is_cadence && is_empty())
		hv_register_write(registers, CADENCE_ISR, CADENCE_INT_RX);
	return !is_empty();
}

static HV_FAST_HANDLER void receive(void)
{
	while (has_more()) {
		if (received - taken == RING) {
			is_masked = true;
			let_in(false);
			return;
		}
		ring[received++ % RING] = (uint8_t)hv_register_read(
			registers, is_cadence ? CADENCE_FIFO : PL011_DR);
	}
}

static enum hv_handled HV_FAST_HANDLER byte_comes(struct hv_frame *frame, void *arg)
{
	(void)frame;
	(void)arg;
	receive();
	return HV_HANDLED;
}

/* ---- starting ------------------------------------------------------------------------- */

/* As the kernel has set it up, unless another driver has changed that since. A change of FEN would
 * empty the receiver (3.3.7), and off it must be before any other (3.3.8). */
static void start_pl011(void)
{
	uint32_t line = hv_register_read(registers, PL011_LCRH);

	hv_register_write(registers, PL011_IMSC, 0);
	if ((hv_register_read(registers, PL011_CR) & PL011_CR_ON) != PL011_CR_ON ||
	    (line & ~(uint32_t)PL011_LCRH_FEN) != PL011_LCRH_WLEN8) {
		hv_register_write(registers, PL011_CR, 0);
		hv_register_write(registers, PL011_LCRH,
				  PL011_LCRH_WLEN8 | (line & PL011_LCRH_FEN));
		hv_register_write(registers, PL011_CR, PL011_CR_ON);
	}
	hv_register_write(registers, PL011_IFLS, 0); /* the interrupt comes at 1/8 full */
	hv_register_write(registers, PL011_ICR, PL011_INT_ALL);
}

static void start_cadence(void)
{
	hv_register_write(registers, CADENCE_IDR, CADENCE_INT_ALL);
	if ((hv_register_read(registers, CADENCE_CR) & CADENCE_CR_BITS) != CADENCE_CR_ON)
		hv_register_write(registers, CADENCE_CR, CADENCE_CR_ON);
	hv_register_write(registers, CADENCE_RXWM, 1);
	hv_register_write(registers, CADENCE_RXTOUT, 0);
	hv_register_write(registers, CADENCE_ISR, CADENCE_INT_ALL);
}

bool uart_is_own(void)
{
	return hv_bootinfo->uart_pa != 0;
}

bool uart_start(void)
{
	uint64_t pa = hv_bootinfo->uart_pa;
	volatile void *page = hv_device_open(hv_device_at(pa), HV_PERM_W);

	if (page == NULL || hv_irq_enable() < 0)
		return false;
	hv_irq_mask();
	registers = (volatile uint8_t *)page + pa % HV_PAGE_SIZE;
	is_cadence = hv_bootinfo->uart_kind != 0;
	if (is_cadence)
		start_cadence();
	else
		start_pl011();
	if (hv_irq_handler_fast(hv_bootinfo->uart_intid, byte_comes, NULL) < 0)
		return false;
	receive(); /* a PL011 tells of the first byte in an empty receiver only */
	let_in(true);
	return true;
}

/* ---- bytes ------------------------------------------------------------------------------ */

void uart_look(void)
{
	if (!is_masked)
		receive();
}

bool uart_may_be_deaf(void)
{
	return hv_bootinfo->gic_version == 2 && hv_bootinfo->cpu_count > 1;
}

bool uart_has_key(void)
{
	return received != taken;
}

int uart_key(void)
{
	int key;

	if (received == taken)
		return -1;
	key = ring[taken++ % RING];
	if (is_masked && received - taken <= RING / 2) {
		is_masked = false;
		receive();
		let_in(!is_masked);
	}
	return key;
}

static void put(char byte)
{
	hv_time limit = 0;

	while (is_full()) {
		receive();
		if (is_stuck)
			return;
		if (limit == 0)
			limit = hv_deadline_us(PATIENCE_US);
		is_stuck = hv_now() > limit;
		hv_yield();
	}
	is_stuck = false;
	hv_register_write(registers, is_cadence ? CADENCE_FIFO : PL011_DR, (uint8_t)byte);
}

void uart_write(const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n')
			put('\r');
		put(data[i]);
	}
}
