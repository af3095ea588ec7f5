/* SPDX-License-Identifier: MIT */
/* blk: what its files share. */
#ifndef BLK_H
#define BLK_H

#include <hv8/block.h>

#include <stdint.h>

/* ---- service.c: the server of the disk, and clients of it -------------------------- */

struct service {
	int ends[2];		/* of the pipe that is the endpoint: to serve, to call */
	hv_device device;
	hv_irq line;
	pid_t server;
	unsigned starts;
	char *crash_at;		/* NULL, or the request that its servers crash in: set by the caller */
};

/* What a client does with the disk; its exit status. */
typedef int (*client)(struct hv_block *disk, int number, const uint64_t *arguments);

/* False, and a message, if the disk cannot be served. *service is zero but for crash_at. */
bool service_open(struct service *service);
bool service_start(struct service *service);
void service_kill(struct service *service);	/* ... and buries the server */
void service_close(struct service *service);	/* nobody serves it: clients find out */

/* A client in a process of its own; -1 and a message. */
pid_t service_client(struct service *service, client run, int number, const uint64_t *arguments);

/* Runs clients 0 .. count-1 to their ends, with a new server whenever one dies.
 * Returns the highest status of them. */
int service_run(struct service *service, client run, int count, const uint64_t *arguments);

/* ---- transfer.c: whole pages, again and again until they are done -------------------- */

/* How often a request was begun, and how often a server died in it. */
struct tally { uint64_t requests, broken, wrong; };

/* True when it is done; false, and a message, if it cannot be done. */
bool transfer_read(struct hv_block *disk, uint64_t sector, void *data, uint64_t count,
	struct tally *tally);
bool transfer_write(struct hv_block *disk, uint64_t sector, const void *data, uint64_t count,
	struct tally *tally);

/* The pattern of a page: word i of the sector is mixed from seed, sector and i. */
void pattern_make(uint64_t *words, uint64_t seed, uint64_t sector, uint64_t count);

uint64_t mixed(uint64_t value);

/* ---- test.c, storm.c ------------------------------------------------------------------- */

/* Arguments: seed, sectors (0: all), number of clients, who have a part each. */
int fill(struct hv_block *disk, int number, const uint64_t *arguments);
int check(struct hv_block *disk, int number, const uint64_t *arguments);
int errors(struct hv_block *disk, int number, const uint64_t *arguments);

/* Both, by `clients` of them, and what it took; other than 0: something is wrong. */
int fill_all(struct service *service, const uint64_t *arguments);
int check_all(struct service *service, const uint64_t *arguments);

int storm(uint64_t kills, uint64_t seed);

#endif
