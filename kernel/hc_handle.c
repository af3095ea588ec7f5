/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on handles and file objects. Keep: refs of a file is the number
 * of handles that name it, readers and writers those with the right; a file
 * with no handle is unused; handles_count of p is the number of p's handles.
 */
#include "handle.h"
#include "hypercall.h"

void handle_put(uint64_t pid, uint64_t slot, uint64_t file, uint64_t rights)
{
	handles[pid][slot].file = file;
	handles[pid][slot].rights = rights;
	procs[pid].handles_count++;
	files[file].refs++;
	files[file].readers += rights & HV_RIGHT_READ;
	files[file].writers += (rights & HV_RIGHT_WRITE) / HV_RIGHT_WRITE;
}

void handle_drop(uint64_t pid, uint64_t slot)
{
	struct hv_file_entry *file = &files[handles[pid][slot].file];
	uint64_t rights = handles[pid][slot].rights;

	handles[pid][slot].file = 0;
	handles[pid][slot].rights = 0;
	procs[pid].handles_count--;
	file->refs--;
	file->readers -= rights & HV_RIGHT_READ;
	file->writers -= (rights & HV_RIGHT_WRITE) / HV_RIGHT_WRITE;
	if (file->type == HV_FILE_ENDPOINT && file->readers == 0)
		set_wake_all(&file->senders);
	if (file->type == HV_FILE_ENDPOINT && file->writers == 0)
		set_wake_all(&file->receivers);
	if (file->refs == 0)
		file->type = HV_FILE_NONE;
}

void handle_move(uint64_t from_pid, uint64_t from, uint64_t to_pid, uint64_t to)
{
	handles[to_pid][to].file = handles[from_pid][from].file;
	handles[to_pid][to].rights = handles[from_pid][from].rights;
	handles[from_pid][from].file = 0;
	handles[from_pid][from].rights = 0;
	procs[from_pid].handles_count--;
	procs[to_pid].handles_count++;
}

static int64_t check_create(uint64_t self, uint64_t handle, uint64_t file, uint64_t type)
{
	if (handle >= HV_NHANDLE)
		return -HV_EBADF;
	if (handles[self][handle].file != 0)
		return -HV_EEXIST;
	if (file - 1 >= HV_NFILE - 1)
		return -HV_EINVAL;
	if (files[file].owner != self)
		return -HV_EACCES;
	if (files[file].type != HV_FILE_NONE)
		return -HV_EBUSY;
	if (type != HV_FILE_ENDPOINT && type != HV_FILE_INODE)
		return -HV_EINVAL;
	return 0;
}

int64_t hc_create(uint64_t handle, uint64_t file, uint64_t type, uint64_t value)
{
	uint64_t self = current_pid();
	int64_t error = check_create(self, handle, file, type);

	if (error)
		return error;

	files[file].type = type;
	files[file].value = value;
	files[file].offset = 0;
	files[file].last_sender = 0;
	handle_put(self, handle, file, HV_RIGHT_ALL);
	return 0;
}

int64_t hc_close(uint64_t pid, uint64_t handle)
{
	uint64_t self = current_pid();

	if (!is_pid(pid))
		return -HV_ESRCH;
	if (!may_build(self, pid) && !is_dead_child_of(pid, self))
		return -HV_EPERM;
	if (!is_handle(pid, handle))
		return -HV_EBADF;

	handle_drop(pid, handle);
	return 0;
}

/* May the caller put a copy of its handle `from` into slot `to` of pid? */
static int64_t check_copy(uint64_t self, uint64_t from, uint64_t pid, uint64_t to,
			  uint64_t rights)
{
	if (!is_handle(self, from))
		return -HV_EBADF;
	if (to >= HV_NHANDLE)
		return -HV_EBADF;
	if (handles[pid][to].file != 0)
		return -HV_EEXIST;
	if (rights - 1 >= HV_RIGHT_ALL)
		return -HV_EINVAL;
	if (rights & ~handles[self][from].rights)
		return -HV_EPERM;
	return 0;
}

int64_t hc_dup(uint64_t from, uint64_t to, uint64_t rights)
{
	uint64_t self = current_pid();
	int64_t error = check_copy(self, from, self, to, rights);

	if (error)
		return error;

	handle_put(self, to, handles[self][from].file, rights);
	return 0;
}

int64_t hc_dup2(uint64_t from, uint64_t to)
{
	uint64_t self = current_pid();

	if (!is_handle(self, from) || to >= HV_NHANDLE)
		return -HV_EBADF;

	if (from == to)
		return 0;
	if (handles[self][to].file != 0)
		handle_drop(self, to);
	handle_put(self, to, handles[self][from].file, handles[self][from].rights);
	return 0;
}

int64_t hc_seek(uint64_t handle, uint64_t offset)
{
	uint64_t self = current_pid();
	int64_t error = check_object(self, handle, HV_FILE_INODE, HV_RIGHT_ALL);

	if (error)
		return error;

	files[handles[self][handle].file].offset = offset;
	return 0;
}

int64_t hc_transfer(uint64_t pid, uint64_t from, uint64_t to, uint64_t rights)
{
	uint64_t self = current_pid();
	int64_t error;

	if (!is_pid(pid))
		return -HV_ESRCH;
	if (!is_embryo_of(pid, self))
		return -HV_EPERM;
	error = check_copy(self, from, pid, to, rights);
	if (error)
		return error;

	handle_put(pid, to, handles[self][from].file, rights);
	return 0;
}

/* The file object gets another owner. */
static void file_give(uint64_t file, uint64_t to)
{
	procs[files[file].owner].files_count--;
	procs[to].files_count++;
	files[file].owner = to;
}

static int64_t check_grant_file(uint64_t self, uint64_t child, uint64_t file)
{
	int64_t error = check_grant(self, child);

	if (error)
		return error;
	if (file - 1 >= HV_NFILE - 1)
		return -HV_EINVAL;
	if (files[file].owner != self)
		return -HV_EACCES;
	if (files[file].type != HV_FILE_NONE)
		return -HV_EBUSY;
	return 0;
}

int64_t hc_grant_file(uint64_t child, uint64_t file)
{
	int64_t error = check_grant_file(current_pid(), child, file);

	if (error)
		return error;

	file_give(file, child);
	return 0;
}

static int64_t check_revoke_file(uint64_t self, uint64_t file)
{
	uint64_t owner;

	if (file - 1 >= HV_NFILE - 1)
		return -HV_EINVAL;
	owner = files[file].owner;
	if (owner == 0 || procs[owner].ppid != self)
		return -HV_EPERM;
	if (files[file].type != HV_FILE_NONE && procs[owner].state != HV_PROC_ZOMBIE)
		return -HV_EBUSY;
	return 0;
}

int64_t hc_revoke_file(uint64_t file)
{
	uint64_t self = current_pid();
	int64_t error = check_revoke_file(self, file);

	if (error)
		return error;

	file_give(file, self);
	return 0;
}
