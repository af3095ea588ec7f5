/* SPDX-License-Identifier: MIT */
/*
 * Starting and ending servers. While one is up, its endpoint's end to read is
 * the registry's, too, so that calls which a dead server had not received
 * wait for the next one. What a dead one held is taken back, and its devices are
 * quiet, before that starts.
 */
#include "registry.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGES = 64,
	DEATHS_AT_MOST = 8, /* of those that have not lived long */
	LONG_US = 10000000,
	REST_US = 1000000, /* of one without which there is no console, when it dies too often */
};

/* ---- devices -------------------------------------------------------------------------- */

static int64_t ask_init(enum hv_init_op op, hv_device device, const uint64_t lines[HV_NIRQ / 64])
{
	struct hv_msg reply =
		hv_call_msg(HV8_HANDLE_MEM, HV_FOREVER, 0, HV_NONE, op, device, lines[0], lines[1]);

	return reply.result < 0 ? reply.result : (int64_t)reply.w[0];
}

int64_t device_get(hv_device device, const uint64_t lines[HV_NIRQ / 64])
{
	return ask_init(HV_INIT_GET_DEVICE, device, lines);
}

void device_put(hv_device device, const uint64_t lines[HV_NIRQ / 64])
{
	ask_init(HV_INIT_PUT_DEVICE, device, lines);
}

/* ---- starting ----------------------------------------------------------------------------- */

static pid_t spawn(struct server *server)
{
	char number[NUMBER_DIGITS + 1];
	char *const argv[] = { server->program, server->argument == 0 ? NULL : number, NULL };
	int fds[] = { server->has_tty ? STDIN_FILENO : -1, STDOUT_FILENO, STDERR_FILENO,
		      server->ends[0], server->ends[1] };
	struct hv_grants grants = { .pages = PAGES, .pids = server->has_tty ? 1 : 0 };

	hv_snprintf(number, sizeof(number), "%lu", server->argument);
	if (server->device != 0)
		grants.devices[server->device / 64] |= 1UL << server->device % 64;
	memcpy(grants.irqs, server->lines, sizeof(grants.irqs));
	/* a child of its own is to call it */
	return hv_spawn(server->program, argv, NULL, fds, server->has_tty ? 5 : 4, &grants);
}

/* Nobody serves it any more: its clients find out. */
static void close_down(struct server *server, enum hv_service_state state)
{
	close(server->ends[0]);
	close(server->ends[1]);
	server->ends[0] = server->ends[1] = -1;
	if (server->device != 0)
		device_put(server->device, server->lines);
	server->pid = 0;
	server->state = state;
}

/* Its clients wait: there is no console without it. */
static int64_t rest(struct server *server)
{
	server->pid = 0;
	server->resumes = hv_deadline_us(REST_US);
	return 0;
}

/* Init shows messages by it. */
static void tell_init(const struct server *server)
{
	hv_handle copy = hv_handle_alloc();

	if (copy == HV_NONE || hv_dup((hv_handle)server->ends[1], copy, HV_RIGHT_WRITE) < 0)
		return;
	if (hv_call(HV8_HANDLE_MEM, HV_FOREVER, 0, copy, HV_INIT_CONSOLE, 0, 0, 0) < 0)
		hv_close((hv_pid)hv_self(), copy);
}

static int64_t begin(struct server *server)
{
	server->resumes = 0;
	server->pid = spawn(server);
	server->started = hv_now();
	server->starts++;
	if (server->pid > 0)
		return 0;
	hv_dprintf(STDERR_FILENO, "registry: cannot start %s: %s\n", server->program,
		   strerror(errno));
	if (server->has_uart)
		return rest(server);
	close_down(server, HV_SERVICE_FAILED);
	return -HV_EPIPE;
}

