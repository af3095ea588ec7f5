/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: starts the server of the disk with the disk's page of
 * registers and its line, and again when it dies. Taking the page back from
 * the dead resets the device (hv_virtio_quiet), before anything else is taken.
 */
#include "blk.h"

#include <hv8/irq.h>
#include <hv8/virtio.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESTARTS_AT_MOST = 8 };

static bool find_disk(struct service *service)
{
	struct hv_virtio disk;
	int64_t line;

	if (!hv_has_view() || hv_virtio_find(VIRTIO_BLOCK, &disk) < 0) {
		fprintf(stderr, "blk: no disk, or it is not this process's (make run DMA=on DISK=FILE)\n");
		return false;
	}
	service->device = disk.device;
	hv_device_close(disk.device);
	line = hv_irq_line(disk.intid);
	service->line = line < 0 ? 0 : (hv_irq)line;
	return true;
}

bool service_start(struct service *service)
{
	char *const argv[] = { (char[]){ "blkd" }, service->crash_at, NULL };
	int fds[] = { -1, STDOUT_FILENO, STDERR_FILENO, service->ends[0] };
	struct hv_grants grants = { .pages = 64 };

	grants.devices[service->device / 64] |= 1UL << service->device % 64;
	grants.irqs[service->line / 64] |= service->line == 0 ? 0 : 1UL << service->line % 64;
	service->server = hv_spawn("blkd", argv, NULL, fds, 4, &grants);
	if (service->server < 0)
		fprintf(stderr, "blk: cannot start blkd: %s\n", strerror(errno));
	service->starts++;
	return service->server > 0;
}

bool service_open(struct service *service)
{
	if (!find_disk(service))
		return false;
	if (pipe(service->ends) < 0) {
		fprintf(stderr, "blk: no pipe: %s\n", strerror(errno));
		return false;
	}
	return service_start(service);
}

void service_kill(struct service *service)
{
	if (service->server <= 0)
		return;
	kill(service->server, SIGKILL);
	waitpid(service->server, NULL, 0);
	service->server = 0;
}

void service_close(struct service *service)
{
	service_kill(service);
	close(service->ends[0]);
	close(service->ends[1]);
}

pid_t service_client(struct service *service, client run, int number, const uint64_t *arguments)
{
	struct hv_block disk;
	pid_t pid;
	int status = 1;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fprintf(stderr, "blk: fork: %s\n", strerror(errno));
	if (pid != 0)
		return pid;
	close(service->ends[0]);
	if (hv_block_open(&disk, (hv_handle)service->ends[1]) == 0)
		status = run(&disk, number, arguments);
	fflush(stdout);
	_exit(status);
}

/* A server that has given up has said why; false: there is no new one. */
static bool replace(struct service *service, int status)
{
	service->server = 0;
	if (WIFEXITED(status))
		return false;
	fprintf(stderr, "blk: blkd died of signal %d\n", WTERMSIG(status));
	return service->starts <= RESTARTS_AT_MOST && service_start(service);
}

int service_run(struct service *service, client run, int count, const uint64_t *arguments)
{
	int left = 0, worst, status;

	while (left < count && service_client(service, run, left, arguments) > 0)
		left++;
	worst = left < count;
	while (left > 0) {
		pid_t pid = wait(&status);

		if (pid < 0)
			return 1;
		if (pid == service->server) {
			if (!replace(service, status))
				close(service->ends[0]);
			continue;
		}
		left--;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		worst = status > worst ? status : worst;
	}
	return worst;
}
