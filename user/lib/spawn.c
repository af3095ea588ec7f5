/* SPDX-License-Identifier: MIT */
/*
 * A new process from a program of the initrd, without a copy of self: image,
 * one stack page with the start-up block, grants, handles.
 */
#include "os.h"

#include <errno.h>
#include <string.h>

struct job {
	struct builder builder;
	struct grant grant;
	struct hv_initrd_file file;
	uintptr_t entry;
	uint8_t *block;		/* STARTUP_MAX bytes, used from the end */
	uint64_t block_size;
};

static int64_t put_page(const struct image_page *page, void *arg)
{
	struct job *job = arg;

	return builder_data(&job->builder, page->va, page->perm, page->offset, page->data,
		page->size);
}

/* The start-up block lies at the top of the stack. */
static int64_t put_stack(struct job *job)
{
	uintptr_t start = HV_STACK_TOP - job->block_size;
	const uint8_t *data = job->block + STARTUP_MAX - job->block_size;
	int64_t error = 0;

	while (error == 0 && start < HV_STACK_TOP) {
		uint64_t size = HV_PAGE_SIZE - start % HV_PAGE_SIZE;

		error = builder_data(&job->builder, HV_PAGE_OF(start), HV_PERM_W,
			start % HV_PAGE_SIZE, data, size);
		start += size;
		data += size;
	}
	return error;
}

static int64_t fill(struct job *job, const int *fds, int n, const struct hv_grants *grants)
{
	struct startup *startup = STARTUP_OF(job->block, job->block_size);
	int64_t error = builder_handles(&job->builder, fds, n,
		os.fd.is_open & ~os.fd.is_cloexec, &startup->fd);

	if (error == 0)
		error = image_pages(&job->file, grants->no_view, put_page, job);
	if (error == 0)
		error = builder_grant(&job->builder, grants, &job->grant);
	if (error < 0)
		return error;
	if (!grants->no_view)
		startup->lazy_count = image_lazy(&job->file, startup->lazy);
	startup->keep_pages = job->grant.keep_pages;
	startup->pids = job->grant.pids;
	memcpy(startup->files, job->grant.files, sizeof(startup->files));
	startup->range_count = job->grant.range_count;
	memcpy(startup->range, job->grant.range, sizeof(job->grant.range));
	error = put_stack(job);
	if (error == 0)
		error = hv_set_name(job->builder.pid, startup->name[0], startup->name[1]);
	return error;
}

static int64_t start(struct job *job)
{
	int64_t error = hv_set_entry(job->builder.pid, job->entry, HV_STACK_TOP - job->block_size);

	return error < 0 ? error : hv_set_runnable(job->builder.pid);
}

static int64_t begin(struct job *job, uint64_t pages)
{
	hv_pid pid = hv_pid_alloc();
	hv_page ctx, root;
	int64_t error = pid == 0 ? -HV_EAGAIN : hv_page_reserve(pages + 8);

	if (error < 0) {
		if (pid != 0)
			hv_pid_free(pid);
		return error;
	}
	ctx = hv_page_alloc();
	root = hv_page_alloc();
	error = hv_clone(pid, ctx, root);
	if (error < 0) {
		os_page_put(root);
		os_page_put(ctx);
		hv_pid_free(pid);
		return error;
	}
	builder_begin(&job->builder, pid, ctx, root);
	return 0;
}

bool program_find(const char *path, struct hv_initrd_file *file)
{
	if (path != NULL && hv_initrd_find(path, file))
		return true;
	errno = hv_has_view() ? ENOENT : EACCES;
	return false;
}

pid_t hv_spawn(const char *prog, char *const argv[], char *const envp[],
	const int *fds, int n, const struct hv_grants *grants)
{
	uint8_t block[STARTUP_MAX] __attribute__((aligned(16)));
	struct job job = { .block = block };
	uint64_t pages;
	int64_t error;

	if (!program_find(prog, &job.file))
		return -1;
	if (fds != NULL && (n < 0 || n > HV8_NFD))
		return (pid_t)hv_set_errno(-HV_EINVAL);
	error = image_check(&job.file, &job.entry, &pages);
	if (error == 0)
		error = startup_build(block, job.file.name, argv, envp);
	if (error < 0)
		return (pid_t)hv_set_errno(error);
	job.block_size = (uint64_t)error;
	error = begin(&job, pages);
	if (error < 0)
		return (pid_t)hv_set_errno(error);
	error = fill(&job, fds, n, grants == NULL ? &hv_default_grants : grants);
	if (error == 0)
		error = start(&job);
	if (error < 0) {
		hv_reclaim(job.builder.pid);
		return (pid_t)hv_set_errno(error);
	}
	return (pid_t)job.builder.pid;
}
