/* SPDX-License-Identifier: MIT */
/*
 * Stubs: one static inline function hv_NAME() for each line of
 * uapi/hypercall.def, with its parameters, that returns what the kernel left
 * in x0: 0 or more, or a negated enum hv_error. Calls that receive a message
 * exist a second time as hv_NAME_msg(), which keeps x1..x7 too.
 *
 * The kernel changes x0..x17 (results or zero) and keeps x18..x30.
 */
#ifndef HV8_HYPERCALL_H
#define HV8_HYPERCALL_H

#include <uapi/abi.h>

/* What a receive, call or reply_wait brings. Only `result` means anything
 * unless it is 0. */
struct hv_msg {
	int64_t result;		/* 0 or a negated enum hv_error */
	hv_pid from;		/* who sent it, or answered */
	hv_page page;		/* free page or parcel that is now ours, or 0 */
	hv_handle handle;	/* slot of the handle that came along, or HV_NONE */
	uint64_t w[4];
};

#define HV_ASM_REG(n) register uint64_t x##n __asm__("x" #n)
#define HV_ASM_KILLED "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "cc", "memory"
#define HV_INLINE static inline __attribute__((always_inline, unused))

HV_INLINE int64_t hv_hvc0(uint64_t nr)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0);
	__asm__ volatile("hvc #0" : "=r"(x0), "+r"(x8)
		: : "x1", "x2", "x3", "x4", "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc1(uint64_t nr, uint64_t a0)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x8)
		: : "x1", "x2", "x3", "x4", "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc2(uint64_t nr, uint64_t a0, uint64_t a1)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0; HV_ASM_REG(1) = a1;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x8)
		: : "x2", "x3", "x4", "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc3(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0; HV_ASM_REG(1) = a1; HV_ASM_REG(2) = a2;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x8)
		: : "x3", "x4", "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc4(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0; HV_ASM_REG(1) = a1; HV_ASM_REG(2) = a2; HV_ASM_REG(3) = a3;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x8)
		: : "x4", "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc5(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0; HV_ASM_REG(1) = a1; HV_ASM_REG(2) = a2; HV_ASM_REG(3) = a3;
	HV_ASM_REG(4) = a4;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x8)
		: : "x5", "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

HV_INLINE int64_t hv_hvc6(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4, uint64_t a5)
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = a0; HV_ASM_REG(1) = a1; HV_ASM_REG(2) = a2; HV_ASM_REG(3) = a3;
	HV_ASM_REG(4) = a4; HV_ASM_REG(5) = a5;
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5),
		"+r"(x8) : : "x6", "x7", HV_ASM_KILLED);
	return (int64_t)x0;
}

/* All eight in, all eight out: x[0..7]. */
HV_INLINE void hv_hvc_regs(uint64_t nr, uint64_t x[8])
{
	HV_ASM_REG(8) = nr;
	HV_ASM_REG(0) = x[0]; HV_ASM_REG(1) = x[1]; HV_ASM_REG(2) = x[2]; HV_ASM_REG(3) = x[3];
	HV_ASM_REG(4) = x[4]; HV_ASM_REG(5) = x[5]; HV_ASM_REG(6) = x[6]; HV_ASM_REG(7) = x[7];
	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5),
		"+r"(x6), "+r"(x7), "+r"(x8) : : HV_ASM_KILLED);
	x[0] = x0; x[1] = x1; x[2] = x2; x[3] = x3;
	x[4] = x4; x[5] = x5; x[6] = x6; x[7] = x7;
}

HV_INLINE int64_t hv_hvc7(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4, uint64_t a5, uint64_t a6)
{
	uint64_t x[8] = { a0, a1, a2, a3, a4, a5, a6, 0 };
	hv_hvc_regs(nr, x);
	return (int64_t)x[0];
}

HV_INLINE int64_t hv_hvc8(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7)
{
	uint64_t x[8] = { a0, a1, a2, a3, a4, a5, a6, a7 };
	hv_hvc_regs(nr, x);
	return (int64_t)x[0];
}

#define HC0(nr, name, path) HV_INLINE int64_t hv_##name(void) { return hv_hvc0(nr); }
#define HC1(nr, name, path, t0, p0) \
	HV_INLINE int64_t hv_##name(t0 p0) { return hv_hvc1(nr, p0); }
#define HC2(nr, name, path, t0, p0, t1, p1) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1) { return hv_hvc2(nr, p0, p1); }
#define HC3(nr, name, path, t0, p0, t1, p1, t2, p2) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2) { return hv_hvc3(nr, p0, p1, p2); }
#define HC4(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2, t3 p3) \
	{ return hv_hvc4(nr, p0, p1, p2, p3); }
#define HC5(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4) \
	{ return hv_hvc5(nr, p0, p1, p2, p3, p4); }
#define HC6(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5) \
	{ return hv_hvc6(nr, p0, p1, p2, p3, p4, p5); }
#define HC7(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5, t6, p6) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5, t6 p6) \
	{ return hv_hvc7(nr, p0, p1, p2, p3, p4, p5, p6); }
#define HC8(nr, name, path, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5, t6, p6, t7, p7) \
	HV_INLINE int64_t hv_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5, t6 p6, t7 p7) \
	{ return hv_hvc8(nr, p0, p1, p2, p3, p4, p5, p6, p7); }
#include <uapi/hypercall.def>
#undef HC0
#undef HC1
#undef HC2
#undef HC3
#undef HC4
#undef HC5
#undef HC6
#undef HC7
#undef HC8

/* The numbers: HV_NR_NAME. */
#define HC0(nr, name, ...) HV_NR_##name = nr,
#define HC1 HC0
#define HC2 HC0
#define HC3 HC0
#define HC4 HC0
#define HC5 HC0
#define HC6 HC0
#define HC7 HC0
#define HC8 HC0
enum hv_hypercall_number {
#include <uapi/hypercall.def>
};
#undef HC0
#undef HC1
#undef HC2
#undef HC3
#undef HC4
#undef HC5
#undef HC6
#undef HC7
#undef HC8

HV_INLINE struct hv_msg hv_msg_from_regs(const uint64_t x[8])
{
	return (struct hv_msg){
		.result = (int64_t)x[0], .from = x[1], .page = x[2], .handle = x[3],
		.w = { x[4], x[5], x[6], x[7] },
	};
}

HV_INLINE struct hv_msg hv_recv_msg(hv_handle handle, hv_time deadline, hv_word flags)
{
	uint64_t x[8] = { handle, deadline, flags, 0, 0, 0, 0, 0 };
	hv_hvc_regs(HV_NR_recv, x);
	return hv_msg_from_regs(x);
}

HV_INLINE struct hv_msg hv_call_msg(hv_handle handle, hv_time deadline, hv_page page,
	hv_handle passed, hv_word w0, hv_word w1, hv_word w2, hv_word w3)
{
	uint64_t x[8] = { handle, deadline, page, passed, w0, w1, w2, w3 };
	hv_hvc_regs(HV_NR_call, x);
	return hv_msg_from_regs(x);
}

HV_INLINE struct hv_msg hv_reply_wait_msg(hv_handle handle, hv_time deadline, hv_page page,
	hv_handle passed, hv_word w0, hv_word w1, hv_word w2, hv_word w3)
{
	uint64_t x[8] = { handle, deadline, page, passed, w0, w1, w2, w3 };
	hv_hvc_regs(HV_NR_reply_wait, x);
	return hv_msg_from_regs(x);
}

#endif
