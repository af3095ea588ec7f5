/* SPDX-License-Identifier: MIT */
/* The commands that need the shell itself: its jobs, its history, its parent. */
#include "sh.h"

#include <hv8/view.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(const char *text)
{
	fflush(stdout);
	fprintf(stderr, "usage: %s\n", text);
	return STATUS_USAGE;
}

static int exit_command(char **argv)
{
	char *end = NULL;
	long status = argv[1] != NULL ? strtol(argv[1], &end, 10) : shell.values.status;

	if (argv[1] != NULL && (*argv[1] == '\0' || *end != '\0' || argv[2] != NULL))
		return usage("exit [STATUS]");
	shell.ends = true;
	return (int)(status & 255);
}

static int jobs_command(char **argv)
{
	if (argv[1] != NULL)
		return usage("jobs");
	jobs_print();
	return 0;
}

/* The job that an argument names, or a message and NULL. */
static struct job *named_job(const char *command, const char *argument)
{
	struct job *job = job_find(argument);

	if (job == NULL)
		complain("%s: %s: no such job", command, argument);
	return job;
}

static int wait_command(char **argv)
{
	struct job *job;

	if (argv[1] == NULL)
		return jobs_wait_all();
	if (argv[2] != NULL)
		return usage("wait [%JOB | PID]");
	job = named_job("wait", argv[1]);
	return job != NULL ? job_wait(job) : STATUS_ERROR;
}

static int fg_command(char **argv)
{
	struct job *job;

	if (argv[1] == NULL || argv[2] != NULL)
		return usage("fg %JOB | PID");
	job = named_job("fg", argv[1]);
	if (job == NULL)
		return STATUS_ERROR;
	job->is_background = false;
	printf("%s\n", job->text);
	fflush(stdout);
	return job_wait_foreground(job);
}

/* A process that is not in any job: the kernel knows whether it is ours. */
static int kill_process(const char *argument)
{
	char *end;
	unsigned long pid = strtoul(argument, &end, 10);
	int64_t result;

	if (*argument == '\0' || *end != '\0' || pid == 0 || pid >= HV_NPROC) {
		complain("kill: %s: neither a job (%%1) nor a process id", argument);
		return STATUS_USAGE;
	}
	if (hv_self() == (int64_t)pid) {
		complain("kill: %lu is this shell: use `exit`", pid);
		return STATUS_ERROR;
	}
	if (view_proc(pid).state == HV_PROC_UNUSED) {
		complain("kill: %lu: no such process", pid);
		return STATUS_ERROR;
	}
	result = hv_stop(pid, HV_STATUS_SIGNAL | SIGKILL);
	if (result == -HV_EPERM)
		complain("kill: %lu is not a child of this shell, and only its parent may kill it",
			 pid);
	else if (result < 0)
		complain("kill: %lu: %s", pid, hv_strerror(result));
	return result < 0 ? STATUS_ERROR : 0;
}

static int kill_command(char **argv)
{
	int status = 0;

	if (argv[1] == NULL)
		return usage("kill (%JOB | PID)...");
	for (char **argument = argv + 1; *argument != NULL; argument++) {
		if (**argument != '%') {
			status |= kill_process(*argument);
			continue;
		}
		if (named_job("kill", *argument) != NULL)
			job_kill(job_find(*argument), SIGKILL);
		else
			status = STATUS_ERROR;
	}
	return status;
}

static int ask_init(char **argv, enum hv_init_op op)
{
	struct hv_msg reply;

	if (argv[1] != NULL)
		return usage(argv[0]);
	fflush(stdout);
	reply = hv_call_msg(HV8_HANDLE_MEM, HV_FOREVER, 0, HV_NONE, op, 0, 0, 0);
	if (reply.result == 0)
		reply.result = (int64_t)reply.w[0];
	complain("%s: init refuses: %s", argv[0], hv_strerror(reply.result));
	return STATUS_ERROR;
}

static int halt_command(char **argv)
{
	return ask_init(argv, HV_INIT_HALT);
}

static int reboot_command(char **argv)
{
	return ask_init(argv, HV_INIT_REBOOT);
}

const struct builtin builtins[] = {
	{ "console", "on, off, new: sessions of several shells, by the console's server",
	  console_command },
	{ "exit", "ends this shell", exit_command },
	{ "fg", "waits for a background job; ^C kills it", fg_command },
	{ "halt", "switches the machine off", halt_command },
	{ "help", "shows this", help_command },
	{ "history", "shows the lines typed so far; !n and !! repeat one", history_command },
	{ "jobs", "lists the background jobs (COMMAND & starts one)", jobs_command },
	{ "kill", "kills a job (%1) or a child of this shell (pid)", kill_command },
	{ "reboot", "resets the machine", reboot_command },
	{ "wait", "waits for background jobs; ^C ends the waiting", wait_command },
	{ NULL, NULL, NULL },
};

const struct builtin *builtin_find(const char *name)
{
	for (const struct builtin *builtin = builtins; builtin->name != NULL; builtin++)
		if (strcmp(builtin->name, name) == 0)
			return builtin;
	return NULL;
}
