/* SPDX-License-Identifier: MIT */
/* Errors of the handle group, in their order. */
#include "errors.h"
#include "peer.h"

TEST(errors_create)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_create, { c.empty, c.file, HV_FILE_ENDPOINT, 7 } };
	const struct violation bad[] = {
		BAD_SLOT(1, 0),
		{ 2, HV_EEXIST, 0, c.endpoint },
		{ 3, HV_EINVAL, 1, 0 },		 { 3, HV_EINVAL, 1, HV_NFILE },
		{ 3, HV_EINVAL, 1, ~0ULL },	 { 3, HV_EINVAL, 1, 1ULL << 57 | c.file },
		{ 4, HV_EACCES, 1, c.lent_file }, { 4, HV_EACCES, 1, c.dead_file },
		{ 4, HV_EACCES, 1, HV_FILE_CONSOLE_INDEX },
		{ 4, HV_EACCES, 1, HV_FILE_POWER_INDEX },
		{ 5, HV_EBUSY, 1, c.endpoint_file }, { 5, HV_EBUSY, 1, c.inode_file },
		{ 6, HV_EINVAL, 2, HV_FILE_NONE },   { 6, HV_EINVAL, 2, HV_FILE_CONSOLE },
		{ 6, HV_EINVAL, 2, HV_FILE_POWER },  { 6, HV_EINVAL, 2, 5 },
		{ 6, HV_EINVAL, 2, ~0ULL },
		{ 6, HV_EINVAL, 2, 1ULL << 32 | HV_FILE_INODE },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_handles[c.self][c.empty].file, c.file);
}

TEST(errors_close)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_close, { c.self, c.inode } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.parent },	  { 2, HV_EPERM, 0, c.live },
		{ 2, HV_EPERM, 0, c.unused },	  { 2, HV_EPERM, 0, c.lent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 2, HV_EPERM, 0, HV_INIT_PID },
		BAD_HANDLE(3, 1, c),
	};

	ERRORS(&c, &good, bad);
	FAILS(EBADF, close, c.embryo, c.empty);
	FAILS(EBADF, close, c.zombie, c.empty);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_files[c.inode_file].type, HV_FILE_NONE);
}

TEST(errors_dup)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_dup, { c.sender, c.empty, HV_RIGHT_WRITE } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, c), BAD_SLOT(2, 1),
		{ 3, HV_EEXIST, 1, c.inode },	    { 3, HV_EEXIST, 1, c.sender },
		{ 4, HV_EINVAL, 2, 0 },		    { 4, HV_EINVAL, 2, HV_RIGHT_ALL + 1 },
		{ 4, HV_EINVAL, 2, ~0ULL },	    { 4, HV_EINVAL, 2, 1ULL << 32 | 2 },
		{ 5, HV_EPERM, 2, HV_RIGHT_READ },  { 5, HV_EPERM, 2, HV_RIGHT_ALL },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_handles[c.self][c.empty].rights, HV_RIGHT_WRITE);
}

TEST(errors_dup2)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_dup2, { c.sender, c.inode } };
	const struct violation bad[] = { BAD_HANDLE(1, 0, c), BAD_SLOT(2, 1) };

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_handles[c.self][c.inode].file, c.endpoint_file);
}

TEST(errors_seek)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_seek, { c.inode, 99 } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, c),
		{ 2, HV_EINVAL, 0, c.endpoint },
		{ 2, HV_EINVAL, 0, c.sender },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_files[c.inode_file].offset, 99);
}

