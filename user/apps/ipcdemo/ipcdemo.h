/* SPDX-License-Identifier: MIT */
/* ipcdemo: what the server and its clients have agreed on. */
#ifndef IPCDEMO_H
#define IPCDEMO_H

#include <hv8/libos.h>

enum {
	CLIENTS = 3,
	SECONDS_AT_MOST = 20, /* nobody waits longer for an answer */
};

/* Word 0 of a call. */
enum op {
	OP_WORDS = 1, /* words 1..3 come back, each one more */
	OP_PAGE,      /* a page of text comes back in capitals */
	OP_HANDLE,    /* a handle to an endpoint, to which the server then sends w[1] */
	OP_DONE,      /* this client will not call again */
};

/* Serves until every client is done. Returns 0 if all went well. */
int serve(hv_handle endpoint);

/* Uses each operation once and checks the answers. */
int be_client(hv_handle endpoint, int number);

static inline hv_time patience(void)
{
	return hv_deadline_us((uint64_t)SECONDS_AT_MOST * 1000000);
}

/* Where a page that came by IPC is looked at: memory nobody uses else. */
#define IPC_PAGE_VA 0x600000000000UL

#endif
