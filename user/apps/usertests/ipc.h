/* SPDX-License-Identifier: MIT */
/* Small things that the IPC tests share. */
#ifndef USERTESTS_IPC_H
#define USERTESTS_IPC_H

#include "peer.h"

static inline bool set_has(const volatile struct hv_set *set, hv_pid pid)
{
	return (set->word[pid / 64] >> (pid % 64)) & 1;
}

static inline bool set_is_empty(const volatile struct hv_set *set)
{
	return (set->word[0] | set->word[1]) == 0;
}

/* The file that a handle of self's names. */
static inline hv_file file_of(hv_handle handle)
{
	return hv_handles[hv_self()][handle].file;
}

static inline struct hv_msg receive(hv_handle handle)
{
	struct hv_msg m = hv_recv_msg(handle, HV_FOREVER, 0);

	CHECK_EQ(m.result, 0);
	return m;
}

/* Results of FAILS for the calls that return a message. */
#define MSG_FAILS(error, name, ...) \
	check_error(SITE("hv_" #name), HV_NR_##name, HV_##error,		\
		    hv_##name##_msg(__VA_ARGS__).result)

#endif
