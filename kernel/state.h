/* SPDX-License-Identifier: MIT */
/*
 * The only declaration of the kernel's state. Everything a handler can reach
 * is here: arrays of structs of uint64_t, indexed by number.
 */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <uapi/tables.h>

/* Words of a context page: the saved registers of a process. */
enum ctx_word {
	CTX_X0 = 0,		/* x0..x30 in words 0..30 */
	CTX_X30 = 30,

	/* saved only when another process runs */
	CTX_ELR_EL2 = 32, CTX_SPSR_EL2,
	CTX_SP_EL0, CTX_SP_EL1,
	CTX_ELR_EL1, CTX_SPSR_EL1,
	CTX_ESR_EL1, CTX_FAR_EL1,
	CTX_VBAR_EL1, CTX_PAR_EL1,
	CTX_TPIDR_EL0, CTX_TPIDR_EL1,
	CTX_TPIDRRO_EL0, CTX_CNTKCTL_EL1,
	CTX_CNTV_CTL_EL0, CTX_CNTV_CVAL_EL0,
	CTX_VDISR_EL2, CTX_TPIDR2_EL0,

	/* saved only of a process with the virtual CPU interface */
	CTX_VMCR = 116, CTX_APR,

	/* saved only if FP was used since the process last ran */
	CTX_FPCR = 50, CTX_FPSR,
	CTX_Q0 = 52,		/* q0..q31 in words 52..115 */

	/* the message of a sender that waits */
	CTX_MSG_PAGE = 120, CTX_MSG_HANDLE, CTX_MSG_W0, CTX_MSG_W1, CTX_MSG_W2, CTX_MSG_W3,

	/* state of each list register: 1 pending, 2 active, 3 both */
	CTX_LR_STATE = 126,
};

/*
 * Deadlines of blocked processes: a winner tree. Leaf HV_NPROC + p is
 * process p's key, deadline << 8 | p, or TIMER_OFF; node i is the smaller of
 * nodes 2i and 2i+1; so node 1 is the next deadline.
 */
#define TIMER_OFF (~0ULL)
enum { TIMER_PID_BITS = 8, TIMER_LEVELS = 7, TIMER_NODES = 2 * HV_NPROC };

/* Bytes typed and not yet read. */
enum { CONSOLE_RING = 64 };
struct console {
	uint64_t head;		/* bytes ever put in */
	uint64_t tail;		/* bytes ever taken out; head - tail <= CONSOLE_RING */
	uint64_t has_break;	/* 1: the break key was typed and nobody was there */
	uint64_t byte[CONSOLE_RING];
};

enum { NINTID = 1020 };

/* Facts found by boot, constant afterwards. */
struct machine {
	uint64_t pages_pa;	/* physical address of page 0 */
	uint64_t view_pte;	/* level-0 descriptor of the view tables */
	uint64_t empty_root;	/* TTBR0_EL1 when nobody runs: an empty table, ASID 0 */
	uint64_t gic_version;	/* 2 or 3 */
	uint64_t timer_intid;	/* EL2 physical timer */
	uint64_t uart_intid;
	uint64_t uart_kind;	/* enum uart_kind */
	uint64_t vtimer_intid;	/* EL1 virtual timer */
	uint64_t vgic_intid;	/* maintenance of the virtual CPU interface */
	uint64_t tick_period;	/* counter ticks */
	uint64_t cores;		/* bit i: core i runs processes */
	uint64_t has_sme;	/* FEAT_SME: TPIDR2_EL0 exists and is switched */
	uint64_t cptr;		/* CPTR_EL2 with FP/SIMD trapped */
};

extern struct hv_sched sched;
extern struct hv_proc procs[HV_NPROC];
extern struct hv_page_desc page_descs[HV_NPAGE];
extern struct hv_handle_entry handles[HV_NPROC][HV_NHANDLE];
extern struct hv_file_entry files[HV_NFILE];
extern struct hv_irq_entry irqs[HV_NIRQ];
extern uint64_t irq_line[NINTID];	/* line of an INTID, or 0; constant */
extern struct hv_device_entry devices[HV_NDEVICE];
extern struct hv_bootinfo bootinfo;
extern struct console console;
extern struct machine machine;
extern uint64_t timer_tree[TIMER_NODES];
extern uint64_t cpu_stacks[HV_NCPU][512];
extern uint64_t pages[HV_NPAGE][HV_PAGE_WORDS];

#endif
