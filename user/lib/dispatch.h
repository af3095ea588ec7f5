/* SPDX-License-Identifier: MIT */
/* The dispatch table that dispatch.c owns and vectors.S reads. */
#ifndef LIB_DISPATCH_H
#define LIB_DISPATCH_H

#include <hv8/libos.h>

struct hv_exc {
	uint8_t kind_of_class[64];
	struct {
		uintptr_t handler;	/* bit 0: save the FP registers */
		void *arg;
	} slot[HV_EXC_KINDS];
};

_Static_assert(offsetof(struct hv_exc, slot) == 64, "vectors.S");
_Static_assert(sizeof(((struct hv_exc *)0)->slot[0]) == 16, "vectors.S");
_Static_assert(sizeof(struct hv_frame) == 8 * 36, "vectors.S");
_Static_assert(offsetof(struct hv_frame, sp) == 8 * 31, "vectors.S");
_Static_assert(offsetof(struct hv_frame, esr) == 8 * 34, "vectors.S");

extern struct hv_exc hv_exc;
void os_exception(struct hv_frame *frame);
_Noreturn void os_die_overflow(uint64_t esr, uint64_t elr, uint64_t far);

#endif
