/* SPDX-License-Identifier: MIT */
/* The console's side of the UART interrupt. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

void console_interrupt(void);

#endif
