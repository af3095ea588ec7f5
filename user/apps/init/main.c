/* SPDX-License-Identifier: MIT */
/*
 * The first process. All that boot had to give is its; it starts the shell
 * with a good part of it and serves pages to whoever runs short. It keeps the
 * power switch, buries orphans, and starts the shell again when it ends. Who
 * asks for a server gets a handle to the registry: registry.c.
 */
#include "init.h"

#include <hv8/irq.h>
#include <hv8/service.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	HANDLE_SERVICE = 61, /* own endpoint, to receive on */
	HANDLE_POWER = 62,
	RESERVE_PAGES = 256, /* never given away */
	SHELL_PAGES = 1024,
	SHELL_FILES = 128,
	LOOK_US = 1000000,
	OWN_PIDS = 8 + REGISTRY_PIDS, /* of init; the rest is the shell's */
};

pid_t shell;

_Noreturn static void fail(const char *what, int64_t error)
{
	hv_dprintf(2, "init: %s: %s\n", what, hv_strerror(error));
	log_end();
	hv_power_off(HANDLE_POWER);
	_exit(1);
}

static void take_handles(void)
{
	hv_file file = hv_file_alloc();
	int64_t error = hv_dup2(HV_INIT_HANDLE_POWER, HANDLE_POWER);

	if (error == 0)
		error = hv_close(HV_INIT_PID, HV_INIT_HANDLE_POWER);
	if (error == 0)
		error = hv_create(HANDLE_SERVICE, file, HV_FILE_ENDPOINT, 0);
	if (error == 0)
		error = hv_dup(HANDLE_SERVICE, HV8_HANDLE_MEM, HV_RIGHT_WRITE);
	if (hv_bootinfo->uart_pa != 0)
		log_start(HV8_HANDLE_MEM);
	if (error < 0)
		fail("cannot set up its handles", error);
}

/* ---- the service ------------------------------------------------------------------------ */

static struct answer get_page(void)
{
	struct answer answer = { .result = -HV_ENOMEM };

	if (hv_page_at_hand() > RESERVE_PAGES || hv_page_count() > RESERVE_PAGES) {
		answer.page = hv_page_alloc();
		answer.result = answer.page != 0 ? 0 : -HV_ENOMEM;
	}
	return answer;
}

/* One has a count above it. */
static uint64_t op_of(const struct hv_msg *msg)
{
	uint64_t low = msg->w[0] & ((1U << HV_LOG_COUNT) - 1);

	return low == HV_INIT_LOG ? low : msg->w[0];
}

static struct answer serve(const struct hv_msg *msg)
{
	hv_drop_page(msg->page);
	switch (op_of(msg)) {
	case HV_INIT_GET_PAGE:
		return get_page();
	case HV_INIT_PUT_PAGE:
		return (struct answer){ .result = msg->page != 0 ? 0 : -HV_EINVAL };
	case HV_INIT_HALT:
		return (struct answer){ .result = hv_power_off(HANDLE_POWER) };
	case HV_INIT_REBOOT:
		return (struct answer){ .result = hv_reset(HANDLE_POWER) };
	case HV_INIT_PING:
		return (struct answer){ .value = hv_page_count() };
	case HV_INIT_REGISTRY:
		return registry_open();
	case HV_INIT_GET_DEVICE:
		return registry_get_device(msg);
	case HV_INIT_PUT_DEVICE:
		return registry_put_device(msg);
	case HV_INIT_LOG:
		return (struct answer){ .result = log_add(msg) };
	case HV_INIT_CONSOLE: /* its handle has been looked at */
		return (struct answer){ .result = log_is_on() ? 0 : -HV_EINVAL };
	}
	return (struct answer){ .result = -HV_EINVAL };
}

static void respond(const struct hv_msg *msg)
{
	struct answer answer = serve(msg);
	int64_t error =
		hv_reply(msg->from, answer.page, answer.handle == 0 ? HV_NONE : answer.handle,
			 (uint64_t)answer.result, answer.value, 0, 0);

	if (error < 0 && answer.page != 0)
		hv_page_free(answer.page); /* it does not wait any more */
	if (error < 0 && answer.handle != 0)
		hv_close(HV_INIT_PID, answer.handle);
	if (error == -HV_ENOBUFS)
		hv_reply(msg->from, 0, HV_NONE, (uint64_t)error, 0, 0, 0);
}

