/* SPDX-License-Identifier: MIT */
/* Builds the cast of the error tests. */
#include "cast.h"

#include "raw.h"

/* Tables and a frame behind entry USED_INDEX of the level-0 table of pid. */
static void chain_make(struct chain *chain, hv_pid pid)
{
	chain->l0 = hv_procs[pid].root;
	chain->l1 = take_page();
	chain->l2 = take_page();
	chain->l3 = take_page();
	chain->frame = take_page();
	DO(alloc_l1, pid, chain->l0, USED_INDEX, chain->l1);
	DO(alloc_l2, pid, chain->l1, USED_INDEX, chain->l2);
	DO(alloc_l3, pid, chain->l2, USED_INDEX, chain->l3);
	DO(alloc_frame, pid, chain->l3, USED_INDEX, chain->frame, HV_PERM_W);
}

static void make_leaves(struct cast *c)
{
	c->leaf_l1 = take_page();
	c->leaf_l2 = take_page();
	c->leaf_l3 = take_page();
	DO(alloc_l1, c->self, c->own.l0, LEAF_TABLE_INDEX, c->leaf_l1);
	DO(alloc_l2, c->self, c->own.l1, LEAF_TABLE_INDEX, c->leaf_l2);
	DO(alloc_l3, c->self, c->own.l2, LEAF_TABLE_INDEX, c->leaf_l3);
}

/* A page of pid's becomes a parcel of it, by way of entry FREE_INDEX. */
static hv_page make_parcel(hv_pid pid, const struct chain *chain)
{
	hv_page page = take_page();

	DO(alloc_frame, pid, chain->l3, FREE_INDEX, page, HV_PERM_W);
	DO(unmap_frame, pid, chain->l3, FREE_INDEX, page);
	return page;
}

/* A child that makes an embryo in the pid it is given, and then sleeps. */
static hv_pid make_breeder(hv_pid *grandchild)
{
	hv_pid pid = raw_make(NULL);
	hv_page ctx = take_page(), root = take_page();

	*grandchild = hv_pid_alloc();
	CHECK(*grandchild != 0);
	DO(grant_page, pid, ctx);
	DO(grant_page, pid, root);
	DO(grant_pid, pid, *grandchild);
	raw_start(pid, raw_breed, *grandchild | ctx << 16 | root << 40);
	wait_until_blocked(pid);
	CHECK_EQ(hv_procs[*grandchild].state, HV_PROC_EMBRYO);
	return pid;
}

static void make_processes(struct cast *c)
{
	c->self = (hv_pid)hv_self();
	c->parent = hv_procs[c->self].ppid;
	c->embryo = raw_make(NULL);
	c->live = make_breeder(&c->grandchild);
	c->zombie = make_breeder(&c->orphan);
	c->unused = hv_pid_alloc();
	c->lent = hv_pid_alloc();
	CHECK(c->unused != 0 && c->lent != 0);
	DO(grant_pid, c->live, c->lent);
	c->dead_page = take_page();
	c->dead_file = hv_file_alloc();
	CHECK(c->dead_file != 0);
	DO(grant_page, c->zombie, c->dead_page);
	DO(grant_file, c->zombie, c->dead_file);
	DO(kill, c->zombie, 1);
}

static void make_pages(struct cast *c)
{
	chain_make(&c->own, c->self);
	chain_make(&c->other, c->embryo);
	make_leaves(c);
	c->parcel = make_parcel(c->self, &c->own);
	c->other_parcel = make_parcel(c->embryo, &c->other);
	c->free = take_page();
	c->free2 = take_page();
	c->lent_free = take_page();
	DO(grant_page, c->live, c->lent_free);
	c->reserved = 1;	/* a message takes 0 for no page */
	while (hv_page_descs[c->reserved].type != HV_PAGE_RESERVED)
		c->reserved++;
}

static hv_handle take_handle(void)
{
	hv_handle handle = hv_handle_alloc();

	CHECK(handle != HV_NONE);
	return handle;
}

/* Copies of a console handle with fewer rights, if self has one at all. */
static void make_console(struct cast *c)
{
	c->console = c->console_reader = c->console_writer = HV_NONE;
	for (hv_handle h = 0; h < HV_NHANDLE && c->console == HV_NONE; h++)
		if (hv_handles[c->self][h].file == HV_FILE_CONSOLE_INDEX &&
		    hv_handles[c->self][h].rights == HV_RIGHT_ALL)
			c->console = h;
	if (c->console == HV_NONE)
		return;
	c->console_reader = take_handle();
	DO(dup, c->console, c->console_reader, HV_RIGHT_READ);
	c->console_writer = take_handle();
	DO(dup, c->console, c->console_writer, HV_RIGHT_WRITE);
}

static void make_handles(struct cast *c)
{
	c->file = hv_file_alloc();
	c->lent_file = hv_file_alloc();
	c->endpoint_file = hv_file_alloc();
	c->inode_file = hv_file_alloc();
	CHECK(c->file && c->lent_file && c->endpoint_file && c->inode_file);
	DO(grant_file, c->live, c->lent_file);
	c->endpoint = take_handle();
	DO(create, c->endpoint, c->endpoint_file, HV_FILE_ENDPOINT, 0);
	c->inode = take_handle();
	DO(create, c->inode, c->inode_file, HV_FILE_INODE, 0);
	c->receiver = take_handle();
	DO(dup, c->endpoint, c->receiver, HV_RIGHT_READ);
	c->sender = take_handle();
	DO(dup, c->endpoint, c->sender, HV_RIGHT_WRITE);
	c->endpoint2 = (hv_handle)hv_endpoint_new(0);
	CHECK(c->endpoint2 < HV_NHANDLE);
	make_console(c);
	c->empty = take_handle();
	c->empty2 = take_handle();
	if (c->empty2 == c->empty)
		c->empty2 = c->empty + 1;
	CHECK(c->empty2 < HV8_HANDLE_MEM);
	CHECK_EQ(hv_handles[c->self][c->empty2].file, 0);
}

void cast_make(struct cast *cast)
{
	*cast = (struct cast){ 0 };
	make_processes(cast);
	make_pages(cast);
	make_handles(cast);
}

struct snapshot_scope cast_scope(const struct cast *c)
{
	return (struct snapshot_scope){
		.pages = { c->own.l0, c->own.l1, c->own.l2, c->own.l3, c->own.frame, c->other.l0,
			   c->other.l1, c->other.l2, c->other.l3, c->other.frame, c->leaf_l1,
			   c->leaf_l2, c->leaf_l3, c->free, c->free2, c->lent_free, c->parcel,
			   c->other_parcel, c->dead_page },
		.tables = { (const volatile uint64_t *)HV_TABLES_L0,
			    (const volatile uint64_t *)(HV_TABLES_L1 + (CHAIN_VA >> 39 << 12)),
			    (const volatile uint64_t *)(HV_TABLES_L2 + (CHAIN_VA >> 30 << 12)),
			    (const volatile uint64_t *)(HV_TABLES_L3 + (CHAIN_VA >> 21 << 12)) },
	};
}
