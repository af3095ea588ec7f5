/* SPDX-License-Identifier: MIT */
/* The page and the handle of a message. */
#include "ipc.h"

int64_t check_attached(uint64_t self, uint64_t page, uint64_t handle, uint64_t via)
{
	if (page != 0) {
		if (page >= HV_NPAGE || (page_descs[page].type != HV_PAGE_FREE &&
					 page_descs[page].type != HV_PAGE_PARCEL))
			return -HV_EINVAL;
		if (page_descs[page].owner != self)
			return -HV_EACCES;
	}
	if (handle != HV_NONE && !is_handle(self, handle))
		return -HV_EBADF;
	if (handle != HV_NONE && handle == via)
		return -HV_EINVAL;
	return 0;
}

uint64_t move_attached(uint64_t from, uint64_t to, uint64_t page, uint64_t handle)
{
	uint64_t slot = HV_NONE;

	if (page != 0)
		page_give(page, to);
	if (handle != HV_NONE) {
		slot = procs[to].recv_slot;
		handle_move(from, handle, to, slot);
		procs[to].recv_slot = HV_NONE;
	}
	return slot;
}
