/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices with their registers in memory (Virtual I/O Device 1.2, 4.2),
 * modern ones (version 2) and legacy ones (version 1, 4.2.4).
 */
#ifndef HV8_VIRTIO_H
#define HV8_VIRTIO_H

#include <hv8/device.h>

enum hv_virtio_register {	/* offsets in bytes */
	VIRTIO_MAGIC = 0x000,
	VIRTIO_VERSION = 0x004,
	VIRTIO_TYPE = 0x008,	/* 0: there is no device */
	VIRTIO_DEVICE_FEATURES = 0x010,
	VIRTIO_DEVICE_FEATURES_WORD = 0x014,
	VIRTIO_DRIVER_FEATURES = 0x020,
	VIRTIO_DRIVER_FEATURES_WORD = 0x024,
	VIRTIO_PAGE_SIZE = 0x028,	/* legacy */
	VIRTIO_QUEUE = 0x030,
	VIRTIO_QUEUE_MAX = 0x034,
	VIRTIO_QUEUE_SIZE = 0x038,
	VIRTIO_QUEUE_ALIGN = 0x03c,	/* legacy */
	VIRTIO_QUEUE_PAGE = 0x040,	/* legacy */
	VIRTIO_QUEUE_READY = 0x044,
	VIRTIO_NOTIFY = 0x050,
	VIRTIO_INTERRUPT_STATUS = 0x060,
	VIRTIO_INTERRUPT_ACK = 0x064,
	VIRTIO_STATUS = 0x070,
	VIRTIO_DESCRIPTORS = 0x080,	/* address, low word; the high one follows */
	VIRTIO_AVAILABLE = 0x090,
	VIRTIO_USED = 0x0a0,
	VIRTIO_CONFIG = 0x100,
};

enum hv_virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,
	VIRTIO_FAILED = 128,
};

enum { VIRTIO_BLOCK = 2 };	/* a type */

struct hv_virtio {
	hv_device device;		/* the page with its registers ... */
	volatile void *registers;	/* ... and where they are */
	uint64_t intid;
};

/*
 * The first device of that type in the pages that self owns; its page is
 * mapped afterwards. -HV_ENOENT: there is none; else an error of map_device.
 */
int64_t hv_virtio_find(uint32_t type, struct hv_virtio *found);
/* The same behind *node, which becomes its node. */
int64_t hv_virtio_next(struct hv_dt_node *node, uint32_t type, struct hv_virtio *found);

/* How many of that type are in a page of self's, which is unmapped afterwards. */
int64_t hv_virtio_count(hv_device device, uint32_t type);

/* After it the device touches no memory. -HV_EBUSY: it does not end. */
int64_t hv_virtio_reset(volatile void *registers);

/*
 * Resets all virtio devices in a page of self's, which is unmapped before and
 * after. Who takes such a page back from the dead does it before the memory
 * is used again: what the dead has asked for may still be under way.
 */
int64_t hv_virtio_quiet(hv_device device);

#endif
