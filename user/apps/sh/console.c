/* SPDX-License-Identifier: MIT */
/*
 * `console`: this shell becomes a client of the console's server, with all
 * that it starts from then on; further shells get sessions of their own.
 */
#include "sh.h"

#include <hv8/service.h>
#include <hv8/tty.h>
#include <hv8/view.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIRECT_LOWEST = 40 };

static int direct = -1; /* the console itself, while there is a session */

static const char *words_of(int64_t error)
{
	return error == -HV_ENOENT  ? "there is no server of the console"
	       : error == -HV_EPIPE ? "its server has failed"
	       : error == -HV_EBUSY ? "too many sessions"
				    : hv_strerror(error);
}

static int turn_on(void)
{
	int64_t error;

	if (hv_tty_session() != 0)
		return 0;
	/* in that of another the break key ends this one, as it does any job */
	if (shell.console == HV_NONE || view_proc((hv_pid)hv_self()).ppid != HV_INIT_PID) {
		complain("console: only the first shell, at the console, can be moved");
		return STATUS_ERROR;
	}
	fflush(stdout);
	direct = fcntl(STDIN_FILENO, F_DUPFD, DIRECT_LOWEST);
	fcntl(direct, F_SETFD, FD_CLOEXEC);
	error = hv_tty_open();
	if (error == 0)
		return 0;
	close(direct);
	direct = -1;
	complain("console: %s", words_of(error));
	return STATUS_ERROR;
}

/* It has a child that reads keys while there are sessions. */
void console_join(void)
{
	char name[HV_NAME_BYTES + 1];
	int count = 0;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		hv_name_of(pid, name);
		count += hv_procs[pid].state == HV_PROC_LIVE && strcmp(name, "consoled") == 0;
	}
	if (count > 1)
		turn_on();
}

static void go_direct(void)
{
	hv_tty_close();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(direct, fd);
	close(direct);
	direct = -1;
}

bool console_recover(void)
{
	if (hv_tty_session() == 0 || direct < 0 || hv_tty_ask(HV_TTY_LIST, 0).result == 0)
		return false;
	go_direct();
	complain("console: the server has failed: it is read directly again");
	return true;
}

/* Keys typed ahead come along. */
static void fetch_keys(void)
{
	struct hv_msg last = hv_tty_ask(HV_TTY_FREEZE, 0);
	int key;

	while ((key = hv_getkey(STDIN_FILENO, 0)) >= 0)
		hv_ungetkey((char)key);
	if (last.result == 0 && last.w[1] != 0)
		hv_ungetkey((char)(last.w[1] - 1));
}

static int turn_off(void)
{
	if (hv_tty_session() == 0)
		return 0;
	if (direct < 0) {
		complain("console: this shell has nothing but its session: `exit` ends it");
		return STATUS_ERROR;
	}
	if (hv_tty_ask(HV_TTY_LIST, 1).result == 0) {
		complain("console: there are other sessions");
		return STATUS_ERROR;
	}
	fflush(stdout);
	fetch_keys();
	go_direct();
	hv_service_control(HV_REGISTRY_STOP, "console", 0);
	return 0;
}

/* It opens a session of its own. */
static int start_another(void)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-t" }, NULL };
	struct hv_grants grants = { .pages = 256,
				    .pids = hv_pid_count() / 3,
				    .files = hv_file_count() / 3 };
	struct job *job;
	pid_t pid;

	if (turn_on() != 0)
		return STATUS_ERROR;
	job = job_new("sh -t", strlen("sh -t"), true);
	pid = job == NULL ? -1 : hv_spawn("sh", argv, NULL, NULL, 0, &grants);
	if (pid < 0) {
		complain("console: cannot start a shell: %s", strerror(errno));
		if (job != NULL)
			job->in_use = false;
		return STATUS_ERROR;
	}
	job_add(job, pid);
	return 0;
}

static int list(void)
{
	struct hv_msg session;

	if (hv_tty_session() == 0) {
		printf("This shell reads the console itself.\n");
		return 0;
	}
	for (uint64_t n = 0; (session = hv_tty_ask(HV_TTY_LIST, n)).result == 0; n++)
		printf("session %d of process %d%s%s\n", (int)session.w[1], (int)session.w[2],
		       session.w[1] == HV_TTY_NUMBER(hv_tty_session()) ? ", this one" : "",
		       session.w[3] ? ", has the keys" : "");
	return 0;
}

static int bring_forward(const char *number)
{
	int64_t error = hv_tty_session() == 0
				? -HV_ENOENT
				: hv_tty_ask(HV_TTY_FOREGROUND, strtoul(number, NULL, 10)).result;

	if (error < 0)
		complain("console: %s: no such session", number);
	return error < 0 ? STATUS_ERROR : 0;
}

int console_command(char **argv)
{
	if (argv[1] == NULL)
		return list();
	if (argv[2] == NULL && strcmp(argv[1], "on") == 0)
		return turn_on();
	if (argv[2] == NULL && strcmp(argv[1], "off") == 0)
		return turn_off();
	if (argv[2] == NULL && strcmp(argv[1], "new") == 0)
		return start_another();
	if (argv[2] == NULL && argv[1][0] >= '0' && argv[1][0] <= '9')
		return bring_forward(argv[1]);
	fflush(stdout);
	fprintf(stderr, "usage: console [on | off | new | SESSION]\n");
	return STATUS_USAGE;
}
