/* SPDX-License-Identifier: MIT */
/* Into the kernel and back: calls, a trapped register, and the EL0 of one's own. */
#include "bench.h"

static uint64_t null_batch(unsigned rounds)
{
	return TIMED(rounds, hv_self());
}

static uint64_t invalid_batch(unsigned rounds)
{
	return TIMED(rounds, hv_hvc0(1000));
}

static uint64_t trapped_batch(unsigned rounds)
{
	uint64_t value;

	return TIMED(rounds, __asm__ volatile("mrs %0, ctr_el0" : "=r"(value)));
}

/* At EL0: x19 system calls, then a breakpoint that nobody handles. */
__asm__(".pushsection .text\n"
	"el0_code: svc #0\n"
	"	subs	x19, x19, #1\n"
	"	b.ne	el0_code\n"
	"	brk	#0\n"
	"el0_code_end:\n"
	".popsection");
extern const char el0_code[], el0_code_end[];

static struct hv_el0 el0;

/* The host's side of a system call that asks for nothing. */
HV_FAST_HANDLER static uint64_t serve(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4, uint64_t a5, uint64_t nr)
{
	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)nr;
	return a0;
}

uint64_t bench_el0_run(unsigned calls)
{
	struct hv_el0_exit end;
	uint64_t start;

	el0.frame.x[19] = calls;
	el0.frame.elr = (uintptr_t)el0.code;
	start = ticks();
	hv_el0_enter(&el0, &end);
	return ticks() - start;
}

uint64_t bench_el0_start(void)
{
	must(hv_el0_create(&el0, el0_code, (size_t)(el0_code_end - el0_code), HV_PAGE_SIZE), "EL0");
	hv_on_svc_fast(serve);
	return (uintptr_t)el0.code;
}

void bench_calls(void)
{
	measure("null", null_batch, 1000);
	measure("invalid", invalid_batch, 1000);
	measure("trapped_read", trapped_batch, 1000);
	bench_el0_start();
	measure("el0_call", bench_el0_run, 1000);
	hv_on_svc_fast(NULL);
	hv_el0_destroy(&el0);
}
