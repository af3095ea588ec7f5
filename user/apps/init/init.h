/* SPDX-License-Identifier: MIT */
/* init: what its files share. */
#ifndef INIT_H
#define INIT_H

#include <hv8/libos.h>

struct answer {
	hv_page page;
	hv_handle handle;	/* 0: none, for that one never goes */
	int64_t result;
	uint64_t value;
};

enum {
	QUICK_MAX = 5,		/* deaths within a second of the start, before giving up */
	REGISTRY_PIDS = 12,	/* of the registry and what it starts */
};

extern pid_t shell;		/* who has the devices that no server has */

/* ---- registry.c: the parent of the servers -------------------------------------- */

struct answer registry_open(void);
struct answer registry_get_device(const struct hv_msg *msg);
struct answer registry_put_device(const struct hv_msg *msg);

/* Before one is buried: whom the registry's death would leave behind. */
void registry_look(void);
/* Is it the registry that has died? Then its servers follow it, and a new one is started. */
bool registry_is(pid_t pid);
bool registry_kill_servers(void);	/* true if there was one */
void registry_replace(void);
void registry_leave(void);		/* it is dead, and cannot be buried: its clients find out */
uint64_t registry_pids(void);		/* that it has of init's */

/* ---- log.c: messages, where the UART is a process's ----------------------------- */

void log_start(hv_handle service);	/* self's endpoint */
bool log_is_on(void);
int64_t log_add(const struct hv_msg *msg);	/* HV_INIT_LOG */
void log_handle(const struct hv_msg *msg);	/* one has come: the console's, or nobody's */
void log_show(void);			/* what can be shown now */
hv_time log_deadline(void);		/* when to try again */
void log_end(void);			/* the last words */

#endif
