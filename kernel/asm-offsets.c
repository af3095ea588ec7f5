/* SPDX-License-Identifier: MIT */
/* Numbers that the assembly needs, taken from the C declarations at build time. */
#include <stddef.h>

#include "hypercall.h"
#include "layout.h"
#include "state.h"

/* Two fields that vectors.S or direct.S loads or stores at once. */
#define PAIR(type, first, second) \
	_Static_assert(offsetof(type, second) == offsetof(type, first) + 8, #first " and " #second)

PAIR(struct hv_cpu, doomed, current);
PAIR(struct hv_cpu, current, loaded);
PAIR(struct hv_cpu, loaded, ctx);
PAIR(struct hv_cpu, ctx, more);
PAIR(struct hv_cpu, switches, pages_pa);
PAIR(struct hv_cpu, number, allowed);
PAIR(struct hv_proc, root, ctx);
PAIR(struct hv_proc, wait_file, wait_peer);
PAIR(struct hv_proc, wait_peer, wait_flags);
PAIR(struct hv_proc, reply_to, callers);
PAIR(struct hv_handle_entry, file, rights);
PAIR(struct hv_file_entry, writers, type);
PAIR(struct hv_file_entry, senders.word[0], senders.word[1]);
PAIR(struct hv_file_entry, type, receivers);

_Static_assert((int)HC_NR_call == (int)HC_FULL_FIRST &&
	       (int)HC_NR_reply_wait == (int)HC_FULL_FIRST + 1, "vectors.S asks for these first");
_Static_assert(HV_NHANDLE == 64, "direct.S compares a handle and a pid at once");
_Static_assert(HV_WAIT_CALL == 1, "direct.S has a 1 already");
_Static_assert(HV_NONE == ~0ULL && HV_FOREVER == 0, "direct.S compares with both");

#define DEFINE(name, value) \
	asm volatile("\n.ascii \"->" #name " %0\"" :: "i"((long)(value)))

void asm_offsets(void);
void asm_offsets(void)
{
	DEFINE(CPU_CURRENT, offsetof(struct hv_cpu, current));
	DEFINE(CPU_LOADED, offsetof(struct hv_cpu, loaded));
	DEFINE(CPU_CTX, offsetof(struct hv_cpu, ctx));
	DEFINE(CPU_DOOMED, offsetof(struct hv_cpu, doomed));
	DEFINE(CPU_MORE, offsetof(struct hv_cpu, more));
	DEFINE(MORE_FP, __builtin_ctz(HV_CPU_FP));
	DEFINE(MORE_VGIC, __builtin_ctz(HV_CPU_VGIC));
	DEFINE(MORE_RAS, __builtin_ctz(HV_CPU_RAS));
	DEFINE(MORE_AFSR, __builtin_ctz(HV_CPU_AFSR));
	DEFINE(CPU_SWITCHES, offsetof(struct hv_cpu, switches));

	DEFINE(CPU_NUMBER, offsetof(struct hv_cpu, number));
	DEFINE(CPU_BIT, offsetof(struct hv_cpu, bit));
	DEFINE(SCHED_IDLE, offsetof(struct hv_sched, idle));
	DEFINE(KEY_BEHIND_CORE, sizeof(struct hv_sched) + 8 * HV_NPROC);

	DEFINE(PROC_SIZE_SHIFT, __builtin_ctz(sizeof(struct hv_proc)));
	DEFINE(PROC_ROOT, offsetof(struct hv_proc, root));
	DEFINE(PROC_CTX, offsetof(struct hv_proc, ctx));
	DEFINE(PROC_PAGES_COUNT, offsetof(struct hv_proc, pages_count));
	DEFINE(PROC_WAIT_FILE, offsetof(struct hv_proc, wait_file));
	DEFINE(PROC_WAIT_PEER, offsetof(struct hv_proc, wait_peer));
	DEFINE(PROC_WAIT_FLAGS, offsetof(struct hv_proc, wait_flags));
	DEFINE(PROC_REPLY_TO, offsetof(struct hv_proc, reply_to));
	DEFINE(PROC_CALLERS, offsetof(struct hv_proc, callers));
	DEFINE(PROC_HAS_VGIC, offsetof(struct hv_proc, has_vgic));

	DEFINE(HANDLE_SIZE_SHIFT, __builtin_ctz(sizeof(struct hv_handle_entry)));
	DEFINE(HANDLES_SIZE_SHIFT, __builtin_ctz(sizeof(handles[0])));
	DEFINE(RIGHT_READ, __builtin_ctz(HV_RIGHT_READ));
	DEFINE(RIGHT_WRITE, __builtin_ctz(HV_RIGHT_WRITE));

	DEFINE(FILE_SIZE_SHIFT, __builtin_ctz(sizeof(struct hv_file_entry)));
	DEFINE(FILE_WRITERS, offsetof(struct hv_file_entry, writers));
	DEFINE(FILE_TYPE, offsetof(struct hv_file_entry, type));
	DEFINE(FILE_SENDERS, offsetof(struct hv_file_entry, senders));
	DEFINE(FILE_RECEIVERS, offsetof(struct hv_file_entry, receivers));
	DEFINE(ASM_FILE_ENDPOINT, HV_FILE_ENDPOINT);

	DEFINE(DESC_SIZE_SHIFT, __builtin_ctz(sizeof(struct hv_page_desc)));
	DEFINE(DESC_TYPE, offsetof(struct hv_page_desc, type));
	DEFINE(DESC_OWNER, offsetof(struct hv_page_desc, owner));
	DEFINE(ASM_PAGE_FREE, HV_PAGE_FREE);
	DEFINE(ASM_PAGE_PARCEL, HV_PAGE_PARCEL);
	DEFINE(ASM_NPAGE, HV_NPAGE);

	DEFINE(MACHINE_EMPTY_ROOT, offsetof(struct machine, empty_root));
	DEFINE(MACHINE_HAS_SME, offsetof(struct machine, has_sme));
	DEFINE(MACHINE_CPTR, offsetof(struct machine, cptr));

	DEFINE(OFF_X0, 8 * CTX_X0);
	DEFINE(OFF_ELR_EL2, 8 * CTX_ELR_EL2);
	DEFINE(OFF_SP_EL0, 8 * CTX_SP_EL0);
	DEFINE(OFF_ELR_EL1, 8 * CTX_ELR_EL1);
	DEFINE(OFF_ESR_EL1, 8 * CTX_ESR_EL1);
	DEFINE(OFF_VBAR_EL1, 8 * CTX_VBAR_EL1);
	DEFINE(OFF_TPIDR_EL0, 8 * CTX_TPIDR_EL0);
	DEFINE(OFF_TPIDRRO_EL0, 8 * CTX_TPIDRRO_EL0);
	DEFINE(OFF_CNTV_CTL_EL0, 8 * CTX_CNTV_CTL_EL0);
	DEFINE(OFF_VDISR_EL2, 8 * CTX_VDISR_EL2);
	DEFINE(OFF_TPIDR2_EL0, 8 * CTX_TPIDR2_EL0);
	DEFINE(OFF_FPCR, 8 * CTX_FPCR);
	DEFINE(OFF_Q0, 8 * CTX_Q0);

	DEFINE(ASM_HC_FULL_FIRST, HC_FULL_FIRST);
	DEFINE(ASM_HC_CALL, HC_NR_call);
	DEFINE(ASM_HC_REPLY_WAIT, HC_NR_reply_wait);
	DEFINE(ASM_HC_COUNT, HC_COUNT);
	DEFINE(ASM_ENOSYS, HV_ENOSYS);
	DEFINE(ASM_EPIPE, HV_EPIPE);
	DEFINE(ASM_NHANDLE, HV_NHANDLE);
	DEFINE(ASM_PAGE_SIZE, HV_PAGE_SIZE);
	DEFINE(ASM_NCPU, HV_NCPU);
	DEFINE(ASM_STACK_SIZE, sizeof(cpu_stacks[0]));
}
