/* SPDX-License-Identifier: MIT */
/* Catches the aborts of the three probing accesses. */
#include "probe.h"

static uint64_t last_far;

/* The access "returns" the syndrome to its caller. */
static enum hv_handled catch(struct hv_frame *frame, void *arg)
{
	bool is_ours = frame->elr == (uintptr_t)probe_load ||
		       frame->elr == (uintptr_t)probe_store || frame->elr == frame->x[0];

	(void)arg;
	if (!is_ours)
		return HV_NOT_HANDLED;
	last_far = frame->far;
	frame->x[0] = frame->esr;
	frame->elr = frame->x[30];
	return HV_HANDLED;
}

void probe_start(void)
{
	hv_on_exception(HV_EXC_DATA_ABORT, catch, NULL);
	hv_on_exception(HV_EXC_INSN_ABORT, catch, NULL);
	hv_on_exception(HV_EXC_OTHER, catch, NULL);
}

uint64_t probe_far(void)
{
	return last_far;
}
