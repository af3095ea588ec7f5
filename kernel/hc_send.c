/* SPDX-License-Identifier: MIT */
/* Hypercalls that send: send and call. What they keep is in ipc.h. */
#include "hypercall.h"
#include "ipc.h"

/* `receiver` is who waits at the endpoint, or 0. */
static inline int64_t check_send(uint64_t self, uint64_t handle, uint64_t deadline, uint64_t page,
				 uint64_t passed, uint64_t receiver)
{
	int64_t error = 0;

	if (!is_plain(page, passed))
		error = check_attached(self, page, passed, handle);
	if (error)
		return error;
	if (receiver != 0)
		return can_receive(receiver, passed) ? 0 : -HV_ENOBUFS;
	if (files[handles[self][handle].file].readers == 0)
		return -HV_EPIPE;
	return deadline == HV_NOWAIT ? -HV_EAGAIN : 0;
}

/* The sender waits; the message stays in its own context page until somebody receives. */
static __attribute__((noinline)) int64_t send_wait(struct hv_cpu *cpu, uint64_t file,
						   uint64_t flags, uint64_t deadline,
						   const struct message *m)
{
	uint64_t *ctx = ctx_of(cpu->current);

	ctx[CTX_MSG_PAGE] = m->page;
	ctx[CTX_MSG_HANDLE] = m->handle;
	ctx[CTX_MSG_W0] = m->w0;
	ctx[CTX_MSG_W1] = m->w1;
	ctx[CTX_MSG_W2] = m->w2;
	ctx[CTX_MSG_W3] = m->w3;
	set_add(&files[file].senders, cpu->current);
	sched_block(cpu, file, 0, flags, deadline);
	sched_run_next(cpu);
	return -HV_EPIPE;
}

/* Hands the message to a waiting receiver, which is no longer waiting then. */
static inline void send_to(uint64_t self, uint64_t file, uint64_t receiver, uint64_t reply_to,
			   struct message m)
{
	set_remove(&files[file].receivers, receiver);
	ctx_of(receiver)[CTX_X0] = 0;
	procs[receiver].reply_to = reply_to;
	deliver(self, receiver, m);
}

int64_t hc_send(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
		uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_WRITE);
	struct message m = { page, passed, w0, w1, w2, w3 };
	uint64_t file, receiver;

	if (error)
		return error;
	file = handles[self][handle].file;
	receiver = set_lowest(&files[file].receivers);
	error = check_send(self, handle, deadline, page, passed, receiver);
	if (error)
		return error;

	if (receiver == 0)
		return send_wait(cpu, file, 0, deadline, &m);
	send_to(self, file, receiver, 0, m);
	set_add(&sched.ready, receiver);
	return 0;
}

/* The first receiver that may run on this core (near), which has it at once; else the first. */
static inline uint64_t call_receiver(uint64_t file, const struct hv_set *allowed)
{
	const struct hv_set *all = &files[file].receivers;
	bool is_near = have_common(all, allowed);
	uint64_t low = is_near ? all->word[0] & allowed->word[0] : all->word[0];
	uint64_t high = is_near ? all->word[1] & allowed->word[1] : all->word[1];

	return words_lowest(low, high);
}

/* The caller waits for the receiver's reply and hands the core over to it. */
static inline void hand_over(struct hv_cpu *cpu, uint64_t self, uint64_t file, uint64_t receiver)
{
	set_add(&procs[receiver].callers, self);
	sched_block_timed(self, file, receiver, HV_WAIT_CALL);
	sched_hand_over(cpu, receiver, set_has(&cpu->allowed, receiver));
}

int64_t hc_call(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
		uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_WRITE);
	struct message m = { page, passed, w0, w1, w2, w3 };
	uint64_t file, receiver;

	if (error)
		return error;
	file = handles[self][handle].file;
	receiver = call_receiver(file, &cpu->allowed);
	error = check_send(self, handle, deadline, page, passed, receiver);
	if (error)
		return error;

	if (receiver == 0)
		return send_wait(cpu, file, HV_WAIT_CALL, deadline, &m);
	send_to(self, file, receiver, self, m);
	timer_set(self, deadline == HV_NOWAIT ? HV_FOREVER : deadline);
	hand_over(cpu, self, file, receiver);
	return -HV_EPIPE;
}
