/* SPDX-License-Identifier: MIT */
/*
 * Kills the server, and clients, at random moments while they write and read,
 * and looks in the kernel's tables whether anything is lost.
 */
#include "blk.h"

#include <hv8/service.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 3, PARTS = 24, SPAN = 64, TURNS = 10000 };

/* ---- what everybody has ---------------------------------------------------------------- */

struct holdings {
	uint64_t pages;			/* of all processes that live */
	uint64_t files_in_use;
	uint64_t processes;
	struct { uint64_t handles, files, pids, devices, irqs; } of[HV_NPROC];
	struct { uint64_t state, owner; } device[HV_NDEVICE], irq[HV_NIRQ];
};

static void look(struct holdings *all)
{
	memset(all, 0, sizeof(*all));
	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		const volatile struct hv_proc *proc = &hv_procs[pid];

		if (proc->state != HV_PROC_LIVE)
			continue;
		all->processes++;
		all->pages += proc->pages_count;
		all->of[pid].handles = proc->handles_count;
		all->of[pid].files = proc->files_count;
		all->of[pid].pids = proc->pids_count;
		all->of[pid].devices = proc->devices_count;
		all->of[pid].irqs = proc->irqs_count;
	}
	for (hv_file file = 1; file < HV_NFILE; file++)
		all->files_in_use += hv_files[file].type != HV_FILE_NONE;
	for (hv_device device = 1; device < HV_NDEVICE; device++) {
		all->device[device].state = hv_devices[device].state;
		all->device[device].owner = hv_devices[device].owner;
	}
	for (hv_irq line = 1; line < HV_NIRQ; line++) {
		all->irq[line].state = hv_irqs[line].state;
		all->irq[line].owner = hv_irqs[line].owner;
	}
}

/* 0: all is as it was. */
static int compare(const struct holdings *before, const struct holdings *after)
{
	int lost = memcmp(before, after, sizeof(*before)) != 0;

	if (before->pages != after->pages || before->processes != after->processes ||
	    before->files_in_use != after->files_in_use)
		printf("storm: LOST: %" PRIu64 " pages, %" PRIu64 " processes, %" PRIu64
		       " files in use became %" PRIu64 ", %" PRIu64 ", %" PRIu64 "\n",
		       before->pages, before->processes, before->files_in_use, after->pages,
		       after->processes, after->files_in_use);
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		if (memcmp(&before->of[pid], &after->of[pid], sizeof(before->of[pid])) != 0)
			printf("storm: LOST: what process %" PRIu64 " has\n", pid);
	if (memcmp(before->device, after->device, sizeof(before->device)) != 0 ||
	    memcmp(before->irq, after->irq, sizeof(before->irq)) != 0)
		printf("storm: LOST: a device or a line\n");
	return lost;
}

/* ---- load -------------------------------------------------------------------------------- */

static int reports[2];	/* a pipe: each client's tally at its end */
static int ends[2];	/* a pipe that has one writer: when it is gone clients end */

/* Nothing is ever written into it. */
static bool is_over(void)
{
	char byte;

	return read(ends[0], &byte, 1) == 0;
}

/* Writes and reads in its own part of the disk until there is a byte in the pipe. */
static int load(struct hv_block *disk, int number, const uint64_t *arguments)
{
	static uint64_t words[HV_PAGE_WORDS], expected[HV_PAGE_WORDS];
	struct tally tally = { 0 };
	uint64_t round = 0;

	close(ends[1]);
	for (; !is_over(); round++) {
		uint64_t page = (uint64_t)number * SPAN + mixed(arguments[0] + round) % SPAN;
		uint64_t sector = page * HV_BLOCK_SECTORS;

		pattern_make(expected, round, sector, HV_BLOCK_SECTORS);
		if (!transfer_write(disk, sector, expected, HV_BLOCK_SECTORS, &tally) ||
		    !transfer_read(disk, sector, words, HV_BLOCK_SECTORS, &tally))
			break;
		tally.wrong += memcmp(words, expected, sizeof(words)) != 0;
	}
	write(reports[1], &tally, sizeof(tally));
	return tally.wrong != 0 || !is_over();
}

