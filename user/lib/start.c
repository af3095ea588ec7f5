/* SPDX-License-Identifier: MIT */
/*
 * From the first instruction to main, and the end of a process. os_start runs
 * on the handler stack, before there is any other memory than the image.
 */
#include "os.h"

#include <stdlib.h>
#include <unistd.h>

struct os os;

static struct {
	int argc;
	char **argv;
	char **envp;
} arguments;

static char *no_arguments[] = { NULL, NULL };
extern char **environ;

/* ---- os_start: what self is and owns ------------------------------------------------ */

/* Init owns all that boot had to give. */
static void start_init(void)
{
	static char name[] = "init";

	os.ram_base = hv_bootinfo->ram_base;
	os.keep_pages = ~0UL;
	os_pages_put_range(hv_bootinfo->free_first, hv_bootinfo->free_end - hv_bootinfo->free_first);
	os.lost_low = 1;	/* smaller runs lie elsewhere */
	os.lost_end = hv_bootinfo->ram_pages;
	for (uint64_t pid = HV_INIT_PID + 1; pid < HV_NPROC; pid++)
		if (hv_procs[pid].state == HV_PROC_UNUSED && hv_procs[pid].ppid == os.pid)
			set_put(&os.pids, pid);
	for (uint64_t file = 1; file < HV_NFILE; file++)
		if (hv_files[file].owner == os.pid && hv_files[file].type == HV_FILE_NONE)
			hv_file_free(file);
	no_arguments[0] = name;
	arguments.argc = 1;
	arguments.argv = no_arguments;
	arguments.envp = &no_arguments[1];
	hv_set_own_name(name);
	fd_start(NULL);
}

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
	fd_start(&startup->fd);
}

/* exec leaves the page it ran on, and perhaps tables of the old image. */
static void tidy_after_exec(void)
{
	os_unmap_range(HV_WINDOW_VA, HV_WINDOW_END);
	os_free_tables(0, USER_VA_END);
}

uintptr_t os_start(const struct startup *startup)
{
	os.pid = (hv_pid)hv_self();
	os.brk = (uintptr_t)_end;
	os.stack_low = HV_STACK_TOP;
	if (startup == NULL) {
		start_init();
		return HV_STACK_TOP;
	}
	if (startup->magic != STARTUP_MAGIC)
		hv_kill(os.pid, HV_STATUS_SIGNAL);
	start_program(startup);
	os.stack_low = HV_PAGE_OF(startup);
	if (startup->is_exec)
		tidy_after_exec();
	return startup->argv & ~15UL;
}

/* ---- main, exit --------------------------------------------------------------------------- */

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
void os_close_pipes(void)
{
	for (uint64_t left = os.fd.is_pipe; left != 0; left &= left - 1)
		hv_close(os.pid, (hv_handle)__builtin_ctzl(left));
}

_Noreturn void _exit(int status)
{
	os_close_pipes();
	for (;;)
		hv_kill(os.pid, (uint64_t)status & 0xff);
}

pid_t getpid(void)
{
	return (pid_t)os.pid;
}

/* ---- names ------------------------------------------------------------------------------------ */

int64_t hv_set_own_name(const char *name)
{
	uint64_t word[2] = { 0, 0 };

	for (unsigned i = 0; i < HV_NAME_BYTES && name[i] != 0; i++)
		word[i / 8] |= (uint64_t)(unsigned char)name[i] << i % 8 * 8;
	os.name[0] = word[0];
	os.name[1] = word[1];
	return hv_set_name(os.pid, word[0], word[1]);
}

void hv_name_of(hv_pid pid, char name[HV_NAME_BYTES + 1])
{
	uint64_t word[2] = { 0, 0 };

	if (pid == os.pid) {
		word[0] = os.name[0];
		word[1] = os.name[1];
	} else if (hv_has_view() && pid < HV_NPROC) {
		word[0] = hv_procs[pid].name[0];
		word[1] = hv_procs[pid].name[1];
	}
	for (unsigned i = 0; i < HV_NAME_BYTES; i++)
		name[i] = (char)(word[i / 8] >> i % 8 * 8);
	name[HV_NAME_BYTES] = 0;
}
