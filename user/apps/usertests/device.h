/* SPDX-License-Identifier: MIT */
/* Devices that the runner was given: each test has them too. */
#ifndef USERTESTS_DEVICE_H
#define USERTESTS_DEVICE_H

#include "raw.h"

#include <hv8/device.h>

/* The n-th unmapped device of self's that does no DMA: PrimeCells, or timers. Ends the test as
 * passed if there are fewer. */
hv_device take_device(unsigned n);

/* Gives all unmapped devices of self's. */
void devices_into(struct hv_grants *grants);

#endif
