/* SPDX-License-Identifier: MIT */
/*
 * Sets up the UART. The rate and the pins are the firmware's business; what is
 * set here is what the driver needs: 8 bits, no interrupt until boot ends.
 */
#include "boot.h"

#include "layout.h"
#include "prim.h"
#include "uart.h"
#include "uart_cadence.h"
#include "uart_pl011.h"

/* The UART of QEMU's virt: where to complain if the device tree names none. */
#define UART_GUESS 0x09000000ULL

/*
 * Whether there are FIFOs stays as found: a change of FEN empties the
 * receiver, and what is typed ahead with it.
 */
static void start_pl011(void)
{
	mmio_write32(UART_VA + PL011_IMSC, 0);
	if (mmio_read32(UART_VA + PL011_CR) & PL011_CR_UARTEN)
		while (uart_is_busy())
			;
	mmio_write32(UART_VA + PL011_CR, 0);	/* DDI 0183G, 3.3.8: off before a change */
	mmio_write32(UART_VA + PL011_LCRH,
		     PL011_LCRH_WLEN8 | (mmio_read32(UART_VA + PL011_LCRH) & PL011_LCRH_FEN));
	mmio_write32(UART_VA + PL011_IFLS, 0);	/* receive interrupt at 1/8 full */
	mmio_write32(UART_VA + PL011_CR, PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE);
}

/* Without resets, which would empty the FIFOs. A transmitter that is off never gets empty. */
static void start_cadence(void)
{
	mmio_write32(UART_VA + CADENCE_IDR, CADENCE_INT_ALL);
	if ((mmio_read32(UART_VA + CADENCE_CR) & (CADENCE_CR_TXEN | CADENCE_CR_TXDIS)) ==
	    CADENCE_CR_TXEN)
		while (uart_is_busy())
			;
	mmio_write32(UART_VA + CADENCE_CR, CADENCE_CR_RXDIS | CADENCE_CR_TXDIS);
	mmio_write32(UART_VA + CADENCE_MR, CADENCE_MR_NO_PARITY |
		     (mmio_read32(UART_VA + CADENCE_MR) & CADENCE_MR_CLOCK));
	mmio_write32(UART_VA + CADENCE_RXWM, 1);
	mmio_write32(UART_VA + CADENCE_RXTOUT, 0);	/* no interrupt of its own is wanted */
	mmio_write32(UART_VA + CADENCE_CR, CADENCE_CR_RXEN | CADENCE_CR_TXEN);
}

void boot_uart_start(uint64_t kind, uint64_t pa)
{
	boot_map_device(UART_VA, pa, HV_PAGE_SIZE);
	machine.uart_kind = kind;
	if (kind == UART_CADENCE)
		start_cadence();
	else
		start_pl011();
	boot_uart_is_ready();
}

/*
 * PL011: the interrupt comes with the first byte in an empty receiver, so a
 * receiver that is not empty after ICR was written would stay silent.
 * Receivers hold at most 64 bytes.
 */
void boot_uart_finish(void)
{
	if (facts.uart_is_process) {
		boot_print("hv8: the UART is left to a process (uart=process): the kernel says "
			   "no more, unless it panics\n");
		return;
	}
	if (machine.uart_kind == UART_CADENCE)
		mmio_write32(UART_VA + CADENCE_ISR, CADENCE_INT_ALL);
	else
		mmio_write32(UART_VA + PL011_ICR, PL011_INT_ALL);
	while (!uart_rx_empty() && console.head < CONSOLE_RING)
		console.byte[console.head++] = uart_get();
	uart_rx_irq_enable();
}

/* A UART that no device tree names is used only if its PrimeCell signature is there. */
void boot_uart_guess(void)
{
	static const uint8_t signature[4] = { 0x0d, 0xf0, 0x05, 0xb1 };

	boot_map_device(UART_VA, UART_GUESS, HV_PAGE_SIZE);
	for (uint64_t i = 0; i < 4; i++)
		if (mmio_read32(UART_VA + PL011_PCELLID + 4 * i) != signature[i])
			return;
	boot_uart_start(UART_PL011, UART_GUESS);
}
