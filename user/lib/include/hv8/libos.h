/* SPDX-License-Identifier: MIT */
/*
 * The libos: what a process does for itself at EL1. Pages and page tables,
 * exceptions, children, files, the console, time, the EL0 sandbox.
 *
 * POSIX calls (fork, execv, waitpid, pipe, open, read, sbrk, sleep, ...) are
 * in the C library's own headers; errors are -1 and errno there. Functions
 * hv_... return 0 or more, or a negated error number, and do not touch errno,
 * unless they say otherwise.
 */
#ifndef HV8_LIBOS_H
#define HV8_LIBOS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <uapi/tables.h>
#include <hv8/edit.h>
#include <hv8/hypercall.h>

/* ---- the address space -------------------------------------------------------- */

#define HV_STACK_LIMIT	0x00800000UL	/* lowest address of the stack; unmapped below */
#define HV_STACK_TOP	0x00fe0000UL	/* first address above the stack */
#define HV_WINDOW_VA	0x00fe0000UL	/* 32 pages for the libos's own short mappings */
#define HV_WINDOW_END	0x01000000UL
#define HV_TEXT_VA	0x01000000UL	/* the program; its heap follows its bss */
#define HV_HEAP_LIMIT	0x3fe00000UL	/* first address that sbrk cannot reach */
#define HV_MMAP_VA	0x40000000UL	/* hv_mmap and mmap hand out from here ... */
#define HV_MMAP_END	0x7f00000000UL	/* ... to here */
#define HV_DEVICE_VA	0x7f00000000UL	/* a page for each number of a device: <hv8/device.h> */

/* ---- fixed handles ------------------------------------------------------------ */

enum {
	HV8_NFD = 48,		/* handles 0..47 are file descriptors of the same number */
	HV8_HANDLE_FREE = 48,	/* handles 48..62 are the program's; fork copies them */
	HV8_HANDLE_MEM = 63,	/* init: more pages, halt, ... */
};

/* Operations of init's endpoint: hv_call(HV8_HANDLE_MEM, deadline, page,
 * HV_NONE, op, ...); the reply's w[0] is 0 or a negated error. */
enum hv_init_op {
	HV_INIT_GET_PAGE = 1,	/* the reply carries a free page */
	HV_INIT_PUT_PAGE = 2,	/* the call carries a page that init may keep */
	HV_INIT_HALT = 3,	/* switches the machine off */
	HV_INIT_REBOOT = 4,
	HV_INIT_PING = 5,	/* the reply's w[1] is init's number of free pages */
	HV_INIT_REGISTRY = 6,	/* the reply carries a handle to the registry: <hv8/service.h> */
	HV_INIT_GET_DEVICE = 7,	/* the registry's alone: w[1] becomes its own, with the lines */
	HV_INIT_PUT_DEVICE = 8,	/* ... of the set in w[2] and w[3]; or it goes to the shell */
	HV_INIT_LOG = 9,	/* count bytes of a message for people are in w[1] to w[3] */
	HV_INIT_CONSOLE = 10,	/* the registry's alone: with a handle to call the console server */
};

enum { HV_LOG_COUNT = 8, HV_LOG_BYTES = 24 };	/* w[0] is HV_INIT_LOG | count << HV_LOG_COUNT */

/*
 * For init, if the UART is a process's: its descriptor 2, with the write right
 * of its own endpoint, becomes one for messages (HV_INIT_LOG) in all that are
 * given it; what init itself writes there goes to `sink`.
 */
typedef void (*hv_log_sink)(const char *text, size_t length);
void hv_log_begin(hv_handle init, hv_log_sink sink);

/* ---- what the kernel shows ---------------------------------------------------- */

/* Not macros: the structs have the same names. */
static const volatile struct hv_bootinfo *const hv_bootinfo __attribute__((unused)) =
	(const volatile struct hv_bootinfo *)HV_VIEW_BOOTINFO;
static const volatile struct hv_sched *const hv_sched __attribute__((unused)) =
	(const volatile struct hv_sched *)HV_VIEW_SCHED;
#define hv_procs	((const volatile struct hv_proc *)HV_VIEW_PROCS)
#define hv_irqs		((const volatile struct hv_irq_entry *)HV_VIEW_IRQS)
#define hv_files	((const volatile struct hv_file_entry *)HV_VIEW_FILES)
#define hv_devices	((const volatile struct hv_device_entry *)HV_VIEW_DEVICES)
#define hv_page_descs	((const volatile struct hv_page_desc *)HV_VIEW_PAGE_DESCS)
typedef const volatile struct hv_handle_entry (*hv_handle_table)[HV_NHANDLE];
#define hv_handles	((hv_handle_table)HV_VIEW_HANDLES)	/* hv_handles[pid][n] */

