/* SPDX-License-Identifier: MIT */
/* The C library's <sched.h> and the one call of it that there is here. */
#ifndef HV8_SCHED_H
#define HV8_SCHED_H

#include_next <sched.h>

int sched_yield(void);

#endif
