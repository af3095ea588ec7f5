/* SPDX-License-Identifier: MIT */
/* Who self is: what init begins with, and names. */
#include "os.h"

/* Init owns all that boot had to give. */
void os_start_init(struct arguments *arguments)
{
	static char name[] = "init";
	static char *no_arguments[] = { NULL, NULL };

	os.ram_base = hv_bootinfo->ram_base;
	os.keep_pages = ~0UL;
	os_pages_put_range(hv_bootinfo->free_first,
		hv_bootinfo->free_end - hv_bootinfo->free_first);
	os.lost_low = 1;	/* smaller runs lie elsewhere */
	os.lost_end = hv_bootinfo->ram_pages;
	for (uint64_t pid = HV_INIT_PID + 1; pid < HV_NPROC; pid++)
		if (hv_procs[pid].state == HV_PROC_UNUSED && hv_procs[pid].ppid == os.pid)
			set_put(&os.pids, pid);
	for (uint64_t file = 1; file < HV_NFILE; file++)
		if (hv_files[file].owner == os.pid && hv_files[file].type == HV_FILE_NONE)
			hv_file_free(file);
	no_arguments[0] = name;
	arguments->argc = 1;
	arguments->argv = no_arguments;
	arguments->envp = &no_arguments[1];
	hv_set_own_name(name);
	for (int fd = 0; fd < 3 && hv_bootinfo->uart_pa == 0; fd++) {
		hv_dup(HV_INIT_HANDLE_CONSOLE, (hv_handle)fd, HV_RIGHT_ALL);
		fd_set_open(&os.fd, fd, FD_CONSOLE, HV_RIGHT_ALL);
	}
}

/* ---- names -------------------------------------------------------------------- */

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
