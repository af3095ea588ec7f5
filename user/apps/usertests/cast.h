/* SPDX-License-Identifier: MIT */
/*
 * The cast of the error tests: a process in every relation to self, a page of
 * every type and owner, files and handles of every kind.
 */
#ifndef USERTESTS_CAST_H
#define USERTESTS_CAST_H

#include "snapshot.h"
#include "test.h"

/* A chain of tables with frame behind entry USED_INDEX of each. */
struct chain {
	hv_page l0, l1, l2, l3, frame;
};

enum {
	USED_INDEX = 400,	/* entry of each table of a chain that leads on */
	FREE_INDEX = 401,	/* one that is empty */
	LEAF_TABLE_INDEX = 402,	/* entry of l0, l1, l2 that holds an empty table */
};

/* The address that a chain maps. */
#define CHAIN_VA ((uintptr_t)USED_INDEX << 39 | (uintptr_t)USED_INDEX << 30 | \
		  (uintptr_t)USED_INDEX << 21 | (uintptr_t)USED_INDEX << 12)

struct cast {
	hv_pid self;
	hv_pid parent;		/* the runner */
	hv_pid embryo;		/* child, being built */
	hv_pid live;		/* child, blocked */
	hv_pid zombie;		/* child, dead */
	hv_pid unused;		/* pid of self's */
	hv_pid lent;		/* unused pid of live's */
	hv_pid grandchild;	/* embryo of live's */
	hv_pid orphan;		/* embryo of zombie's */

	struct chain own, other;	/* self's and the embryo's */
	hv_page leaf_l1, leaf_l2, leaf_l3;	/* self's empty tables, at LEAF_TABLE_INDEX */
	hv_page free, free2;	/* self's */
	hv_page lent_free;	/* live's */
	hv_page parcel;		/* self's */
	hv_page other_parcel;	/* the embryo's */
	hv_page dead_page;	/* zombie's */
	hv_page reserved;	/* a page number of nobody's */

	hv_file file;		/* unused, self's */
	hv_file lent_file;	/* unused, live's */
	hv_file dead_file;	/* unused, zombie's */
	hv_file endpoint_file, inode_file;

	hv_handle endpoint;	/* every right */
	hv_handle endpoint2;	/* of another file; every right */
	hv_handle receiver;	/* of endpoint; read only */
	hv_handle sender;	/* of endpoint; write only */
	hv_handle inode;
	hv_handle console;	/* every right that self has, or HV_NONE */
	hv_handle console_reader, console_writer;	/* one right each, or HV_NONE */
	hv_handle empty, empty2;	/* nothing there */
};

void cast_make(struct cast *cast);
/* What a failed call could have changed. */
struct snapshot_scope cast_scope(const struct cast *cast);

#endif