TEST(errors_transfer)
{
	struct cast c;
	enum { TAKEN = 5, OPEN = 6 };

	cast_make(&c);
	DO(transfer, c.embryo, c.inode, TAKEN, HV_RIGHT_READ);
	const struct vector good = { HV_NR_transfer, { c.embryo, c.sender, OPEN, HV_RIGHT_WRITE } };
	const struct violation bad[] = {
		BAD_PID(1, 0), NOT_EMBRYO(2, 0, c), BAD_HANDLE(3, 1, c), BAD_SLOT(4, 2),
		{ 5, HV_EEXIST, 2, TAKEN },
		{ 6, HV_EINVAL, 3, 0 },		   { 6, HV_EINVAL, 3, HV_RIGHT_ALL + 1 },
		{ 6, HV_EINVAL, 3, ~0ULL },	   { 7, HV_EPERM, 3, HV_RIGHT_READ },
		{ 7, HV_EPERM, 3, HV_RIGHT_ALL },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_handles[c.embryo][OPEN].file, c.endpoint_file);
}

TEST(errors_grant_file)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_grant_file, { c.live, c.file } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 3, HV_ESTATE, 0, c.unused },	  { 3, HV_ESTATE, 0, c.zombie },
		{ 4, HV_EINVAL, 1, 0 },		  { 4, HV_EINVAL, 1, HV_NFILE },
		{ 4, HV_EINVAL, 1, ~0ULL },	  { 4, HV_EINVAL, 1, 1ULL << 57 | c.file },
		{ 5, HV_EACCES, 1, c.lent_file }, { 5, HV_EACCES, 1, HV_FILE_CONSOLE_INDEX },
		{ 6, HV_EBUSY, 1, c.endpoint_file }, { 6, HV_EBUSY, 1, c.inode_file },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_files[c.file].owner, c.live);
}

/* A peer that makes an endpoint in a file object of its own and goes to sleep. */
static void endpoint_owner(void *unused)
{
	(void)unused;
	CHECK(hv_endpoint_new(0) >= 0);
	hv_wait(HV_FOREVER, HV_NONE);
}

static hv_file file_in_use_of(hv_pid owner)
{
	for (hv_file file = 1; file < HV_NFILE; file++)
		if (hv_files[file].owner == owner && hv_files[file].type != HV_FILE_NONE)
			return file;
	return 0;
}

TEST(errors_revoke_file)
{
	struct cast c;
	hv_file busy;
	hv_pid peer;

	cast_make(&c);
	peer = peer_start(endpoint_owner, NULL);
	wait_until_blocked(peer);
	busy = file_in_use_of(peer);
	CHECK(busy != 0);
	const struct vector good = { HV_NR_revoke_file, { c.lent_file } };
	const struct violation bad[] = {
		{ 1, HV_EINVAL, 0, 0 },		 { 1, HV_EINVAL, 0, HV_NFILE },
		{ 1, HV_EINVAL, 0, ~0ULL },	 { 1, HV_EINVAL, 0, 1ULL << 57 | c.file },
		{ 2, HV_EPERM, 0, c.file },	 { 2, HV_EPERM, 0, c.endpoint_file },
		{ 2, HV_EPERM, 0, HV_FILE_CONSOLE_INDEX },
		{ 2, HV_EPERM, 0, HV_FILE_POWER_INDEX }, { 3, HV_EBUSY, 0, busy },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_files[c.lent_file].owner, c.self);
	DO(kill, peer, 0);
	DO(revoke_file, busy);
	CHECK_EQ(hv_files[busy].owner, c.self);
	CHECK_EQ(hv_files[busy].type, HV_FILE_ENDPOINT);
}

TEST(errors_set_recv_slot)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { HV_NR_set_recv_slot, { c.empty } };
	const struct violation bad[] = {
		{ 1, HV_EBADF, 0, HV_NHANDLE },	 { 1, HV_EBADF, 0, HV_NONE - 1 },
		{ 1, HV_EBADF, 0, 1ULL << 32 }, { 2, HV_EEXIST, 0, c.endpoint },
		{ 2, HV_EEXIST, 0, report_handle },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_procs[c.self].recv_slot, c.empty);
	DO(set_recv_slot, HV_NONE);
	CHECK_EQ(hv_procs[c.self].recv_slot, HV_NONE);
}
