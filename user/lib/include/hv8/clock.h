/* SPDX-License-Identifier: MIT */
/*
 * The time of the day: calls to the server of the machine's clock
 * (user/servers/clockd), which is the service "clock" of <hv8/service.h>.
 *
 * A call is hv_call(server, deadline, 0, HV_NONE, op, seconds, 0, 0); in its
 * reply w[0] is 0 or a negated error, w[1] the time afterwards, w[2] how many
 * clients wait, and w[3] how many interrupts the server has had.
 *   -HV_EINVAL  the clock does not go as far as that
 *   -HV_ENOSYS  no such operation
 */
#ifndef HV8_CLOCK_H
#define HV8_CLOCK_H

#include <hv8/libos.h>

enum hv_clock_op {
	HV_CLOCK_GET = 1,
	HV_CLOCK_SET = 2,	/* who waits for a time that has passed then is answered */
	HV_CLOCK_WAIT = 3,	/* the reply comes at that time, or at once if it has passed */
};

#define HV_CLOCK_MAX 0xffffffffUL	/* seconds since 1970, of a clock of 32 bits */

struct hv_clock_state {
	uint64_t seconds;	/* since 1970, UTC */
	uint64_t waiting;
	uint64_t interrupts;
};

/*
 * Opens the service, calls, and closes it. If the server dies meanwhile, asks
 * the next one: what is asked for may be done twice. *restarts, unless NULL,
 * counts how often that was. *state may be NULL. Errors as above, or those of
 * hv_service_open; -HV_ETIMEDOUT: `deadline` has passed first.
 */
int64_t hv_clock_call(enum hv_clock_op op, uint64_t seconds, hv_time deadline,
	struct hv_clock_state *state, unsigned *restarts);

#endif
