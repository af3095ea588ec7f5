/* SPDX-License-Identifier: MIT */
/*
 * sh: reads lines and runs them. From the console with editing and history,
 * from a pipe or a file (`sh < FILE`) without, or from its argument (`sh -c`).
 * With -t it is a client of the console's server from its start.
 */
#include "sh.h"

#include <hv8/app.h>
#include <hv8/tty.h>
#include <hv8/view.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY_LINES = 64 };

struct shell shell;
static char history_lines[HISTORY_LINES][256];

/* A line that came from the console. */
static void run_typed(char *line, size_t bytes)
{
	if (strlen(line) == bytes - 1) {
		complain("the line is too long (at most %zu bytes)", bytes - 2);
		shell.values.status = STATUS_USAGE;
		return;
	}
	if (!history_expand(line, bytes))
		return;
	if (strlen(line) < sizeof(history_lines[0]))
		hv_history_add(&shell.history, line);
	run_line(line);
}

/* The first shell shows the message of the day. */
static void greet(void)
{
	struct hv_initrd_file motd = { 0 };

	if (view_proc((hv_pid)shell.values.self).ppid == HV_INIT_PID &&
	    hv_initrd_find("motd", &motd))
		app_write(STDOUT_FILENO, (const char *)motd.data, motd.size);
}

static void run_console(void)
{
	char line[SH_LINE];

	shell.console = STDIN_FILENO;
	console_join();
	greet();
	shell.history = (struct hv_history){ history_lines, HISTORY_LINES, 0 };
	while (!shell.ends) {
		int length;

		jobs_poll();
		length = hv_readline(STDIN_FILENO, "hv8$ ", line, sizeof(line), &shell.history);
		if (length == -1 && console_recover())
			continue;
		if (length == -1) {
			printf("\n");
			break;
		}
		if (length == -2) {
			shell.values.status = STATUS_BREAK;
			continue;
		}
		if (length > 0)
			run_typed(line, sizeof(line));
	}
	fflush(stdout);
	hv_tty_close();
}

/* `console new`: the console's server is there. Where the UART is a process's it always is. */
static bool open_session(void)
{
	bool has_server = hv_tty_session() != 0 || hv_bootinfo->uart_pa != 0;
	int64_t error = has_server ? hv_tty_open() : -HV_ESTATE;

	if (error == -HV_ESTATE)
		complain("-t: the console has no server here: `console on` first");
	else if (error < 0)
		complain("-t: %s", hv_strerror(error));
	return error == 0;
}

/* No prompt and no echo: nobody is typing. */
static void run_stream(FILE *from)
{
	char *line = NULL;
	size_t capacity = 0;

	while (!shell.ends) {
		long length = app_line(from, &line, &capacity);

		if (length < 0)
			break;
		if (length < SH_LINE) {
			run_line(line);
			continue;
		}
		complain("a line of %ld bytes is too long (at most %d)", length, SH_LINE - 1);
		shell.values.status = STATUS_USAGE;
	}
	free(line);
}

int main(int argc, char **argv)
{
	bool is_argument = argc == 3 && strcmp(argv[1], "-c") == 0;
	bool has_session = argc == 2 && strcmp(argv[1], "-t") == 0;

	if (argc != 1 && !is_argument && !has_session)
		app_usage("sh [-c LINE | -t]    (or sh < FILE; -t: in a session of its own)");
	view_require("sh");
	shell.console = HV_NONE;
	shell.values.self = (int)hv_self();
	if (is_argument && strlen(argv[2]) >= SH_LINE)
		complain("the line is too long (at most %d bytes)", SH_LINE - 1);
	else if (is_argument)
		run_line(argv[2]);
	else if (has_session && !open_session())
		return STATUS_ERROR;
	else if (isatty(STDIN_FILENO))
		run_console();
	else
		run_stream(stdin);
	return shell.values.status;
}
