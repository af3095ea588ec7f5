/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls on pages of device registers. Keep: devices_count of p is the
 * number of p's devices; a device is mapped exactly if one entry, of a
 * level-3 table of its owner's, names it; a shared one is nobody's, and any
 * number of entries of those who have the virtual CPU interface name it: what
 * is behind it is the process's whose registers the core holds. No page number
 * names a device: boot takes none whose address the tables of pages cover. So
 * what maps, moves or frees pages never takes a device for one.
 *
 * Writes to a descriptor are ordered as in hc_memory.c. What a process has
 * written to a device may still be under way to it (nGnRE) when it is unmapped.
 */
#include "check.h"
#include "hypercall.h"
#include "page.h"

#include <arch/pte.h>

static bool is_device(uint64_t device)
{
	return device < HV_NDEVICE && devices[device].state != HV_DEVICE_NONE;
}

/* Is it an unmapped device of pid's? */
static int64_t check_unmapped(uint64_t pid, uint64_t device)
{
	if (!is_device(device))
		return -HV_EINVAL;
	if (devices[device].owner != pid)
		return -HV_EACCES;
	if (devices[device].state != HV_DEVICE_UNMAPPED)
		return -HV_EBUSY;
	return 0;
}

/* May pid map it: as its own, or as the virtual CPU interface that it has? */
static int64_t check_mappable(uint64_t pid, uint64_t device)
{
	if (!is_device(device))
		return -HV_EINVAL;
	if (devices[device].state == HV_DEVICE_SHARED)
		return procs[pid].has_vgic ? 0 : -HV_ESTATE;
	return check_unmapped(pid, device);
}

int64_t hc_map_device(uint64_t pid, uint64_t l3, uint64_t index, uint64_t device, uint64_t perm)
{
	int64_t error = check_entry(pid, l3, HV_PAGE_L3, index);

	if (error)
		return error;
	if (perm & ~(uint64_t)(HV_PERM_W | HV_PERM_EL0))
		return -HV_EINVAL;
	if (pages[l3][index] & HV_PTE_VALID)
		return -HV_EEXIST;
	error = check_mappable(pid, device);
	if (error)
		return error;

	if (devices[device].state != HV_DEVICE_SHARED)
		devices[device].state = HV_DEVICE_MAPPED;
	page_descs[l3].count++;
	pte_write(&pages[l3][index], pte_device(devices[device].pa, perm));
	dsb_ishst();
	return 0;
}

/* Does the entry hold that device? */
static bool entry_holds_device(uint64_t l3, uint64_t index, uint64_t device)
{
	uint64_t held = pages[l3][index] & (HV_PTE_PA_MASK | HV_PTE_VALID);

	return device < HV_NDEVICE && devices[device].state >= HV_DEVICE_MAPPED &&
	       held == (devices[device].pa | HV_PTE_VALID);
}

int64_t hc_unmap_device(uint64_t pid, uint64_t l3, uint64_t index, uint64_t device)
{
	int64_t error = check_entry(pid, l3, HV_PAGE_L3, index);

	if (error)
		return error;
	if (!entry_holds_device(l3, index, device))
		return -HV_ENOENT;

	pte_write(&pages[l3][index], 0);
	dsb_ishst();
	tlbi_asid(pid);
	dsb_ish();
	page_descs[l3].count--;
	if (devices[device].state != HV_DEVICE_SHARED)
		devices[device].state = HV_DEVICE_UNMAPPED;
	return 0;
}

/* The device gets another owner. */
static void device_give(uint64_t device, uint64_t to)
{
	procs[devices[device].owner].devices_count--;
	procs[to].devices_count++;
	devices[device].owner = to;
}

int64_t hc_grant_device(uint64_t child, uint64_t device)
{
	uint64_t self = current_pid();
	int64_t error = check_grant(self, child);

	if (error)
		return error;
	error = check_unmapped(self, device);
	if (error)
		return error;

	device_give(device, child);
	return 0;
}

static int64_t check_revoke_device(uint64_t self, uint64_t device)
{
	uint64_t owner;

	if (!is_device(device))
		return -HV_EINVAL;
	owner = devices[device].owner;
	if (procs[owner].ppid != self)
		return -HV_EPERM;
	if (devices[device].state == HV_DEVICE_MAPPED && procs[owner].state != HV_PROC_ZOMBIE)
		return -HV_EBUSY;
	return 0;
}

/* The translations of an owner that has died were removed when it did, so no TLBI is owed. */
int64_t hc_revoke_device(uint64_t device)
{
	uint64_t self = current_pid();
	int64_t error = check_revoke_device(self, device);

	if (error)
		return error;

	devices[device].state = HV_DEVICE_UNMAPPED;
	device_give(device, self);
	return 0;
}
