/* SPDX-License-Identifier: MIT */
/*
 * The PL011 UART after boot. Invariant: each function is one access to one
 * register of the device page, without loop or wait; who finds the device
 * not ready asks again later.
 */
#include "uart.h"

#include "layout.h"
#include "prim.h"

bool uart_tx_full(void)
{
	return (mmio_read32(UART_VA + UART_FR) & UART_FR_TXFF) != 0;
}

void uart_put(uint64_t byte)
{
	mmio_write32(UART_VA + UART_DR, (uint32_t)(byte & 0xff));
}

bool uart_rx_empty(void)
{
	return (mmio_read32(UART_VA + UART_FR) & UART_FR_RXFE) != 0;
}

/* Bits 8 to 11 of DR are error flags of the byte, which nobody asks for. */
uint64_t uart_get(void)
{
	return mmio_read32(UART_VA + UART_DR) & 0xff;
}

void uart_rx_irq_enable(void)
{
	mmio_write32(UART_VA + UART_IMSC, UART_INT_RX | UART_INT_RT);
}

void uart_rx_irq_disable(void)
{
	mmio_write32(UART_VA + UART_IMSC, 0);
}
