/* SPDX-License-Identifier: MIT */
/* Virtio devices: found by the device tree, and made to touch no memory. */
#include "os.h"

#include <hv8/irq.h>
#include <hv8/virtio.h>

#include <errno.h>

enum {
	MAGIC = 0x74726976,
	RESET_READS = 1000000,	/* more than any device takes */
};

static const char compatible[] = "virtio,mmio";

static volatile void *registers_of(const struct hv_dt_node *node, volatile void *page)
{
	return (volatile uint8_t *)page + node->address % HV_PAGE_SIZE;
}

static uint64_t intid_of(const struct hv_dt_node *node)
{
	uint64_t bytes = 0;
	const uint8_t *cells = hv_dt_property(node, "interrupts", &bytes);

	return cells == NULL || bytes < HV_IRQ_CELLS ? 0 : hv_irq_intid(cells);
}

int64_t hv_virtio_next(struct hv_dt_node *node, uint32_t type, struct hv_virtio *found)
{
	hv_device device;

	while ((device = hv_device_find(compatible, node)) != 0) {
		bool was_mapped = hv_devices[device].state == HV_DEVICE_MAPPED;
		volatile void *page, *at;

		if (hv_devices[device].owner != os.pid)
			continue;
		page = hv_device_open(device, HV_PERM_W);
		if (page == NULL)
			return -HV_ENOMEM;
		at = registers_of(node, page);
		if (hv_register_read(at, VIRTIO_MAGIC) == MAGIC &&
		    hv_register_read(at, VIRTIO_TYPE) == type) {
			*found = (struct hv_virtio){ device, at, intid_of(node) };
			return 0;
		}
		if (!was_mapped)
			hv_device_close(device);
	}
	return -HV_ENOENT;
}

int64_t hv_virtio_find(uint32_t type, struct hv_virtio *found)
{
	struct hv_dt_node node = { 0 };

	return hv_virtio_next(&node, type, found);
}

int64_t hv_virtio_reset(volatile void *registers)
{
	hv_register_write(registers, VIRTIO_STATUS, 0);
	for (int reads = 0; reads < RESET_READS; reads++)
		if (hv_register_read(registers, VIRTIO_STATUS) == 0)
			return 0;
	return -HV_EBUSY;
}

/* Visits all devices in a page of self's, which is mapped meanwhile. */
static int64_t for_all_in(hv_device device, int64_t (*visit)(volatile void *registers, void *arg),
	void *arg)
{
	volatile void *page = hv_device_open(device, HV_PERM_W);
	struct hv_dt_node node = { 0 };
	int64_t error = 0, closed;

	if (page == NULL)
		return -HV_ENOMEM;
	while (error == 0 && hv_dt_next(&node)) {
		volatile void *at = registers_of(&node, page);

		if (node.size != 0 && HV_PAGE_OF(node.address) == hv_devices[device].pa &&
		    hv_dt_is_compatible(&node, compatible) &&
		    hv_register_read(at, VIRTIO_MAGIC) == MAGIC &&
		    hv_register_read(at, VIRTIO_TYPE) != 0)
			error = visit(at, arg);
	}
	closed = hv_device_close(device);
	return error < 0 ? error : closed;
}

static int64_t reset(volatile void *registers, void *arg)
{
	(void)arg;
	return hv_virtio_reset(registers);
}

int64_t hv_virtio_quiet(hv_device device)
{
	return for_all_in(device, reset, NULL);
}

struct tally { uint32_t type; int64_t count; };

static int64_t count(volatile void *registers, void *arg)
{
	struct tally *tally = arg;

	tally->count += hv_register_read(registers, VIRTIO_TYPE) == tally->type;
	return 0;
}

int64_t hv_virtio_count(hv_device device, uint32_t type)
{
	struct tally tally = { type, 0 };
	int64_t error = for_all_in(device, count, &tally);

	return error < 0 ? error : tally.count;
}
