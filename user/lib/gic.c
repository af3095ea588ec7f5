/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU interface: system registers of EL1 with GICv3 (IHI 0069H,
 * 12.2; by encoding, as the baseline has no names for them), a page of
 * registers with GICv2 (IHI 0048B, 5.5), which a process maps once it has the
 * interface; to find it, it must see the kernel's tables.
 */
#include "os.h"
#include "gic.h"

#include <hv8/device.h>

#define ICC_IAR1	"s3_0_c12_c12_0"
#define ICC_EOIR1	"s3_0_c12_c12_1"
#define ICC_IGRPEN1	"s3_0_c12_c12_7"
#define ICC_PMR		"s3_0_c4_c6_0"

enum { ANY_PRIORITY = 0xff };

/* Words of GICV (IHI 0048B, 5.5): the same as of a CPU interface. */
enum { GICV_CTLR = 0, GICV_PMR = 1, GICV_IAR = 3, GICV_EOIR = 4 };

/* NULL: GICv3. */
static volatile uint32_t *gicv;

#define icc_write(name, value) \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

/* Does the core have the system registers, and the machine a GIC that they belong to? */
static bool is_v3(void)
{
	uint64_t pfr0;

	if (hv_has_view())
		return hv_bootinfo->gic_version == 3;
	__asm__("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
	return (pfr0 >> 24 & 0xf) != 0;
}

/* The pages of GICV come in order, so the first is that of these registers. */
static volatile uint32_t *map_gicv(void)
{
	for (hv_device device = 1; hv_has_view() && device < HV_NDEVICE; device++)
		if (hv_devices[device].state == HV_DEVICE_SHARED)
			return hv_device_open(device, HV_PERM_W);
	return NULL;
}

int64_t gic_start(void)
{
	if (is_v3()) {
		icc_write(ICC_PMR, ANY_PRIORITY);
		icc_write(ICC_IGRPEN1, 1);
		return 0;
	}
	gicv = map_gicv();
	if (gicv == NULL)
		return -HV_ENOSYS;
	gicv[GICV_PMR] = ANY_PRIORITY;
	gicv[GICV_CTLR] = 1;
	return 0;
}

void gic_stop(void)
{
	if (gicv != NULL)
		gicv[GICV_CTLR] = 0;
	else
		icc_write(ICC_IGRPEN1, 0);
}

uint32_t gic_ack(void)
{
	uint64_t intid;

	if (gicv != NULL)
		return gicv[GICV_IAR] & 0x3ff;
	__asm__ volatile("mrs %0, " ICC_IAR1 "\n\tdsb sy" : "=r"(intid) : : "memory");
	return (uint32_t)intid & 0xffffff;
}

void gic_end(uint32_t intid)
{
	if (gicv != NULL)
		gicv[GICV_EOIR] = intid;
	else
		icc_write(ICC_EOIR1, intid);
}
