/* SPDX-License-Identifier: MIT */
/* The kernel's tables, read in place, and words for what is in them. */
#include <hv8/libos.h>
#include <hv8/view.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void view_require(const char *program)
{
	if (hv_has_view())
		return;
	fprintf(stderr, "%s: this process has no right to see the kernel's tables\n", program);
	exit(1);
}

struct hv_proc view_proc(hv_pid pid)
{
	return ((const struct hv_proc *)HV_VIEW_PROCS)[pid];
}

struct hv_sched view_sched(void)
{
	return *(const struct hv_sched *)HV_VIEW_SCHED;
}

struct hv_file_entry view_file(hv_file file)
{
	return ((const struct hv_file_entry *)HV_VIEW_FILES)[file];
}

struct hv_handle_entry view_handle(hv_pid pid, hv_handle handle)
{
	return ((const struct hv_handle_entry *)HV_VIEW_HANDLES)[pid * HV_NHANDLE + handle];
}

struct hv_page_desc view_page(hv_page page)
{
	return ((const struct hv_page_desc *)HV_VIEW_PAGE_DESCS)[page];
}

struct hv_device_entry view_device(hv_device device)
{
	return ((const struct hv_device_entry *)HV_VIEW_DEVICES)[device];
}

uint64_t view_cores(const struct hv_sched *sched, hv_pid pid)
{
	uint64_t cores = 0;

	for (int i = 0; i < HV_NCPU; i++)
		cores |= (uint64_t)view_set_has(&sched->cpus[i].allowed, pid) << i;
	return cores;
}

uint64_t view_switches(const struct hv_sched *sched)
{
	uint64_t sum = 0;

	for (int i = 0; i < HV_NCPU; i++)
		sum += sched->cpus[i].switches;
	return sum;
}

bool view_owns_dma(hv_pid pid)
{
	for (hv_device i = 1; i < HV_NDEVICE; i++) {
		struct hv_device_entry device = view_device(i);

		if (device.state != HV_DEVICE_NONE && device.owner == pid &&
		    device.flags & HV_DEVICE_DMA)
			return true;
	}
	return false;
}

static bool has_child(hv_pid pid)
{
	for (hv_pid child = 1; child < HV_NPROC; child++) {
		struct hv_proc proc = view_proc(child);

		if (proc.ppid == pid && proc.state != HV_PROC_UNUSED)
			return true;
	}
	return false;
}

static void blocked_words(hv_pid pid, const struct hv_proc *proc, char words[VIEW_STATE_BYTES])
{
	struct hv_file_entry file = view_file(proc->wait_file % HV_NFILE);
	bool receives = view_set_has(&file.receivers, pid);
	const char *sends = proc->wait_flags & HV_WAIT_CALL ? "call" : "send";

	if (proc->wait_flags & HV_WAIT_WFI)
		snprintf(words, VIEW_STATE_BYTES, "interrupt");
	else if (proc->wait_peer != 0)
		snprintf(words, VIEW_STATE_BYTES, "reply from %" PRIu64, proc->wait_peer);
	else if (proc->wait_file == HV_FILE_CONSOLE_INDEX)
		snprintf(words, VIEW_STATE_BYTES, receives ? "console" : "child or ^C");
	else if (proc->wait_file != 0)
		snprintf(words, VIEW_STATE_BYTES, "%s file %" PRIu64, receives ? "receive" : sends,
			 proc->wait_file);
	else if (proc->wait_flags & HV_WAIT_CHILD && has_child(pid))
		snprintf(words, VIEW_STATE_BYTES, "child");
	else
		snprintf(words, VIEW_STATE_BYTES, "timer");
}

static void running_words(uint64_t core, char words[VIEW_STATE_BYTES])
{
	if (view_bootinfo()->cpu_count > 1)
		snprintf(words, VIEW_STATE_BYTES, "running on %" PRIu64, core);
	else
		snprintf(words, VIEW_STATE_BYTES, "running");
}

void view_state_words(hv_pid pid, char words[VIEW_STATE_BYTES])
{
	static const char *const name[] = {
		[HV_PROC_UNUSED] = "unused",
		[HV_PROC_EMBRYO] = "embryo",
		[HV_PROC_ZOMBIE] = "zombie",
	};
	struct hv_proc proc = view_proc(pid);
	struct hv_sched sched = view_sched();

	if (proc.state != HV_PROC_LIVE)
		snprintf(words, VIEW_STATE_BYTES, "%s",
			 proc.state <= HV_PROC_ZOMBIE ? name[proc.state] : "?");
	else if (sched.core[pid] != 0)
		running_words(sched.core[pid] % HV_NCPU, words);
	else if (view_set_has(&sched.ready, pid))
		snprintf(words, VIEW_STATE_BYTES, "ready");
	else
		blocked_words(pid, &proc, words);
}

void view_name(const struct hv_proc *proc, char name[VIEW_NAME_BYTES])
{
	memcpy(name, proc->name, HV_NAME_BYTES);
	name[HV_NAME_BYTES] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	if (*name == '\0')
		memcpy(name, "-", 2);
}

const char *view_page_type(uint64_t type)
{
	static const char *const name[] = {
		[HV_PAGE_RESERVED] = "reserved", [HV_PAGE_FREE] = "free",
		[HV_PAGE_L0] = "level-0 table",  [HV_PAGE_L1] = "level-1 table",
		[HV_PAGE_L2] = "level-2 table",  [HV_PAGE_L3] = "level-3 table",
		[HV_PAGE_FRAME] = "frame",       [HV_PAGE_PARCEL] = "parcel",
		[HV_PAGE_CTX] = "registers",
	};

	return type < sizeof(name) / sizeof(name[0]) ? name[type] : "?";
}

const char *view_file_type(uint64_t type)
{
	static const char *const name[] = {
		[HV_FILE_NONE] = "none",   [HV_FILE_ENDPOINT] = "endpoint",
		[HV_FILE_INODE] = "inode", [HV_FILE_CONSOLE] = "console",
		[HV_FILE_POWER] = "power",
	};

	return type < sizeof(name) / sizeof(name[0]) ? name[type] : "?";
}

uint64_t view_count_pages(uint64_t type)
{
	uint64_t count = 0;
	uint64_t end = view_bootinfo()->ram_pages;

	for (hv_page page = 0; page < end && page < HV_NPAGE; page++)
		count += view_page(page).type == type;
	return count;
}
