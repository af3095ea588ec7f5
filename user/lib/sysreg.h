/* SPDX-License-Identifier: MIT */
/* Names of system registers and instructions whose access the kernel traps. */
#ifndef LIB_SYSREG_H
#define LIB_SYSREG_H

#include <stdint.h>

/* From the ISS of exception class 0x18 (DDI 0487J.a, D19.2.37); NULL if unknown. */
const char *sysreg_name(uint64_t iss);

#endif
