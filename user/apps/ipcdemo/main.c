/* SPDX-License-Identifier: MIT */
/*
 * ipcdemo: a server and three clients exchange words, pages and handles. Who
 * may talk to whom follows from the handles alone: the clients have one to
 * the server's endpoint because they are its children.
 */
#include "ipcdemo.h"

#include <hv8/app.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int start_clients(hv_handle endpoint)
{
	for (int i = 1; i <= CLIENTS; i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(be_client(endpoint, i));
		if (pid > 0)
			continue;
		fprintf(stderr, "ipcdemo: fork: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

static int wait_clients(void)
{
	int status, wrong = 0;

	for (int i = 0; i < CLIENTS; i++)
		wrong += wait(&status) < 0 || status != 0;
	return wrong;
}

int main(int argc, char **argv)
{
	int64_t endpoint;
	int wrong;

	(void)argv;
	if (argc > 1)
		app_usage("ipcdemo");
	endpoint = hv_endpoint_new(0);
	if (endpoint < 0) {
		fprintf(stderr, "ipcdemo: no endpoint: %s\n", hv_strerror(endpoint));
		return 1;
	}
	if (start_clients((hv_handle)endpoint) != 0)
		return 1;
	wrong = serve((hv_handle)endpoint) + wait_clients();
	hv_endpoint_close((hv_handle)endpoint);
	printf(wrong == 0 ? "ipcdemo: all as expected\n" : "ipcdemo: WRONG\n");
	return app_finish(wrong != 0);
}
