/* SPDX-License-Identifier: MIT */
/*
 * Devices: what the device tree says of them, and their registers.
 *
 * A process owns pages of registers that its parent gave it (hv_grants), until
 * it gives them to a child or dies. Their numbers index hv_devices[]. All of
 * this needs the view of the kernel's tables.
 */
#ifndef HV8_DEVICE_H
#define HV8_DEVICE_H

#include <hv8/libos.h>

/* ---- the device tree ------------------------------------------------------------ */

enum { HV_DT_DEPTH = 16 };

/* A node, and the walk that has come to it: zero it, then call hv_dt_next(). */
struct hv_dt_node {
	uint64_t offset;	/* in the structure block: as in struct hv_device_entry */
	const char *name;
	uint64_t address;	/* physical, of its first registers ... */
	uint64_t size;		/* ... and bytes of them; 0: none that the CPU reaches */
	bool is_enabled;	/* with all nodes above it */

	uint64_t next;
	int depth;		/* of the node; the root's is 1, more than HV_DT_DEPTH is skipped */
	struct hv_dt_bus {
		uint64_t address_cells, size_cells;
		const uint8_t *ranges;	/* NULL: the CPU does not reach it */
		uint64_t ranges_size;	/* bytes; 0: the addresses are those of its own bus */
		bool is_enabled;
	} bus[HV_DT_DEPTH];
};

/* Goes on to the next node, in the order of the tree; false: there is none. */
bool hv_dt_next(struct hv_dt_node *node);
/* The bytes of a property, as they are in the tree, and how many; NULL: it has none. */
const uint8_t *hv_dt_property(const struct hv_dt_node *node, const char *name, uint64_t *bytes);
bool hv_dt_is_compatible(const struct hv_dt_node *node, const char *name);
/* The number that is big-endian at `cell`, of 32 bits. */
uint32_t hv_dt_cell(const uint8_t *cell);

/* ---- registers -------------------------------------------------------------------- */

/* The page of registers that holds a physical address; 0: none that processes may have. */
hv_device hv_device_at(uint64_t address);

/*
 * The page with the first registers of the first enabled device of that
 * `compatible` behind *node (zeroed: of all), which becomes its node. Devices
 * that the kernel keeps are passed over. 0: there is none.
 */
hv_device hv_device_find(const char *compatible, struct hv_dt_node *node);

/*
 * Maps a device of self's, if it is not, for `perm` HV_PERM_W or 0. Each has
 * its own address, at which fork leaves nothing in the child, and where exec
 * leaves it. NULL and errno if it cannot be: EACCES it is not self's.
 */
volatile void *hv_device_open(hv_device device, hv_perm perm);
int64_t hv_device_close(hv_device device);	/* unmaps it; it stays self's */

/* One register; offsets are in bytes from what hv_device_open() returned. */
static inline uint32_t hv_register_read(const volatile void *registers, uint64_t offset)
{
	return *(const volatile uint32_t *)((const volatile uint8_t *)registers + offset);
}

static inline void hv_register_write(volatile void *registers, uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)((volatile uint8_t *)registers + offset) = value;
}

#endif
