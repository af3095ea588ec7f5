/* SPDX-License-Identifier: MIT */
/*
 * IPC: a rendezvous at an endpoint. Keep: who waits at an endpoint is in its
 * senders or its receivers, and never both sets are non-empty; who waits for
 * p's reply is in p's callers and has wait_peer p; the page and the handle in
 * a waiting sender's message are the sender's.
 *
 * Results are written to context pages: x1..x7 by `deliver`, x0 of the caller
 * by vectors.S from what the handler returns. A process that blocks returns
 * the result that it will have if it is woken without a message.
 *
 * A message without a handle, to somebody who waits, is the case that matters
 * for speed: direct.S does that alone, and leaves all else to the handlers.
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "handle.h"

struct message {
	uint64_t page;
	uint64_t handle;
	uint64_t w0, w1, w2, w3;
};

static inline bool is_plain(uint64_t page, uint64_t handle)
{
	return page == 0 && handle == HV_NONE;
}

/* Are the page and the handle the caller's to give away, not by way of `via`? */
int64_t check_attached(uint64_t self, uint64_t page, uint64_t handle, uint64_t via);

/* Moves the page and the handle; returns the slot that the handle got. */
uint64_t move_attached(uint64_t from, uint64_t to, uint64_t page, uint64_t handle);

static inline bool can_receive(uint64_t pid, uint64_t handle)
{
	return handle == HV_NONE || is_free_slot(pid, procs[pid].recv_slot);
}

/* Gives the message to `to`, in its registers x1..x7. */
static inline void deliver(uint64_t from, uint64_t to, struct message m)
{
	uint64_t *ctx = ctx_of(to);
	uint64_t slot = HV_NONE;

	if (!is_plain(m.page, m.handle))
		slot = move_attached(from, to, m.page, m.handle);
	ctx[CTX_X0 + 1] = from;
	ctx[CTX_X0 + 2] = m.page;
	ctx[CTX_X0 + 3] = slot;
	ctx[CTX_X0 + 4] = m.w0;
	ctx[CTX_X0 + 5] = m.w1;
	ctx[CTX_X0 + 6] = m.w2;
	ctx[CTX_X0 + 7] = m.w3;
}

#endif
