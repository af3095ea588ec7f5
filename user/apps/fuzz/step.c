/* SPDX-License-Identifier: MIT */
/*
 * One random call. Most arguments are what self has, so that many calls
 * succeed; some are rubbish. What self has it reads in the kernel's tables.
 */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

enum { SCAN = 512, LOG = 32, BURST_US = 3000 };

static hv_pid self;
static hv_page low, high;	/* self's pages and its children's are about here */

/* Entries that were filled: what undoes it has arguments that fit. */
static struct entry {
	uint64_t pid, table, index, page;
} filled[LOG], mapped;	/* the last device that was mapped */
static unsigned filled_count;

static const uint64_t wild[] = { 0, 1, 2, 3, 63, 64, 127, 128, 255, 256, 510, 511, 512, 1000,
	1ULL << 18, 1ULL << 32, 1ULL << 63, ~0ULL };

void fuzz_look(void)
{
	self = (hv_pid)hv_self();
	low = hv_bootinfo->ram_pages;
	high = 1;
	for (hv_page page = 1; page < hv_bootinfo->ram_pages; page++) {
		if (hv_page_descs[page].owner != self)
			continue;
		low = page < low ? page : low;
		high = page + 1;
	}
	if (low >= high)
		low = 0;
}

/* ---- arguments -------------------------------------------------------------------- */

static uint64_t child_in(uint64_t state)
{
	uint64_t first = fuzz_random(HV_NPROC);

	for (uint64_t n = 0; n < HV_NPROC; n++) {
		uint64_t pid = (first + n) % HV_NPROC;

		if (pid != 0 && hv_procs[pid].ppid == self &&
		    (state > HV_PROC_ZOMBIE || hv_procs[pid].state == state))
			return pid;
	}
	return fuzz_random(HV_NPROC);
}

static uint64_t any_pid(void)
{
	uint64_t way = fuzz_random(10);

	if (way < 4)
		return self;
	return way < 7 ? child_in(way - 3) : fuzz_random(HV_NPROC + 1);
}

static uint64_t page_of(uint64_t owner, uint64_t type)
{
	uint64_t span = high - low, at = fuzz_random(span);

	for (uint64_t n = 0; n < SCAN && n < span; n++) {
		hv_page page = low + (at + n) % span;

		if (hv_page_descs[page].owner == owner &&
		    (type > HV_PAGE_CTX || hv_page_descs[page].type == type))
			return page;
	}
	return fuzz_random(HV_NPAGE);
}

static uint64_t used_handle(void)
{
	uint64_t first = fuzz_random(HV_NHANDLE);

	for (uint64_t n = 0; n < HV_NHANDLE; n++)
		if (hv_handles[self][(first + n) % HV_NHANDLE].file != 0)
			return (first + n) % HV_NHANDLE;
	return first;
}

static uint64_t file_object(void)
{
	uint64_t owner = fuzz_random(3) == 0 ? child_in(99) : self, first = fuzz_random(HV_NFILE);

	for (uint64_t n = 0; n < HV_NFILE; n++)
		if (hv_files[(first + n) % HV_NFILE].owner == owner)
			return (first + n) % HV_NFILE;
	return first;
}

/* Of self's, or of a child's, who may be dead. */
static uint64_t line(void)
{
	uint64_t owner = fuzz_random(3) == 0 ? child_in(99) : self, first = fuzz_random(HV_NIRQ);

	for (uint64_t n = 0; n < HV_NIRQ; n++)
		if (hv_irqs[(first + n) % HV_NIRQ].owner == owner)
			return (first + n) % HV_NIRQ;
	return first;
}

static uint64_t device_of(uint64_t owner)
{
	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].owner == owner && fuzz_random(3) != 0)
			return device;
	return fuzz_random(4) == 0 ? fuzz_random(HV_NDEVICE + 1) : fuzz_random(4);
}

static uint64_t deadline(void)
{
	switch (fuzz_random(6)) {
	case 0:
		return fuzz_random(8) == 0 ? HV_FOREVER : HV_NOWAIT;
	case 1:
	case 2:
		return HV_NOWAIT;
	default:
		return hv_deadline_us(fuzz_random(BURST_US));
	}
}

