/* SPDX-License-Identifier: MIT */
/*
 * fork: a child with a copy of all of self's pages. The child finds what it
 * owns in os.grant, which the parent fills in before the copy is made.
 */
#include "os.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int64_t os_fork_point(int64_t (*build)(void *), void *arg, uint64_t *sp);
int64_t os_clone(hv_pid pid, hv_page ctx, hv_page root, struct grant *grant);

struct job {
	hv_pid pid;
	const struct hv_grants *grants;
	struct builder builder;
	bool is_lazy;		/* the child brings in its program as it needs it */
};

/* The handler stack holds nothing unless this is a handler. */
static bool is_blank(uintptr_t va)
{
	uint64_t spsel;

	if (va - (uintptr_t)hv_handler_stack >= HANDLER_STACK_BYTES)
		return false;
	__asm__ volatile("mrs %0, spsel" : "=r"(spsel));
	return spsel == 0;
}

static int64_t copy_page(uintptr_t va, const struct hv_slot *slot, void *arg)
{
	struct job *job = arg;
	struct builder *builder = &job->builder;
	hv_perm perm = hv_perm_of(slot->pte);
	hv_page page;
	int64_t l3, error;

	/* code and constants come to the child as they came to self */
	if (job->is_lazy && !(perm & HV_PERM_W) && os_lazy_has(va, perm))
		return 0;
	l3 = builder_l3(builder, va);
	if (l3 < 0)
		return l3;
	page = builder_page(builder);
	if (page == 0)
		return -HV_ENOMEM;
	if (is_blank(va))
		error = hv_alloc_frame(builder->pid, (hv_page)l3, slot->index, page, HV_PERM_W);
	else
		error = hv_copy_frame(builder->pid, (hv_page)l3, slot->index, page,
			perm, os_page_of_pte(slot->pte));
	if (error < 0)
		os_page_put(page);
	return error;
}

/* The program's own handles, which are no descriptors. */
static int64_t give_handles(hv_pid pid)
{
	int64_t error = 0;

	if (!hv_has_view())
		return 0;	/* nobody says what they name */
	for (hv_handle h = HV8_HANDLE_FREE; error == 0 && h < HV8_HANDLE_MEM; h++)
		if (hv_handles[os.pid][h].file != 0)
			error = hv_transfer(pid, h, h, hv_handles[os.pid][h].rights);
	return error;
}

/* Everything but the memory; it comes before, so that the copy shows it. */
static int64_t give(struct job *job)
{
	struct fd_table same;	/* as self's, which the child has a copy of */
	int64_t error;

	memset(&os.grant.pids, 0, sizeof(os.grant) - offsetof(struct grant, pids));
	error = builder_grant(&job->builder, job->grants, &os.grant);
	if (error == 0)
		error = builder_handles(&job->builder, NULL, 0, os.fd.is_open, &same);
	if (error == 0)
		error = give_handles(job->pid);
	if (error == 0)
		error = hv_set_name(job->pid, os.name[0], os.name[1]);
	return error;
}

static int64_t build(void *arg)
{
	struct job *job = arg;
	hv_page ctx, root;
	int64_t error;

	if (hv_page_reserve(2) < 0) {
		hv_pid_free(job->pid);
		return -HV_ENOMEM;
	}
	ctx = hv_page_alloc();
	root = hv_page_alloc();
	os.grant.is_child = 0;
	error = os_clone(job->pid, ctx, root, &os.grant);
	if (error < 0) {
		os_page_put(root);
		os_page_put(ctx);
		hv_pid_free(job->pid);
		return error;
	}
	builder_begin(&job->builder, job->pid, ctx, root);
	error = give(job);
	if (error == 0) {
		os.grant.is_child = 1;
		error = os_walk_all(copy_page, job);
		os.grant.is_child = 0;
	}
	if (error == 0)
		error = hv_set_runnable(job->pid);
	if (error < 0)
		hv_reclaim(job->pid);
	return error;
}

OS_HOT pid_t hv_fork_attr(const struct hv_grants *grants)
{
	struct job job = { .grants = grants == NULL ? &hv_default_grants : grants };
	int64_t error;

	if (job.grants->no_view && hv_load_image() < 0) {
		errno = ENOMEM;
		return -1;
	}
	job.is_lazy = hv_has_view() && !job.grants->no_view && !os.is_loaded
		&& !os_has_abort_handler();
	job.pid = hv_pid_alloc();
	if (job.pid == 0) {
		errno = EAGAIN;
		return -1;
	}
	error = os_fork_point(build, &job, &os.grant.sp);
	if (os.pid == job.pid)
		return 0;
	return error < 0 ? (pid_t)hv_set_errno(error) : (pid_t)job.pid;
}

OS_HOT pid_t fork(void)
{
	return hv_fork_attr(NULL);
}

pid_t vfork(void)
{
	return fork();
}
