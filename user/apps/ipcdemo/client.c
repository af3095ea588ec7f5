/* SPDX-License-Identifier: MIT */
/* ipcdemo's client: sends words, a page, a handle, and checks each answer. */
#include "ipcdemo.h"

#include <stdio.h>
#include <string.h>

static bool try_words(hv_handle endpoint, uint64_t number)
{
	uint64_t w1 = 100 * number, w2 = 7, w3 = UINT64_MAX;
	struct hv_msg reply = hv_call_msg(endpoint, patience(), 0, HV_NONE, OP_WORDS, w1, w2, w3);

	return reply.result == 0 && reply.w[0] == 0 && reply.w[1] == w1 + 1 &&
	       reply.w[2] == w2 + 1 && reply.w[3] == w3 + 1;
}

/* The page leaves this process with the call and comes back with the reply. */
static bool try_page(hv_handle endpoint, int number)
{
	char *text = (char *)IPC_PAGE_VA;
	char expected[32];
	int64_t parcel;
	struct hv_msg reply;

	if (hv_map(IPC_PAGE_VA, HV_PERM_W) < 0)
		return false;
	snprintf(text, sizeof(expected), "hello from client %d", number);
	snprintf(expected, sizeof(expected), "HELLO FROM CLIENT %d", number);
	parcel = hv_unmap_parcel(IPC_PAGE_VA);
	if (parcel < 0)
		return false;
	reply = hv_call_msg(endpoint, patience(), (hv_page)parcel, HV_NONE, OP_PAGE, 0, 0, 0);
	if (reply.result != 0 || reply.w[0] != 0 || reply.page != (hv_page)parcel)
		return false;
	if (hv_map_parcel(IPC_PAGE_VA, reply.page, 0) < 0)
		return false;
	return strcmp(text, expected) == 0 && hv_unmap(IPC_PAGE_VA) >= 0;
}

/* The server gets a handle that can only send to an endpoint of this process. */
static bool try_handle(hv_handle endpoint, uint64_t number)
{
	int64_t own = hv_endpoint_new(0);
	hv_handle gift = hv_handle_alloc();
	struct hv_msg reply, message;

	if (own < 0 || hv_dup((hv_handle)own, gift, HV_RIGHT_WRITE) < 0)
		return false;
	reply = hv_call_msg(endpoint, patience(), 0, gift, OP_HANDLE, 1000 + number, 0, 0);
	if (reply.result != 0 || reply.w[0] != 0)
		return false;
	message = hv_recv_msg((hv_handle)own, patience(), 0);
	hv_endpoint_close((hv_handle)own);
	return message.result == 0 && message.w[0] == 1000 + number;
}

/*
 * Keeps the right to send only: if all who can receive are gone, a call fails
 * at once instead of waiting. Returns the new handle.
 */
static hv_handle give_up_receiving(hv_handle endpoint)
{
	hv_handle sender = hv_handle_alloc();

	hv_dup(endpoint, sender, HV_RIGHT_WRITE);
	hv_close((hv_pid)hv_self(), endpoint);
	return sender;
}

int be_client(hv_handle inherited, int number)
{
	hv_handle endpoint = give_up_receiving(inherited);
	bool good = try_words(endpoint, (uint64_t)number) && try_page(endpoint, number) &&
		    try_handle(endpoint, (uint64_t)number);
	struct hv_msg reply = hv_call_msg(endpoint, patience(), 0, HV_NONE, OP_DONE, 0, 0, 0);

	return good && reply.result == 0 ? 0 : 1;
}