static uint64_t page_argument(void)
{
	switch (fuzz_random(8)) {
	case 0:
		return page_of(self, HV_PAGE_PARCEL);
	case 1:
		return page_of(child_in(HV_PROC_ZOMBIE), 99);
	case 2:
		return 0;
	case 3:
		return page_of(self, 99);
	default:
		return page_of(self, HV_PAGE_FREE);
	}
}

static uint64_t table(uint64_t level)
{
	uint64_t owner = fuzz_random(2) ? self : child_in(HV_PROC_EMBRYO);

	if (level == 0 && owner < HV_NPROC)
		return hv_procs[owner].root;
	return page_of(owner, HV_PAGE_L0 + level);
}

static uint64_t by_name(const char *name)
{
	if (strcmp(name, "pid") == 0)
		return any_pid();
	if (strcmp(name, "child") == 0)
		return child_in(1 + fuzz_random(3));
	if (strcmp(name, "ctx") == 0 || strcmp(name, "root") == 0)
		return page_of(self, HV_PAGE_FREE);
	if (strcmp(name, "page") == 0)
		return page_argument();
	if (strcmp(name, "parcel") == 0)
		return page_of(self, HV_PAGE_PARCEL);
	if (strcmp(name, "frame") == 0)
		return page_of(self, HV_PAGE_FRAME);
	if (name[0] == 'l' && name[2] == 0)
		return table((uint64_t)(name[1] - '0'));
	if (strcmp(name, "index") == 0)
		return fuzz_random(4) ? fuzz_random(8) + 100 : fuzz_random(514);
	if (strcmp(name, "perm") == 0)
		return fuzz_random(17);
	if (strcmp(name, "rights") == 0)
		return fuzz_random(8) ? 1 + fuzz_random(3) : fuzz_random(6);
	if (strcmp(name, "deadline") == 0)
		return deadline();
	if (strcmp(name, "file") == 0)
		return file_object();
	if (strcmp(name, "line") == 0)
		return line();
	if (strcmp(name, "device") == 0)
		return device_of(fuzz_random(3) == 0 ? child_in(99) : self);
	if (strcmp(name, "type") == 0)
		return fuzz_random(6) ? HV_FILE_ENDPOINT : fuzz_random(6);
	if (strcmp(name, "flags") == 0)
		return fuzz_random(3) ? 0 : fuzz_random(18);
	if (strcmp(name, "passed") == 0 || strcmp(name, "console") == 0)
		return fuzz_random(3) ? HV_NONE : used_handle();
	if (strcmp(name, "handle") == 0 || strcmp(name, "from") == 0)
		return used_handle();
	if (strcmp(name, "to") == 0)
		return fuzz_random(HV_NHANDLE + 1);
	return wild[fuzz_random(sizeof(wild) / sizeof(wild[0]))];
}

/* ---- arguments that fit together --------------------------------------------------- */

static bool starts(const struct fuzz_call *call, const char *prefix)
{
	return strncmp(call->name, prefix, strlen(prefix)) == 0;
}

/* Of a call on an entry of a table: its owner, or an entry that was filled. */
static void fit_entry(const struct fuzz_call *call, uint64_t a[FUZZ_MAX_ARGS])
{
	bool is_entry = call->count >= 4 && strcmp(call->parameter[2], "index") == 0;

	if (is_entry && (strcmp(call->parameter[3], "frame") == 0 ||
			 strcmp(call->parameter[3], "table") == 0) && filled_count != 0) {
		unsigned kept = filled_count < LOG ? filled_count : LOG;
		const struct entry *e = &filled[fuzz_random(kept)];

		a[0] = e->pid;
		a[1] = e->table;
		a[2] = e->index;
		a[3] = e->page;
	} else if (is_entry && a[1] < HV_NPAGE) {
		a[0] = hv_page_descs[a[1]].owner;
	}
}

static void fit_device(const struct fuzz_call *call, uint64_t a[FUZZ_MAX_ARGS])
{
	if (starts(call, "map_device") && fuzz_random(8) != 0) {
		a[0] = self;
		a[1] = page_of(self, HV_PAGE_L3);
		a[3] = device_of(self);
		a[4] &= HV_PERM_W | HV_PERM_EL0;
	} else if (starts(call, "unmap_device")) {
		a[0] = mapped.pid;
		a[1] = mapped.table;
		a[2] = mapped.index;
		a[3] = mapped.page;
	}
}

