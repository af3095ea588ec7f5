/* SPDX-License-Identifier: MIT */
/* blk: what its files share. */
#ifndef BLK_H
#define BLK_H

#include <hv8/block.h>

#include <stdint.h>

/* ---- clients.c: clients of the disk's server --------------------------------------- */

extern const char *disk_name;	/* "disk0" */

/* False, and a message. */
bool disk_open(struct hv_block *disk);

/* What a client does with the disk; its exit status. */
typedef int (*client)(struct hv_block *disk, int number, const uint64_t *arguments);

/* A client in a process of its own; -1 and a message. */
pid_t client_start(client run, int number, const uint64_t *arguments);

/* Runs clients 0 .. count-1 to their ends; the highest status of them. */
int clients_run(client run, int count, const uint64_t *arguments);

pid_t server_pid(void);		/* 0: the disk has none */

/* ---- transfer.c: whole pages, again and again until they are done -------------------- */

/* How often a request was begun, and how often a server died in it. */
struct tally { uint64_t requests, broken, wrong; };

/* True when it is done; false, and a message, if it cannot be done. */
bool transfer_read(struct hv_block *disk, uint64_t sector, void *data, uint64_t count,
	struct tally *tally);
bool transfer_write(struct hv_block *disk, uint64_t sector, const void *data, uint64_t count,
	struct tally *tally);

bool transfer_flush(struct hv_block *disk, struct tally *tally);

/* The pattern of a page: word i of the sector is mixed from seed, sector and i. */
void pattern_make(uint64_t *words, uint64_t seed, uint64_t sector, uint64_t count);

uint64_t mixed(uint64_t value);

/* ---- test.c, storm.c ------------------------------------------------------------------- */

/* Arguments: seed, sectors (0: all), number of clients, who have a part each. */
int fill(struct hv_block *disk, int number, const uint64_t *arguments);
int check(struct hv_block *disk, int number, const uint64_t *arguments);
int errors(struct hv_block *disk, int number, const uint64_t *arguments);

/* Both, by all clients, and what it took; other than 0: something is wrong. */
int fill_all(const uint64_t *arguments);
int check_all(const uint64_t *arguments);

int storm(uint64_t kills, uint64_t seed);

#endif
