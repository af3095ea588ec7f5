/* SPDX-License-Identifier: MIT */
/* dmesg: what the kernel said while it booted. */
#include <hv8/app.h>
#include <hv8/view.h>

#include <unistd.h>

int main(int argc, char **argv)
{
	const struct hv_bootinfo *info = view_bootinfo();
	uint64_t length;

	(void)argv;
	if (argc > 1)
		app_usage("dmesg");
	view_require("dmesg");
	length = info->klog_bytes < HV_KLOG_BYTES ? info->klog_bytes : HV_KLOG_BYTES;
	return app_write(STDOUT_FILENO, (const char *)info->klog, (size_t)length) ? 0 : 1;
}
