/* SPDX-License-Identifier: MIT */
/* Hypercalls that receive and answer. What they keep is in ipc.h. */
#include "hypercall.h"
#include "ipc.h"

static inline uint64_t next_sender(uint64_t file)
{
	return set_next(&files[file].senders, files[file].last_sender);
}

/* Is there a message that self can take, or may it wait for one? */
static inline int64_t check_next(uint64_t self, uint64_t file, uint64_t sender, uint64_t deadline)
{
	if (sender != 0)
		return can_receive(self, ctx_of(sender)[CTX_MSG_HANDLE]) ? 0 : -HV_ENOBUFS;
	if (files[file].writers == 0)
		return -HV_EPIPE;
	return deadline == HV_NOWAIT ? -HV_EAGAIN : 0;
}

static int64_t check_recv(uint64_t self, uint64_t handle, uint64_t flags)
{
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_READ);

	if (error)
		return error;
	if (flags & ~(uint64_t)(HV_WAIT_CHILD | HV_WAIT_IRQ))
		return -HV_EINVAL;
	if (flags & HV_WAIT_CHILD && !set_is_empty(&procs[self].zombies))
		return -HV_EINTR;
	return 0;
}

/* Takes the message of a waiting sender. */
static __attribute__((noinline)) void receive_from(uint64_t self, uint64_t file, uint64_t sender)
{
	const uint64_t *ctx = ctx_of(sender);
	struct message m = {
		.page = ctx[CTX_MSG_PAGE], .handle = ctx[CTX_MSG_HANDLE],
		.w0 = ctx[CTX_MSG_W0], .w1 = ctx[CTX_MSG_W1],
		.w2 = ctx[CTX_MSG_W2], .w3 = ctx[CTX_MSG_W3],
	};

	set_remove(&files[file].senders, sender);
	files[file].last_sender = sender;
	if (procs[sender].wait_flags & HV_WAIT_CALL) {
		set_add(&procs[self].callers, sender);
		procs[sender].wait_peer = self;
		procs[self].reply_to = sender;
	} else {
		ctx_of(sender)[CTX_X0] = 0;
		set_add(&sched.ready, sender);
		procs[self].reply_to = 0;
	}
	deliver(sender, self, m);
}

int64_t hc_recv(uint64_t handle, uint64_t deadline, uint64_t flags)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_recv(self, handle, flags);
	uint64_t file, sender;

	if (error)
		return error;
	file = handles[self][handle].file;
	sender = next_sender(file);
	error = check_next(self, file, sender, deadline);
	if (error)
		return error;

	if (sender != 0) {
		receive_from(self, file, sender);
		return 0;
	}
	set_add(&files[file].receivers, self);
	sched_block(cpu, file, 0, flags, deadline);
	sched_run_next(cpu);
	return -HV_EPIPE;
}

/* ---- replies ------------------------------------------------------------------ */

int64_t hc_set_recv_slot(uint64_t handle)
{
	uint64_t self = current_pid();

	if (handle != HV_NONE && handle >= HV_NHANDLE)
		return -HV_EBADF;
	if (handle != HV_NONE && handles[self][handle].file != 0)
		return -HV_EEXIST;

	procs[self].recv_slot = handle;
	return 0;
}

/* The caller has its answer; it is neither blocked nor ready yet. */
static inline void answer(uint64_t self, uint64_t caller, struct message m)
{
	set_remove(&procs[self].callers, caller);
	ctx_of(caller)[CTX_X0] = 0;
	deliver(self, caller, m);
}

static int64_t check_reply(uint64_t self, uint64_t pid, uint64_t page, uint64_t handle)
{
	int64_t error;

	if (!is_pid(pid))
		return -HV_ESRCH;
	if (!set_has(&procs[self].callers, pid))
		return -HV_EPERM;
	error = check_attached(self, page, handle, HV_NONE);
	if (error)
		return error;
	return can_receive(pid, handle) ? 0 : -HV_ENOBUFS;
}

int64_t hc_reply(uint64_t pid, uint64_t page, uint64_t handle, uint64_t w0, uint64_t w1,
		 uint64_t w2, uint64_t w3)
{
	uint64_t self = current_pid();
	int64_t error = check_reply(self, pid, page, handle);
	struct message m = { page, handle, w0, w1, w2, w3 };

	if (error)
		return error;

	answer(self, pid, m);
	set_add(&sched.ready, pid);
	return 0;
}

static inline int64_t check_answer(uint64_t self, uint64_t handle, uint64_t page, uint64_t passed,
				   uint64_t caller)
{
	int64_t error = 0;

	if (!set_has(&procs[self].callers, caller))
		return -HV_EPERM;
	if (!is_plain(page, passed))
		error = check_attached(self, page, passed, handle);
	if (error)
		return error;
	return can_receive(caller, passed) ? 0 : -HV_ENOBUFS;
}

/*
 * The server waits at the endpoint and hands the core over to whom it answered. Not inlined: its
 * caller would keep values of two sizes at one place of the stack, which the verifier refuses.
 */
static __attribute__((noinline)) void wait_for_next(struct hv_cpu *cpu, uint64_t self,
						    uint64_t file, uint64_t caller)
{
	procs[self].reply_to = 0;
	set_add(&files[file].receivers, self);
	sched_block_timed(self, file, 0, 0);
	sched_hand_over(cpu, caller, set_has(&cpu->allowed, caller));
}

int64_t hc_reply_wait(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
		      uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_READ);
	struct message m = { page, passed, w0, w1, w2, w3 };
	uint64_t file, sender, caller;

	if (error)
		return error;
	file = handles[self][handle].file;
	caller = procs[self].reply_to;
	sender = next_sender(file);
	error = check_answer(self, handle, page, passed, caller);
	if (error)
		return error;
	error = check_next(self, file, sender, deadline);
	if (error)
		return error;

	answer(self, caller, m);
	if (sender != 0) {
		set_add(&sched.ready, caller);
		receive_from(self, file, sender);
		return 0;
	}
	timer_set(self, deadline);
	wait_for_next(cpu, self, file, caller);
	return -HV_EPIPE;
}