bool hv_has_view(void);			/* does self see them? Without, reading them faults */
int64_t hv_drop_view(void);		/* for good; the program is loaded to the end first */
void hv_name_of(hv_pid pid, char name[HV_NAME_BYTES + 1]);	/* "" without the view */
int64_t hv_set_own_name(const char *name);

/* ---- pages: self's store of free ones ----------------------------------------- */

hv_page hv_page_alloc(void);		/* 0 if none is left here nor at init */
void hv_page_free(hv_page page);	/* a free page of self's goes to the store */
uint64_t hv_page_count(void);		/* in the store */
uint64_t hv_page_at_hand(void);		/* ... without looking for stray ones: cheap */
int64_t hv_page_reserve(uint64_t n);	/* have n at hand: 0 or -HV_ENOMEM */
enum { HV_ENOMEM = 12 };		/* of the libos, beside enum hv_error */

/* Likewise pids and file objects; 0 if none is left. */
hv_pid hv_pid_alloc(void);
void hv_pid_free(hv_pid pid);
uint64_t hv_pid_count(void);
hv_file hv_file_alloc(void);
void hv_file_free(hv_file file);
uint64_t hv_file_count(void);
hv_handle hv_handle_alloc(void);	/* an empty one of 48..62, or HV_NONE */

/* An endpoint (or, by type, an inode) in a file object of the store, at an
 * empty handle of the program's: the handle, or a negated error. */
int64_t hv_endpoint_new(uint64_t value);
int64_t hv_endpoint_close(hv_handle handle);	/* gives the file object back */

/* ---- own page tables ---------------------------------------------------------- */

/* A level-3 entry: the table's page, the index in it, the descriptor. */
struct hv_slot {
	hv_page l3;		/* 0: there is no level-3 table */
	hv_index index;
	uint64_t pte;		/* 0: nothing is mapped */
};

#define HV_PAGE_OF(va)	((uintptr_t)(va) & ~(uintptr_t)(HV_PAGE_SIZE - 1))

struct hv_slot hv_lookup(uintptr_t va);		/* no hypercall */
hv_page hv_frame_of(uintptr_t va);		/* 0 if not mapped */
hv_perm hv_perm_of(uint64_t pte);		/* permissions in a descriptor */

int64_t hv_map(uintptr_t va, hv_perm perm);	/* a zeroed page; makes the tables */
int64_t hv_map_parcel(uintptr_t va, hv_page parcel, hv_perm perm);
int64_t hv_unmap(uintptr_t va);			/* the page goes to the store */
int64_t hv_unmap_parcel(uintptr_t va);		/* the page's number, now a parcel */
int64_t hv_protect(uintptr_t va, hv_perm perm);
int64_t hv_ensure_l3(uintptr_t va);		/* make the tables: the l3's page, or an error */
void hv_sync_code(const void *start, size_t size);	/* after writing instructions */

/*
 * Code, constants and bss come from the initrd when they are touched. This
 * brings in all that is missing, now and in every child of fork: before self
 * handles faults without the libos, counts pages, or must not be delayed.
 * Registering a handler for aborts does it too, for as long as it is there.
 */
int64_t hv_load_image(void);

/* Memory in whole pages. Pages come at the first touch. prot is HV_PERM_*. */
void *hv_mmap(size_t size, hv_perm prot);	/* NULL if there is none */
int64_t hv_munmap(void *start, size_t size);

/* ---- exceptions --------------------------------------------------------------- */

/* Registers at the exception. A handler may change them: the program goes on
 * with what is here. */
struct hv_frame {
	uint64_t x[31];
	uint64_t sp;		/* of the program (EL1t or EL0) */
	uint64_t elr;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
};

enum hv_exception {
	HV_EXC_OTHER,		/* undefined instruction, alignment of PC or SP, ... */
	HV_EXC_DATA_ABORT,
	HV_EXC_INSN_ABORT,
	HV_EXC_BRK,		/* elr is the brk: add 4 to go on behind it */
	HV_EXC_SVC,		/* from EL0, or an svc of the program's own */
	HV_EXC_FP,		/* FP trap or FP exception */
	HV_EXC_IRQ,		/* an interrupt: <hv8/irq.h>; esr is HV_ESR_IRQ */
	HV_EXC_KINDS,
};

/* A class that the architecture leaves unused stands for interrupts, which have no syndrome. */
#define HV_ESR_IRQ (0x3fUL << 26)

