/* SPDX-License-Identifier: MIT */
/* Errors of the device group, in their order. */
#include "device.h"
#include "errors.h"

enum { OTHER_INDEX = FREE_INDEX + 5 };

/* As in err_memory.c: process, level-3 table, index. */
#define BAD_ENTRY(c)								\
	BAD_PID(1, 0), NOT_BUILDABLE(2, 0, c), NO_PAGE(3, 1, (c).own.l3),		\
	{ 3, HV_EINVAL, 1, (c).own.l2 }, { 3, HV_EINVAL, 1, (c).own.l0 },		\
	{ 3, HV_EINVAL, 1, (c).free }, { 3, HV_EINVAL, 1, (c).parcel },		\
	{ 3, HV_EINVAL, 1, (c).own.frame }, { 3, HV_EINVAL, 1, (c).reserved },	\
	{ 4, HV_EACCES, 1, (c).other.l3 }, BAD_INDEX(5, 2, 512)

/* Numbers of no device, in argument `arg`. */
#define NO_DEVICE(check, arg, device)						\
	{ check, HV_EINVAL, arg, 0 }, { check, HV_EINVAL, arg, HV_NDEVICE - 1 },	\
	{ check, HV_EINVAL, arg, HV_NDEVICE }, { check, HV_EINVAL, arg, ~0ULL },	\
	{ check, HV_EINVAL, arg, 1ULL << 58 | (device) }

struct devices {
	hv_device own, lent;	/* self's; live's */
};

static struct devices lend(const struct cast *c)
{
	struct devices d = { take_device(0), take_device(1) };

	DO(grant_device, c->live, d.lent);
	return d;
}

TEST(errors_map_device)
{
	struct cast c;

	cast_make(&c);
	struct devices d = lend(&c);
	const struct vector good = { HV_NR_map_device,
				     { c.self, c.own.l3, FREE_INDEX, d.own, HV_PERM_W } };
	const struct vector again = { HV_NR_map_device,
				      { c.self, c.own.l3, OTHER_INDEX, d.own, HV_PERM_W } };
	const struct violation bad[] = {
		BAD_ENTRY(c), BAD_PERM(6, 4), { 6, HV_EINVAL, 4, HV_PERM_X },
		{ 6, HV_EINVAL, 4, HV_PERM_EL0X | HV_PERM_W }, { 6, HV_EINVAL, 4, HV_PERM_ALL },
		{ 7, HV_EEXIST, 2, USED_INDEX }, NO_DEVICE(8, 3, d.own),
		{ 9, HV_EACCES, 3, d.lent },
	};
	const struct violation busy[] = { { 10, HV_EBUSY, 0, c.self } };

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_devices[d.own].state, HV_DEVICE_MAPPED);
	ERRORS(&c, &again, busy);
}

TEST(errors_unmap_device)
{
	struct cast c;

	cast_make(&c);
	struct devices d = lend(&c);
	const struct vector good = { HV_NR_unmap_device,
				     { c.self, c.own.l3, FREE_INDEX, d.own } };
	const struct violation bad[] = {
		BAD_ENTRY(c), { 6, HV_ENOENT, 2, OTHER_INDEX }, { 6, HV_ENOENT, 2, USED_INDEX },
		{ 6, HV_ENOENT, 3, d.lent }, { 6, HV_ENOENT, 3, 0 },
		{ 6, HV_ENOENT, 3, HV_NDEVICE }, { 6, HV_ENOENT, 3, HV_NDEVICE - 1 },
		{ 6, HV_ENOENT, 3, 1ULL << 58 | d.own }, { 6, HV_ENOENT, 3, ~0ULL },
	};

	DO(map_device, c.self, c.own.l3, FREE_INDEX, d.own, 0);
	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_devices[d.own].state, HV_DEVICE_UNMAPPED);
	FAILS(ENOENT, unmap_device, c.self, c.own.l3, FREE_INDEX, d.own);
}

TEST(errors_grant_device)
{
	struct cast c;

	cast_make(&c);
	struct devices d = lend(&c);
	const struct vector good = { HV_NR_grant_device, { c.live, d.own } };
	const struct violation bad[] = {
		BAD_PID(1, 0),
		{ 2, HV_EPERM, 0, c.self },	  { 2, HV_EPERM, 0, c.parent },
		{ 2, HV_EPERM, 0, c.grandchild }, { 2, HV_EPERM, 0, c.orphan },
		{ 3, HV_ESTATE, 0, c.unused },	  { 3, HV_ESTATE, 0, c.zombie },
		NO_DEVICE(4, 1, d.own),		  { 5, HV_EACCES, 1, d.lent },
	};
	const struct violation busy[] = { { 6, HV_EBUSY, 0, c.live } };

	ERRORS(&c, &good, bad);
	DO(map_device, c.self, c.own.l3, FREE_INDEX, d.own, 0);
	ERRORS(&c, &good, busy);
	DO(unmap_device, c.self, c.own.l3, FREE_INDEX, d.own);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_devices[d.own].owner, c.live);
}

TEST(errors_revoke_device)
{
	struct cast c;

	cast_make(&c);
	struct devices d = lend(&c);
	const struct vector good = { HV_NR_revoke_device, { d.lent } };
	const struct vector of_embryo = { HV_NR_revoke_device, { d.own } };
	const struct violation bad[] = {
		NO_DEVICE(1, 0, d.own), { 2, HV_EPERM, 0, d.own },
	};
	const struct violation busy[] = { { 3, HV_EBUSY, 0, d.own } };

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), 0);
	CHECK_EQ(hv_devices[d.lent].owner, c.self);
	DO(grant_device, c.embryo, d.own);
	DO(map_device, c.embryo, c.other.l3, FREE_INDEX, d.own, 0);
	ERRORS(&c, &of_embryo, busy);
	DO(kill, c.embryo, 0);
	CHECK_EQ(vector_do(&of_embryo), 0);
	CHECK_EQ(hv_devices[d.own].owner, c.self);
	CHECK_EQ(hv_devices[d.own].state, HV_DEVICE_UNMAPPED);
}
