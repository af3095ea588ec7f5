/* SPDX-License-Identifier: MIT */
/*
 * Making a child out of parts: its translation tables, frames, grants and
 * handles. fork.c and spawn.c decide what goes in.
 */
#include "os.h"

#include <errno.h>
#include <string.h>

const struct hv_grants hv_default_grants = { .pages = 16, .pids = 2, .files = 2 };

/* ---- ledgers ------------------------------------------------------------------ */

struct ledger *ledger_of(hv_pid pid)
{
	for (int i = 0; i < OS_LEDGERS; i++)
		if (os.ledger[i].pid == pid)
			return &os.ledger[i];
	return NULL;
}

static struct range one(hv_page page)
{
	return (struct range){ (uint32_t)page, 1 };
}

static void ledger_note(struct ledger *ledger, struct range run)
{
	uint64_t count = ledger->count;

	os_range_note(ledger->range, &count, OS_LEDGER_RANGES, run);
	ledger->count = (uint16_t)count;
}

/* ---- tables and frames -------------------------------------------------------- */

void builder_begin(struct builder *builder, hv_pid pid, hv_page ctx, hv_page root)
{
	builder->pid = pid;
	builder->root = root;
	builder->next = 0;
	builder->l3 = 0;
	builder->ledger = ledger_of(0);
	if (builder->ledger == NULL)
		return;
	memset(builder->ledger, 0, sizeof(*builder->ledger));
	builder->ledger->pid = (uint16_t)pid;
	ledger_note(builder->ledger, one(ctx));
	ledger_note(builder->ledger, one(root));
}

hv_page builder_page(struct builder *builder)
{
	hv_page page = hv_page_alloc();

	if (page != 0 && builder->ledger != NULL)
		ledger_note(builder->ledger, one(page));
	return page;
}

enum { LEVEL_SHIFT = 60 };

/* The latest ones are the likeliest. */
static hv_page find_table(const struct builder *builder, uintptr_t key)
{
	unsigned kept = builder->next < BUILDER_TABLES ? builder->next : BUILDER_TABLES;

	for (unsigned i = 1; i <= kept; i++)
		if (builder->table[(builder->next - i) % BUILDER_TABLES].key == key)
			return builder->table[(builder->next - i) % BUILDER_TABLES].page;
	return 0;
}

/* The table of `level` for va, made if it is not there. */
static int64_t ensure(struct builder *builder, uintptr_t va, int level, hv_page above)
{
	int shift = 48 - 9 * level;	/* one entry of the table above */
	uintptr_t key = va >> shift | (uintptr_t)level << LEVEL_SHIFT;
	hv_index index = va >> shift & 511;
	hv_page page = find_table(builder, key);
	int64_t error;

	if (page != 0)
		return (int64_t)page;
	page = builder_page(builder);
	if (page == 0)
		return -HV_ENOMEM;
	if (level == 1)
		error = hv_alloc_l1(builder->pid, above, index, page);
	else if (level == 2)
		error = hv_alloc_l2(builder->pid, above, index, page);
	else
		error = hv_alloc_l3(builder->pid, above, index, page);
	if (error < 0) {
		os_page_put(page);
		return error;
	}
	builder->table[builder->next % BUILDER_TABLES].key = key;
	builder->table[builder->next % BUILDER_TABLES].page = page;
	builder->next++;
	return (int64_t)page;
}

int64_t builder_l3(struct builder *builder, uintptr_t va)
{
	int64_t table;

	if (builder->l3 != 0 && builder->l3_key == va >> 21)
		return (int64_t)builder->l3;
	if (va >= USER_VA_END)
		return -HV_EINVAL;
	table = ensure(builder, va, 1, builder->root);
	if (table > 0)
		table = ensure(builder, va, 2, (hv_page)table);
	if (table > 0)
		table = ensure(builder, va, 3, (hv_page)table);
	if (table > 0) {
		builder->l3 = (hv_page)table;
		builder->l3_key = va >> 21;
	}
	return table;
}

