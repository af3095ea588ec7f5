/* SPDX-License-Identifier: MIT */
/* The end, when the kernel itself took an exception. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdint.h>

/* Words of what panic() gets: x0..x30 in 0..30, then these. */
enum panic_word { PANIC_ESR = 31, PANIC_ELR, PANIC_FAR, PANIC_SP, PANIC_WORDS };

_Noreturn void panic(const uint64_t *regs);

#endif
