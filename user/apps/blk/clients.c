/* SPDX-License-Identifier: MIT */
/* Clients of a disk's server, each in a process of its own. */
#include "blk.h"

#include <hv8/service.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *disk_name = "disk0";

static const char *words_of(int64_t error)
{
	switch (error) {
	case -HV_ENOENT:
		return "there is no such disk (make run DMA=on DISK=FILE)";
	case -HV_EBUSY:
		return "a page with virtio devices is another process's";
	case -HV_EPIPE:
		return "its server has failed";
	}
	return hv_strerror(error);
}

bool disk_open(struct hv_block *disk)
{
	int64_t error = hv_block_open(disk, disk_name);

	if (error < 0)
		fprintf(stderr, "blk: %s: %s\n", disk_name, words_of(error));
	return error == 0;
}

pid_t client_start(client run, int number, const uint64_t *arguments)
{
	const struct hv_grants grants = { .pages = 16 };	/* it starts nobody */
	struct hv_block disk;
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = hv_fork_attr(&grants);
	if (pid < 0)
		fprintf(stderr, "blk: fork: %s\n", strerror(errno));
	if (pid != 0)
		return pid;
	if (disk_open(&disk))
		status = run(&disk, number, arguments);
	fflush(stdout);
	_exit(status);
}

int clients_run(client run, int count, const uint64_t *arguments)
{
	int left = 0, worst, status;

	while (left < count && client_start(run, left, arguments) > 0)
		left++;
	worst = left < count;
	for (; left > 0; left--) {
		if (wait(&status) < 0)
			return 1;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		worst = status > worst ? status : worst;
	}
	return worst;
}

pid_t server_pid(void)
{
	struct hv_service service;

	for (uint64_t n = 0; hv_service_list(n, &service) == 0; n++)
		if (strcmp(service.name, disk_name) == 0)
			return service.pid;
	return 0;
}
