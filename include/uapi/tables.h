/* SPDX-License-Identifier: MIT */
/*
 * The kernel's tables, as the kernel keeps them and as a process with the
 * right to see them reads them (HV_VIEW_*). Arrays of structs of uint64_t,
 * indexed by number, each padded to a power of two.
 */
#ifndef UAPI_TABLES_H
#define UAPI_TABLES_H

#include "abi.h"

/* A set of processes, or of interrupt lines: bit p % 64 of word p / 64. */
struct hv_set {
	uint64_t word[HV_SET_WORDS];
};

struct hv_proc {
	uint64_t state;		/* enum hv_proc_state */
	uint64_t ppid;		/* parent; of an unused pid, who may clone into it */
	uint64_t root;		/* page of the level-0 table */
	uint64_t ctx;		/* page of the saved registers */

	/* what it owns; all must be 0 before it is reaped */
	uint64_t pages_count;	/* pages of any type, free ones included */
	uint64_t pids_count;	/* pids whose ppid it is, unused ones included */
	uint64_t files_count;	/* file objects it owns, unused ones included */
	uint64_t handles_count;

	uint64_t recv_slot;	/* where the next received handle goes, or HV_NONE */

	/* meaningful while it is blocked */
	uint64_t wait_file;	/* endpoint or console in whose set it is, or 0 */
	uint64_t wait_peer;	/* process whose reply it waits for, or 0 */
	uint64_t wait_flags;	/* enum hv_wait_flags */

	uint64_t reply_to;	/* last caller received and not answered, or 0 */
	struct hv_set callers;	/* who waits for this process's reply */
	struct hv_set zombies;	/* its dead children */

	/* how it ended */
	uint64_t status;	/* argument of kill */
	uint64_t cause_esr;	/* ESR_EL2 of the trap that stopped it, or 0 */
	uint64_t cause_elr;	/* address of the instruction */
	uint64_t cause_far;

	uint64_t name[HV_NAME_BYTES / 8];

	/* devices and interrupts; the counts must be 0 before it is reaped */
	uint64_t devices_count;	/* pages of device registers it owns */
	uint64_t irqs_count;	/* interrupt lines it owns */
	uint64_t has_vgic;	/* 1: it has the virtual CPU interface of the GIC */
	struct hv_set irqs_pending; /* lines that wait for a list register */
	uint64_t listed[HV_NLR];	/* line in each list register, or 0 */
};

struct hv_page_desc {
	uint64_t type;		/* enum hv_page_type */
	uint64_t owner;		/* pid; free pages have one too */
	uint64_t count;		/* valid entries of a table; of L0 those below HV_L0_USER_END */
	uint64_t reserved;
};

struct hv_handle_entry {
	uint64_t file;		/* 0 = empty */
	uint64_t rights;
};

struct hv_file_entry {
	uint64_t writers;	/* handles with HV_RIGHT_WRITE that name it */
	uint64_t type;		/* enum hv_file_type */
	struct hv_set receivers; /* blocked in recv, reply_wait or console_read */
	struct hv_set senders;	/* blocked in send or call; console: in wait, for the break key */
	uint64_t readers;	/* handles with HV_RIGHT_READ that name it */
	uint64_t refs;		/* all handles that name it */
	uint64_t owner;		/* who may create in this slot, or did */
	uint64_t value;		/* chosen at creation */
	uint64_t offset;	/* set by seek */
	uint64_t last_sender;	/* whose message was received last: the next in order follows */
	uint64_t reserved2[4];
};

/* An interrupt line that a process may have. */
struct hv_irq_entry {
	uint64_t state;		/* enum hv_irq_state */
	uint64_t owner;
	uint64_t intid;		/* of the GIC; the process gets it under the same number */
	uint64_t lr;		/* list register for it, less the state */
};

/* A page of device registers. Boot makes it; only its owner and state change. */
struct hv_device_entry {
	uint64_t state;		/* enum hv_device_state */
	uint64_t owner;		/* pid */
	uint64_t pa;		/* physical address */
	uint64_t flags;		/* enum hv_device_flags */
	uint64_t node;		/* first device in it: offset in the tree's structure block */
	uint64_t node_count;	/* devices with registers in it */
	uint64_t reserved[2];
};

