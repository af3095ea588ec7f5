/* SPDX-License-Identifier: MIT */
/*
 * Printing while boot runs, and the end of a boot that cannot go on.
 * Invariant: what the UART got, bootinfo.klog has as well, as far as it fits.
 */
#include "boot.h"

#include <stdarg.h>

#include "prim.h"
#include "psci.h"
#include "uart.h"

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

void boot_uart_is_ready(void)
{
	uart_ready = true;
}

void boot_psci_known(void)
{
	psci_known = true;
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
		boot_uart_guess();
	va_start(args, format);
	boot_print("hv8: ");
	print(format, &args);
	boot_print("\n");
	va_end(args);
	if (uart_ready)
		while (uart_is_busy())
			;
	stop();
}

void boot_exception(uint64_t esr, uint64_t elr, uint64_t far)
{
	boot_fail("exception at EL2 while booting: ESR 0x%lx ELR 0x%lx FAR 0x%lx: "
		  "does the device tree match the machine?", esr, elr, far);
}
