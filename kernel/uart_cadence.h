/* SPDX-License-Identifier: MIT */
/* The Cadence UART of Zynq (UG1085, 21; UG1087, UART) at UART_VA: one register access each. */
#ifndef KERNEL_UART_CADENCE_H
#define KERNEL_UART_CADENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "prim.h"

enum cadence_register {
	CADENCE_CR = 0x00,
	CADENCE_MR = 0x04,
	CADENCE_IER = 0x08,	/* writing 1 enables, ... */
	CADENCE_IDR = 0x0c,	/* ... and 1 here disables */
	CADENCE_ISR = 0x14,	/* writing 1 clears */
	CADENCE_RXTOUT = 0x1c,
	CADENCE_RXWM = 0x20,
	CADENCE_SR = 0x2c,
	CADENCE_FIFO = 0x30,
};

enum cadence_field {
	CADENCE_CR_RXEN = 1 << 2,
	CADENCE_CR_RXDIS = 1 << 3,
	CADENCE_CR_TXEN = 1 << 4,
	CADENCE_CR_TXDIS = 1 << 5,
	CADENCE_MR_CLOCK = 1 << 0,	/* divided by 8: a part of the rate */
	CADENCE_MR_NO_PARITY = 4 << 3,	/* the rest 0: 8 bits, one stop bit */
	CADENCE_INT_RX = 1 << 0,	/* the receiver holds RXWM bytes or more */
	CADENCE_INT_ALL = 0x1fff,
	CADENCE_SR_RXEMPTY = 1 << 1,
	CADENCE_SR_TXEMPTY = 1 << 3,
	CADENCE_SR_TXFULL = 1 << 4,
	CADENCE_SR_TXACTIVE = 1 << 11,
};

static inline bool cadence_has(uint32_t flag)
{
	return (mmio_read32(UART_VA + CADENCE_SR) & flag) != 0;
}

static inline void cadence_put(uint64_t byte)
{
	mmio_write32(UART_VA + CADENCE_FIFO, (uint32_t)(byte & 0xff));
}

static inline uint64_t cadence_get(void)
{
	return mmio_read32(UART_VA + CADENCE_FIFO) & 0xff;
}

static inline void cadence_rx_irq(bool is_on)
{
	mmio_write32(UART_VA + (is_on ? CADENCE_IER : CADENCE_IDR), CADENCE_INT_RX);
}

/* Sticky: it goes before the byte is read, or the next byte's would go with it. */
static inline void cadence_rx_irq_clear(void)
{
	mmio_write32(UART_VA + CADENCE_ISR, CADENCE_INT_RX);
}

#endif
