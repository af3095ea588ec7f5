/* SPDX-License-Identifier: MIT */
/* Digests of what the kernel shows, to find out whether a call changed anything. */
#ifndef USERTESTS_SNAPSHOT_H
#define USERTESTS_SNAPSHOT_H

#include "test.h"

enum { SNAPSHOT_PAGES = 32, SNAPSHOT_TABLES = 4 };

/* Where the digests of a snapshot begin: word n of it is process n, ... */
enum {
	SNAPSHOT_PROC = 0,
	SNAPSHOT_HANDLES = SNAPSHOT_PROC + HV_NPROC,
	SNAPSHOT_FILE = SNAPSHOT_HANDLES + HV_NPROC,
	SNAPSHOT_IRQ = SNAPSHOT_FILE + HV_NFILE,
	SNAPSHOT_DEVICE = SNAPSHOT_IRQ + HV_NIRQ,
	SNAPSHOT_PAGE = SNAPSHOT_DEVICE + HV_NDEVICE,
	SNAPSHOT_TABLE = SNAPSHOT_PAGE + SNAPSHOT_PAGES,
	SNAPSHOT_WORDS = SNAPSHOT_TABLE + SNAPSHOT_TABLES,
};

/* Pages and own tables (as words) to look at, beside every process, file and line. */
struct snapshot_scope {
	hv_page pages[SNAPSHOT_PAGES];	/* 0: none */
	const volatile uint64_t *tables[SNAPSHOT_TABLES];	/* NULL: none */
};

struct snapshot {
	uint64_t digest[SNAPSHOT_WORDS];
};

void snapshot_take(const struct snapshot_scope *scope, struct snapshot *out);
/* The first digest that differs, or -1. */
int snapshot_compare(const struct snapshot *a, const struct snapshot *b);

/* One digest of all page descriptors of the machine. */
uint64_t snapshot_page_descs(void);

#endif
