/* SPDX-License-Identifier: MIT */
/* Predicates and checks that several groups of handlers share. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "sched.h"

static inline uint64_t current_pid(void)
{
	return this_cpu()->current;
}

static inline bool is_pid(uint64_t pid)
{
	return pid - 1 < HV_NPROC - 1;
}

static inline bool is_embryo_of(uint64_t pid, uint64_t parent)
{
	return procs[pid].state == HV_PROC_EMBRYO && procs[pid].ppid == parent;
}

static inline bool is_dead_child_of(uint64_t pid, uint64_t parent)
{
	return procs[pid].state == HV_PROC_ZOMBIE && procs[pid].ppid == parent;
}

static inline bool may_build(uint64_t self, uint64_t pid)
{
	return pid == self || is_embryo_of(pid, self);
}

static inline bool is_page_of_type(uint64_t page, uint64_t type)
{
	return page < HV_NPAGE && page_descs[page].type == type;
}

/* May the caller build `pid`? */
static inline int64_t check_build(uint64_t self, uint64_t pid)
{
	if (!is_pid(pid))
		return -HV_ESRCH;
	if (!may_build(self, pid))
		return -HV_EPERM;
	return 0;
}

/* Is `page` one of the caller's pages of that type? */
static inline int64_t check_page(uint64_t self, uint64_t page, uint64_t type)
{
	if (!is_page_of_type(page, type))
		return -HV_EINVAL;
	if (page_descs[page].owner != self)
		return -HV_EACCES;
	return 0;
}

/* Is entry `index` of `table`, one of pid's tables of that type, the caller's to write? */
static inline int64_t check_entry(uint64_t pid, uint64_t table, uint64_t type, uint64_t index)
{
	uint64_t end = type == HV_PAGE_L0 ? HV_L0_USER_END : HV_PAGE_WORDS;
	int64_t error = check_build(current_pid(), pid);

	if (error)
		return error;
	error = check_page(pid, table, type);
	if (error)
		return error;
	if (index >= end)
		return -HV_EINVAL;
	return 0;
}

/* May the caller give things to `child`? */
static inline int64_t check_grant(uint64_t self, uint64_t child)
{
	if (!is_pid(child))
		return -HV_ESRCH;
	if (procs[child].ppid != self)
		return -HV_EPERM;
	if (procs[child].state == HV_PROC_UNUSED || procs[child].state == HV_PROC_ZOMBIE)
		return -HV_ESTATE;
	return 0;
}

static inline bool is_handle(uint64_t pid, uint64_t handle)
{
	return handle < HV_NHANDLE && handles[pid][handle].file != 0;
}

static inline bool is_free_slot(uint64_t pid, uint64_t slot)
{
	return slot < HV_NHANDLE && handles[pid][slot].file == 0;
}

/* Does the handle name a file of that type, with that right? */
static inline int64_t check_object(uint64_t self, uint64_t handle, uint64_t type, uint64_t right)
{
	if (!is_handle(self, handle))
		return -HV_EBADF;
	if (files[handles[self][handle].file].type != type)
		return -HV_EINVAL;
	if (!(handles[self][handle].rights & right))
		return -HV_EPERM;
	return 0;
}

/* The page gets another owner. */
static inline void page_give(uint64_t page, uint64_t to)
{
	procs[page_descs[page].owner].pages_count--;
	procs[to].pages_count++;
	page_descs[page].owner = to;
}

#endif
