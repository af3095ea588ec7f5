/* SPDX-License-Identifier: MIT */
/*
 * Taking back what a dead child held: handles, children, pages, pids, file
 * objects. The kernel's counts say when there is nothing left; the ledger says
 * where to look first. Without the view, everything is simply tried.
 */
#include "os.h"

#include <signal.h>

static const volatile struct hv_proc *entry(hv_pid pid)
{
	return &hv_procs[pid];
}

void os_close_handles(hv_pid pid)
{
	bool see = hv_has_view();

	for (uint64_t i = 0; i < HV_NHANDLE; i++) {
		hv_handle h = (i + HV8_HANDLE_MEM) % HV_NHANDLE;	/* the last is common */

		if (see && entry(pid)->handles_count == 0)
			return;
		if (!see || hv_handles[pid][h].file != 0)
			hv_close(pid, h);
	}
}

/* Unused pids come back; its children become self's, and those of them that
 * are dead already go the same way at once. */
static void take_pids(hv_pid pid, const struct ledger *ledger, bool see)
{
	hv_pid first = ledger == NULL || ledger->first_pid == 0 ? 1 : ledger->first_pid;

	for (uint64_t i = 0; i < HV_NPROC - 1; i++) {
		hv_pid child = (first - 1 + i) % (HV_NPROC - 1) + 1;

		if (see && entry(pid)->pids_count == 0)
			return;
		if (see && entry(child)->ppid != pid)
			continue;
		if (!see && set_has(&os.adopted, child))
			continue;
		if (hv_revoke_pid(child) == 0) {
			hv_pid_free(child);
		} else if (hv_reparent(child) == 0) {
			set_put(&os.adopted, child);
			if (see && entry(child)->state != HV_PROC_LIVE)
				hv_reclaim(child);
		}
	}
}

/* Reclaims what is the child's among [first, end), in increasing order, and
 * puts it into the store in runs. */
static void take_range(hv_pid pid, uint64_t first, uint64_t end, bool see)
{
	uint64_t run = 0;

	for (uint64_t page = first; page < end; page++) {
		if ((!see || hv_page_descs[page].owner == pid) && hv_reclaim_page(page) == 0) {
			run++;
		} else {
			os_pages_put_range(page - run, run);
			run = 0;
		}
	}
	os_pages_put_range(end - run, run);
}

/* The rest lies anywhere: outward from `middle` in steps of 64 pages. */
static void search_pages(hv_pid pid, uint64_t middle)
{
	uint64_t total = hv_bootinfo->ram_pages;
	uint64_t up = middle, down = middle;

	while (entry(pid)->pages_count > 0 && (up < total || down > 0)) {
		uint64_t next = up + 64 < total ? up + 64 : total;

		take_range(pid, up, next, true);
		up = next;
		next = down > 64 ? down - 64 : 0;
		take_range(pid, next, down, true);
		down = next;
	}
}

static void take_pages(hv_pid pid, const struct ledger *ledger, bool see)
{
	uint64_t middle = 0;

	for (uint64_t i = 0; ledger != NULL && i < ledger->count; i++) {
		middle = ledger->range[i].first;
		take_range(pid, middle, middle + ledger->range[i].count, see);
	}
	if (!see)
		take_range(pid, 1, HV_NPAGE, false);
	else if (entry(pid)->pages_count > 0)
		search_pages(pid, middle);
}

static void take_files(hv_pid pid, const struct ledger *ledger, bool see)
{
	hv_file first = ledger == NULL || ledger->first_file == 0 ? 1 : ledger->first_file;

	for (uint64_t i = 0; i < HV_NFILE - 1; i++) {
		hv_file file = (first - 1 + i) % (HV_NFILE - 1) + 1;

		if (see && entry(pid)->files_count == 0)
			return;
		if (see && hv_files[file].owner != pid)
			continue;
		if (hv_revoke_file(file) == 0)
			hv_file_free(file);
	}
}

int64_t os_reclaim_dead(hv_pid pid)
{
	struct ledger *ledger = ledger_of(pid);
	bool see = hv_has_view();
	int64_t error;

	os_close_handles(pid);
	take_pids(pid, ledger, see);
	error = os_devices_take(pid);	/* before its pages: a device may still write to them */
	if (error < 0)
		return error;
	take_pages(pid, ledger, see);
	take_files(pid, ledger, see);
	error = hv_reap(pid);
	if (error == -HV_EBUSY) {	/* seldom has one interrupt lines */
		os_lines_take(pid);
		error = hv_reap(pid);
	}
	if (error < 0)
		return error;
	if (ledger != NULL)
		ledger->pid = 0;
	set_drop(&os.adopted, pid);
	return 0;
}

int64_t hv_stop(hv_pid pid, uint64_t status)
{
	int64_t error = hv_kill(pid, status);

	if (error < 0)
		return error;
	/* On another core it has only been told: until it is dead this can be said again. */
	while (pid != os.pid && hv_kill(pid, status) == 0)
		continue;
	return 0;
}

int64_t hv_reclaim(hv_pid pid)
{
	int64_t error;

	if (pid == os.pid)
		return -HV_EINVAL;
	error = hv_stop(pid, HV_STATUS_SIGNAL | SIGKILL);
	if (error < 0 && error != -HV_ESTATE)
		return error;
	error = os_reclaim_dead(pid);
	if (error == 0)
		hv_pid_free(pid);
	os_pages_give_back();
	return error;
}
