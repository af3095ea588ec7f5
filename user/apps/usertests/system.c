/* SPDX-License-Identifier: MIT */
/*
 * The kernel's bookkeeping, done again from the tables themselves. True at
 * any moment at which the process that asks is the one that runs.
 */
#include "system.h"

#include <hv8/libos.h>

struct tally {
	uint64_t handles[HV_NPROC], pids[HV_NPROC], files[HV_NPROC];
	uint64_t lines[HV_NPROC], devices[HV_NPROC];
	uint64_t refs[HV_NFILE], readers[HV_NFILE], writers[HV_NFILE];
};

static struct tally tally;

static bool has(const volatile struct hv_set *set, hv_pid pid)
{
	return (set->word[pid / 64] >> (pid % 64)) & 1;
}

static bool is_empty(const volatile struct hv_set *set)
{
	return (set->word[0] | set->word[1]) == 0;
}

static void count_handles(hv_pid pid)
{
	for (hv_handle h = 0; h < HV_NHANDLE; h++) {
		hv_file file = hv_handles[pid][h].file % HV_NFILE;
		uint64_t rights = hv_handles[pid][h].rights;

		if (file == 0)
			continue;
		tally.handles[pid]++;
		tally.refs[file]++;
		tally.readers[file] += (rights & HV_RIGHT_READ) != 0;
		tally.writers[file] += (rights & HV_RIGHT_WRITE) != 0;
	}
}

static void count_all(void)
{
	tally = (struct tally){ 0 };
	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		count_handles(pid);
		tally.pids[hv_procs[pid].ppid % HV_NPROC]++;
	}
	for (hv_file file = 1; file < HV_NFILE; file++)
		tally.files[hv_files[file].owner % HV_NPROC]++;
	for (hv_irq line = 0; line < HV_NIRQ; line++)
		if (hv_irqs[line].state != HV_IRQ_NONE)
			tally.lines[hv_irqs[line].owner % HV_NPROC]++;
	for (hv_device device = 1; device < HV_NDEVICE; device++)
		tally.devices[hv_devices[device].owner % HV_NPROC]++;
}

/* A line in use is its owner's that has the CPU interface; no other waits anywhere. */
static const char *line_disagreement(hv_irq line)
{
	hv_pid owner = hv_irqs[line].owner;
	bool is_used = hv_irqs[line].state == HV_IRQ_USED;

	if (is_used && hv_procs[owner].has_vgic == 0)
		return "a line used without the CPU interface";
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (hv_procs[pid].state == HV_PROC_LIVE && has(&hv_procs[pid].irqs_pending, line) &&
		    (!is_used || pid != owner))
			return "a line that waits for who does not use it";
	return NULL;
}

static const char *file_disagreement(hv_file file)
{
	const volatile struct hv_file_entry *f = &hv_files[file];

	if (f->refs != tally.refs[file])
		return "refs of a file";
	if (f->readers != tally.readers[file])
		return "readers of a file";
	if (f->writers != tally.writers[file])
		return "writers of a file";
	if ((f->type == HV_FILE_NONE) != (f->refs == 0))
		return "type of an unused file";
	if (f->type == HV_FILE_ENDPOINT && !is_empty(&f->senders) && !is_empty(&f->receivers))
		return "an endpoint with senders and receivers";
	return NULL;
}

/* A live process is ready, running, or blocked, and only then in other sets. */
static const char *set_disagreement(hv_pid pid)
{
	const volatile struct hv_proc *p = &hv_procs[pid];
	bool is_ready = has(&hv_sched->ready, pid), is_running = hv_sched->core[pid] != 0;
	bool is_blocked = p->state == HV_PROC_LIVE && !is_ready && !is_running;

	if (is_ready && is_running)
		return "a process both ready and running";
	if ((is_ready || is_running) && p->state != HV_PROC_LIVE)
		return "a process ready or running but not live";
	for (hv_file file = 0; file < HV_NFILE; file++)
		if ((has(&hv_files[file].senders, pid) || has(&hv_files[file].receivers, pid)) &&
		    (!is_blocked || p->wait_file != file))
			return "a process in a file's set for no reason";
	for (hv_pid server = 0; server < HV_NPROC; server++)
		if (has(&hv_procs[server].callers, pid) &&
		    (!is_blocked || p->wait_peer != server))
			return "a process among the callers of another for no reason";
	return NULL;
}

static const char *process_disagreement(hv_pid pid)
{
	const volatile struct hv_proc *p = &hv_procs[pid];
	bool is_zombie = p->state == HV_PROC_ZOMBIE;

	if (p->handles_count != tally.handles[pid])
		return "handles_count of a process";
	if (p->pids_count != tally.pids[pid])
		return "pids_count of a process";
	if (p->files_count != tally.files[pid])
		return "files_count of a process";
	if (p->irqs_count != tally.lines[pid])
		return "irqs_count of a process";
	if (p->devices_count != tally.devices[pid])
		return "devices_count of a process";
	if (p->state == HV_PROC_UNUSED &&
	    (p->pages_count | p->pids_count | p->files_count | p->handles_count |
	     p->irqs_count | p->devices_count) != 0)
		return "an unused process that owns something";
	for (hv_pid parent = 0; parent < HV_NPROC; parent++)
		if (has(&hv_procs[parent].zombies, pid) != (is_zombie && p->ppid == parent))
			return "zombies of a process's parent";
	return set_disagreement(pid);
}

const char *system_disagreement(uint64_t *which)
{
	const char *what = NULL;

	count_all();
	for (hv_file file = 1; file < HV_NFILE && what == NULL; file++) {
		*which = file;
		what = file_disagreement(file);
	}
	for (hv_irq line = HV_IRQ_TIMER + 1; line < HV_NIRQ && what == NULL; line++) {
		*which = line;
		what = line_disagreement(line);
	}
	for (hv_pid pid = 1; pid < HV_NPROC && what == NULL; pid++) {
		*which = pid;
		what = process_disagreement(pid);
	}
	return what;
}
