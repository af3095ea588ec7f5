/* SPDX-License-Identifier: MIT */
/*
 * Servers by name. The registry (user/servers/registry) starts those that the
 * initrd's file servers.txt names when somebody asks for one, holds their
 * endpoints, and starts them again when they die. It is reached through init.
 *
 * If a server dies in a call, the call's result is -HV_EPIPE; what it was asked
 * for may have been done or not. Calls that it had not received wait for the
 * next one. Who gets -HV_EPIPE closes the handle and opens the service again.
 */
#ifndef HV8_SERVICE_H
#define HV8_SERVICE_H

#include <hv8/libos.h>

/* w[1], w[2] are a name of up to 16 bytes, zero-padded; the reply's w[0] is 0
 * or a negated error. */
enum hv_registry_op {
	HV_REGISTRY_OPEN = 1,	/* the reply carries a handle to call it by, w[1] is its unit */
	HV_REGISTRY_START = 2,	/* w[3]: a number for its command line, 0 for none */
	HV_REGISTRY_STOP = 3,	/* its clients get -HV_EPIPE, its devices go back */
	HV_REGISTRY_KILL = 4,	/* ... and a new one starts at once; w[3]: as START; 0: the last */
	HV_REGISTRY_LIST = 5,	/* w[1]: which; the reply is in struct hv_service's order */
};

enum hv_service_state {
	HV_SERVICE_DOWN = 0,	/* starts when it is opened */
	HV_SERVICE_UP = 1,
	HV_SERVICE_FAILED = 2,	/* it has ended of itself, or died too often */
};

struct hv_service {
	char name[HV_NAME_BYTES + 1];
	enum hv_service_state state;
	pid_t pid;
	unsigned units;		/* of a numbered one: from its name's number on */
	unsigned starts;
};

/*
 * A handle of the program's (48..62) with the write right, by which the server
 * is called; *unit, unless NULL, is the number to tell it. Uses the receive slot.
 * -HV_ENOENT: no such service, or the machine has no such device;
 * -HV_EBUSY: its device is another process's; -HV_EPIPE: HV_SERVICE_FAILED;
 * -HV_ENOBUFS: no handle is free; -HV_EBADF: self has no handle to init.
 */
int64_t hv_service_open(const char *name, uint64_t *unit);

/* START (-HV_EEXIST: it is up), STOP or KILL (-HV_ESTATE: it is not up). "registry" may be
 * killed, too. */
int64_t hv_service_control(enum hv_registry_op op, const char *name, uint64_t argument);

/* The n-th; -HV_ENOENT: there are fewer. */
int64_t hv_service_list(uint64_t n, struct hv_service *service);

/* ---- for servers ------------------------------------------------------------------ */

/*
 * Like hv_recv_msg; a handle that comes is closed. For who wants none, yet
 * must not be kept from receiving by a caller that passes one.
 */
struct hv_msg hv_recv_closing(hv_handle handle, hv_time deadline, hv_word flags);
/* A page that has come, or 0, goes to the store. */
void hv_drop_page(hv_page page);

#endif