/* Of the clients that have come to an end of their own; those of killed ones died with them. */
static void sum_up(uint64_t kills)
{
	struct tally sum = { 0 }, one;

	close(reports[1]);
	while (read(reports[0], &one, sizeof(one)) == sizeof(one)) {
		sum.requests += one.requests;
		sum.broken += one.broken;
		sum.wrong += one.wrong;
	}
	close(reports[0]);
	printf("storm: %" PRIu64 " servers, %" PRIu64 " requests, %" PRIu64 " broken off, %" PRIu64
	       " wrong\n", kills + 1, sum.requests, sum.broken, sum.wrong);
}

/* A new one has another part: the device may still have what the dead one asked for. */
static bool replace_client(pid_t *pid, uint64_t part, uint64_t seed)
{
	int status;

	kill(*pid, SIGKILL);
	if (waitpid(*pid, &status, 0) != *pid || !WIFSIGNALED(status))
		return false;
	*pid = client_start(load, (int)(part % PARTS), &seed);
	return *pid > 0;
}

static bool kill_server(void)
{
	int64_t error = hv_service_control(HV_REGISTRY_KILL, disk_name, 0);

	if (error < 0)
		fprintf(stderr, "blk: %s: %s\n", disk_name, hv_strerror(error));
	return error == 0;
}

static int probe(struct hv_block *disk, int number, const uint64_t *arguments)
{
	struct hv_block_info info;

	(void)number;
	(void)arguments;
	return hv_block_info(disk, &info) < 0;
}

/* Ticks from the start of a server and a client to an answer: machines differ. */
static uint64_t time_to_answer(void)
{
	uint64_t start = hv_now();

	return kill_server() && clients_run(probe, 1, NULL) == 0 ? hv_now() - start : 0;
}

/* Until a client waits for the server's reply, or for long: the server may not have begun. */
static void await_caller(hv_pid server)
{
	for (int turns = 0; turns < TURNS; turns++) {
		if (hv_procs[server].callers.word[0] != 0 || hv_procs[server].callers.word[1] != 0)
			return;
		hv_yield();
	}
}

static bool kill_and_restart(uint64_t kills, uint64_t seed, uint64_t life, pid_t clients[CLIENTS])
{
	for (uint64_t i = 0; i < kills; i++) {
		uint64_t chance = mixed(mixed(seed) + i);

		hv_sleep_until(hv_now() + chance % life);
		if (i % 4 == 3 && !replace_client(&clients[i / 4 % CLIENTS], CLIENTS + i / 4, seed))
			return false;
		if (chance >> 63)	/* in the other half at any moment, its start included */
			await_caller((hv_pid)server_pid());
		if (!kill_server())
			return false;
	}
	/* one that lives gets requests done */
	hv_sleep_until(hv_now() + 10 * life);
	return true;
}

static int rage(uint64_t kills, uint64_t seed)
{
	pid_t clients[CLIENTS];
	uint64_t life = 2 * time_to_answer();
	int wrong, status;

	if (life == 0 || pipe(reports) < 0 || pipe(ends) < 0)
		return 1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = client_start(load, i, &seed);
	wrong = !kill_and_restart(kills, seed, life, clients);
	close(ends[1]);
	sum_up(kills);
	for (int i = 0; i < CLIENTS; i++)
		wrong |= waitpid(clients[i], &status, 0) != clients[i] || status != 0;
	close(ends[0]);
	return wrong;
}

static int try_fresh(uint64_t seed)
{
	const uint64_t arguments[] = { seed, CLIENTS * SPAN * HV_BLOCK_SECTORS, CLIENTS };

	return fill_all(arguments) | check_all(arguments);
}

int storm(uint64_t kills, uint64_t seed)
{
	static struct holdings before, after;
	int wrong;

	printf("storm: seed %" PRIu64 ", %" PRIu64 " kills\n", seed, kills);
	if (clients_run(probe, 1, NULL) != 0)	/* the server is up */
		return 1;
	look(&before);
	wrong = rage(kills, seed);
	look(&after);
	wrong |= compare(&before, &after);
	wrong |= try_fresh(seed);
	printf("storm: %s\n", wrong ? "WRONG" : "nothing is lost");
	return wrong;
}
