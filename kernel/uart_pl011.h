/* SPDX-License-Identifier: MIT */
/* The PL011 UART (DDI 0183G) at UART_VA: one register access each. */
#ifndef KERNEL_UART_PL011_H
#define KERNEL_UART_PL011_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "prim.h"

/* Offsets and fields of the registers (3.2, 3.3). */
enum pl011_register {
	PL011_DR = 0x000,
	PL011_FR = 0x018,
	PL011_LCRH = 0x02c,
	PL011_CR = 0x030,
	PL011_IFLS = 0x034,
	PL011_IMSC = 0x038,
	PL011_ICR = 0x044,
	PL011_PCELLID = 0xff0,	/* four words: the PrimeCell signature */
};

enum pl011_field {
	PL011_FR_BUSY = 1 << 3,
	PL011_FR_RXFE = 1 << 4,
	PL011_FR_TXFF = 1 << 5,
	PL011_LCRH_FEN = 1 << 4,	/* FIFOs on */
	PL011_LCRH_WLEN8 = 3 << 5,
	PL011_CR_UARTEN = 1 << 0,
	PL011_CR_TXE = 1 << 8,
	PL011_CR_RXE = 1 << 9,
	PL011_INT_RX = 1 << 4,
	PL011_INT_RT = 1 << 6,		/* bytes below the trigger level, line idle */
	PL011_INT_ALL = 0x7ff,
};

static inline bool pl011_has(uint32_t flag)
{
	return (mmio_read32(UART_VA + PL011_FR) & flag) != 0;
}

static inline void pl011_put(uint64_t byte)
{
	mmio_write32(UART_VA + PL011_DR, (uint32_t)(byte & 0xff));
}

/* Bits 8 to 11 of DR are error flags of the byte, which nobody asks for. */
static inline uint64_t pl011_get(void)
{
	return mmio_read32(UART_VA + PL011_DR) & 0xff;
}

/* Both are lines of a level, which reading takes away: nothing is to be cleared. */
static inline void pl011_rx_irq(bool is_on)
{
	mmio_write32(UART_VA + PL011_IMSC, is_on ? PL011_INT_RX | PL011_INT_RT : 0);
}

#endif
