/* SPDX-License-Identifier: MIT */
/*
 * The binary interface between the kernel and a process: limits, error codes,
 * types of things, permissions, and where the read-only views appear.
 *
 * Limits are enums so that DWARF carries them to the verifier.
 */
#ifndef UAPI_ABI_H
#define UAPI_ABI_H

#include <stdint.h>

/* ---- limits ------------------------------------------------------------- */

enum {
	HV_PAGE_SHIFT = 12,
	HV_PAGE_SIZE = 4096,
	HV_PAGE_WORDS = 512,	/* 64-bit words of a page; entries of a table */
	HV_NCPU = 8,
	HV_NPROC = 128,		/* pid 0 is nobody, so 127 processes */
	HV_SET_WORDS = HV_NPROC / 64,
	HV_NPAGE = 262144,	/* 1 GiB of 4 KiB pages */
	HV_NHANDLE = 64,	/* handles of one process */
	HV_NFILE = 256,		/* file objects; 0 is none */
	HV_NIRQ = 128,		/* interrupt lines; 0 is none */
	HV_NDEVICE = 256,	/* pages of device registers; 0 is none */
	HV_INIT_PID = 1,
	HV_NAME_BYTES = 16,
	HV_TICK_HZ = 200,
};

/* ---- the words a hypercall takes ---------------------------------------- */

typedef uint64_t hv_pid;	/* 1 .. HV_NPROC-1; also the ASID */
typedef uint64_t hv_page;	/* page number: (physical - RAM base) / 4096; 0 is none */
typedef uint64_t hv_index;	/* entry of a translation table, 0 .. 511 */
typedef uint64_t hv_perm;	/* HV_PERM_* */
typedef uint64_t hv_handle;	/* 0 .. HV_NHANDLE-1, or HV_NONE where none is allowed */
typedef uint64_t hv_file;	/* 1 .. HV_NFILE-1 */
typedef uint64_t hv_irq;		/* line: 2 .. HV_NIRQ-1 */
typedef uint64_t hv_device;	/* 1 .. HV_NDEVICE-1 */
typedef uint64_t hv_right;	/* HV_RIGHT_* */
typedef uint64_t hv_time;	/* CNTVCT_EL0 value, HV_FOREVER or HV_NOWAIT */
typedef uint64_t hv_va;		/* virtual address of a process */
typedef uint64_t hv_word;	/* anything */

#define HV_NONE (~0ULL)

enum {
	HV_FOREVER = 0,		/* a deadline: never */
	HV_NOWAIT = 1,		/* a deadline: fail with HV_EAGAIN instead of waiting */
};

/* ---- errors: a hypercall returns 0 or more, or one of these negated ------ */

enum hv_error {
	HV_EPERM = 1,		/* no authority over that process or object */
	HV_ENOENT = 2,		/* the table entry does not hold that page */
	HV_ESRCH = 3,		/* pid out of range */
	HV_EINTR = 4,		/* woken: a child has died, the break key was typed, an interrupt */
	HV_EBADF = 9,		/* handle out of range or empty */
	HV_EAGAIN = 11,		/* would have to wait */
	HV_EACCES = 13,		/* the page or object does not belong to whom it must */
	HV_EBUSY = 16,		/* still holds something, or still in use */
	HV_EEXIST = 17,		/* the table entry or handle is already in use */
	HV_EINVAL = 22,		/* argument out of range, or thing of the wrong type */
	HV_EPIPE = 32,		/* nobody is left at the other end */
	HV_ENOSYS = 38,		/* no such hypercall */
	HV_ENOBUFS = 105,	/* the receiver has no free slot for the handle */
	HV_ETIMEDOUT = 110,	/* the deadline has passed */
	HV_ESTATE = 113,	/* the process is in the wrong state */
};

/* ---- processes ----------------------------------------------------------- */

enum hv_proc_state {
	HV_PROC_UNUSED = 0,	/* its owner (ppid) may clone into it */
	HV_PROC_EMBRYO = 1,	/* being built by its parent */
	HV_PROC_LIVE = 2,	/* ready, running or blocked: see struct hv_sched */
	HV_PROC_ZOMBIE = 3,	/* dead; its parent takes back what it held, then reaps it */
};

enum hv_wait_flags {
	HV_WAIT_CALL = 1,	/* the waiting sender wants a reply */
	HV_WAIT_CHILD = 2,	/* wake with HV_EINTR when a child dies (argument of recv) */
	HV_WAIT_WFI = 4,	/* waits in WFI: x0 is not a result */
	HV_WAIT_IRQ = 8,	/* wake with HV_EINTR when an interrupt is pending (recv's flag) */
};

/* ---- pages --------------------------------------------------------------- */

enum hv_page_type {
	HV_PAGE_RESERVED = 0,	/* not RAM, or the kernel's for ever */
	HV_PAGE_FREE = 1,	/* content unknown to its owner: zeroed before any use */
	HV_PAGE_L0 = 2,		/* translation tables, by level */
	HV_PAGE_L1 = 3,
	HV_PAGE_L2 = 4,
	HV_PAGE_L3 = 5,
	HV_PAGE_FRAME = 6,	/* mapped by exactly one entry of one level-3 table */
	HV_PAGE_PARCEL = 7,	/* content kept, mapped nowhere: how frames travel */
	HV_PAGE_CTX = 8,	/* saved registers of a process */
};

