/* SPDX-License-Identifier: MIT */
/*
 * From the first instruction to main, from fork to its return in the child,
 * and the end of a process. os_start runs on the handler stack, when there is
 * only what user.ld puts first.
 */
#include "os.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct os os;

static struct arguments arguments;
extern char **environ;

/* ---- os_start: what self is and owns ------------------------------------------ */

static void start_program(const struct startup *startup)
{
	os.ram_base = startup->ram_base;
	os.name[0] = startup->name[0];
	os.name[1] = startup->name[1];
	os.keep_pages = startup->keep_pages;
	os.pids = startup->pids;
	os.adopted = startup->adopted;
	for (int i = 0; i < HV_NFILE / 64; i++)
		os.files[i] = startup->files[i];
	os.lost_low = startup->lost_low;
	os.lost_end = startup->lost_end;
	for (uint64_t i = 0; i < startup->range_count; i++)
		os_pages_put_range(startup->range[i].first, startup->range[i].count);
	arguments.argc = (int)startup->argc;
	arguments.argv = (char **)startup->argv;
	arguments.envp = (char **)startup->envp;
	os.lazy_count = startup->lazy_count;
	memcpy(os.lazy, startup->lazy, sizeof(os.lazy));
	os.fd = startup->fd;
}

/* exec leaves the pages it ran on, and perhaps tables of the old image. */
static void tidy_after_exec(bool has_old_tables)
{
	os_unmap_range(HV_WINDOW_VA, HV_WINDOW_END);
	if (has_old_tables)
		os_free_tables(0, USER_VA_END);
}

uintptr_t os_start(const struct startup *startup)
{
	os.pid = (hv_pid)hv_self();
	os.brk = (uintptr_t)_end;
	os.stack_low = HV_STACK_TOP;
	if (startup == NULL) {
		os_start_init(&arguments);
		return HV_STACK_TOP;
	}
	if (startup->magic != STARTUP_MAGIC)
		hv_kill(os.pid, HV_STATUS_SIGNAL);
	start_program(startup);
	os.stack_low = HV_PAGE_OF(startup);
	if (startup->is_exec)
		tidy_after_exec(startup->has_old_tables != 0);
	return startup->argv & ~15UL;
}

/* ---- fork --------------------------------------------------------------------- */

/* The child's first C: it is not its parent. */
void os_fork_child(void)
{
	const struct grant *grant = &os.grant;

	if (unlikely(os.has_irqs)) {
		os.has_irqs = 0;	/* the kernel does not copy them */
		__asm__ volatile("msr cntv_ctl_el0, xzr");
	}
	os.grant.is_child = 0;
	os.pid = grant->pid;
	if (unlikely(os.tty_event != 0)) {
		hv_close(os.pid, os.tty_event);
		os.tty_event = 0;	/* the break key is its parent's */
	}
	os.keep_pages = grant->keep_pages;
	os.pids = grant->pids;
	memcpy(os.files, grant->files, sizeof(os.files));
	os.seen_l2 = 0;
	os.range_count = 0;
	os.free_pages = 0;
	os.lost_low = os.lost_end = 0;
	for (uint64_t i = 0; i < grant->range_count; i++)
		os_pages_put_range(grant->range[i].first, grant->range[i].count);
	memset(&os.adopted, 0, sizeof(os.adopted));
	for (int i = 0; i < OS_LEDGERS; i++)
		os.ledger[i].pid = 0;
	os_wait_forget();
}

/* ---- main, exit --------------------------------------------------------------- */

typedef void (*function)(void);
extern const function __preinit_array_start[], __preinit_array_end[];
extern const function __init_array_start[], __init_array_end[];
extern int main(int argc, char **argv, char **envp);

_Noreturn void os_main(void)
{
	environ = arguments.envp;
	for (const function *f = __preinit_array_start; f < __preinit_array_end; f++)
		(*f)();
	for (const function *f = __init_array_start; f < __init_array_end; f++)
		(*f)();
	exit(main(arguments.argc, arguments.argv, arguments.envp));
}

/* The parent takes back everything, but whoever waits at a pipe should not
 * wait for the parent to do that. */
static void close_pipes(void)
{
	for (uint64_t left = os.fd.is_pipe; left != 0; left &= left - 1)
		hv_close(os.pid, (hv_handle)__builtin_ctzl(left));
}

_Noreturn void os_end(uint64_t status)
{
	close_pipes();
	for (;;)
		hv_kill(os.pid, status);
}

_Noreturn void _exit(int status)
{
	os_end((uint64_t)status & 0xff);
}

pid_t getpid(void)
{
	return (pid_t)os.pid;
}