static void fit(const struct fuzz_call *call, uint64_t a[FUZZ_MAX_ARGS])
{
	fit_entry(call, a);
	fit_device(call, a);
	if (starts(call, "copy_frame"))
		a[5] = page_of(self, HV_PAGE_FRAME);
	if (starts(call, "clone") || starts(call, "grant_pid"))
		a[starts(call, "clone") ? 0 : 1] = child_in(HV_PROC_UNUSED);
	if (starts(call, "set_entry") || starts(call, "transfer"))
		a[0] = child_in(HV_PROC_EMBRYO);
	if (starts(call, "reap") || starts(call, "close"))
		a[0] = child_in(HV_PROC_ZOMBIE);
	if (starts(call, "close") && fuzz_random(4))
		a[0] = self;
	if (starts(call, "reply") && fuzz_random(4) && !starts(call, "reply_wait"))
		a[0] = hv_procs[self].reply_to;
	if ((starts(call, "create") || starts(call, "set_recv_slot")) && fuzz_random(4))
		a[0] = fuzz_random(HV_NHANDLE);
	if (starts(call, "free_parcel"))
		a[0] = page_of(self, HV_PAGE_PARCEL);
	if (starts(call, "unmap_view") || starts(call, "map_view"))
		a[0] = fuzz_random(4) ? child_in(HV_PROC_EMBRYO) : any_pid();
	if (starts(call, "reclaim_page"))
		a[0] = page_of(child_in(HV_PROC_ZOMBIE), 99);
	if ((starts(call, "send") || starts(call, "call")) && fuzz_random(2))
		a[2] = 0;
}

/* How often, of 16; what is not named here: 8. */
static uint64_t weight(const struct fuzz_call *call)
{
	static const struct { const char *name; uint64_t weight; } list[] = {
		{ "self", 1 }, { "set_name", 1 }, { "kill", 2 }, { "console_write", 1 },
		{ "yield", 3 }, { "set_runnable", 1 }, { "power_off", 1 }, { "reset", 1 },
		{ "free_frame", 4 }, { "unmap_view", 4 }, { "map_view", 3 }, { "clone", 12 },
		{ "send", 16 }, { "call", 16 }, { "recv", 16 }, { "reply_wait", 16 },
		{ "reply", 12 }, { "transfer", 16 }, { "create", 12 }, { "reclaim_page", 16 },
		{ "set_recv_slot", 12 }, { "close", 4 }, { "alloc_frame", 14 }, { "wait", 3 },
	};

	for (size_t n = 0; n < sizeof(list) / sizeof(list[0]); n++)
		if (strcmp(list[n].name, call->name) == 0)
			return list[n].weight;
	return 8;
}

static bool is_power(uint64_t handle)
{
	return handle < HV_NHANDLE && hv_files[hv_handles[self][handle].file].type == HV_FILE_POWER;
}

void fuzz_step(void)
{
	const struct fuzz_call *call = &fuzz_calls[fuzz_random(fuzz_call_count)];
	uint64_t a[FUZZ_MAX_ARGS] = { 0 };

	if (fuzz_random(16) >= weight(call))
		return;
	for (uint64_t n = 0; n < call->count; n++)
		a[n] = by_name(call->parameter[n]);
	fit(call, a);
	for (uint64_t n = 0; n < call->count; n++)
		if (fuzz_random(40) == 0)
			a[n] = wild[fuzz_random(sizeof(wild) / sizeof(wild[0]))];
	if ((starts(call, "power_off") || starts(call, "reset")) && is_power(a[0]))
		return;
	if (starts(call, "unmap_view") && a[0] == self && fuzz_random(64))
		return;
	if (hv_hvc8(call->number, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]) != 0)
		return;
	if (starts(call, "alloc_") || starts(call, "copy_frame") || starts(call, "map_frame"))
		filled[filled_count++ % LOG] = (struct entry){ a[0], a[1], a[2], a[3] };
	if (starts(call, "map_device"))
		mapped = (struct entry){ a[0], a[1], a[2], a[3] };
}
