/* SPDX-License-Identifier: MIT */
/* The PL011 UART (DDI 0183G) at UART_VA: one register access each. */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets and fields of the registers (3.2, 3.3). */
enum uart_register {
	UART_DR = 0x000,
	UART_FR = 0x018,
	UART_LCRH = 0x02c,
	UART_CR = 0x030,
	UART_IFLS = 0x034,
	UART_IMSC = 0x038,
	UART_ICR = 0x044,
	UART_PCELLID = 0xff0,	/* four words: the PrimeCell signature */
};

enum uart_field {
	UART_FR_BUSY = 1 << 3,
	UART_FR_RXFE = 1 << 4,
	UART_FR_TXFF = 1 << 5,
	UART_LCRH_FEN = 1 << 4,		/* FIFOs on */
	UART_LCRH_WLEN8 = 3 << 5,
	UART_CR_UARTEN = 1 << 0,
	UART_CR_TXE = 1 << 8,
	UART_CR_RXE = 1 << 9,
	UART_INT_RX = 1 << 4,
	UART_INT_RT = 1 << 6,		/* bytes below the trigger level, line idle */
	UART_INT_ALL = 0x7ff,
};

bool uart_tx_full(void);
void uart_put(uint64_t byte);
bool uart_rx_empty(void);
uint64_t uart_get(void);
void uart_rx_irq_enable(void);
void uart_rx_irq_disable(void);

#endif