int64_t server_start(struct server *server)
{
	int64_t error = server->device == 0 ? 0 : device_get(server->device, server->lines);

	if (error < 0)
		return error;
	if (pipe(server->ends) < 0) {
		if (server->device != 0)
			device_put(server->device, server->lines);
		return -HV_ENOBUFS;
	}
	server->state = HV_SERVICE_UP;
	server->deaths = 0;
	if (server->has_uart)
		tell_init(server);
	return begin(server);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static struct server *server_of(pid_t pid)
{
	for (unsigned i = 0; i < server_count; i++)
		if (servers[i].pid == pid && servers[i].state == HV_SERVICE_UP)
			return &servers[i];
	return NULL;
}

/* Children of servers that died: they would go on with what is the next one's. */
static bool kill_orphans(void)
{
	bool any = false;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (hv_procs[pid].ppid == (hv_pid)hv_self() &&
		    hv_procs[pid].state == HV_PROC_LIVE && server_of((pid_t)pid) == NULL)
			any |= hv_kill(pid, HV_STATUS_SIGNAL | SIGKILL) == 0;
	return any;
}

static void tell_death(const struct server *server)
{
	bool has_ended = WIFEXITED(server->status);

	hv_dprintf(STDERR_FILENO, has_ended ? "registry: %s ended with %d\n"
					    : "registry: %s died of signal %d\n",
		   server->program, has_ended ? WEXITSTATUS(server->status) :
						WTERMSIG(server->status));
}

static void replace(struct server *server)
{
	bool lived_long = hv_now() - server->started > hv_ticks_of_us(LONG_US);

	if (server->fate == FATE_STOP) {
		close_down(server, HV_SERVICE_DOWN);
		return;
	}
	if (server->fate == FATE_KILL || server->resumes != 0) {
		begin(server);
		return;
	}
	if (WIFEXITED(server->status) && !server->has_uart) { /* it has said why */
		close_down(server, HV_SERVICE_FAILED);
		return;
	}
	tell_death(server);
	server->deaths = lived_long ? 1 : server->deaths + 1;
	if (server->deaths <= DEATHS_AT_MOST) {
		begin(server);
		return;
	}
	hv_dprintf(STDERR_FILENO, "registry: %s dies too often\n", server->program);
	if (server->has_uart)
		rest(server);
	else
		close_down(server, HV_SERVICE_FAILED);
}

/* Its device does not come to rest, and may write to what the server had: all of that stays its. */
static void leave_dead(struct server *server)
{
	hv_dprintf(STDERR_FILENO, "registry: %s is dead, and its device does not stop\n",
		   server->program);
	server->device = 0;
	close_down(server, HV_SERVICE_FAILED);
}

/* False: one of the dead had to stay. */
static bool collect(void)
{
	struct hv_exit exit;
	pid_t pid;

	while ((pid = hv_waitpid(-1, WNOHANG, HV_NONE, &exit)) > 0) {
		struct server *server = server_of(pid);

		if (server == NULL)
			continue;
		server->pid = 0;
		server->status = exit.status;
	}
	return pid == 0 || errno == ECHILD;
}

bool servers_bury(void)
{
	bool all;

	do
		all = collect();
	while (kill_orphans());
	for (unsigned i = 0; i < server_count; i++) {
		struct server *server = &servers[i];

		if (server->state != HV_SERVICE_UP)
			continue;
		if (server->pid == 0 && (server->fate != FATE_OWN || hv_now() >= server->resumes))
			replace(server);
		else if (!all && server->pid != 0 &&
			 hv_procs[server->pid].state == HV_PROC_ZOMBIE)
			leave_dead(server);
		server->fate = FATE_OWN;
	}
	return all;
}

hv_time servers_deadline(void)
{
	hv_time first = HV_FOREVER;

	for (unsigned i = 0; i < server_count; i++) {
		hv_time resumes = servers[i].state == HV_SERVICE_UP ? servers[i].resumes : 0;

		if (resumes != 0 && (first == HV_FOREVER || resumes < first))
			first = resumes;
	}
	return first;
}

int64_t server_end(struct server *server, enum fate fate)
{
	if (server->state != HV_SERVICE_UP)
		return -HV_ESTATE;
	server->fate = fate;
	if (server->pid != 0)
		kill(server->pid, SIGKILL);
	return servers_bury() ? 0 : -HV_EBUSY;
}
