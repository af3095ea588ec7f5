/* SPDX-License-Identifier: MIT */
/*
 * Numbers and prototypes of the hypercall handlers, from the one table.
 * A handler is all checks, then all writes, then one return.
 */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include <uapi/abi.h>

#define HC0(n, name, path) int64_t hc_##name(void);
#define HC1(n, name, path, t0, a0) int64_t hc_##name(t0 a0);
#define HC2(n, name, path, t0, a0, t1, a1) int64_t hc_##name(t0 a0, t1 a1);
#define HC3(n, name, path, t0, a0, t1, a1, t2, a2) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2);
#define HC4(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2, t3 a3);
#define HC5(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4);
#define HC6(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);
#define HC7(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);
#define HC8(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7) \
	int64_t hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7);
#include <uapi/hypercall.def>
#include "hypercall_undef.h"

enum hypercall_number {
#define HC_ANY(n, name, ...) HC_NR_##name = n,
#include "hypercall_any.h"
};

/* The first and the last of the calls that may switch process. */
enum { HC_FULL_FIRST = HC_NR_call, HC_COUNT = HC_NR_recv + 1 };

#endif
