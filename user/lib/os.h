/* SPDX-License-Identifier: MIT */
/*
 * Private to the libos, and the first header of each of its files: what a
 * process knows about itself, in one struct that fork copies and exec hands
 * on, and the block a new program starts with.
 */
#ifndef LIB_OS_H
#define LIB_OS_H

/* Much of the libos runs within exceptions, where FP registers are the
 * program's; and a process that never uses them never has them switched. */
#pragma GCC target("general-regs-only")

#include <hv8/libos.h>

/* A function that is there from the beginning, beside those of the files that
 * user.ld names. */
#define OS_HOT __attribute__((section(".text.hv_hot")))

#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
	OS_RANGES = 64,		/* runs of free pages */
	OS_REGIONS = 24,	/* hv_mmap areas */
	OS_LAZY = 4,		/* segments that come when they are touched */
	OS_LEDGERS = 12,	/* children whose pages are remembered */
	OS_LEDGER_RANGES = 5,
	OS_GRANT_RANGES = 8,
	OS_KEEP_PAGES = 1024,	/* a larger store gives back to init */
	HANDLER_STACK_BYTES = 8192,
	HANDLER_STACK_MARGIN = 3072,	/* what a nested exception needs */
};

struct range {
	uint32_t first;
	uint32_t count;
};

struct region {
	uintptr_t start;
	uintptr_t end;
	hv_perm perm;
};

/* Where to look first when a child is dead. */
struct ledger {
	uint16_t pid;		/* 0: unused */
	uint16_t count;
	uint16_t first_pid;	/* of those granted */
	uint16_t first_file;
	struct range range[OS_LEDGER_RANGES];
};

/* What a child of fork takes over instead of its parent's. */
struct grant {
	uint64_t is_child;	/* 1 in the child's memory only */
	uint64_t sp;		/* where hv_fork_point has saved the registers */
	uint64_t pid;
	uint64_t keep_pages;
	struct hv_set pids;
	uint64_t files[HV_NFILE / 64];
	uint64_t range_count;
	struct range range[OS_GRANT_RANGES];
};

enum fd_kind {
	FD_NONE = 0,
	FD_CONSOLE = 1,
	FD_FILE = 2,		/* a file of the initrd */
	FD_PIPE = 3,
	FD_TTY = 4,		/* a session with the console's server */
	FD_LOG = 5,		/* messages that init keeps for it: log.c */
};

struct fd_table {
	uint8_t kind[HV8_NFD];
	uint8_t rights[HV8_NFD];
	uint64_t is_open;	/* bit n: descriptor n has a kind */
	uint64_t is_pipe;
	uint64_t is_cloexec;
	uint64_t is_nonblock;
	uint64_t tty;		/* the session of those that are FD_TTY */
};

/* Part of the program that comes when it is touched; whole pages. */
struct lazy {
	uintptr_t start;
	uintptr_t end;
	uintptr_t file_end;	/* zeroes from here */
	const uint8_t *data;	/* of start, in the initrd */
	hv_perm perm;
};

struct rest;			/* pipe.c: bytes received and not yet read */

struct os {
	hv_pid pid;
	uint64_t ram_base;
	uint64_t name[HV_NAME_BYTES / 8];
	uint64_t is_dying;	/* 1: says why; 2: could not */

	/* interrupts: irq.c */
	uint64_t has_irqs;	/* its CPU interface is on */
	uint64_t irq_depth;	/* in a handler of an interrupt: no page comes */
	uint64_t timer_intid;

	/* free pages; range[range_count - 1] is used first */
	uint64_t free_pages;
	uint64_t keep_pages;
	uint64_t range_count;
	struct range range[OS_RANGES];
	uint64_t lost_low;	/* free pages that found no room in range[] ... */
	uint64_t lost_end;	/* ... are somewhere here, if lost_low < lost_end */

	struct hv_set pids;	/* unused pids of self's */
	uint64_t files[HV_NFILE / 64];	/* file objects self owns, used or not */
	hv_file last_file;	/* given out last */

	/* address space */
	uintptr_t seen_l2;	/* address >> 30 of a level-2 table that is there; 0 always is */
	uintptr_t brk;
	uintptr_t stack_low;	/* lowest stack page touched */
	uint64_t is_wild;	/* something is mapped outside the known areas */
	uint64_t lazy_count;
	struct lazy lazy[OS_LAZY];
	uint64_t is_loaded;	/* nothing of lazy[] is missing, nor shall be after a fork */
	uint64_t region_count;
	struct region region[OS_REGIONS];

	struct hv_set adopted;	/* children of dead children: nobody waits for them */
	struct ledger ledger[OS_LEDGERS];

	struct fd_table fd;
	struct rest *rest[HV8_NFD];
	hv_handle tty_event;	/* of who opened the session: where the break key comes; else 0 */

	struct grant grant;
};