/* What a switch has to see to besides what every core has and every process uses. */
enum hv_cpu_more {
	HV_CPU_FP = 1,		/* Q registers are the loaded process's, not trapped */
	HV_CPU_VGIC = 2,	/* the list registers are the loaded process's */
	HV_CPU_RAS = 4,		/* FEAT_RAS: VDISR_EL2 exists and is switched; constant */
	HV_CPU_AFSR = 8,	/* AFSR0_EL1 or AFSR1_EL1 keeps a value, and is zeroed; constant */
};

struct hv_cpu {
	uint64_t doomed;	/* 1: its process was killed by another core; to be stopped */
	uint64_t current;	/* pid, 0 = idle */
	uint64_t loaded;	/* whose registers the core holds, 0 = nobody's */
	uint64_t ctx;		/* EL2 address of the loaded process's context page */
	uint64_t more;		/* enum hv_cpu_more; mostly 0 */
	uint64_t switches;	/* context switches since boot */
	uint64_t pages_pa;	/* physical address of page 0, beside what a switch reads */
	uint64_t number;	/* HV_NCPU + its index; constant */
	struct hv_set allowed;	/* processes that may run on it, alive or not */
	uint64_t bit;		/* 1 << its index; constant */
	uint64_t sgi;		/* what is written to the GIC to interrupt it; constant */
	uint64_t turn;		/* pid whose turn it is, in round robin */
	uint64_t next_tick;	/* CNTPCT_EL0 value of the next tick */
	uint64_t reserved[2];
};

struct hv_sched {
	uint64_t core[HV_NPROC];	/* number of the core that runs the process, or 0 */
	struct hv_set ready;	/* live, waiting for a core */
	uint64_t idle;		/* bit i: core i waits for an interrupt */
	uint64_t ticks;		/* since boot, of all cores */
	struct hv_cpu cpus[HV_NCPU];
	uint64_t reserved[252];	/* fills a page: the view of it shows nothing else */
};

enum { HV_KLOG_BYTES = 8192 - 19 * 8 };

/* What boot found; never written after boot. */
struct hv_bootinfo {
	uint64_t magic;		/* HV_BOOTINFO_MAGIC */
	uint64_t version;	/* of this interface */
	uint64_t ram_base;	/* physical address of page 0 */
	uint64_t ram_pages;	/* usable and reserved pages that the tables cover */
	uint64_t free_first;	/* first page of the largest run given to init */
	uint64_t free_end;	/* one past its last */
	uint64_t initrd_offset;	/* bytes from HV_VIEW_INITRD to the archive */
	uint64_t initrd_size;	/* bytes */
	uint64_t dtb_offset;	/* bytes from HV_VIEW_DTB */
	uint64_t dtb_size;
	uint64_t gic_version;	/* 2 or 3 */
	uint64_t cpu_count;	/* that run processes */
	uint64_t midr;		/* MIDR_EL1 of the boot core */
	uint64_t cntfrq;	/* Hz */
	uint64_t boot_time;	/* CNTVCT_EL0 just before the first eret */
	/* The UART, if it is for a process (uart=process); else 0. */
	uint64_t uart_pa;	/* physical address of its registers */
	uint64_t uart_kind;	/* 0: PL011, 1: Cadence */
	uint64_t uart_intid;
	uint64_t klog_bytes;
	uint8_t klog[HV_KLOG_BYTES];
};

#define HV_BOOTINFO_MAGIC 0x38766868656c6c6fULL

_Static_assert(HV_NIRQ == 64 * HV_SET_WORDS, "a set has a bit for each line");
_Static_assert(sizeof(struct hv_proc) == 256, "struct hv_proc is a power of two");
_Static_assert(sizeof(struct hv_page_desc) == 32, "struct hv_page_desc is a power of two");
_Static_assert(sizeof(struct hv_handle_entry) == 16, "struct hv_handle_entry is a power of two");
_Static_assert(sizeof(struct hv_file_entry) == 128, "struct hv_file_entry is a power of two");
_Static_assert(sizeof(struct hv_irq_entry) == 32, "struct hv_irq_entry is a power of two");
_Static_assert(sizeof(struct hv_device_entry) == 64, "struct hv_device_entry is a power of two");
_Static_assert(sizeof(struct hv_sched) == HV_PAGE_SIZE, "struct hv_sched fills a page");
_Static_assert(sizeof(struct hv_bootinfo) == 2 * HV_PAGE_SIZE, "struct hv_bootinfo fills pages");
_Static_assert(sizeof(struct hv_cpu) == 128, "struct hv_cpu is a power of two");

#endif
