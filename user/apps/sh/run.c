/* SPDX-License-Identifier: MIT */
/* Runs what was parsed: starts the processes of a pipeline and joins them. */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Descriptors of one command of a pipeline; -1 is none. */
struct plumbing {
	int input;
	int output;
	int next_input; /* the other end of output: the next command's */
};

/*
 * What each command of a pipeline that is yet to be started gets: a part of
 * the own pids and files, besides the one of each that starting it takes. It
 * is six eighths of them for all together, and one eighth in the background,
 * where it is gone for longer. Pages come from init.
 */
static struct hv_grants share(const struct pipeline *pipeline)
{
	struct hv_grants grants = hv_default_grants;
	bool is_background = pipeline->separator == SEPARATOR_BACKGROUND;
	uint64_t count = pipeline->count, eighths = is_background ? 1 : 6;

	if (hv_pid_count() > count)
		grants.pids = (hv_pid_count() - count) * eighths / (8 * count);
	else
		grants.pids = 0;
	if (hv_file_count() > count)
		grants.files = (hv_file_count() - count) * eighths / (8 * count);
	else
		grants.files = 0;
	return grants;
}

static void close_unless_standard(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In a copy of the shell. */
static _Noreturn void run_builtin_child(const struct builtin *builtin, char **argv,
					const struct plumbing *plumbing)
{
	int status;

	jobs_forget();
	close_unless_standard(plumbing->next_input);
	dup2(plumbing->input, STDIN_FILENO);
	dup2(plumbing->output, STDOUT_FILENO);
	close_unless_standard(plumbing->input);
	close_unless_standard(plumbing->output);
	status = builtin->run(argv);
	fflush(stdout);
	_exit(status);
}

static pid_t start(char **argv, const struct plumbing *plumbing, const struct hv_grants *grants)
{
	const struct builtin *builtin = builtin_find(argv[0]);
	int fds[] = { plumbing->input, plumbing->output, STDERR_FILENO };
	struct hv_grants own = *grants;
	pid_t pid;

	if (builtin == NULL) {
		devices_for(argv[0], &own);
		return hv_spawn(argv[0], argv, NULL, fds, 3, &own);
	}
	fflush(stdout);
	pid = hv_fork_attr(grants);
	if (pid == 0)
		run_builtin_child(builtin, argv, plumbing);
	return pid;
}

/* A background job must not take what is typed: it reads nothing. */
static int open_empty(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	close(ends[1]);
	return ends[0];
}

static bool open_input(const struct command *command, int *input)
{
	int fd;

	if (command->input == NULL)
		return true;
	fd = open(command->input, O_RDONLY);
	if (fd < 0) {
		complain("%s: %s", command->input,
			 errno == ENOENT ? "no such file" : strerror(errno));
		return false;
	}
	close_unless_standard(*input);
	*input = fd;
	return true;
}

/* Starts one command. *input is used up and becomes the next one's. */
static bool start_command(struct job *job, const struct command *command,
			  const struct hv_grants *grants, bool is_last, int *input)
{
	struct plumbing plumbing = { -1, STDOUT_FILENO, -1 };
	int ends[2];
	pid_t pid;

	if (!open_input(command, input))
		return false;
	if (!is_last) {
		if (pipe(ends) < 0) {
			complain("no pipe: %s", strerror(errno));
			return false;
		}
		plumbing.next_input = ends[0];
		plumbing.output = ends[1];
	}
	plumbing.input = *input;
	pid = start(command->argv, &plumbing, grants);
	if (pid < 0)
		complain("%s: cannot start: %s", command->argv[0],
			 errno == ENOEXEC ? "not a program" : strerror(errno));
	else
		job_add(job, pid);
	close_unless_standard(plumbing.output);
	close_unless_standard(*input);
	*input = plumbing.next_input;
	return pid >= 0;
}

static bool commands_exist(const struct pipeline *pipeline)
{
	struct hv_initrd_file file;

	for (size_t i = 0; i < pipeline->count; i++) {
		const char *name = pipeline->commands[i].argv[0];

		if (builtin_find(name) != NULL || hv_initrd_find(name, &file))
			continue;
		fflush(stdout);
		fprintf(stderr, "%s: not found\n", name);
		return false;
	}
	return true;
}

static int run_job(struct pipeline *pipeline, struct job *job)
{
	int input = job->is_background ? open_empty() : STDIN_FILENO;
	struct hv_grants grants = share(pipeline);

	for (size_t i = 0; i < pipeline->count; i++) {
		bool is_last = i + 1 == pipeline->count;

		if (start_command(job, &pipeline->commands[i], &grants, is_last, &input))
			continue;
		close_unless_standard(input);
		job_kill(job, SIGKILL);
		job_wait_foreground(job);
		return STATUS_NOT_A_PROGRAM;
	}
	if (!job->is_background)
		return job_wait_foreground(job);
	shell.values.background = job->last;
	printf("[%d] %d\n", job_number(job), (int)job->last);
	return 0;
}

static int run_pipeline(struct pipeline *pipeline)
{
	const struct command *first = &pipeline->commands[0];
	bool is_background = pipeline->separator == SEPARATOR_BACKGROUND;
	const struct builtin *builtin = builtin_find(first->argv[0]);
	struct job *job;
	int status;

	if (!commands_exist(pipeline))
		return STATUS_NOT_FOUND;
	if (pipeline->count == 1 && builtin != NULL && !is_background && first->input == NULL) {
		status = builtin->run(first->argv);
		fflush(stdout);
		return status;
	}
	job = job_new(pipeline->source, pipeline->source_length, is_background);
	if (job == NULL) {
		complain("too many jobs");
		return STATUS_ERROR;
	}
	status = run_job(pipeline, job);
	fflush(stdout);
	return status;
}

/* The whole line must make sense before any of it runs. */
static bool check_line(const char *line, struct pipeline *pipeline)
{
	const char *message;
	enum parse_result result;

	do
		result = parse_pipeline(&line, &shell.values, pipeline, &message);
	while (result == PARSE_PIPELINE);
	if (result == PARSE_ERROR)
		complain("%s", message);
	return result != PARSE_ERROR;
}

/* The patterns of all commands; the lists of words are to be freed. */
static bool expand_patterns(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->count; i++) {
		struct command *command = &pipeline->commands[i];

		if (command->input != NULL)
			glob_restore(command->input);
		command->argv = glob_expand(command->argv);
		if (command->argv != NULL)
			continue;
		complain("out of memory");
		while (i-- > 0)
			free(pipeline->commands[i].argv);
		return false;
	}
	return true;
}

static int expand_and_run(struct pipeline *pipeline)
{
	int status;

	if (!expand_patterns(pipeline))
		return STATUS_ERROR;
	status = run_pipeline(pipeline);
	for (size_t i = 0; i < pipeline->count; i++)
		free(pipeline->commands[i].argv);
	return status;
}

void run_line(const char *line)
{
	static struct pipeline pipeline;
	enum separator before = SEPARATOR_SEMI;
	const char *message;

	if (!check_line(line, &pipeline)) {
		shell.values.status = STATUS_USAGE;
		return;
	}
	while (!shell.ends &&
	       parse_pipeline(&line, &shell.values, &pipeline, &message) == PARSE_PIPELINE) {
		bool is_skipped = (before == SEPARATOR_AND && shell.values.status != 0) ||
				  (before == SEPARATOR_OR && shell.values.status == 0);

		before = pipeline.separator;
		if (!is_skipped)
			shell.values.status = expand_and_run(&pipeline);
	}
}
