/* SPDX-License-Identifier: MIT */
/* Servers by name: calls to the registry, whose endpoint init hands out. */
#include "os.h"

#include <hv8/service.h>
#include <string.h>

enum { TRIES = 5 }; /* of who finds that the registry dies */

/* The handle that comes with the reply is in msg->handle, or the error in the result. */
static int64_t ask_for_handle(hv_handle server, uint64_t op, const uint64_t name[2],
			      struct hv_msg *msg)
{
	hv_handle slot = hv_handle_alloc();
	int64_t error = slot == HV_NONE ? -HV_ENOBUFS : hv_set_recv_slot(slot);

	msg->result = error;
	if (error < 0)
		return error;
	*msg = hv_call_msg(server, HV_FOREVER, 0, HV_NONE, op, name[0], name[1], 0);
	hv_set_recv_slot(HV_NONE);
	if (msg->result < 0)
		return msg->result;
	if ((int64_t)msg->w[0] < 0)
		return (int64_t)msg->w[0];
	return msg->handle == HV_NONE ? -HV_EPIPE : (int64_t)msg->handle;
}

static int64_t registry(void)
{
	static const uint64_t nothing[2];
	struct hv_msg msg;

	return ask_for_handle(HV8_HANDLE_MEM, HV_INIT_REGISTRY, nothing, &msg);
}

static void pack(const char *name, uint64_t packed[2])
{
	packed[0] = packed[1] = 0;
	memcpy(packed, name, strnlen(name, HV_NAME_BYTES));
}

int64_t hv_service_open(const char *name, uint64_t *unit)
{
	struct hv_msg msg = { .result = -HV_EPIPE };
	int64_t handle = -HV_EPIPE;
	uint64_t packed[2];

	pack(name, packed);
	for (int tries = 0; msg.result == -HV_EPIPE && tries < TRIES; tries++) {
		int64_t way = registry();

		if (way < 0)
			return way;
		handle = ask_for_handle((hv_handle)way, HV_REGISTRY_OPEN, packed, &msg);
		hv_close(os.pid, (hv_handle)way);
	}
	if (handle >= 0 && unit != NULL)
		*unit = msg.w[1];
	return handle;
}

static struct hv_msg ask(enum hv_registry_op op, uint64_t w1, uint64_t w2, uint64_t w3)
{
	int64_t way = registry();
	struct hv_msg msg = { .result = way };

	if (way < 0)
		return msg;
	msg = hv_call_msg((hv_handle)way, HV_FOREVER, 0, HV_NONE, op, w1, w2, w3);
	hv_close(os.pid, (hv_handle)way);
	if (msg.result == 0)
		msg.result = (int64_t)msg.w[0];
	return msg;
}

int64_t hv_service_control(enum hv_registry_op op, const char *name, uint64_t argument)
{
	uint64_t packed[2];

	pack(name, packed);
	return ask(op, packed[0], packed[1], argument).result;
}

int64_t hv_service_list(uint64_t n, struct hv_service *service)
{
	struct hv_msg msg = ask(HV_REGISTRY_LIST, n, 0, 0);

	if (msg.result < 0)
		return msg.result;
	memset(service, 0, sizeof(*service));
	memcpy(service->name, &msg.w[1], HV_NAME_BYTES);
	service->state = (enum hv_service_state)(msg.w[3] & 0xff);
	service->pid = (pid_t)(msg.w[3] >> 8 & 0xff);
	service->units = (unsigned)(msg.w[3] >> 16 & 0xffff);
	service->starts = (unsigned)(msg.w[3] >> 32);
	return 0;
}

struct hv_msg hv_recv_closing(hv_handle handle, hv_time deadline, hv_word flags)
{
	struct hv_msg msg = hv_recv_msg(handle, deadline, flags);

	if (msg.result == -HV_ENOBUFS) {
		hv_set_recv_slot(hv_handle_alloc());
		msg = hv_recv_msg(handle, deadline, flags);
	}
	if (msg.result == 0 && msg.handle != HV_NONE)
		hv_close(os.pid, msg.handle);
	return msg;
}

void hv_drop_page(hv_page page)
{
	if (page == 0)
		return;
	hv_free_parcel(page); /* unless it came as a free page */
	hv_page_free(page);
}