enum hv_handled { HV_NOT_HANDLED = 0, HV_HANDLED = 1 };

/*
 * On an exception at EL1 the handler registered for its kind runs first, on
 * the libos's handler stack (8 KiB); what it does not handle goes to the page
 * manager (aborts in heap, stack and hv_mmap areas), and what that does not
 * handle ends the process with a message. NULL takes a handler away.
 */
typedef enum hv_handled (*hv_handler)(struct hv_frame *frame, void *arg);
void hv_on_exception(enum hv_exception kind, hv_handler handler, void *arg);

/* The same for a handler that is compiled without FP and SIMD registers: they
 * are not saved, so it is entered sooner. Say HV_FAST_HANDLER before it. */
void hv_on_exception_fast(enum hv_exception kind, hv_handler handler, void *arg);
#define HV_FAST_HANDLER __attribute__((target("general-regs-only")))

/*
 * Calls by `svc` from EL0 as plain function calls, sooner still: x0..x5 and x8
 * come in, the result goes to x0, EL0's x1..x17 come back zeroed. The handler
 * runs on the handler stack and must not use FP registers. NULL takes it away.
 */
typedef uint64_t (*hv_svc_handler)(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
	uint64_t a4, uint64_t a5, uint64_t nr);
void hv_on_svc_fast(hv_svc_handler handler);

/* What the page manager would do: lets a handler fall back on it first. */
enum hv_handled hv_page_fault(struct hv_frame *frame);

/* "data abort: translation fault, level 3, write". Returns buf. */
char *hv_describe_esr(uint64_t esr, char *buf, size_t n);
int hv_signal_of_esr(uint64_t esr);	/* SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS */

/* "main+0x24", from the symbol table of a program in the initrd, or "0x..."
 * if that does not say. Returns buf. */
char *hv_symbolize(const char *prog, uint64_t addr, char *buf, size_t n);

/* Prints to fd name, pid, cause, address, registers and a backtrace. */
void hv_print_crash(int fd, const struct hv_frame *frame);
void hv_backtrace(int fd, uint64_t pc, uint64_t fp);

/* ---- how a process ended ------------------------------------------------------ */

/* proc.status as the libos uses it: 0..255 an exit code; else HV_STATUS_SIGNAL
 * | signal, with the ESR of the exception, if one was the cause, above. */
#define HV_STATUS_SIGNAL	0x100UL
#define HV_STATUS_ESR(s)	((uint64_t)(s) >> 32)

struct hv_exit {
	pid_t pid;
	int status;		/* as waitpid gives it: WIFEXITED(status) ... */
	uint64_t raw;		/* argument of the hypercall kill */
	uint64_t esr;		/* cause, or 0 if it exited or was killed */
	uint64_t elr;		/* 0 unless by_kernel */
	uint64_t far;
	bool by_kernel;		/* a trap stopped it: it printed nothing itself */
	char name[HV_NAME_BYTES + 1];
};

/*
 * waitpid with everything known about the child. Returns its pid, 0 for
 * WNOHANG and nobody dead, or -1 and errno (ECHILD; EINTR when the break key
 * is typed and `console` is a console's handle, not HV_NONE).
 */
pid_t hv_waitpid(pid_t pid, int options, hv_handle console, struct hv_exit *exit);

/* The line a shell prints for it; "" for a plain exit. Returns buf. */
char *hv_describe_exit(const struct hv_exit *exit, char *buf, size_t n);

/* ---- children ----------------------------------------------------------------- */

/* What a child is given from self's store. */
struct hv_grants {
	uint64_t pages;
	uint64_t pids;
	uint64_t files;
	uint64_t irqs[HV_NIRQ / 64];	/* lines, a set: bit n % 64 of word n / 64 */
	uint64_t devices[HV_NDEVICE / 64];	/* a set: bit n % 64 of word n / 64 */
	bool no_view;		/* do not show it the kernel's tables */
};
extern const struct hv_grants hv_default_grants;	/* 16 pages, 2 pids, 2 files */

pid_t hv_fork_attr(const struct hv_grants *grants);	/* like fork */

/*
 * Starts a program of the initrd in a new process, without a fork. `fds` has
 * n entries: descriptor i of the child is descriptor fds[i] of self, or none
 * if -1; NULL: all of self's that are not close-on-exec. grants may be NULL.
 * Returns the pid, or -1 and errno.
 */
pid_t hv_spawn(const char *prog, char *const argv[], char *const envp[],
	const int *fds, int n, const struct hv_grants *grants);

