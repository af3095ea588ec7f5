/* SPDX-License-Identifier: MIT */
/*
 * ipcstorm: one server, many clients, each calling as fast as it can. Every
 * answer is checked by the client, every call by the server: it is the
 * client's next, and nobody is left behind.
 */
#include <hv8/app.h>
#include <hv8/libos.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CLIENTS = 100 };

/* What comes back for a client's n-th call. */
static uint64_t answer_to(uint64_t client, uint64_t n)
{
	return (client << 48 ^ n) * 0x9e3779b97f4a7c15;
}

static int be_client(hv_handle endpoint, uint64_t client, uint64_t calls)
{
	for (uint64_t n = 0; n < calls; n++) {
		struct hv_msg reply = hv_call_msg(endpoint, HV_FOREVER, 0, HV_NONE, client, n, ~n,
						  0);

		if (reply.result != 0 || reply.w[0] != answer_to(client, n) || reply.w[1] != n ||
		    reply.w[2] != client || reply.page != 0)
			return 1;
	}
	return 0;
}

/* How many calls of each client have come; pid 0 is nobody. */
struct tally {
	uint64_t calls[MOST_CLIENTS];
	uint64_t pid[MOST_CLIENTS];
	uint64_t widest;	/* the largest lead of one client over another */
};

static bool is_next(const struct tally *tally, const struct hv_msg *m, uint64_t clients)
{
	uint64_t client = m->w[0];

	return m->result == 0 && client < clients && m->w[1] == tally->calls[client] &&
	       m->w[2] == ~m->w[1] && m->page == 0 && m->handle == HV_NONE &&
	       (tally->pid[client] == 0 || tally->pid[client] == m->from);
}

static void note(struct tally *tally, const struct hv_msg *m, uint64_t clients)
{
	uint64_t least = UINT64_MAX, lead;

	tally->pid[m->w[0]] = m->from;
	tally->calls[m->w[0]]++;
	if (m->w[1] % 64 != 0)	/* looked at now and then */
		return;
	for (uint64_t i = 0; i < clients; i++)
		least = tally->calls[i] < least ? tally->calls[i] : least;
	lead = m->w[1] - least;
	if (least > 0 && m->w[1] > least && lead > tally->widest)
		tally->widest = lead;
}

static int serve(hv_handle endpoint, uint64_t clients, uint64_t calls, struct tally *tally)
{
	struct hv_msg m = hv_recv_msg(endpoint, HV_FOREVER, 0);

	for (uint64_t left = clients * calls; left-- > 0;) {
		uint64_t answer = answer_to(m.w[0], m.w[1]);

		if (!is_next(tally, &m, clients)) {
			fprintf(stderr, "ipcstorm: wrong call %" PRIu64 " of client %" PRIu64
				" from %" PRIu64 ": %s\n", m.w[1], m.w[0], m.from,
				hv_strerror(m.result));
			return 1;
		}
		note(tally, &m, clients);
		if (left == 0)
			return hv_reply(m.from, 0, HV_NONE, answer, m.w[1], m.w[0], 0) != 0;
		m = hv_reply_wait_msg(endpoint, HV_FOREVER, 0, HV_NONE, answer, m.w[1], m.w[0], 0);
	}
	return 0;
}

/* A client starts no process. */
static const struct hv_grants lean = { .pages = 16 };

static int start_clients(hv_handle endpoint, uint64_t clients, uint64_t calls)
{
	for (uint64_t client = 0; client < clients; client++) {
		pid_t pid = hv_fork_attr(&lean);

		if (pid == 0)
			_exit(be_client(endpoint, client, calls));
		if (pid < 0) {
			fprintf(stderr, "ipcstorm: fork: %s\n", strerror(errno));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct tally tally;
	uint64_t clients = 60, messages = 1000000;
	int status, wrong;
	int64_t endpoint;

	if (argc > 3 || (argc > 1 && !app_number(argv[1], MOST_CLIENTS, &clients)) ||
	    (argc > 2 && !app_number(argv[2], 1000000000, &messages)) || clients == 0)
		app_usage("ipcstorm [CLIENTS [MESSAGES]]");
	endpoint = hv_endpoint_new(0);
	if (endpoint < 0) {
		fprintf(stderr, "ipcstorm: no endpoint: %s\n", hv_strerror(endpoint));
		return 1;
	}
	messages = (messages + clients - 1) / clients;	/* of each */
	if (start_clients((hv_handle)endpoint, clients, messages) != 0)
		return 1;
	wrong = serve((hv_handle)endpoint, clients, messages, &tally);
	hv_endpoint_close((hv_handle)endpoint);
	for (uint64_t client = 0; client < clients; client++)
		wrong += wait(&status) < 0 || status != 0;
	printf("ipcstorm: %" PRIu64 " clients, %" PRIu64 " calls each, at most %" PRIu64
	       " ahead: %s\n", clients, messages, tally.widest,
	       wrong == 0 ? "all as expected" : "WRONG");
	return app_finish(wrong != 0);
}
