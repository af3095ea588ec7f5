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

hv_outcome hc_send(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
		   uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_WRITE);
	struct message m = { page, passed, w0, w1, w2, w3 };
	uint64_t file, receiver;

	if (error)
		return outcome(error);
	file = handles[self][handle].file;
	receiver = set_lowest(&files[file].receivers);
	error = check_send(self, handle, deadline, page, passed, receiver);
	if (error)
		return outcome(error);

	if (receiver == 0)
		return outcome(send_wait(cpu, file, 0, deadline, &m));
	send_to(self, file, receiver, 0, m);
	set_add(&sched.ready, receiver);
	return outcome(0);
}

/* The first receiver that may run on this core (near), which has it at once; else the first. */
static inline uint64_t call_receiver(uint64_t file, const struct hv_set *allowed, bool is_near)
{
	const struct hv_set *all = &files[file].receivers;
	uint64_t low = is_near ? all->word[0] & allowed->word[0] : all->word[0];
	uint64_t high = is_near ? all->word[1] & allowed->word[1] : all->word[1];

	return words_lowest(low, high);
}

/* The caller waits for the receiver's reply and hands the core over to it. */
static inline void hand_over(struct hv_cpu *cpu, uint64_t self, uint64_t file, uint64_t receiver,
			     bool is_near)
{
	set_add(&procs[receiver].callers, self);
	sched_block_timed(self, file, receiver, HV_WAIT_CALL);
	sched_hand_over(cpu, receiver, is_near);
}

static __attribute__((noinline)) hv_outcome
call_any(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
	 uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	int64_t error = check_object(self, handle, HV_FILE_ENDPOINT, HV_RIGHT_WRITE);
	struct message m = { page, passed, w0, w1, w2, w3 };
	uint64_t file, receiver;
	bool is_near;

	if (error)
		return outcome(error);
	file = handles[self][handle].file;
	is_near = have_common(&files[file].receivers, &cpu->allowed);
	receiver = call_receiver(file, &cpu->allowed, is_near);
	error = check_send(self, handle, deadline, page, passed, receiver);
	if (error)
		return outcome(error);

	if (receiver == 0)
		return outcome(send_wait(cpu, file, HV_WAIT_CALL, deadline, &m));
	send_to(self, file, receiver, self, m);
	timer_set(self, deadline == HV_NOWAIT ? HV_FOREVER : deadline);
	hand_over(cpu, self, file, receiver, is_near);
	return outcome(-HV_EPIPE);
}

/* The receiver, whose pid is below 64, gets the page, the words and the core. */
static inline void call_words(struct hv_cpu *cpu, uint64_t self, uint64_t number,
			      struct hv_file_entry *file, uint64_t receiver, uint64_t page,
			      struct words w)
{
	struct hv_proc *all = *table(procs), *caller = kept(&all[self]);
	struct hv_proc *server = kept(&all[receiver]);
	struct hv_sched *s = table(sched);

	file->receivers.word[0] &= ~(1ULL << receiver);
	if (__builtin_expect(page != 0, false))
		give_loose(page, caller, server, receiver);
	give_words(server, self, page, w);
	server->reply_to = self;
	set_add(&server->callers, self);
	caller->wait_file = number;
	caller->wait_peer = receiver;
	caller->wait_flags = HV_WAIT_CALL;
	s->core[self] = 0;
	s->core[receiver] = cpu->number;
	cpu->current = receiver;
}

/*
 * No handle, no deadline, and somebody with a pid below 64 waits who may run here: nothing else
 * is to be done than that. An empty handle has no rights, so of file 0 nothing is asked.
 */
hv_outcome hc_call(uint64_t handle, uint64_t deadline, uint64_t page, uint64_t passed,
		   uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct hv_cpu *cpu = this_cpu();
	uint64_t self = cpu->current;
	uint64_t key = timer_key(self);
	bool is_simple = passed == HV_NONE && deadline == HV_FOREVER && key == TIMER_OFF &&
			 handle < HV_NHANDLE;
	struct hv_handle_entry entry;
	struct hv_file_entry *file;
	uint64_t near, receiver;

	if (!is_simple)
		return call_any(handle, deadline, page, passed, w0, w1, w2, w3);
	entry = *kept(&(*table(handles))[self][handle]);
	file = kept(&(*table(files))[entry.file]);
	near = file->receivers.word[0] & cpu->allowed.word[0];
	if (!(entry.rights & HV_RIGHT_WRITE) || file->type != HV_FILE_ENDPOINT || near == 0 ||
	    !may_pass(self, page))
		return call_any(handle, deadline, page, passed, w0, w1, w2, w3);

	receiver = ctz64(near);
	call_words(cpu, self, entry.file, file, receiver, page, (struct words){ w0, w1, w2, w3 });
	return handed_over(-HV_EPIPE, receiver);
}