enum hv_permission {
	HV_PERM_W = 1,		/* writable (readable always) */
	HV_PERM_X = 2,		/* executable at EL1; must not be combined with EL0 write */
	HV_PERM_EL0 = 4,	/* accessible at EL0 too, with the same W */
	HV_PERM_EL0X = 8,	/* executable at EL0 */
	HV_PERM_ALL = 15,
};

/* ---- files and handles ---------------------------------------------------- */

enum hv_file_type {
	HV_FILE_NONE = 0,
	HV_FILE_ENDPOINT = 1,	/* rendezvous of send and recv */
	HV_FILE_INODE = 2,	/* shared value and offset, meaning given by user space */
	HV_FILE_CONSOLE = 3,	/* the UART; made by boot only */
	HV_FILE_POWER = 4,	/* power off and reset; made by boot only */
};

enum hv_rights {
	HV_RIGHT_READ = 1,	/* recv, console_read */
	HV_RIGHT_WRITE = 2,	/* send, call, console_write, power_off, reset */
	HV_RIGHT_ALL = 3,
};

/* Fixed files and the handles that boot gives to init. */
enum {
	HV_FILE_CONSOLE_INDEX = 1,
	HV_FILE_POWER_INDEX = 2,
	HV_INIT_HANDLE_CONSOLE = 0,
	HV_INIT_HANDLE_POWER = 3,
};

/* ---- interrupts ------------------------------------------------------------- */

enum hv_irq_state {
	HV_IRQ_NONE = 0,	/* the machine has no such line */
	HV_IRQ_FREE = 1,	/* masked; its owner may take it into use or give it away */
	HV_IRQ_USED = 2,	/* its owner gets it */
};

enum {
	HV_IRQ_TIMER = 1,	/* line of the virtual timer: each process has its own */
	HV_NLR = 4,		/* list registers that are used */
};

/* ---- devices --------------------------------------------------------------- */

enum hv_device_state {
	HV_DEVICE_NONE = 0,
	HV_DEVICE_UNMAPPED = 1,
	HV_DEVICE_MAPPED = 2,	/* by exactly one entry of one of its owner's level-3 tables */
	HV_DEVICE_SHARED = 3,	/* GICV: nobody's; who has the virtual CPU interface may map it */
};

enum hv_device_flags {
	/* It can reach memory past all translation tables, or is not known not to. */
	HV_DEVICE_DMA = 1,
};

/* ---- the address space of a process ---------------------------------------- */

/*
 * 48-bit addresses below, four levels of 4 KiB tables. Two entries of the
 * level-0 table are the kernel's:
 *   511: the table itself, so the process reads all of its own translation
 *        tables at HV_TABLES_VA (recursive view, read-only)
 *   510: the kernel's tables, read-only, if the process has that right
 */
enum {
	HV_L0_VIEW = 510,
	HV_L0_SELF = 511,
	HV_L0_USER_END = 510,	/* entries below are the process's own */
};

#define HV_VIEW_BASE		0xff0000000000ULL
#define HV_VIEW_BOOTINFO	(HV_VIEW_BASE + 0x00000000ULL)
#define HV_VIEW_SCHED		(HV_VIEW_BASE + 0x00200000ULL)
#define HV_VIEW_PROCS		(HV_VIEW_BASE + 0x00400000ULL)
#define HV_VIEW_FILES		(HV_VIEW_BASE + 0x00600000ULL)
#define HV_VIEW_HANDLES		(HV_VIEW_BASE + 0x00800000ULL)
#define HV_VIEW_IRQS		(HV_VIEW_BASE + 0x00a00000ULL)
#define HV_VIEW_DEVICES		(HV_VIEW_BASE + 0x00c00000ULL)
#define HV_VIEW_PAGE_DESCS	(HV_VIEW_BASE + 0x01000000ULL)
#define HV_VIEW_DTB		(HV_VIEW_BASE + 0x03000000ULL)
#define HV_VIEW_INITRD		(HV_VIEW_BASE + 0x04000000ULL)
#define HV_VIEW_INITRD_MAX	0x3c000000ULL	/* bytes */

/* Where the four levels of a process's own tables appear, as words. */
#define HV_TABLES_L3		0xff8000000000ULL
#define HV_TABLES_L2		(HV_TABLES_L3 + (511ULL << 30))
#define HV_TABLES_L1		(HV_TABLES_L2 + (511ULL << 21))
#define HV_TABLES_L0		(HV_TABLES_L1 + (511ULL << 12))

/* Bits of a descriptor that a process needs in order to read its own tables. */
#define HV_PTE_VALID		1ULL
#define HV_PTE_PA_MASK		0x0000fffffffff000ULL
#define HV_PTE_EL0		(1ULL << 6)
#define HV_PTE_RO		(1ULL << 7)
#define HV_PTE_ATTR		(7ULL << 2)	/* of a page: 0 memory ... */
#define HV_PTE_DEVICE		(1ULL << 2)	/* ... or this, a device */
#define HV_PTE_PXN		(1ULL << 53)
#define HV_PTE_UXN		(1ULL << 54)

#endif
