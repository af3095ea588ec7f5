/* SPDX-License-Identifier: MIT */
/*
 * ipcdemo's server. Its answer to one call and its wait for the next are one
 * hypercall. Only the server prints, so that lines do not mix.
 */
#include "ipcdemo.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* What goes back to the caller, unless it has been sent already. */
struct answer {
	bool is_sent;
	hv_page page;
	uint64_t w[4];
};

static struct answer answer_words(const struct hv_msg *call)
{
	struct answer answer = { false, 0, { 0, call->w[1] + 1, call->w[2] + 1, call->w[3] + 1 } };

	printf("from %3" PRIu64 ": words %" PRIu64 " %" PRIu64 " %" PRIu64
	       ", each goes back one more\n",
	       call->from, call->w[1], call->w[2], call->w[3]);
	return answer;
}

/* The page is the server's while it works on it: the client has it no more. */
static struct answer answer_page(const struct hv_msg *call)
{
	struct answer answer = { 0 };
	char *text = (char *)IPC_PAGE_VA;
	int64_t result = hv_map_parcel(IPC_PAGE_VA, call->page, HV_PERM_W);

	if (result < 0) {
		answer.w[0] = (uint64_t)result;
		return answer;
	}
	text[HV_PAGE_SIZE - 1] = '\0';
	printf("from %3" PRIu64 ": page %" PRIu64 " with \"%s\", goes back in capitals\n",
	       call->from, call->page, text);
	for (char *c = text; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	result = hv_unmap_parcel(IPC_PAGE_VA);
	if (result < 0)
		answer.w[0] = (uint64_t)result;
	else
		answer.page = (hv_page)result;
	return answer;
}

/* The client gets its reply first, since it must listen at its own endpoint then. */
static struct answer answer_handle(const struct hv_msg *call)
{
	struct answer answer = { .is_sent = true };
	int64_t result;

	printf("from %3" PRIu64 ": a handle, now handle %" PRIu64 " here; %" PRIu64
	       " goes to who listens there\n",
	       call->from, call->handle, call->w[1]);
	result = hv_reply(call->from, 0, HV_NONE, 0, 0, 0, 0);
	if (result == 0)
		result = hv_send(call->handle, patience(), 0, HV_NONE, call->w[1], 0, 0, 0);
	if (result < 0)
		printf("the handle was of no use: %s\n", hv_strerror(result));
	hv_close((hv_pid)hv_self(), call->handle);
	hv_set_recv_slot(call->handle);
	return answer;
}

static struct answer answer_call(const struct hv_msg *call)
{
	struct answer answer = { 0 };

	switch (call->w[0]) {
	case OP_WORDS:
		return answer_words(call);
	case OP_PAGE:
		return answer_page(call);
	case OP_HANDLE:
		return answer_handle(call);
	case OP_DONE:
		printf("from %3" PRIu64 ": done\n", call->from);
		return answer;
	default:
		answer.w[0] = (uint64_t)-HV_ENOSYS;
		return answer;
	}
}

int serve(hv_handle endpoint)
{
	struct hv_msg call;
	int done = 0;

	hv_set_recv_slot(hv_handle_alloc());
	call = hv_recv_msg(endpoint, patience(), 0);
	while (call.result == 0) {
		struct answer answer = answer_call(&call);

		done += call.w[0] == OP_DONE;
		if (done == CLIENTS)
			return hv_reply(call.from, 0, HV_NONE, 0, 0, 0, 0) < 0;
		if (answer.is_sent)
			call = hv_recv_msg(endpoint, patience(), 0);
		else
			call = hv_reply_wait_msg(endpoint, patience(), answer.page, HV_NONE,
						 answer.w[0], answer.w[1], answer.w[2],
						 answer.w[3]);
	}
	printf("server: %s\n", hv_strerror(call.result));
	return 1;
}
