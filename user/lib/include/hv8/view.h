/* SPDX-License-Identifier: MIT */
/*
 * The kernel's tables as a process with the right to see them reads them, and
 * words for what is in them. Nothing here costs a hypercall.
 */
#ifndef HV8_VIEW_H
#define HV8_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <uapi/tables.h>

/* Ends the program with a message that names it if they are not visible. */
void view_require(const char *program);

static inline const struct hv_bootinfo *view_bootinfo(void)
{
	return (const struct hv_bootinfo *)HV_VIEW_BOOTINFO;
}

/* The tables change while they are read: these are copies. */
struct hv_proc view_proc(hv_pid pid);
struct hv_sched view_sched(void);
struct hv_file_entry view_file(hv_file file);
struct hv_handle_entry view_handle(hv_pid pid, hv_handle handle);
struct hv_page_desc view_page(hv_page page);
struct hv_device_entry view_device(hv_device device);

static inline bool view_set_has(const struct hv_set *set, hv_pid pid)
{
	return (set->word[pid / 64] >> (pid % 64)) & 1;
}

/* The cores that a process may run on: bit i is core i. */
uint64_t view_cores(const struct hv_sched *sched, hv_pid pid);

/* Context switches since boot, of all cores. */
uint64_t view_switches(const struct hv_sched *sched);

/* What a process does, in words such as "ready" or "reply from 7". */
enum { VIEW_STATE_BYTES = 40, VIEW_NAME_BYTES = HV_NAME_BYTES + 1 };
void view_state_words(hv_pid pid, char words[VIEW_STATE_BYTES]);

/* A process's name, printable and terminated; "-" if it has none. */
void view_name(const struct hv_proc *proc, char name[VIEW_NAME_BYTES]);

const char *view_page_type(uint64_t type);
const char *view_file_type(uint64_t type);

/* Has it a device that may reach all memory? Then all trust it. */
bool view_owns_dma(hv_pid pid);

/* Pages of a type, whoever owns them. */
uint64_t view_count_pages(uint64_t type);

#endif
