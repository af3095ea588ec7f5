/* SPDX-License-Identifier: MIT */
/*
 * The UART after boot. Invariant: each function is at most one access to one
 * register of the device page, without loop or wait; who finds the device not
 * ready asks again later.
 */
#include "uart.h"

#include "state.h"
#include "uart_cadence.h"
#include "uart_pl011.h"

static bool is_cadence(void)
{
	return machine.uart_kind == UART_CADENCE;
}

bool uart_tx_full(void)
{
	return is_cadence() ? cadence_has(CADENCE_SR_TXFULL) : pl011_has(PL011_FR_TXFF);
}

void uart_put(uint64_t byte)
{
	if (is_cadence())
		cadence_put(byte);
	else
		pl011_put(byte);
}

bool uart_is_busy(void)
{
	if (is_cadence())
		return (mmio_read32(UART_VA + CADENCE_SR) &
			(CADENCE_SR_TXEMPTY | CADENCE_SR_TXACTIVE)) != CADENCE_SR_TXEMPTY;
	return pl011_has(PL011_FR_BUSY);
}

bool uart_rx_empty(void)
{
	return is_cadence() ? cadence_has(CADENCE_SR_RXEMPTY) : pl011_has(PL011_FR_RXFE);
}

uint64_t uart_get(void)
{
	return is_cadence() ? cadence_get() : pl011_get();
}

void uart_rx_irq_enable(void)
{
	if (is_cadence())
		cadence_rx_irq(true);
	else
		pl011_rx_irq(true);
}

void uart_rx_irq_disable(void)
{
	if (is_cadence())
		cadence_rx_irq(false);
	else
		pl011_rx_irq(false);
}

void uart_rx_irq_clear(void)
{
	if (is_cadence())
		cadence_rx_irq_clear();
}
