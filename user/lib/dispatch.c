/* SPDX-License-Identifier: MIT */
/*
 * Who handles which exception: the table that vectors.S reads, and what
 * happens with an exception that no handler took: the page manager, then the
 * end of the stay at EL0 or of the process. Runs on the handler stack.
 */
#include "os.h"
#include "dispatch.h"

#include <signal.h>

/* Exception classes (DDI 0487J.a, D19.2.37). */
enum {
	EC_FP_TRAP = 0x07, EC_SVC64 = 0x15, EC_SVC32 = 0x11,
	EC_IABORT_EL0 = 0x20, EC_IABORT = 0x21,
	EC_DABORT_EL0 = 0x24, EC_DABORT = 0x25,
	EC_FP_EXC = 0x2c, EC_BRK = 0x3c, EC_BKPT32 = 0x38,
	EC_IRQ = HV_ESR_IRQ >> 26,
};

struct hv_exc hv_exc = {
	.kind_of_class = {
		[EC_FP_TRAP] = HV_EXC_FP, [EC_FP_EXC] = HV_EXC_FP,
		[EC_SVC64] = HV_EXC_SVC, [EC_SVC32] = HV_EXC_SVC,
		[EC_IABORT_EL0] = HV_EXC_INSN_ABORT, [EC_IABORT] = HV_EXC_INSN_ABORT,
		[EC_DABORT_EL0] = HV_EXC_DATA_ABORT, [EC_DABORT] = HV_EXC_DATA_ABORT,
		[EC_BRK] = HV_EXC_BRK, [EC_BKPT32] = HV_EXC_BRK,
		[EC_IRQ] = HV_EXC_IRQ,
	},
};

hv_svc_handler hv_svc_fast;

bool os_has_abort_handler(void)
{
	return hv_exc.slot[HV_EXC_DATA_ABORT].handler != 0
		|| hv_exc.slot[HV_EXC_INSN_ABORT].handler != 0;
}

void hv_on_exception_fast(enum hv_exception kind, hv_handler handler, void *arg)
{
	if ((unsigned)kind >= HV_EXC_KINDS)
		return;
	/* the handler is to see faults of its program's making only */
	if (handler != NULL && (kind == HV_EXC_DATA_ABORT || kind == HV_EXC_INSN_ABORT))
		os_lazy_load_all();
	hv_exc.slot[kind].handler = 0;	/* never the old one with the new argument */
	__asm__ volatile("" ::: "memory");
	hv_exc.slot[kind].arg = arg;
	__asm__ volatile("" ::: "memory");
	hv_exc.slot[kind].handler = (uintptr_t)handler;
}

void hv_on_exception(enum hv_exception kind, hv_handler handler, void *arg)
{
	hv_on_exception_fast(kind, handler, arg);
	if (handler != NULL && (unsigned)kind < HV_EXC_KINDS)
		hv_exc.slot[kind].handler |= 1;
}

void hv_on_svc_fast(hv_svc_handler handler)
{
	hv_svc_fast = handler;
}

/* ---- the page manager --------------------------------------------------------- */

/* The permissions of the area that va lies in. */
static bool find_area(uintptr_t va, hv_perm *perm)
{
	*perm = HV_PERM_W;
	if (va >= HV_STACK_LIMIT && va < HV_STACK_TOP)
		return true;
	if (va >= (uintptr_t)_end && va < os.brk)
		return true;
	for (uint64_t i = 0; i < os.region_count; i++) {
		if (va >= os.region[i].start && va < os.region[i].end) {
			*perm = os.region[i].perm;
			return true;
		}
	}
	return false;
}

enum hv_handled hv_page_fault(struct hv_frame *frame)
{
	uint64_t ec = frame->esr >> 26;
	uint64_t status = frame->esr & 0x3f;
	int64_t error;
	hv_perm perm;

	if (ec != EC_DABORT && ec != EC_IABORT)
		return HV_NOT_HANDLED;
	if (os.irq_depth != 0)			/* it may have interrupted this very function */
		return HV_NOT_HANDLED;
	if (status < 4 || status > 7)		/* translation fault, level 0..3 */
		return HV_NOT_HANDLED;
	if (find_area(frame->far, &perm))
		error = hv_map(HV_PAGE_OF(frame->far), perm);
	else
		error = os_lazy_load(frame->far);
	return error == 0 ? HV_HANDLED : HV_NOT_HANDLED;
}

/* Nobody took it. Returns to the program, to hv_el0_enter, or not at all. */
void os_exception(struct hv_frame *frame)
{
	if (hv_page_fault(frame) == HV_HANDLED)
		return;
	if ((frame->spsr & 0xf) == 0)
		os_el0_leave(frame);
	if (os.is_dying++ == 0)
		os_die(frame);
	os_end(HV_STATUS_SIGNAL | SIGSEGV | frame->esr << 32);
}

/* vectors.S: handlers have nested until their stack was full. */
_Noreturn void os_die_overflow(uint64_t esr, uint64_t elr, uint64_t far)
{
	if (os.is_dying++ == 0)
		os_die_nested(esr, elr, far);
	os_end(HV_STATUS_SIGNAL | SIGSEGV | esr << 32);
}
