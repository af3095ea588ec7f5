/* SPDX-License-Identifier: MIT */
/*
 * Sessions with the console's server (user/servers/consoled), which is the
 * service "console" of <hv8/service.h>. A process whose descriptors are a
 * session's reads and writes them as it would the console; so do its children.
 *
 * A call is hv_call(server, HV_FOREVER, page, HV_NONE, op | count << HV_TTY_COUNT,
 * session, w2, w3). The session is a number that HV_TTY_OPEN has told. The
 * reply's w[0] is 0 or a negated error:
 *   -HV_ESTATE  no such session: the server is a new one
 *   -HV_EBUSY   somebody else of the session reads; too many sessions
 *   -HV_EINVAL, -HV_ENOSYS
 */
#ifndef HV8_TTY_H
#define HV8_TTY_H

#include <hv8/libos.h>

enum hv_tty_op {
	/* w[1] 0, or a session that an earlier server knew. With the call comes a handle to an
	 * endpoint of the caller's, with the write right: a message to it is the break key. When
	 * nobody can receive there any more the session ends. Reply: w[1] */
	HV_TTY_OPEN = 1,
	HV_TTY_CLOSE = 2,
	HV_TTY_WRITE = 3,	/* count bytes of w[2] and w[3], or of a page, which comes back */
	/* A line of at most w[2] bytes; w[3] is 1: it goes into the history, too. The page comes
	 * back with it; w[1] is its length and w[2] an enum hv_edit_result */
	HV_TTY_READ = 4,
	HV_TTY_KEY = 5,		/* w[1] is a byte. w[2] is 1: -HV_EAGAIN if there is none */
	HV_TTY_WAIT = 6,	/* who has opened it waits at the endpoint. w[1] is 1: ^C typed */
	HV_TTY_LIST = 7,	/* the w[2]-th session: its number, its pid, 1 if it has the keys */
	HV_TTY_FOREGROUND = 8,	/* session number w[2] gets the keys */
	/* Takes no more keys; w[1] is 1 and the last, which comes after all others. -HV_ENOSYS: the
	 * server drives the UART, and nobody else can read it */
	HV_TTY_FREEZE = 9,
	HV_TTY_LOG = 10,	/* init's alone, no call: count bytes in w[1] to w[3]; no session */
};

enum { HV_TTY_COUNT = 8, HV_TTY_SHORT = 16, HV_TTY_LINE = 1024, HV_TTY_SESSIONS = 8 };

#define HV_TTY_NUMBER(session) ((session) & 0xff)

/*
 * A new session becomes descriptors 0, 1 and 2. If the server dies, self, and
 * nobody else, opens it again when it reads, writes or waits. Where the server
 * drives the UART, others of the session wait for that, for some seconds, and
 * ask again: so what they write may come twice. Errors: as above, or those of
 * hv_service_open.
 */
int64_t hv_tty_open(void);

/* Ends the session, if self has opened it; its descriptors are good for nothing. */
void hv_tty_close(void);

/* The session of self's descriptors, or 0. */
uint64_t hv_tty_session(void);

/* LIST, FOREGROUND or FREEZE. */
struct hv_msg hv_tty_ask(enum hv_tty_op op, uint64_t argument);

#endif
