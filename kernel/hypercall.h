/* SPDX-License-Identifier: MIT */
/*
 * Numbers and prototypes of the hypercall handlers, from the one table.
 * A handler is all checks, then all writes, then one return.
 */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include <uapi/abi.h>

/*
 * What a handler of the class FULL returns: in x0 the result, and in x1 the process that the
 * caller has given the core to, if that is all that became of the core: another process than
 * the caller is current, and nobody has become ready. Else x1 is 0. One number and not a
 * struct, for which GCC makes room on the stack.
 */
typedef unsigned __int128 hv_outcome;

static inline hv_outcome outcome(int64_t result)
{
	return (uint64_t)result;
}

/* The caller waits; if it is woken without a message its call returns the result. */
static inline hv_outcome handed_over(int64_t result, uint64_t pid)
{
	return (hv_outcome)pid << 64 | (uint64_t)result;
}

#define HC_RETURNS_FREE int64_t
#define HC_RETURNS_FAST int64_t
#define HC_RETURNS_FULL hv_outcome

#define HC0(n, name, path) HC_RETURNS_##path hc_##name(void);
#define HC1(n, name, path, t0, a0) HC_RETURNS_##path hc_##name(t0 a0);
#define HC2(n, name, path, t0, a0, t1, a1) HC_RETURNS_##path hc_##name(t0 a0, t1 a1);
#define HC3(n, name, path, t0, a0, t1, a1, t2, a2) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2);
#define HC4(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2, t3 a3);
#define HC5(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4);
#define HC6(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);
#define HC7(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);
#define HC8(n, name, path, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7) \
	HC_RETURNS_##path hc_##name(t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7);
#include <uapi/hypercall.def>
#include "hypercall_undef.h"

enum hypercall_number {
#define HC_ANY(n, name, ...) HC_NR_##name = n,
#include "hypercall_any.h"
};

/* The first and the last of the calls that may switch process. */
enum { HC_FULL_FIRST = HC_NR_clone, HC_COUNT = HC_NR_reply_wait + 1 };

#endif
