/* SPDX-License-Identifier: MIT */
/* Pages of device registers: found, mapped, given to children and taken back. */
#include "os.h"

#include <errno.h>
#include <hv8/virtio.h>

/* Each has an address of its own, so nothing need be kept about them. */
#define DEVICE_VA(device) (HV_DEVICE_VA + ((uintptr_t)(device) << HV_PAGE_SHIFT))

hv_device hv_device_at(uint64_t address)
{
	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].state != HV_DEVICE_NONE &&
		    hv_devices[device].pa == HV_PAGE_OF(address))
			return device;
	return 0;
}

hv_device hv_device_find(const char *compatible, struct hv_dt_node *node)
{
	while (hv_dt_next(node)) {
		hv_device device = node->is_enabled && node->size != 0 &&
			hv_dt_is_compatible(node, compatible) ? hv_device_at(node->address) : 0;

		if (device != 0)
			return device;
	}
	return 0;
}

volatile void *hv_device_open(hv_device device, hv_perm perm)
{
	uintptr_t va = DEVICE_VA(device);
	int64_t l3, error = 0;

	if (device == 0 || device >= HV_NDEVICE) {
		errno = EINVAL;
		return NULL;
	}
	l3 = hv_ensure_l3(va);
	if (l3 < 0)
		error = l3;
	else if (hv_lookup(va).pte == 0)
		error = hv_map_device(os.pid, (hv_page)l3, va >> HV_PAGE_SHIFT & 511, device, perm);
	if (error < 0) {
		hv_set_errno(error);
		return NULL;
	}
	return (volatile void *)va;
}

int64_t hv_device_close(hv_device device)
{
	struct hv_slot slot = hv_lookup(DEVICE_VA(device));
	int64_t error;

	if (device == 0 || device >= HV_NDEVICE || slot.pte == 0)
		return -HV_EINVAL;
	error = hv_unmap_device(os.pid, slot.l3, slot.index, device);
	os_free_tables(DEVICE_VA(device), DEVICE_VA(device) + HV_PAGE_SIZE);
	return error;
}

/* ---- children --------------------------------------------------------------------- */

int64_t os_devices_grant(hv_pid child, const uint64_t devices[HV_NDEVICE / 64])
{
	for (hv_device word = 0; word < HV_NDEVICE / 64; word++) {
		for (uint64_t left = devices[word]; left != 0; left &= left - 1) {
			int64_t error = hv_grant_device(child,
				64 * word + (hv_device)__builtin_ctzl(left));

			if (error < 0)
				return error;
		}
	}
	return 0;
}

int64_t os_devices_take(hv_pid pid)
{
	bool see = hv_has_view();
	int64_t error = 0;

	for (hv_device device = 1; error == 0 && device < HV_NDEVICE; device++) {
		if (see && hv_procs[pid].devices_count == 0)
			break;
		if (see && hv_devices[device].owner != pid)
			continue;
		if (hv_revoke_device(device) == 0 && see &&
		    hv_devices[device].flags & HV_DEVICE_DMA)
			error = hv_virtio_quiet(device);
	}
	return error;
}
