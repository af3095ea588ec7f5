/* SPDX-License-Identifier: MIT */
/* The UART that boot has found, of one of two kinds: machine.uart_kind. */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include <stdbool.h>
#include <stdint.h>

enum uart_kind { UART_PL011, UART_CADENCE };

bool uart_tx_full(void);
void uart_put(uint64_t byte);
/* Something is still on its way out. */
bool uart_is_busy(void);
bool uart_rx_empty(void);
uint64_t uart_get(void);
void uart_rx_irq_enable(void);
void uart_rx_irq_disable(void);
/* What the interrupt says is taken in, before the receiver is looked at. */
void uart_rx_irq_clear(void);

#endif