/* ---- children ------------------------------------------------------------------------------ */

static pid_t start_shell(void)
{
	static char *const argv[] = { "sh", NULL }, *const session_argv[] = { "sh", "-t", NULL };
	static const int log_fds[] = { -1, -1, STDERR_FILENO };
	static char *const envp[] = { "PATH=/bin", "HOME=/", "TERM=vt100", NULL };
	struct hv_grants grants = {
		.pages = SHELL_PAGES,
		.pids = hv_pid_count() - OWN_PIDS + registry_pids(),
		.files = SHELL_FILES,
	};
	pid_t pid;

	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].owner == HV_INIT_PID)
			grants.devices[device / 64] |= 1UL << device % 64;
	hv_irq_lines(grants.irqs);
	/* where the UART is a process's the shell finds that, as it finds any server */
	pid = log_is_on() ? hv_spawn("sh", session_argv, envp, log_fds, 3, &grants)
			  : hv_spawn("sh", argv, envp, NULL, 0, &grants);
	if (pid < 0) {
		hv_dprintf(2, "init: cannot start sh: %s\n", strerror(errno));
		fail("no shell", -HV_ENOENT);
	}
	return pid;
}

static void tell(const struct hv_exit *exit)
{
	char words[200];

	/* only the registry kills the registry, when it is asked to */
	if (*hv_describe_exit(exit, words, sizeof(words)) != 0 &&
	    !(registry_is(exit->pid) && exit->status == SIGKILL))
		hv_dprintf(2, "%s\n", words);
}

/* What a bury() has found. */
struct burial {
	bool shell, registry;
	bool is_stuck; /* one could not be buried: its device does not stop */
};

static struct burial bury(void)
{
	struct burial burial = { 0 };
	struct hv_exit exit;
	pid_t pid;

	do {
		for (;;) {
			if (!burial.registry)
				registry_look(); /* each time: it may die at any moment */
			pid = hv_waitpid(-1, WNOHANG, HV_NONE, &exit);
			if (pid <= 0)
				break;
			tell(&exit);
			burial.shell = burial.shell || pid == shell;
			burial.registry = burial.registry || registry_is(pid);
		}
	} while (burial.registry && registry_kill_servers());
	burial.is_stuck = pid < 0 && errno != ECHILD;
	if (burial.registry)
		registry_replace();
	return burial;
}

static void start_again(uint64_t *started, unsigned *quick)
{
	*quick = hv_now() - *started < hv_ticks_of_us(1000000) ? *quick + 1 : 0;
	if (*quick == QUICK_MAX)
		fail("the shell does not stay alive", -HV_EAGAIN);
	shell = start_shell();
	*started = hv_now();
}

/* While one cannot be buried, recv would speak of nothing but the dead. */
static struct hv_msg receive(bool is_stuck)
{
	hv_time look = is_stuck ? hv_deadline_us(LOOK_US) : HV_FOREVER, log = log_deadline();
	hv_time deadline = log != HV_FOREVER ? log : look;
	hv_word flags = is_stuck ? 0 : HV_WAIT_CHILD;
	struct hv_msg msg;

	if (!log_is_on())
		return hv_recv_closing(HANDLE_SERVICE, deadline, flags);
	msg = hv_recv_msg(HANDLE_SERVICE, deadline, flags);
	if (msg.result == 0 && msg.handle != HV_NONE)
		log_handle(&msg);
	return msg;
}

int main(void)
{
	unsigned quick = 0;
	struct burial burial = { 0 };
	uint64_t started;
	struct hv_msg msg;

	take_handles();
	shell = start_shell();
	started = hv_now();
	for (;;) {
		log_show();
		msg = receive(burial.is_stuck);
		if (msg.result == 0) {
			respond(&msg);
			continue;
		}
		if (msg.result != -HV_EINTR && msg.result != -HV_ETIMEDOUT)
			fail("cannot receive", msg.result);
		burial = bury();
		if (burial.shell)
			start_again(&started, &quick);
		if (burial.is_stuck)
			registry_leave();
	}
}
