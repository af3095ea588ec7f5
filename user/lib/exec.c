/* SPDX-License-Identifier: MIT */
/*
 * exec: the new image is made ready as parcels while the old one still runs;
 * then a routine on a page of its own drops the old pages, maps the new ones
 * and enters. Until that jump an error leaves the process as it was.
 */
#include "exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;
extern const char __hv_runner_end[];	/* user.ld: os_exec_run is all of that section */

enum { PLAN_PAGES_MAX = 24 };	/* of 256 entries each: programs up to 24 MiB */

struct staging {
	uintptr_t entry;
	struct hv_initrd_file file;
	uint8_t *block;
	uint64_t block_size;
};

static struct plan *plan(void)
{
	return (struct plan *)PLAN_VA;
}

/* ---- staging ------------------------------------------------------------------ */

static int64_t stage_data(uintptr_t va, hv_perm perm, uint64_t offset, const void *data,
	uint64_t size)
{
	struct plan_entry *entry = &plan()->entry[plan()->count];
	int64_t l3 = hv_ensure_l3(va);
	int64_t parcel;

	if (l3 < 0)
		return l3;
	if ((uintptr_t)(entry + 1) > PLAN_VA + PLAN_PAGES_MAX * HV_PAGE_SIZE)
		return -HV_ENOMEM;
	if (hv_lookup((uintptr_t)(entry + 1) - 1).pte == 0) {
		int64_t error = hv_map(HV_PAGE_OF((uintptr_t)(entry + 1) - 1), HV_PERM_W);

		if (error < 0)
			return error;
	}
	parcel = hv_map(SCRATCH_VA, HV_PERM_W);
	if (parcel < 0)
		return parcel;
	memcpy((uint8_t *)SCRATCH_VA + offset, data, size);
	parcel = hv_unmap_parcel(SCRATCH_VA);
	if (parcel < 0)
		return parcel;
	*entry = (struct plan_entry){ (uint32_t)l3, (uint32_t)parcel,
		(uint32_t)(va >> HV_PAGE_SHIFT & 511), (uint32_t)perm };
	plan()->count++;
	return 0;
}

static int64_t stage_page(const struct image_page *page, void *arg)
{
	(void)arg;
	return stage_data(page->va, page->perm, page->offset, page->data, page->size);
}

static int64_t stage_stack(const uint8_t *block, uint64_t block_size)
{
	uintptr_t start = HV_STACK_TOP - block_size;
	const uint8_t *data = block + STARTUP_MAX - block_size;
	int64_t error = 0;

	while (error == 0 && start < HV_STACK_TOP) {
		uint64_t size = HV_PAGE_SIZE - start % HV_PAGE_SIZE;

		error = stage_data(HV_PAGE_OF(start), HV_PERM_W, start % HV_PAGE_SIZE, data, size);
		start += size;
		data += size;
	}
	return error;
}

/* The routine itself, and a stack for it, on pages that stay. */
static int64_t stage_runner(void)
{
	const char *start = (const char *)(uintptr_t)os_exec_run;
	size_t size = (size_t)(__hv_runner_end - start);
	int64_t error = hv_map(RUNNER_VA, HV_PERM_W);

	if (error == 0)
		error = hv_map(RUNNER_STACK_VA, HV_PERM_W);
	if (error < 0)
		return error;
	memcpy((void *)RUNNER_VA, start, size);
	hv_sync_code((void *)RUNNER_VA, size);
	return hv_protect(RUNNER_VA, HV_PERM_X);
}

/* The process goes on with its old image. */
static void unstage(void)
{
	if (hv_lookup(PLAN_VA).pte != 0) {
		for (uint64_t i = 0; i < plan()->count; i++)
			if (hv_free_parcel(plan()->entry[i].parcel) == 0)
				os_page_put(plan()->entry[i].parcel);
	}
	os_unmap_range(HV_WINDOW_VA, HV_WINDOW_END);
}

static int64_t stage(struct staging *staging)
{
	int64_t error;

	os_unmap_range(HV_WINDOW_VA, HV_WINDOW_END);
	error = hv_map(PLAN_VA, HV_PERM_W);
	if (error == 0)
		error = stage_runner();
	if (error == 0)
		error = image_pages(&staging->file, false, stage_page, NULL);
	if (error == 0)		/* what the block says of the store comes later */
		error = stage_stack(staging->block, staging->block_size);
	return error;
}

/* ---- what the new program is told --------------------------------------------- */

/* A page that the runner is going to free. */
static int64_t note_freed(uintptr_t va, const struct hv_slot *slot, void *arg)
{
	struct startup *startup = arg;
	hv_page page = os_page_of_pte(slot->pte);

	(void)va;
	if (startup->range_count > 0) {
		struct range *last = &startup->range[startup->range_count - 1];

		if (last->first + last->count == page) {
			last->count++;
			return 0;
		}
	}
	if (startup->range_count < OS_RANGES) {
		startup->range[startup->range_count++] = (struct range){ (uint32_t)page, 1 };
	} else {
		startup->lost_low = page < startup->lost_low ? page : startup->lost_low;
		startup->lost_end = page >= startup->lost_end ? page + 1 : startup->lost_end;
	}
	return 0;
}

