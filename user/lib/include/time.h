/* SPDX-License-Identifier: MIT */
/* The C library's <time.h>, and what it leaves out for a system it does not know. */
#ifndef HV8_TIME_H
#define HV8_TIME_H

#include_next <time.h>

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC ((clockid_t)4)

int clock_gettime(clockid_t clock, struct timespec *tp);
int clock_getres(clockid_t clock, struct timespec *tp);
int nanosleep(const struct timespec *request, struct timespec *left);
#endif

#endif
