/* SPDX-License-Identifier: MIT */
/*
 * The EL0 sandbox: code that self runs at EL0 in pages mapped for it. It can
 * touch no other page; svc and every fault come back here.
 */
#include "os.h"
#include "dispatch.h"

#include <hv8/irq.h>

#include <string.h>

_Static_assert(offsetof(struct hv_el0, host_sp) == 8 * 36, "el0.S");
_Static_assert(offsetof(struct hv_el0, tpidr) == 8 * 37, "el0.S");
_Static_assert(offsetof(struct hv_el0, host_sp1) == 8 * 38, "el0.S");
_Static_assert(offsetof(struct hv_el0, fp) == 8 * 40, "el0.S");

#define SPSR_FLAGS	0xf0000000UL	/* NZCV */
#define SPSR_MASKED	0x3c0UL		/* DAIF */
#define SPSR_I		0x80UL
#define SPSR_AARCH32	0x10UL
#define SPSR_THUMB	0x20UL

void os_el0_enter(struct hv_el0 *el0);
_Noreturn void os_el0_return(struct hv_el0 *el0);
extern const char os_el0_gate[], os_el0_gate_end[];

static struct hv_el0 *inside;	/* the sandbox that EL0 is in, or NULL */
uint64_t hv_el0_tpidr;		/* vectors.S: TPIDR_EL0 of EL0 while the host runs */

/* An exception at EL0 that no handler took. */
void os_el0_leave(struct hv_frame *frame)
{
	struct hv_el0 *el0 = inside;

	if (el0 == NULL)
		return;
	inside = NULL;
	el0->frame = *frame;
	el0->tpidr = hv_el0_tpidr;
	os_el0_return(el0);
}

void hv_el0_enter(struct hv_el0 *el0, struct hv_el0_exit *exit)
{
	uint64_t spsr = el0->frame.spsr;
	uint64_t state = hv_irq_mask();		/* ELR_EL1 and SPSR_EL1 are about to be EL0's */

	el0->frame.spsr = (spsr & SPSR_FLAGS) | (os.has_irqs ? SPSR_MASKED & ~SPSR_I : SPSR_MASKED);
	if (spsr & SPSR_AARCH32)
		el0->frame.spsr |= SPSR_AARCH32 | (spsr & SPSR_THUMB);
	inside = el0;
	os_el0_enter(el0);
	hv_irq_restore(state);
	exit->frame = el0->frame;
	exit->esr = el0->frame.esr;
	exit->far = el0->frame.far;
	exit->kind = (enum hv_exception)hv_exc.kind_of_class[exit->esr >> 26 & 63];
}

/* ---- its memory --------------------------------------------------------------- */

static int64_t map_all(uint8_t *start, size_t size, hv_perm perm)
{
	int64_t error = 0;

	for (size_t at = 0; error == 0 && at < size; at += HV_PAGE_SIZE)
		error = hv_map((uintptr_t)start + at, perm);
	return error;
}

static int64_t protect_all(uint8_t *start, size_t size, hv_perm perm)
{
	int64_t error = 0;

	for (size_t at = 0; error == 0 && at < size; at += HV_PAGE_SIZE)
		error = hv_protect((uintptr_t)start + at, perm);
	return error;
}

int64_t hv_el0_create(struct hv_el0 *el0, const void *code, size_t size, size_t stack_size)
{
	int64_t error;

	memset(el0, 0, sizeof(*el0));
	el0->code_size = HV_PAGE_OF(size + HV_PAGE_SIZE - 1);
	el0->stack_size = HV_PAGE_OF(stack_size + HV_PAGE_SIZE - 1);
	if (size == 0 || el0->code_size < size || el0->stack_size < stack_size)
		return -HV_EINVAL;
	el0->code = hv_mmap(el0->code_size, HV_PERM_EL0 | HV_PERM_EL0X);
	if (el0->stack_size != 0)
		el0->stack = hv_mmap(el0->stack_size, HV_PERM_W | HV_PERM_EL0);
	error = el0->code == NULL || (el0->stack == NULL && el0->stack_size != 0) ? -HV_ENOMEM : 0;
	if (error == 0)
		error = map_all(el0->code, el0->code_size, HV_PERM_W);
	if (error == 0)
		error = map_all(el0->stack, el0->stack_size, HV_PERM_W | HV_PERM_EL0);
	if (error == 0) {
		memcpy(el0->code, code, size);
		hv_sync_code(el0->code, size);
		error = protect_all(el0->code, el0->code_size, HV_PERM_EL0 | HV_PERM_EL0X);
	}
	if (error < 0) {
		hv_el0_destroy(el0);
		return error;
	}
	el0->frame.elr = (uintptr_t)el0->code;
	el0->frame.sp = (uintptr_t)el0->stack + el0->stack_size;
	return 0;
}

void hv_el0_destroy(struct hv_el0 *el0)
{
	if (el0->code != NULL)
		hv_munmap(el0->code, el0->code_size);
	if (el0->stack != NULL)
		hv_munmap(el0->stack, el0->stack_size);
	el0->code = NULL;
	el0->stack = NULL;
}

/* ---- one function ------------------------------------------------------------- */

int64_t hv_el0_run(void (*fn)(void *), const void *end, void *arg, struct hv_el0_exit *exit)
{
	size_t gate = (size_t)(os_el0_gate_end - os_el0_gate);
	uintptr_t start = (uintptr_t)fn;
	struct hv_el0_exit own;
	struct hv_el0 el0;
	uint8_t *copy;
	size_t size;
	int64_t error;

	if (exit == NULL)
		exit = &own;
	if ((uintptr_t)end <= start || (uintptr_t)end - start > (1UL << 20))
		return -HV_EINVAL;
	size = (uintptr_t)end - start;
	copy = hv_mmap(gate + size, HV_PERM_W);
	if (copy == NULL)
		return -HV_ENOMEM;
	memcpy(copy, os_el0_gate, gate);
	memcpy(copy + gate, (const void *)start, size);
	error = hv_el0_create(&el0, copy, gate + size, 4 * HV_PAGE_SIZE);
	hv_munmap(copy, gate + size);
	if (error < 0)
		return error;
	el0.frame.x[0] = (uintptr_t)arg;
	el0.frame.x[1] = (uintptr_t)el0.code + gate;
	hv_el0_enter(&el0, exit);
	hv_el0_destroy(&el0);
	return exit->kind == HV_EXC_SVC ? (int64_t)exit->frame.x[0] : -HV_EFAULT;
}