extern struct os os;
extern char _end[], __image_start[];

/* ---- start-up ----------------------------------------------------------------- */

#define STARTUP_MAGIC 0x7570747261747368ULL

/*
 * Lies above the first stack pointer of a program that a libos has started.
 * The counts and bitmaps are consumed at once; the vectors at argv stay.
 */
struct startup {
	uint64_t magic;
	uint64_t argc;
	uintptr_t argv;
	uintptr_t envp;
	uint64_t ram_base;
	uint64_t is_exec;	/* the window is to be tidied */
	uint64_t has_old_tables; /* exec has left tables of the old image */
	uint64_t name[HV_NAME_BYTES / 8];
	uint64_t keep_pages;
	struct hv_set pids;
	struct hv_set adopted;
	uint64_t files[HV_NFILE / 64];
	uint64_t lost_low, lost_end;
	uint64_t range_count;
	struct range range[OS_RANGES];
	uint64_t lazy_count;
	struct lazy lazy[OS_LAZY];
	struct fd_table fd;
};

struct arguments {
	int argc;
	char **argv;
	char **envp;
};

uintptr_t os_start(const struct startup *startup);
void os_start_init(struct arguments *arguments);
void os_fork_child(void);
_Noreturn void os_main(void);

/* ---- pages.c, store.c, tables.c, walk.c --------------------------------------- */

static inline void set_put(struct hv_set *set, uint64_t n)
{
	set->word[n / 64] |= 1UL << n % 64;
}

static inline void set_drop(struct hv_set *set, uint64_t n)
{
	set->word[n / 64] &= ~(1UL << n % 64);
}

static inline bool set_has(const struct hv_set *set, uint64_t n)
{
	return set->word[n / 64] >> n % 64 & 1;
}

void os_pages_gather(uint64_t n);
void os_pages_compact(void);
void os_pages_find_lost(void);
void os_page_put(hv_page page);		/* into the store, without giving back */
void os_pages_put_range(uint64_t first, uint64_t count);
void os_pages_give_back(void);		/* what is more than self should keep */
struct range os_pages_take(uint64_t n);
void os_range_note(struct range *range, uint64_t *count, uint64_t max, struct range run);

void os_note_mapping(uintptr_t va);

static inline hv_page os_page_of_pte(uint64_t pte)
{
	return ((pte & HV_PTE_PA_MASK) - os.ram_base) >> HV_PAGE_SHIFT;
}

/* Of what a process maps itself. */
static inline bool os_is_device(uint64_t pte)
{
	return (pte & HV_PTE_ATTR) == HV_PTE_DEVICE;
}

#define L0_ENTRY(va) (((const volatile uint64_t *)HV_TABLES_L0)[(va) >> 39])
#define L1_ENTRY(va) (((const volatile uint64_t *)HV_TABLES_L1)[(va) >> 30])
#define L2_ENTRY(va) (((const volatile uint64_t *)HV_TABLES_L2)[(va) >> 21])
#define L3_ENTRY(va) (((const volatile uint64_t *)HV_TABLES_L3)[(va) >> 12])
#define USER_VA_END ((uintptr_t)HV_L0_USER_END << 39)

/*
 * Calls visit(va, slot, arg) for each page of memory mapped in [start, end), lowest
 * first, until it returns other than 0, which is the result.
 */
typedef int64_t (*os_visit)(uintptr_t va, const struct hv_slot *slot, void *arg);
int64_t os_walk(uintptr_t start, uintptr_t end, os_visit visit, void *arg);
/* ... for each area that a fork copies. */
int64_t os_walk_all(os_visit visit, void *arg);
void os_free_tables(uintptr_t start, uintptr_t end);	/* the empty ones */
void os_unmap_range(uintptr_t start, uintptr_t end);

/* One page of the window, for the moment of a copy. */
#define SCRATCH_VA (HV_WINDOW_END - HV_PAGE_SIZE)

/* ---- lazy.c ------------------------------------------------------------------- */

bool os_lazy_has(uintptr_t va, hv_perm perm);	/* can the page come again, just as it is? */
int64_t os_lazy_load(uintptr_t va);		/* -HV_ENOENT: not in a lazy segment */
int64_t os_lazy_load_all(void);

/* ---- exceptions --------------------------------------------------------------- */

extern uint8_t hv_handler_stack[HANDLER_STACK_BYTES];
extern char hv_vectors[];
bool os_has_abort_handler(void);
_Noreturn void os_die(const struct hv_frame *frame);	/* says why, then os_end */
_Noreturn void os_die_nested(uint64_t esr, uint64_t elr, uint64_t far);
_Noreturn void os_end(uint64_t status);
void os_el0_leave(struct hv_frame *frame);	/* el0.S: back into hv_el0_enter */

/* ---- interrupts --------------------------------------------------------------- */

enum { OS_TIMER_INTID = 27 };	/* of the virtual timer, on all machines of the base architecture */

