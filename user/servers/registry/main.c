/* SPDX-License-Identifier: MIT */
/*
 * registry: the parent of the servers, which knows them by name: <hv8/service.h>.
 * Init starts it when somebody asks for it, with the endpoint for calls as
 * descriptor 3, and moves devices from the shell to it and back.
 */
#include "registry.h"

#include <signal.h>
#include <string.h>

enum { ENDPOINT = 3 };

struct answer {
	int64_t result;
	hv_handle handle;
	uint64_t w[3];
};

static struct answer fails(int64_t error)
{
	return (struct answer){ .result = error, .handle = HV_NONE };
}

static struct server *find(const struct hv_msg *call, char name[HV_NAME_BYTES + 1], int64_t *error)
{
	struct server *server;

	memcpy(name, &call->w[1], HV_NAME_BYTES);
	name[HV_NAME_BYTES] = '\0';
	server = table_find(name);
	*error = server == NULL ? table_probe() : 0;
	if (server == NULL && *error == 0) {
		server = table_find(name);
		*error = server == NULL ? -HV_ENOENT : 0;
	}
	return server;
}

static struct answer open_server(const struct hv_msg *call)
{
	char name[HV_NAME_BYTES + 1];
	struct answer answer = { .handle = hv_handle_alloc() };
	struct server *server = find(call, name, &answer.result);

	if (answer.result == 0 && server->state == HV_SERVICE_DOWN)
		answer.result = server_start(server);
	else if (answer.result == 0 && server->state == HV_SERVICE_FAILED)
		answer.result = -HV_EPIPE;
	if (answer.result == 0)
		answer.result = hv_dup((hv_handle)server->ends[1], answer.handle, HV_RIGHT_WRITE);
	if (answer.result < 0)
		return fails(answer.result);
	answer.w[0] = table_unit(server, name);
	return answer;
}

static struct answer start(const struct hv_msg *call)
{
	char name[HV_NAME_BYTES + 1];
	int64_t error;
	struct server *server = find(call, name, &error);

	if (error < 0)
		return fails(error);
	if (server->state == HV_SERVICE_UP)
		return fails(-HV_EEXIST);
	server->argument = call->w[3];
	return fails(server_start(server));
}

static struct answer end(const struct hv_msg *call, enum fate fate)
{
	char name[HV_NAME_BYTES + 1];
	int64_t error;
	struct server *server = find(call, name, &error);

	if (fate == FATE_KILL && strcmp(name, "registry") == 0)
		kill((pid_t)hv_self(), SIGKILL);
	if (error == 0 && (fate == FATE_STOP || call->w[3] != 0))
		server->argument = call->w[3];
	return fails(error < 0 ? error : server_end(server, fate));
}

static struct answer list(const struct hv_msg *call)
{
	char name[HV_NAME_BYTES + 1 + NUMBER_DIGITS] = { 0 };
	const struct server *server;
	struct answer answer = { .handle = HV_NONE };

	table_probe();
	if (call->w[1] >= server_count)
		return fails(-HV_ENOENT);
	server = &servers[call->w[1]];
	hv_snprintf(name, sizeof(name), server->units == 0 ? "%s" : "%s%u", server->name,
		    server->first);
	memcpy(answer.w, name, HV_NAME_BYTES);
	answer.w[2] = (uint64_t)server->state | (uint64_t)server->pid << 8 |
		      (uint64_t)server->units << 16 | (uint64_t)server->starts << 32;
	return answer;
}

static struct answer serve(const struct hv_msg *call)
{
	switch (call->w[0]) {
	case HV_REGISTRY_OPEN:
		return open_server(call);
	case HV_REGISTRY_START:
		return start(call);
	case HV_REGISTRY_STOP:
		return end(call, FATE_STOP);
	case HV_REGISTRY_KILL:
		return end(call, FATE_KILL);
	case HV_REGISTRY_LIST:
		return list(call);
	}
	return fails(-HV_ENOSYS);
}

static void respond(const struct hv_msg *call)
{
	struct answer answer = serve(call);
	int64_t error = hv_reply(call->from, 0, answer.handle, (uint64_t)answer.result, answer.w[0],
				 answer.w[1], answer.w[2]);

	if (error < 0 && answer.handle != HV_NONE)
		hv_close((hv_pid)hv_self(), answer.handle);
	if (error == -HV_ENOBUFS)
		hv_reply(call->from, 0, HV_NONE, (uint64_t)error, 0, 0, 0);
}

int main(void)
{
	hv_word flags = HV_WAIT_CHILD;

	table_read();
	for (;;) {
		struct hv_msg call = hv_recv_closing(ENDPOINT, servers_deadline(), flags);

		if (call.result == -HV_EINTR || call.result == -HV_ETIMEDOUT) {
			flags = servers_bury() ? HV_WAIT_CHILD : 0;
		} else if (call.result == 0) {
			hv_drop_page(call.page);
			respond(&call);
		} else {
			return 1;
		}
	}
}
