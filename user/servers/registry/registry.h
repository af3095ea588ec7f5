/* SPDX-License-Identifier: MIT */
/* registry: the servers it knows, and what can be done with them. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <hv8/service.h>

enum { SERVERS_MAX = 12, NUMBER_DIGITS = 20 };

/* Why a server dies. */
enum fate { FATE_OWN, FATE_KILL, FATE_STOP };

struct server {
	char name[HV_NAME_BYTES + 1];	/* of a numbered one without its number */
	char program[HV_NAME_BYTES + 1];
	bool has_tty;		/* it reads the console, which is the kernel's */
	bool has_uart;		/* the console is its: there is none without it */
	hv_device device;	/* 0: it needs none */
	uint64_t lines[HV_NIRQ / 64];	/* of the device's */
	unsigned first, units;	/* numbers it serves; 0 units: it has no number */

	enum hv_service_state state;
	int ends[2];		/* of its endpoint, to serve and to call; -1 unless it is up */
	pid_t pid;		/* 0: dead, for a moment */
	int status;		/* how it died, as waitpid gives it */
	enum fate fate;
	uint64_t argument;	/* 0: none */
	unsigned starts, deaths;	/* in all; since it was last asked to start, or lasted */
	uint64_t started;
	hv_time resumes;	/* it has died too often, and starts again then; 0: no */
};

/* ---- table.c: which there are ------------------------------------------------------ */

extern struct server servers[SERVERS_MAX];
extern unsigned server_count;

/* Those of servers.txt whose devices the machine has. */
void table_read(void);
/* Looks for devices that must be owned to be counted, unless that is done.
 * -HV_EBUSY: another process has one. */
int64_t table_probe(void);
/* NULL: there is none of that name. */
struct server *table_find(const char name[HV_NAME_BYTES + 1]);
/* What to tell a server of the number in that name, which is one of its. */
uint64_t table_unit(const struct server *server, const char *name);

/* ---- run.c: starting and ending them ------------------------------------------------- */

int64_t server_start(struct server *server);
int64_t server_end(struct server *server, enum fate fate);
/* Buries the dead; those that crashed start again. False: one had to stay. */
bool servers_bury(void);
/* When it is to be called again; HV_FOREVER: when one dies. */
hv_time servers_deadline(void);

/* ---- init ------------------------------------------------------------------------------ */

/* The device with its lines becomes self's, or the shell's again. */
int64_t device_get(hv_device device, const uint64_t lines[HV_NIRQ / 64]);
void device_put(hv_device device, const uint64_t lines[HV_NIRQ / 64]);

#endif
