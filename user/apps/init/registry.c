/* SPDX-License-Identifier: MIT */
/*
 * The registry is started when somebody first asks for it, and again when it
 * dies; its servers die with it, since nobody else knows them. Devices are the
 * shell's until a server needs them, and again afterwards.
 */
#include "init.h"

#include <hv8/irq.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { REGISTRY_PAGES = 256, REGISTRY_FILES = 24 };

static pid_t registry;           /* 0: none */
static int ends[2] = { -1, -1 }; /* of its endpoint: to serve, to call */
static uint64_t started;
static unsigned quick;
static struct hv_set doomed; /* servers of a dead registry */

static bool has(const struct hv_set *set, hv_pid pid)
{
	return set->word[pid / 64] >> pid % 64 & 1;
}

/* ---- starting it ------------------------------------------------------------------ */

static bool start(void)
{
	static char *const argv[] = { "registry", NULL };
	int in = log_is_on() ? -1 : STDIN_FILENO, out = log_is_on() ? STDERR_FILENO : STDOUT_FILENO;
	int fds[] = { in, out, STDERR_FILENO, ends[0] };
	struct hv_grants grants = { .pages = REGISTRY_PAGES,
				    .pids = REGISTRY_PIDS,
				    .files = REGISTRY_FILES };
	pid_t pid = hv_spawn("registry", argv, NULL, fds, 4, &grants);

	if (pid < 0)
		hv_dprintf(2, "init: cannot start registry: %s\n", strerror(errno));
	registry = pid < 0 ? 0 : pid;
	started = hv_now();
	return pid > 0;
}

/* Nobody serves it: who waits there finds out. */
static void give_up(void)
{
	close(ends[0]);
	close(ends[1]);
	ends[0] = ends[1] = -1;
}

static bool is_there(void)
{
	if (ends[0] >= 0)
		return true;
	quick = 0;
	if (pipe(ends) < 0)
		return false;
	if (!start())
		give_up();
	return ends[0] >= 0;
}

struct answer registry_open(void)
{
	hv_handle copy = hv_handle_alloc();
	int64_t error;

	if (!is_there())
		return (struct answer){ .result = -HV_ENOMEM };
	if (copy == HV_NONE)
		return (struct answer){ .result = -HV_ENOBUFS };
	error = hv_dup((hv_handle)ends[1], copy, HV_RIGHT_WRITE);
	return error < 0 ? (struct answer){ .result = error } : (struct answer){ .handle = copy };
}

/* ---- devices ------------------------------------------------------------------------ */

/* Init's own stay where they are; those of a child come if it does not use them. */
static int64_t take(hv_device device, const uint64_t lines[HV_NIRQ / 64])
{
	int64_t error = 0;

	if (device == 0 || device >= HV_NDEVICE || hv_devices[device].state == HV_DEVICE_NONE)
		return -HV_EINVAL;
	if (hv_devices[device].owner != HV_INIT_PID)
		error = hv_revoke_device(device);
	for (hv_irq line = 0; error == 0 && line < HV_NIRQ; line++)
		if (lines[line / 64] >> line % 64 & 1 && hv_irqs[line].owner != HV_INIT_PID)
			error = hv_revoke_irq(line);
	return error < 0 ? -HV_EBUSY : 0;
}

static int64_t give(pid_t child, hv_device device, const uint64_t lines[HV_NIRQ / 64])
{
	int64_t error = hv_grant_device((hv_pid)child, device);

	for (hv_irq line = 0; error == 0 && line < HV_NIRQ; line++)
		if (lines[line / 64] >> line % 64 & 1)
			error = hv_grant_irq((hv_pid)child, line);
	return error;
}

/* What nobody has is the shell's. */
static void give_shell_the_rest(void)
{
	uint64_t lines[HV_NIRQ / 64];

	hv_irq_lines(lines);
	for (hv_irq line = 0; line < HV_NIRQ; line++)
		if (lines[line / 64] >> line % 64 & 1)
			hv_grant_irq((hv_pid)shell, line);
	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].owner == HV_INIT_PID)
			hv_grant_device((hv_pid)shell, device);
}

static struct answer move(const struct hv_msg *msg, pid_t to)
{
	struct answer answer = { .result = -HV_EPERM };

	if (registry == 0 || msg->from != (hv_pid)registry)
		return answer;
	answer.result = take(msg->w[1], &msg->w[2]);
	if (answer.result == 0)
		answer.result = give(to, msg->w[1], &msg->w[2]);
	if (answer.result < 0)
		give_shell_the_rest();
	return answer;
}

struct answer registry_get_device(const struct hv_msg *msg)
{
	return move(msg, registry);
}

struct answer registry_put_device(const struct hv_msg *msg)
{
	return move(msg, shell);
}

/* ---- its end -------------------------------------------------------------------------- */

static bool is_below(hv_pid pid, hv_pid above)
{
	for (int depth = 0; pid > HV_INIT_PID && pid < HV_NPROC && depth < HV_NPROC; depth++) {
		pid = hv_procs[pid].ppid;
		if (pid == above)
			return true;
	}
	return false;
}

void registry_look(void)
{
	memset(&doomed, 0, sizeof(doomed));
	for (hv_pid pid = 1; registry != 0 && pid < HV_NPROC; pid++)
		if (hv_procs[pid].state == HV_PROC_LIVE && is_below(pid, (hv_pid)registry))
			doomed.word[pid / 64] |= 1UL << pid % 64;
}

bool registry_is(pid_t pid)
{
	return registry != 0 && pid == registry;
}

/* They have become init's children, and theirs will. */
bool registry_kill_servers(void)
{
	bool any = false;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (has(&doomed, pid) && hv_procs[pid].ppid == HV_INIT_PID)
			any |= hv_kill(pid, HV_STATUS_SIGNAL | SIGKILL) == 0;
	return any;
}

void registry_replace(void)
{
	memset(&doomed, 0, sizeof(doomed));
	registry = 0;
	give_shell_the_rest();
	quick = hv_now() - started < hv_ticks_of_us(1000000) ? quick + 1 : 0;
	if (quick == QUICK_MAX || !start())
		give_up();
}

void registry_leave(void)
{
	if (registry == 0 || hv_procs[registry].state != HV_PROC_ZOMBIE)
		return;
	registry = 0;
	give_up();
}

uint64_t registry_pids(void)
{
	return registry == 0 ? 0 : REGISTRY_PIDS + 1;
}