/* All of self's store, and the pages of the old image. */
static void tell(struct startup *startup, const struct hv_initrd_file *file)
{
	startup->is_exec = 1;
	startup->lazy_count = image_lazy(file, startup->lazy);
	startup->keep_pages = os.keep_pages;
	startup->pids = os.pids;
	startup->adopted = os.adopted;
	memcpy(startup->files, os.files, sizeof(os.files));
	startup->lost_low = os.lost_low < os.lost_end ? os.lost_low : HV_NPAGE;
	startup->lost_end = os.lost_low < os.lost_end ? os.lost_end : 0;
	startup->range_count = os.range_count;
	memcpy(startup->range, os.range, os.range_count * sizeof(os.range[0]));
	os_walk_all(note_freed, startup);
	startup->has_old_tables = os.is_wild || os.region_count > 0
		|| os.brk > HV_TEXT_VA + (1UL << 21);
	startup->fd = os.fd;
	startup->fd.is_cloexec = 0;
	for (int fd = 0; fd < HV8_NFD; fd++)
		if (os.fd.is_cloexec >> fd & 1)
			fd_set_closed(&startup->fd, fd);
}

/* The pages of the block are parcels by now: written once more, in the window. */
static int64_t retell(struct staging *staging)
{
	uintptr_t start = HV_STACK_TOP - staging->block_size;
	const uint8_t *data = staging->block + STARTUP_MAX - staging->block_size;
	uint64_t pages = (HV_STACK_TOP - HV_PAGE_OF(start)) >> HV_PAGE_SHIFT;
	const struct plan_entry *entry = &plan()->entry[plan()->count - pages];
	int64_t error = 0;

	tell(STARTUP_OF(staging->block, staging->block_size), &staging->file);
	for (; error >= 0 && start < HV_STACK_TOP; entry++) {
		uint64_t size = HV_PAGE_SIZE - start % HV_PAGE_SIZE;

		error = hv_map_parcel(SCRATCH_VA, entry->parcel, HV_PERM_W);
		if (error < 0)
			return error;
		memcpy((uint8_t *)SCRATCH_VA + start % HV_PAGE_SIZE, data, size);
		error = hv_unmap_parcel(SCRATCH_VA);
		start += size;
		data += size;
	}
	return error < 0 ? error : 0;
}

/* ---- the jump ----------------------------------------------------------------- */

static void close_cloexec(void)
{
	for (int fd = 0; fd < HV8_NFD; fd++)
		if (os.fd.is_cloexec >> fd & 1)
			hv_close(os.pid, (hv_handle)fd);
	for (hv_handle handle = HV8_HANDLE_FREE; handle < HV8_HANDLE_MEM; handle++)
		hv_close(os.pid, handle);	/* they mean nothing to the next program */
}

static void add_area(uintptr_t start, uintptr_t end)
{
	plan()->area[plan()->area_count++] = (struct plan_area){ start, end };
}

/* What os_walk_all walks. */
static void list_areas(void)
{
	plan()->area_count = 0;
	if (os.is_wild) {
		add_area(0, HV_WINDOW_VA);
		add_area(HV_WINDOW_END, USER_VA_END);
		return;
	}
	add_area(os.stack_low, HV_STACK_TOP);
	add_area((uintptr_t)__image_start, os.brk);
	for (uint64_t i = 0; i < os.region_count; i++)
		add_area(os.region[i].start, os.region[i].end);
}

_Noreturn static void go(struct staging *staging, const char *name)
{
	struct plan *p = plan();

	p->pid = os.pid;
	p->ram_base = os.ram_base;
	p->entry_point = staging->entry;
	p->arg = HV_STACK_TOP - staging->block_size;
	if (os.has_irqs)
		os_irq_stop();
	close_cloexec();
	hv_set_own_name(name);
	list_areas();		/* last: the stack may have grown */
	os_exec_jump(p, RUNNER_VA, RUNNER_STACK_VA + HV_PAGE_SIZE);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	uint8_t block[STARTUP_MAX] __attribute__((aligned(16)));
	struct staging staging = { .block = block };
	uint64_t pages;
	int64_t error;

	if (!program_find(path, &staging.file))
		return -1;
	error = image_check(&staging.file, &staging.entry, &pages);
	if (error == 0)
		error = startup_build(block, staging.file.name, argv, envp);
	if (error >= 0) {
		staging.block_size = (uint64_t)error;
		error = stage(&staging);
		if (error == 0)
			error = retell(&staging);
		if (error == 0)
			go(&staging, staging.file.name);
		unstage();
	}
	return (int)hv_set_errno(error);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int execvp(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}
