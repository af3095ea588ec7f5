/* SPDX-License-Identifier: MIT */
/* The break key, and the console's side of the UART interrupt. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

enum { BREAK_KEY = 3 };	/* ^C */

void console_interrupt(void);

#endif
