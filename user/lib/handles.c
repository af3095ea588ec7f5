/* SPDX-License-Identifier: MIT */
/* The handles beyond the descriptors, and endpoints at them. */
#include "os.h"

static bool is_empty(hv_handle handle)
{
	if (hv_has_view())
		return hv_handles[os.pid][handle].file == 0;
	/* onto itself: never done, but the first check that fails tells */
	return hv_dup(handle, handle, HV_RIGHT_READ) == -HV_EBADF;
}

hv_handle hv_handle_alloc(void)
{
	for (hv_handle handle = HV8_HANDLE_FREE; handle < HV8_HANDLE_MEM; handle++)
		if (is_empty(handle))
			return handle;
	return HV_NONE;
}

int64_t hv_endpoint_new(uint64_t value)
{
	hv_handle handle = hv_handle_alloc();
	hv_file file = hv_file_alloc();
	int64_t error;

	if (handle == HV_NONE || file == 0)
		return -HV_ENOBUFS;
	error = hv_create(handle, file, HV_FILE_ENDPOINT, value);
	return error < 0 ? error : (int64_t)handle;
}

/* The file object stays self's and counts as unused when no handle is left. */
int64_t hv_endpoint_close(hv_handle handle)
{
	return hv_close(os.pid, handle);
}
