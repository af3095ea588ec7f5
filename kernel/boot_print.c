/* SPDX-License-Identifier: MIT */
/*
 * Printing while boot runs, and the end of a boot that cannot go on.
 * Invariant: what the UART got, bootinfo.klog has as well, as far as it fits.
 */
#include "boot.h"

#include <stdarg.h>

#include "layout.h"
#include "prim.h"
#include "psci.h"
#include "uart.h"

/* The UART of QEMU's virt: where to complain if the device tree names none. */
#define UART_GUESS 0x09000000ULL

static bool uart_ready;
static bool psci_known;
static bool is_failing;

static void transmit(char c)
{
	while (uart_tx_full())
		;
	uart_put((uint8_t)c);
}

static void put(char c)
{
	if (bootinfo.klog_bytes < HV_KLOG_BYTES)
		bootinfo.klog[bootinfo.klog_bytes++] = (uint8_t)c;
	if (!uart_ready)
		return;
	if (c == '\n')
		transmit('\r');
	transmit(c);
}

static void put_number(uint64_t value, uint64_t base)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0)
		put(digits[--n]);
}

static void print(const char *format, va_list *args)
{
	for (const char *p = format; *p != 0; p++) {
		if (*p != '%') {
			put(*p);
		} else if (*++p == 's') {
			for (const char *s = va_arg(*args, const char *); *s != 0; s++)
				put(*s);
		} else {
			p++;	/* the letter after l */
			put_number(va_arg(*args, uint64_t), *p == 'x' ? 16 : 10);
		}
	}
}

void boot_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, &args);
	va_end(args);
}

/*
 * The rate and the pins are the firmware's business; what is set here is
 * what the driver needs: 8 bits, no interrupt until boot ends. Whether there
 * are FIFOs stays as found: a change of FEN empties the receiver, and what is
 * typed ahead with it.
 */
void boot_uart_start(uint64_t pa)
{
	boot_map_device(UART_VA, pa, HV_PAGE_SIZE);
	mmio_write32(UART_VA + UART_IMSC, 0);
	if (mmio_read32(UART_VA + UART_CR) & UART_CR_UARTEN)
		while (mmio_read32(UART_VA + UART_FR) & UART_FR_BUSY)
			;
	mmio_write32(UART_VA + UART_CR, 0);	/* DDI 0183G, 3.3.8: off before a change */
	mmio_write32(UART_VA + UART_LCRH,
		     UART_LCRH_WLEN8 | (mmio_read32(UART_VA + UART_LCRH) & UART_LCRH_FEN));
	mmio_write32(UART_VA + UART_IFLS, 0);	/* receive interrupt at 1/8 full */
	mmio_write32(UART_VA + UART_CR, UART_CR_UARTEN | UART_CR_TXE | UART_CR_RXE);
	uart_ready = true;
}

void boot_uart_finish(void)
{
	/*
	 * The interrupt comes with the first byte in an empty receiver, so a
	 * receiver that is not empty after ICR was written would stay silent.
	 * It holds at most 32 bytes.
	 */
	mmio_write32(UART_VA + UART_ICR, UART_INT_ALL);
	while (!uart_rx_empty() && console.head < CONSOLE_RING)
		console.byte[console.head++] = uart_get();
	uart_rx_irq_enable();
}

void boot_psci_known(void)
{
	psci_known = true;
}

/* A UART that no device tree names is used only if its PrimeCell signature is there. */
static void guess_uart(void)
{
	static const uint8_t signature[4] = { 0x0d, 0xf0, 0x05, 0xb1 };

	boot_map_device(UART_VA, UART_GUESS, HV_PAGE_SIZE);
	for (uint64_t i = 0; i < 4; i++)
		if (mmio_read32(UART_VA + UART_PCELLID + 4 * i) != signature[i])
			return;
	boot_uart_start(UART_GUESS);
}

static _Noreturn void stop(void)
{
	is_failing = false;	/* if it is not the first core, boot goes on */
	boot_core_stop();
	if (psci_known)
		psci_system_off();
	for (;;)
		wfi();
}

void boot_fail(const char *format, ...)
{
	va_list args;

	if (is_failing)
		stop();
	is_failing = true;
	if (!uart_ready)
		guess_uart();
	va_start(args, format);
	boot_print("hv8: ");
	print(format, &args);
	boot_print("\n");
	va_end(args);
	if (uart_ready)
		while (mmio_read32(UART_VA + UART_FR) & UART_FR_BUSY)
			;
	stop();
}

void boot_exception(uint64_t esr, uint64_t elr, uint64_t far)
{
	boot_fail("exception at EL2 while booting: ESR 0x%lx ELR 0x%lx FAR 0x%lx: "
		  "does the device tree match the machine?", esr, elr, far);
}