/* Embryos by hand. */
pid_t hv_embryo_new(void);				/* -1 and errno */
int64_t hv_embryo_map(pid_t pid, uintptr_t va, hv_perm perm, const void *data, size_t size);
int64_t hv_embryo_grant(pid_t pid, const struct hv_grants *grants);
int64_t hv_embryo_start(pid_t pid, uintptr_t pc, uint64_t arg);
/* Kills a child and comes back when it is dead: on another core that takes a moment. */
int64_t hv_stop(hv_pid pid, uint64_t status);
/* Takes everything back from a dead child and makes its pid unused: what
 * waitpid does. An embryo or live child is killed first. */
int64_t hv_reclaim(hv_pid pid);

/* ---- files of the initrd ------------------------------------------------------ */

struct hv_initrd_file {
	const char *name;	/* NUL-terminated, in the archive */
	const uint8_t *data;	/* page view: read-only */
	uint64_t size;
	uint32_t mode;
	uint64_t next;		/* of the walk; 0 at the start */
};

/* A walk: zero the struct, call until it returns false. */
bool hv_initrd_next(struct hv_initrd_file *file);
bool hv_initrd_find(const char *name, struct hv_initrd_file *file);

/* ---- console ------------------------------------------------------------------ */

/* Reads a line with editing: arrows, ^A ^E ^B ^F ^K ^U ^W ^L ^D, backspace,
 * delete, up and down through the history (may be NULL). Returns the length,
 * 0 for an empty line too, -1 at end of file, -2 on ^C. No newline is kept. */
int hv_readline(int fd, const char *prompt, char *buf, size_t n, struct hv_history *history);

int hv_getkey(int fd, int64_t timeout_us);	/* raw byte; -1 timed out; timeout < 0: wait */
void hv_ungetkey(char key);	/* comes before what is typed next, after those put back before */

/* ---- time --------------------------------------------------------------------- */

uint64_t hv_now(void);				/* CNTVCT_EL0 */
uint64_t hv_ticks_of_us(uint64_t us);
uint64_t hv_us_of_ticks(uint64_t ticks);
hv_time hv_deadline_us(uint64_t us);		/* for hypercalls */
void hv_sleep_until(uint64_t cntvct);		/* WFI: the kernel blocks self */

/* ---- EL0 sandbox -------------------------------------------------------------- */

/* How a stay at EL0 ended. */
struct hv_el0_exit {
	enum hv_exception kind;	/* HV_EXC_SVC, the fault, or HV_EXC_IRQ */
	uint64_t esr;
	uint64_t far;
	struct hv_frame frame;	/* x[0..7] are the arguments of the svc */
};

/* A sandbox: its registers, and memory of self's that EL0 may use. */
struct hv_el0 {
	struct hv_frame frame;	/* registers at EL0; set before the first hv_el0_enter */
	uint64_t host_sp;	/* private: offsets in el0.S */
	uint64_t tpidr;		/* TPIDR_EL0 */
	uint64_t host_sp1;
	uint64_t reserved;
	uint64_t fp[2 * 32 + 2];	/* q0..q31, FPCR, FPSR */
	void *stack;
	size_t stack_size;
	void *code;		/* what was copied starts here */
	size_t code_size;
};

/* Copies `size` bytes of position-independent code to fresh pages that EL0
 * may execute and not write, and makes a stack; hv_el0_enter then runs from
 * frame.elr until an svc or a fault, and may be called again to go on. */
int64_t hv_el0_create(struct hv_el0 *el0, const void *code, size_t size, size_t stack_size);
void hv_el0_enter(struct hv_el0 *el0, struct hv_el0_exit *exit);
void hv_el0_destroy(struct hv_el0 *el0);

/* All of it for a function that calls nothing and uses no global: returns
 * what it passes to `svc #0` in x0 or returns, *exit says how it ended (may
 * be NULL); -HV_EFAULT if it did anything else. */
enum { HV_EFAULT = 14 };
int64_t hv_el0_run(void (*fn)(void *), const void *end, void *arg, struct hv_el0_exit *exit);

/* ---- errors ------------------------------------------------------------------- */

int hv_errno_of(int64_t result);		/* errno value for a negated error */
int64_t hv_set_errno(int64_t result);		/* result if >= 0; else errno is set: -1 */
const char *hv_strerror(int64_t result);	/* "EACCES: page does not belong ..." */

/* ---- small things ------------------------------------------------------------- */

/* What stdio is too much for: formats %s %d %u %x %lx %lu %ld %c %% %p, and
 * writes in one piece. */
int hv_dprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
int hv_snprintf(char *buf, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
