/* SPDX-License-Identifier: MIT */
/*
 * The shell's jobs. Every child belongs to one job, or to none if it was a
 * grandchild whose parent died. The only place that waits for children.
 */
#include "sh.h"

#include <hv8/view.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct job jobs[HV_NPROC];
static struct job *job_of[HV_NPROC]; /* by pid */

struct job *job_new(const char *text, size_t length, bool is_background)
{
	for (size_t i = 1; i < HV_NPROC; i++) {
		struct job *job = &jobs[i];

		if (job->in_use)
			continue;
		memset(job, 0, sizeof(*job));
		job->in_use = true;
		job->is_background = is_background;
		snprintf(job->text, sizeof(job->text), "%.*s", (int)length, text);
		return job;
	}
	return NULL;
}

void job_add(struct job *job, pid_t pid)
{
	job_of[pid % HV_NPROC] = job;
	job->last = pid;
	job->alive++;
}

int job_number(const struct job *job)
{
	return (int)(job - jobs);
}

void jobs_forget(void)
{
	memset(jobs, 0, sizeof(jobs));
	memset(job_of, 0, sizeof(job_of));
}

static void collect(const struct hv_exit *how)
{
	struct job *job = job_of[how->pid % HV_NPROC];
	int status = report_exit(how);

	job_of[how->pid % HV_NPROC] = NULL;
	if (job == NULL)
		return;
	job->alive--;
	if (how->pid == job->last)
		job->status = status;
}

/* There are no children although the job has some: nothing will come. */
static void lose_children(void)
{
	for (size_t i = 1; i < HV_NPROC; i++)
		jobs[i].alive = 0;
}

/* Waits for any child; false if the break key was typed instead. */
static bool wait_any(void)
{
	struct hv_exit how;

	if (hv_waitpid(-1, 0, shell.console, &how) > 0)
		collect(&how);
	else if (errno == EINTR)
		return false;
	else
		lose_children();
	return true;
}

static int finish(struct job *job)
{
	job->in_use = false;
	return job->status;
}

/* A live child that belongs to no job: its parent was a child and has died. */
static bool is_orphan(hv_pid pid)
{
	struct hv_proc proc = view_proc(pid);

	return proc.ppid == (hv_pid)shell.values.self && proc.state == HV_PROC_LIVE &&
	       job_of[pid] == NULL;
}

/* Kills the orphans that are not in `spared`; true if there were any. */
static bool kill_orphans(const bool spared[HV_NPROC], int signal)
{
	bool any = false;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (is_orphan(pid) && !spared[pid])
			any |= hv_stop(pid, HV_STATUS_SIGNAL | (uint64_t)signal) == 0;
	return any;
}

/*
 * Whose parent dies becomes the shell's child, so that the whole tree can be
 * killed from its root on. It ends, since the pids come to the shell as well.
 */
void job_kill(struct job *job, int signal)
{
	bool spared[HV_NPROC];
	struct hv_exit how;

	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		spared[pid] = is_orphan(pid);
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (job_of[pid] == job)
			hv_stop(pid, HV_STATUS_SIGNAL | (uint64_t)signal);
	do
		while (hv_waitpid(-1, WNOHANG, HV_NONE, &how) > 0)
			collect(&how);
	while (kill_orphans(spared, signal));
}

int job_wait_foreground(struct job *job)
{
	while (job->alive > 0) {
		if (wait_any())
			continue;
		hv_dprintf(STDERR_FILENO, "^C\n");
		job_kill(job, SIGINT);
	}
	return finish(job);
}

int job_wait(struct job *job)
{
	while (job->alive > 0)
		if (!wait_any()) {
			hv_dprintf(STDERR_FILENO, "^C\n");
			return STATUS_BREAK;
		}
	return finish(job);
}

int jobs_wait_all(void)
{
	int status = 0;

	for (size_t i = 1; i < HV_NPROC && status != STATUS_BREAK; i++)
		if (jobs[i].in_use)
			status = job_wait(&jobs[i]);
	return status;
}

static struct job *find_number(const char *digits)
{
	char *end;
	unsigned long number = strtoul(digits, &end, 10);

	if (*digits == '\0' || *end != '\0' || number >= HV_NPROC || !jobs[number].in_use)
		return NULL;
	return &jobs[number];
}

struct job *job_find(const char *text)
{
	char *end;
	unsigned long pid;

	if (*text == '%')
		return find_number(text + 1);
	pid = strtoul(text, &end, 10);
	if (*text == '\0' || *end != '\0' || pid >= HV_NPROC)
		return NULL;
	return job_of[pid];
}

static void describe_state(const struct job *job, char state[16])
{
	if (job->alive > 0)
		snprintf(state, 16, "running");
	else if (job->status == 0)
		snprintf(state, 16, "done");
	else if (job->status == STATUS_SIGNAL + SIGKILL)
		snprintf(state, 16, "killed");
	else
		snprintf(state, 16, "exit %d", job->status);
}

static void print_job(const struct job *job)
{
	char state[16];

	describe_state(job, state);
	printf("[%d] %-8s %s\n", job_number(job), state, job->text);
}

void jobs_print(void)
{
	for (size_t i = 1; i < HV_NPROC; i++)
		if (jobs[i].in_use && jobs[i].is_background)
			print_job(&jobs[i]);
}

void jobs_poll(void)
{
	struct hv_exit how;

	while (hv_waitpid(-1, WNOHANG, HV_NONE, &how) > 0)
		collect(&how);
	for (size_t i = 1; i < HV_NPROC; i++) {
		if (!jobs[i].in_use || !jobs[i].is_background || jobs[i].alive > 0)
			continue;
		print_job(&jobs[i]);
		finish(&jobs[i]);
	}
	fflush(stdout);
}
