/* SPDX-License-Identifier: MIT */
/*
 * How a child ended, for humans. One that its own libos stopped has printed
 * registers and a backtrace itself; of one that the kernel stopped its parent
 * knows the cause and the place.
 */
#include "sh.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

void complain(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "sh: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
}

/* What the user wanted, and a reader that has enough, need no words. */
static bool is_expected(const struct hv_exit *how)
{
	int signal = WIFSIGNALED(how->status) ? WTERMSIG(how->status) : 0;

	return signal == SIGINT || signal == SIGKILL || signal == SIGPIPE;
}

int report_exit(const struct hv_exit *how)
{
	char words[300];

	hv_describe_exit(how, words, sizeof(words));
	if (*words != '\0' && !is_expected(how))
		complain("%s", words);
	if (WIFEXITED(how->status))
		return WEXITSTATUS(how->status);
	return STATUS_SIGNAL + WTERMSIG(how->status);
}
