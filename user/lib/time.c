/* SPDX-License-Identifier: MIT */
/*
 * Time is the counter of the EL1 virtual timer; to sleep is to set that timer
 * and wait for it with WFI, in which the kernel blocks self. There is no
 * clock of the day yet: time starts at boot.
 */
#include "os.h"

#include <errno.h>
#include <sched.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

uint64_t hv_now(void)
{
	uint64_t now;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

static uint64_t frequency(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

/* a * b / c without overflow where the result has no more than 64 bits */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
	return a / c * b + a % c * b / c;
}

uint64_t hv_ticks_of_us(uint64_t us)
{
	return scale(us, frequency(), 1000000);
}

uint64_t hv_us_of_ticks(uint64_t ticks)
{
	return scale(ticks, 1000000, frequency());
}

hv_time hv_deadline_us(uint64_t us)
{
	return hv_now() + hv_ticks_of_us(us);
}

void hv_sleep_until(uint64_t cntvct)
{
	if (os.has_irqs) {
		os_timer_sleep(cntvct);
		return;
	}
	__asm__ volatile("msr cntv_cval_el0, %0" : : "r"(cntvct));
	/* on, its interrupt masked */
	__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(3UL));
	while (hv_now() < cntvct)
		__asm__ volatile("wfi" : : : "memory");
	__asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
}

/* ---- POSIX -------------------------------------------------------------------- */

static uint64_t since_boot(void)
{
	return hv_has_view() ? hv_now() - hv_bootinfo->boot_time : hv_now();
}

int clock_gettime(clockid_t clock, struct timespec *tp)
{
	uint64_t now = since_boot(), hz = frequency();

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	tp->tv_sec = (time_t)(now / hz);
	tp->tv_nsec = (long)(now % hz * 1000000000 / hz);
	return 0;
}

int clock_getres(clockid_t clock, struct timespec *tp)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	tp->tv_sec = 0;
	tp->tv_nsec = (long)(1000000000 / frequency() + 1);
	return 0;
}

int gettimeofday(struct timeval *tv, void *tz)
{
	uint64_t us = hv_us_of_ticks(since_boot());

	(void)tz;
	tv->tv_sec = (time_t)(us / 1000000);
	tv->tv_usec = (suseconds_t)(us % 1000000);
	return 0;
}

clock_t times(struct tms *buffer)
{
	clock_t now = (clock_t)scale(since_boot(), CLOCKS_PER_SEC, frequency());

	*buffer = (struct tms){ .tms_utime = now };
	return now;
}

int nanosleep(const struct timespec *request, struct timespec *left)
{
	uint64_t hz = frequency();

	if (request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec > 999999999) {
		errno = EINVAL;
		return -1;
	}
	hv_sleep_until(hv_now() + (uint64_t)request->tv_sec * hz
		+ scale((uint64_t)request->tv_nsec, hz, 1000000000));
	if (left != NULL)
		*left = (struct timespec){ 0 };
	return 0;
}

unsigned sleep(unsigned seconds)
{
	hv_sleep_until(hv_now() + (uint64_t)seconds * frequency());
	return 0;
}

int usleep(useconds_t us)
{
	hv_sleep_until(hv_deadline_us((uint64_t)us));
	return 0;
}

int sched_yield(void)
{
	return (int)hv_set_errno(hv_yield());
}
