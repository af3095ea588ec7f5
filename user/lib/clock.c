/* SPDX-License-Identifier: MIT */
/* Calls to the server of the machine's clock. */
#include "os.h"

#include <hv8/clock.h>
#include <hv8/service.h>

int64_t hv_clock_call(enum hv_clock_op op, uint64_t seconds, hv_time deadline,
		      struct hv_clock_state *state, unsigned *restarts)
{
	struct hv_msg msg;

	for (;;) {
		int64_t server = hv_service_open("clock", NULL);

		if (server < 0) /* a registry that gives up says so here */
			return server;
		msg = hv_call_msg((hv_handle)server, deadline, 0, HV_NONE, op, seconds, 0, 0);
		hv_close(os.pid, (hv_handle)server);
		if (msg.result != -HV_EPIPE)
			break;
		if (restarts != NULL)
			++*restarts;
	}
	if (msg.result == 0 && state != NULL)
		*state = (struct hv_clock_state){ msg.w[1], msg.w[2], msg.w[3] };
	return msg.result < 0 ? msg.result : (int64_t)msg.w[0];
}
