/* SPDX-License-Identifier: MIT */
/*
 * Messages for people of who cannot wait for the console's server, because that
 * waits for them: init, the registry, servers. Init keeps them until they are
 * shown, and never waits itself, so that the others may wait for init.
 */
#include "os.h"

#include <string.h>
#include <unistd.h>

static hv_log_sink sink; /* in init alone */

void hv_log_begin(hv_handle init, hv_log_sink to)
{
	hv_dup(init, STDERR_FILENO, HV_RIGHT_WRITE);
	fd_set_open(&os.fd, STDERR_FILENO, FD_LOG, HV_RIGHT_WRITE);
	sink = to;
}

static int64_t write_some(int fd, const char *data, uint64_t n)
{
	uint64_t w[HV_LOG_BYTES / 8] = { 0 };
	struct hv_msg reply;

	memcpy(w, data, n);
	reply = hv_call_msg((hv_handle)fd, HV_FOREVER, 0, HV_NONE, HV_INIT_LOG | n << HV_LOG_COUNT,
			    w[0], w[1], w[2]);
	return reply.result < 0 ? reply.result : (int64_t)reply.w[0];
}

int64_t log_write(int fd, const void *buf, uint64_t n)
{
	const char *data = buf;
	uint64_t done = 0;

	if (sink != NULL) {
		sink(data, n);
		return (int64_t)n;
	}
	while (done < n) {
		uint64_t size = n - done < HV_LOG_BYTES ? n - done : HV_LOG_BYTES;
		int64_t error = write_some(fd, data + done, size);

		if (error < 0)
			return done > 0 ? (int64_t)done : error;
		done += size;
	}
	return (int64_t)n;
}
