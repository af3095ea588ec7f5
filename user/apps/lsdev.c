/* SPDX-License-Identifier: MIT */
/* lsdev: the pages of device registers that processes may have, and who has them. */
#include <hv8/app.h>
#include <hv8/device.h>
#include <hv8/view.h>

#include <inttypes.h>

static const char *const state_name[] = {
	[HV_DEVICE_UNMAPPED] = "unmapped", [HV_DEVICE_MAPPED] = "mapped",
	[HV_DEVICE_SHARED] = "shared",
};

/* Nodes with their first registers in the page: the first one's name and kind. */
static void print_nodes(uint64_t page)
{
	struct hv_dt_node node = { 0 };
	uint64_t bytes, more = 0;

	while (hv_dt_next(&node)) {
		const char *kind = (const char *)hv_dt_property(&node, "compatible", &bytes);

		if (!node.is_enabled || node.size == 0 || HV_PAGE_OF(node.address) != page)
			continue;
		if (more++ == 0)
			printf("%s  %s", node.name, kind != NULL ? kind : "");
	}
	if (more > 1)
		printf(" and %" PRIu64 " more", more - 1);
	printf("\n");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		app_usage("lsdev");
	view_require("lsdev");
	printf(" DEV      ADDRESS  STATE     DMA  OWNER                 DEVICE\n");
	for (hv_device i = 1; i < HV_NDEVICE; i++) {
		struct hv_device_entry device = view_device(i);
		char name[VIEW_NAME_BYTES];

		if (device.state == HV_DEVICE_NONE)
			continue;
		hv_name_of(device.owner, name);
		printf("%4" PRIu64 " %12" PRIx64 "  %-8s  %-3s  %4" PRIu64 " %-16s ", i, device.pa,
		       state_name[device.state],
		       device.flags & HV_DEVICE_DMA ? "yes" : "no", device.owner, name);
		print_nodes(device.pa);
	}
	return app_finish(0);
}
