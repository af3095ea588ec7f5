/* SPDX-License-Identifier: MIT */
/*
 * Peers: forked children that run one function of the test program. A failed
 * CHECK in a peer fails the test.
 */
#ifndef USERTESTS_PEER_H
#define USERTESTS_PEER_H

#include "raw.h"

typedef void (*peer_fn)(void *arg);

/* Runs fn(arg) in a child with every handle of self's; it ends with status 0. */
hv_pid peer_start(peer_fn fn, void *arg);
hv_pid peer_start_granted(peer_fn fn, void *arg, const struct hv_grants *grants);
/* Waits for its end, which must be a plain exit with status 0. */
void peer_join(hv_pid pid);
/* Waits for its end, whatever it is, and takes everything back. */
struct hv_exit peer_end(hv_pid pid);
/* Kills it wherever it is, and takes everything back. */
void peer_kill(hv_pid pid);
/* peer_start and peer_end. */
struct hv_exit peer_run(peer_fn fn, void *arg);

/* An endpoint that peers started later share. */
hv_handle endpoint_make(void);

#endif