/* Weak: only a program that has interrupts has the two, and only then they are called. */
void os_irq_stop(void) __attribute__((weak));
void os_timer_sleep(uint64_t cntvct) __attribute__((weak));
enum hv_handled os_timer_expire(struct hv_frame *frame);
hv_time os_timer_first(void);		/* the next deadline, or HV_FOREVER */
void os_timer_stop(void);
int64_t os_lines_grant(hv_pid child, const uint64_t lines[HV_NIRQ / 64]);
void os_lines_take(hv_pid pid);		/* of a dead child */

/* ---- building a child --------------------------------------------------------- */

enum { BUILDER_TABLES = 24 };

struct builder {
	hv_pid pid;
	hv_page root;
	struct ledger *ledger;
	unsigned next;		/* tables made so far; table[] is a ring */
	hv_page l3;		/* of the last page built ... */
	uintptr_t l3_key;	/* ... and its va >> 21 | 3 << 60 */
	struct {
		uintptr_t key;	/* va >> shift | level << 60 */
		hv_page page;
	} table[BUILDER_TABLES];
};

void builder_begin(struct builder *builder, hv_pid pid, hv_page ctx, hv_page root);
hv_page builder_page(struct builder *builder);	/* from the store, noted in the ledger */
int64_t builder_l3(struct builder *builder, uintptr_t va);
int64_t builder_grant(struct builder *builder, const struct hv_grants *grants, struct grant *out);
int64_t builder_handles(struct builder *builder, const int *fds, int n, uint64_t same,
	struct fd_table *table);
/* A page with `size` bytes of data at its start + offset, mapped at va. */
int64_t builder_data(struct builder *builder, uintptr_t va, hv_perm perm,
	uint64_t offset, const void *data, uint64_t size);
struct ledger *ledger_of(hv_pid pid);

int64_t os_reclaim_dead(hv_pid pid);	/* all but giving its pid to the store */
int64_t os_devices_grant(hv_pid child, const uint64_t devices[HV_NDEVICE / 64]);
int64_t os_devices_take(hv_pid pid);		/* of a dead child; virtio devices are reset */
void os_close_handles(hv_pid pid);		/* of a dead child */
bool os_bury_dead(void);
void os_wait_forget(void);	/* in a child of fork: its parent's children are not its own */

/* ---- ELF files ---------------------------------------------------------------- */

#define PF_LAZY 0x100000	/* flag of a segment, in user.ld */

struct image_page {
	uintptr_t va;
	hv_perm perm;
	uint64_t offset;	/* in the page */
	const uint8_t *data;	/* NULL: all zero */
	uint64_t size;
};
typedef int64_t (*image_visit)(const struct image_page *page, void *arg);

/* Checks a program and visits each of its pages. Returns 0, what visit
 * returned, or -ENOEXEC as -HV_ENOEXEC. */
enum { HV_ENOEXEC = 8, HV_E2BIG = 7 };
int64_t image_check(const struct hv_initrd_file *file, uintptr_t *entry, uint64_t *pages);
int64_t image_pages(const struct hv_initrd_file *file, bool with_lazy, image_visit visit,
	void *arg);
uint64_t image_lazy(const struct hv_initrd_file *file, struct lazy lazy[OS_LAZY]);

/* Fills the start-up block and its strings into `buffer`, as it is to lie
 * with its end at HV_STACK_TOP. Returns its size in bytes or a negated error. */
enum { STARTUP_MAX = 4 * HV_PAGE_SIZE };
int64_t startup_build(uint8_t *buffer, const char *name, char *const argv[], char *const envp[]);
#define STARTUP_OF(buffer, size) ((struct startup *)(void *)((buffer) + STARTUP_MAX - (size)))
bool program_find(const char *path, struct hv_initrd_file *file);	/* false: errno */

/* ---- files -------------------------------------------------------------------- */

bool fd_is_open(int fd);
void fd_set_open(struct fd_table *table, int fd, enum fd_kind kind, hv_right rights);
void fd_set_closed(struct fd_table *table, int fd);
int fd_lowest(int from);		/* an unused descriptor, or -1 */
int64_t pipe_read(int fd, void *buf, uint64_t n);
int64_t pipe_write(int fd, const void *buf, uint64_t n);
void pipe_forget(int fd);
int64_t console_read_line(int fd, void *buf, uint64_t n);
int64_t console_write_all(int fd, const void *buf, uint64_t n);
int64_t log_write(int fd, const void *buf, uint64_t n);
int64_t tty_write(int fd, const void *buf, uint64_t n);
int tty_getkey(int fd, int64_t timeout_us);
int tty_readline(int fd, const char *prompt, char *buf, size_t n, bool has_history);
void tty_wait(int fd);		/* for a dead child or the break key */
int64_t os_call_init(hv_page page, enum hv_init_op op, struct hv_msg *reply);

#endif