/* Writes a page through the window and leaves it a parcel. */
static int64_t fill_parcel(uint64_t offset, const void *data, uint64_t size)
{
	int64_t error = hv_map(SCRATCH_VA, HV_PERM_W);

	if (error < 0)
		return error;
	memcpy((uint8_t *)SCRATCH_VA + offset, data, size);
	return hv_unmap_parcel(SCRATCH_VA);
}

int64_t builder_data(struct builder *builder, uintptr_t va, hv_perm perm,
	uint64_t offset, const void *data, uint64_t size)
{
	int64_t l3 = builder_l3(builder, va);
	hv_index index = va >> HV_PAGE_SHIFT & 511;
	hv_page page;
	int64_t parcel, error;

	if (l3 < 0)
		return l3;
	if (size == 0) {
		page = builder_page(builder);
		if (page == 0)
			return -HV_ENOMEM;
		error = hv_alloc_frame(builder->pid, (hv_page)l3, index, page, perm);
		if (error < 0)
			os_page_put(page);
		return error;
	}
	parcel = fill_parcel(offset, data, size);
	if (parcel < 0)
		return parcel;
	if (builder->ledger != NULL)
		ledger_note(builder->ledger, one((hv_page)parcel));
	error = hv_map_frame(builder->pid, (hv_page)l3, index, (hv_page)parcel, perm);
	if (error < 0 && hv_free_parcel((hv_page)parcel) == 0)
		os_page_put((hv_page)parcel);
	return error;
}

/* ---- grants ------------------------------------------------------------------- */

/* A run of up to n pages; what could not be given goes back. */
static int64_t grant_run(struct builder *builder, uint64_t n, struct range *run)
{
	int64_t error = 0;
	uint64_t done;

	*run = os_pages_take(n);
	for (done = 0; error == 0 && done < run->count; done++)
		error = hv_grant_page(builder->pid, run->first + done);
	if (error < 0) {
		done--;
		os_pages_put_range(run->first + done, run->count - done);
		run->count = (uint32_t)done;
	}
	if (builder->ledger != NULL)
		ledger_note(builder->ledger, *run);
	return error;
}

/* Scattered pages do not fit into the child's list: then it gets fewer. */
static int64_t grant_pages(struct builder *builder, uint64_t n, struct grant *out)
{
	struct range run;
	int64_t error = 0;

	os_pages_gather(n);
	while (error == 0 && n > 0 && out->range_count < OS_GRANT_RANGES) {
		error = grant_run(builder, n, &run);
		if (run.count == 0)
			return error < 0 ? error : -HV_ENOMEM;
		os_range_note(out->range, &out->range_count, OS_GRANT_RANGES, run);
		n -= run.count;
	}
	return error;
}

static int64_t grant_pids(struct builder *builder, uint64_t n, struct grant *out)
{
	for (uint64_t i = 0; i < n; i++) {
		hv_pid pid = hv_pid_alloc();
		int64_t error;

		if (pid == 0)
			return 0;	/* the child gets fewer */
		error = hv_grant_pid(builder->pid, pid);
		if (error < 0) {
			hv_pid_free(pid);
			return error;
		}
		set_put(&out->pids, pid);
		if (builder->ledger != NULL && builder->ledger->first_pid == 0)
			builder->ledger->first_pid = (uint16_t)pid;
	}
	return 0;
}

static int64_t grant_files(struct builder *builder, uint64_t n, struct grant *out)
{
	for (uint64_t i = 0; i < n; i++) {
		hv_file file = hv_file_alloc();
		int64_t error;

		if (file == 0)
			return 0;
		error = hv_grant_file(builder->pid, file);
		if (error < 0)
			return error;
		os.files[file / 64] &= ~(1UL << file % 64);
		out->files[file / 64] |= 1UL << file % 64;
		if (builder->ledger != NULL && builder->ledger->first_file == 0)
			builder->ledger->first_file = (uint16_t)file;
	}
	return 0;
}

int64_t builder_grant(struct builder *builder, const struct hv_grants *grants, struct grant *out)
{
	int64_t error = grant_pages(builder, grants->pages, out);

	if (error == 0)
		error = grant_pids(builder, grants->pids, out);
	if (error == 0)
		error = grant_files(builder, grants->files, out);
	if (error == 0)
		error = os_lines_grant(builder->pid, grants->irqs);
	if (error == 0)
		error = os_devices_grant(builder->pid, grants->devices);
	if (error == 0 && !grants->no_view && hv_has_view())
		error = hv_map_view(builder->pid);
	out->pid = builder->pid;
	out->keep_pages = grants->pages < OS_KEEP_PAGES ? OS_KEEP_PAGES
		: grants->pages + grants->pages / 4;
	return error;
}

/* ---- handles ------------------------------------------------------------------ */

static int64_t pass_fd(struct builder *builder, int from, int to, struct fd_table *table)
{
	bool is_tty = fd_is_open(from) && os.fd.kind[from] == FD_TTY;
	int64_t error = -HV_EBADF;

	/* a session is read by calls, too */
	if (fd_is_open(from))
		error = hv_transfer(builder->pid, (hv_handle)from, (hv_handle)to,
			is_tty ? HV_RIGHT_WRITE : os.fd.rights[from]);
	if (error < 0)
		return error;
	fd_set_open(table, to, os.fd.kind[from], os.fd.rights[from]);
	table->is_nonblock |= (os.fd.is_nonblock >> from & 1) << to;
	return 0;
}

/* Descriptor i of the child is fds[i] of self's; fds NULL: those in the set
 * `same`, at the same numbers. `table` becomes the child's. */
int64_t builder_handles(struct builder *builder, const int *fds, int n, uint64_t same,
	struct fd_table *table)
{
	int64_t error = 0;

	table->tty = os.fd.tty;
	for (uint64_t left = same; fds == NULL && error == 0 && left != 0; left &= left - 1)
		error = pass_fd(builder, __builtin_ctzl(left), __builtin_ctzl(left), table);
	for (int i = 0; fds != NULL && error == 0 && i < n; i++)
		if (fds[i] != -1)
			error = pass_fd(builder, fds[i], i, table);
	if (error < 0)
		return error;
	error = hv_transfer(builder->pid, HV8_HANDLE_MEM, HV8_HANDLE_MEM, HV_RIGHT_WRITE);
	return error == -HV_EBADF ? 0 : error;
}

/* ---- embryos by hand ---------------------------------------------------------- */

static struct builder by_hand;
static struct grant by_hand_grant;

pid_t hv_embryo_new(void)
{
	hv_pid pid = hv_pid_alloc();
	hv_page ctx, root;
	int64_t error;

	if (pid == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (hv_page_reserve(2) < 0) {
		hv_pid_free(pid);
		errno = ENOMEM;
		return -1;
	}
	ctx = hv_page_alloc();
	root = hv_page_alloc();
	error = hv_clone(pid, ctx, root);
	if (error < 0) {
		os_page_put(root);
		os_page_put(ctx);
		hv_pid_free(pid);
		return (pid_t)hv_set_errno(error);
	}
	builder_begin(&by_hand, pid, ctx, root);
	memset(&by_hand_grant, 0, sizeof(by_hand_grant));
	return (pid_t)pid;
}

int64_t hv_embryo_map(pid_t pid, uintptr_t va, hv_perm perm, const void *data, size_t size)
{
	if ((hv_pid)pid != by_hand.pid)
		return -HV_ESRCH;
	if (size > HV_PAGE_SIZE - va % HV_PAGE_SIZE)
		return -HV_EINVAL;
	return builder_data(&by_hand, HV_PAGE_OF(va), perm, va % HV_PAGE_SIZE, data, size);
}

int64_t hv_embryo_grant(pid_t pid, const struct hv_grants *grants)
{
	if ((hv_pid)pid != by_hand.pid)
		return -HV_ESRCH;
	return builder_grant(&by_hand, grants, &by_hand_grant);
}

int64_t hv_embryo_start(pid_t pid, uintptr_t pc, uint64_t arg)
{
	int64_t error = hv_set_entry((hv_pid)pid, pc, arg);

	return error < 0 ? error : hv_set_runnable((hv_pid)pid);
}
