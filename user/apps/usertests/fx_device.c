/* SPDX-License-Identifier: MIT */
/* Device registers: owned by one, mapped once, never memory, never the kernel's. */
#include "device.h"
#include "peer.h"
#include "probe.h"

#include <hv8/clock.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PERIPH_ID = 0xfe0,	/* PL031 and PL061: the first byte of the part number */
	TTC_CONTROL = 0x00c,	/* counter control (UG1087), after a reset */
	SPARE_INDEX = 7,
};
#define SPARE_VA ((uintptr_t)0x300000000000 + (SPARE_INDEX << HV_PAGE_SHIFT))

hv_device take_device(unsigned n)
{
	hv_pid self = (hv_pid)hv_self();

	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].owner == self &&
		    (hv_devices[device].flags & HV_DEVICE_DMA) == 0 &&
		    hv_devices[device].state == HV_DEVICE_UNMAPPED && n-- == 0)
			return device;
	check_skip("not started with enough devices");
}

void devices_into(struct hv_grants *grants)
{
	hv_pid self = (hv_pid)hv_self();

	for (hv_device device = 1; device < HV_NDEVICE; device++)
		if (hv_devices[device].owner == self &&
		    hv_devices[device].state == HV_DEVICE_UNMAPPED)
			grants->devices[device / 64] |= 1UL << device % 64;
}

static hv_page make_l3(void)
{
	int64_t l3 = hv_ensure_l3(SPARE_VA);

	CHECK(l3 > 0);
	return (hv_page)l3;
}

static uint64_t leaf(void)
{
	return hv_lookup(SPARE_VA).pte;
}

/* ---- what a mapping is ------------------------------------------------------------- */

/* A triple timer counter: Zynq has no PrimeCells to give away. */
static bool is_ttc(hv_device device)
{
	struct hv_dt_node node = { 0 };
	hv_device found;

	do
		found = hv_device_find("cdns,ttc", &node);
	while (found != 0 && found != device);
	return found != 0;
}

static void check_registers(hv_device device, volatile void *registers)
{
	if (is_ttc(device))
		CHECK_EQ(hv_register_read(registers, TTC_CONTROL), 0x21);
	else
		CHECK_EQ(hv_register_read(registers, PERIPH_ID) & ~0x50U, 0x21); /* 31 or 61 */
}

TEST(device_registers_are_read)
{
	hv_device device = take_device(0);
	volatile void *registers = hv_device_open(device, 0);

	CHECK(registers != NULL);
	CHECK(hv_device_open(device, 0) == registers);
	check_registers(device, registers);
	CHECK_EQ(hv_device_close(device), 0);
	CHECK_EQ(hv_devices[device].state, HV_DEVICE_UNMAPPED);
	probe_start();
	CHECK(is_unmapped(probe_load((uintptr_t)registers)));
}

/* Every permission that there is: device memory, not executable, not global. */
TEST(device_leaf_is_device_memory)
{
	static const hv_perm perms[] = { 0, HV_PERM_W, HV_PERM_EL0, HV_PERM_W | HV_PERM_EL0 };
	hv_pid self = (hv_pid)hv_self();
	hv_device device = take_device(0);
	hv_page l3 = make_l3();

	for (unsigned i = 0; i < 4; i++) {
		uint64_t fixed = HV_PTE_DEVICE | HV_PTE_PXN | HV_PTE_UXN | 1ULL << 11;

		DO(map_device, self, l3, SPARE_INDEX, device, perms[i]);
		CHECK_EQ(leaf() & (fixed | HV_PTE_ATTR), fixed);
		CHECK_EQ(leaf() & HV_PTE_PA_MASK, hv_devices[device].pa);
		CHECK_EQ((leaf() & HV_PTE_RO) == 0, (perms[i] & HV_PERM_W) != 0);
		CHECK_EQ((leaf() & HV_PTE_EL0) != 0, (perms[i] & HV_PERM_EL0) != 0);
		DO(unmap_device, self, l3, SPARE_INDEX, device);
	}
}

TEST(device_is_neither_written_nor_run_without_right)
{
	hv_pid self = (hv_pid)hv_self();
	hv_device device = take_device(0);
	hv_page l3 = make_l3();

	probe_start();
	DO(map_device, self, l3, SPARE_INDEX, device, 0);
	CHECK_EQ(probe_load(SPARE_VA), 0);
	CHECK(is_forbidden(probe_store(SPARE_VA, 0)));
	CHECK(is_forbidden(probe_exec(SPARE_VA)));
	DO(unmap_device, self, l3, SPARE_INDEX, device);
	CHECK(is_unmapped(probe_load(SPARE_VA)));
	DO(map_device, self, l3, SPARE_INDEX, device, HV_PERM_W);
	CHECK(is_forbidden(probe_exec(SPARE_VA)));
}

/* ---- a device is no page -------------------------------------------------------------- */

TEST(device_is_no_frame)
{
	hv_pid self = (hv_pid)hv_self();
	hv_device device = take_device(0);
	hv_page l3 = make_l3(), page = take_page();
	uint64_t count = hv_page_descs[l3].count;
	hv_page as_page = (hv_devices[device].pa - hv_bootinfo->ram_base) >> HV_PAGE_SHIFT;

	DO(map_device, self, l3, SPARE_INDEX, device, HV_PERM_W);
	CHECK_EQ(hv_page_descs[l3].count, count + 1);
	FAILS(ENOENT, free_frame, self, l3, SPARE_INDEX, as_page);
	FAILS(ENOENT, unmap_frame, self, l3, SPARE_INDEX, as_page);
	FAILS(ENOENT, protect_frame, self, l3, SPARE_INDEX, as_page, HV_PERM_X);
	FAILS(EEXIST, alloc_frame, self, l3, SPARE_INDEX, page, HV_PERM_W);
	FAILS(EINVAL, copy_frame, self, l3, SPARE_INDEX + 1, page, HV_PERM_W, as_page);
	FAILS(EINVAL, alloc_frame, self, l3, SPARE_INDEX + 1, as_page, HV_PERM_W);
	FAILS(EINVAL, reclaim_page, as_page);
	CHECK_EQ(hv_page_descs[l3].count, count + 1);
}

/* Nor the table that maps it, while it does. */
TEST(table_of_a_device_is_in_use)
{
	hv_pid self = (hv_pid)hv_self();
	hv_device device = take_device(0);
	hv_page l3 = make_l3();
	hv_page l2 = (((volatile uint64_t *)HV_TABLES_L1)[SPARE_VA >> 30] & HV_PTE_PA_MASK) -
		hv_bootinfo->ram_base;

	l2 >>= HV_PAGE_SHIFT;
	DO(map_device, self, l3, SPARE_INDEX, device, 0);
	FAILS(EBUSY, free_l3, self, l2, SPARE_VA >> 21 & 511, l3);
	DO(unmap_device, self, l3, SPARE_INDEX, device);
	DO(free_l3, self, l2, SPARE_VA >> 21 & 511, l3);
}

TEST(device_is_mapped_once)
{
	hv_pid self = (hv_pid)hv_self();
	hv_device device = take_device(0), other = take_device(1);
	hv_page l3 = make_l3();

	DO(map_device, self, l3, SPARE_INDEX, device, 0);
	FAILS(EBUSY, map_device, self, l3, SPARE_INDEX + 1, device, 0);
	FAILS(EEXIST, map_device, self, l3, SPARE_INDEX, device, 0);
	FAILS(ENOENT, unmap_device, self, l3, SPARE_INDEX, other);
	DO(map_device, self, l3, SPARE_INDEX + 1, other, 0);
	FAILS(ENOENT, unmap_device, self, l3, SPARE_INDEX, other);
	DO(unmap_device, self, l3, SPARE_INDEX, device);
}

/* ---- whose it is ------------------------------------------------------------------------ */

static void try_all_devices(void *unused)
{
	hv_pid self = (hv_pid)hv_self();
	hv_page l3 = make_l3();

	(void)unused;
	CHECK_EQ(hv_procs[self].devices_count, 0);
	for (hv_device device = 1; device < HV_NDEVICE; device++) {
		if (hv_devices[device].state == HV_DEVICE_NONE)
			continue;
		if (hv_devices[device].state == HV_DEVICE_SHARED)
			FAILS(ESTATE, map_device, self, l3, SPARE_INDEX, device, 0);
		else
			FAILS(EACCES, map_device, self, l3, SPARE_INDEX, device, 0);
		FAILS(EPERM, revoke_device, device);
	}
}

TEST(device_of_another_cannot_be_had)
{
	(void)take_device(0);
	peer_join(peer_start(try_all_devices, NULL));
}

/* Maps the device it was given, and then dies of it or ends, as arg says. */
static void use_device(void *arg)
{
	hv_device device = take_device(0);
	volatile uint32_t *registers = hv_device_open(device, 0);

	CHECK(registers != NULL);
	CHECK_EQ(hv_device_open(device, HV_PERM_W) == registers, 1);
	if (arg != NULL)
		hv_wait(HV_FOREVER, HV_NONE);
}

static hv_device only_device(struct hv_grants *grants)
{
	hv_device device = take_device(0);

	grants->devices[device / 64] = 1UL << device % 64;
	return device;
}

TEST(device_left_mapped_comes_back)
{
	struct hv_grants grants = { .pages = 30, .pids = 1 };
	hv_pid self = (hv_pid)hv_self();
	hv_device device = only_device(&grants);
	uint64_t count = hv_procs[self].devices_count;
	hv_pid peer = peer_start_granted(use_device, NULL, &grants);

	CHECK_EQ(hv_procs[self].devices_count, count - 1);
	wait_until_dead(peer);
	CHECK_EQ(hv_devices[device].owner, peer);
	CHECK_EQ(hv_devices[device].state, HV_DEVICE_MAPPED);
	peer_join(peer);
	CHECK_EQ(hv_devices[device].owner, self);
	CHECK_EQ(hv_devices[device].state, HV_DEVICE_UNMAPPED);
	CHECK_EQ(hv_procs[self].devices_count, count);
	CHECK(hv_device_open(device, HV_PERM_W) != NULL);
}

TEST(device_in_use_is_not_taken)
{
	struct hv_grants grants = { .pages = 30, .pids = 1 };
	hv_device device = only_device(&grants);
	hv_pid peer = peer_start_granted(use_device, &grants, &grants);

	wait_until_blocked(peer);
	FAILS(EBUSY, revoke_device, device);
	FAILS(EACCES, grant_device, peer, device);
	DO(kill, peer, 0);
	DO(revoke_device, device);
	FAILS(EPERM, revoke_device, device);
	peer_kill(peer);
}

/* The last thing that a dead child has keeps it from being reaped. */
TEST(reap_refused_by_a_device_alone)
{
	hv_pid pid = take_pid();
	hv_page ctx = take_page(), root = take_page();
	hv_device device = take_device(0);

	DO(clone, pid, ctx, root);
	DO(grant_device, pid, device);
	DO(kill, pid, 0);
	DO(reclaim_page, ctx);
	DO(reclaim_page, root);
	FAILS(EBUSY, reap, pid);
	DO(revoke_device, device);
	DO(reap, pid);
}

/* Its table may be taken first: the device does not follow the page. */
TEST(device_outlives_its_table)
{
	hv_pid pid = raw_make(NULL), self = (hv_pid)hv_self();
	hv_device device = take_device(0);
	hv_page l1 = take_page(), l2 = take_page(), l3 = take_page();

	DO(grant_device, pid, device);
	DO(alloc_l1, pid, hv_procs[pid].root, 300, l1);
	DO(alloc_l2, pid, l1, 0, l2);
	DO(alloc_l3, pid, l2, 0, l3);
	DO(map_device, pid, l3, 0, device, HV_PERM_W);
	DO(kill, pid, 0);
	DO(reclaim_page, l3);
	CHECK_EQ(hv_devices[device].state, HV_DEVICE_MAPPED);
	FAILS(EACCES, map_device, self, make_l3(), SPARE_INDEX, device, 0);
	DO(revoke_device, device);
	DO(map_device, self, make_l3(), SPARE_INDEX, device, 0);
	raw_discard(pid);
}

/* ---- fork and exec ------------------------------------------------------------------------ */

static void touch(void *registers)
{
	probe_start();
	CHECK(is_unmapped(probe_load((uintptr_t)registers)));
	CHECK_EQ(hv_procs[hv_self()].devices_count, 0);
}

TEST(fork_copies_no_device)
{
	hv_device device = take_device(0);
	volatile void *registers = hv_device_open(device, 0);

	CHECK(registers != NULL);
	CHECK_EQ(hv_map(SPARE_VA, HV_PERM_W), 0);	/* fork looks everywhere now */
	peer_join(peer_start(touch, (void *)(uintptr_t)registers));
	check_registers(device, registers);
}

enum { ENDPOINT = 3 };	/* of a server, by what it is started with */

/* It is mapped before exec, and the clock's server finds it where it is. */
static void exec_clockd(const int ends[2])
{
	char *argv[] = { (char[]){ "clockd" }, (char[]){ "1" }, NULL };
	struct hv_dt_node node = { 0 };

	CHECK(hv_device_open(hv_device_find("arm,pl031", &node), HV_PERM_W) != NULL);
	close(ends[1]);
	dup2(ends[0], ENDPOINT);
	execv(argv[0], argv);
	_exit(99);
}

TEST(exec_keeps_devices)
{
	struct hv_grants grants = { .pages = 60, .pids = 2, .files = 4 };
	struct hv_dt_node node = { 0 };
	struct hv_msg reply;
	int ends[2], status;
	pid_t pid;

	(void)take_device(1);
	if (hv_device_find("arm,pl031", &node) == 0)
		check_skip("this machine has not the clock");
	devices_into(&grants);
	CHECK_EQ(pipe(ends), 0);
	pid = hv_fork_attr(&grants);
	if (pid == 0)
		exec_clockd(ends);
	close(ends[0]);
	reply = hv_call_msg((hv_handle)ends[1], HV_FOREVER, 0, HV_NONE, HV_CLOCK_GET, 0, 0, 0);
	CHECK_EQ(reply.result, 0);
	CHECK_EQ(reply.w[0], 0);
	CHECK(reply.w[1] > 1600000000);
	close(ends[1]);		/* that ends it */
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* ---- which there are -------------------------------------------------------------------- */

static bool is_the_kernels(const struct hv_dt_node *node)
{
	static const char *const names[] = { "arm,gic-v3", "arm,cortex-a15-gic", "arm,gic-400",
					     "arm,gic-v3-its", "arm,gic-v2m-frame" };
	uint64_t bytes;
	const char *type = (const char *)hv_dt_property(node, "device_type", &bytes);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (hv_dt_is_compatible(node, names[i]))
			return true;
	return type != NULL && strcmp(type, "memory") == 0;
}

TEST(devices_are_not_the_kernels)
{
	struct hv_dt_node node = { 0 };
	unsigned kernels = 0;

	while (hv_dt_next(&node)) {
		if (!is_the_kernels(&node))
			continue;
		kernels++;
		for (hv_device device = 1; device < HV_NDEVICE; device++)
			CHECK(hv_devices[device].state == HV_DEVICE_NONE ||
			      hv_devices[device].state == HV_DEVICE_SHARED ||
			      hv_devices[device].pa - node.address >= node.size);
	}
	CHECK(kernels >= 2);
	for (hv_device device = 1; device < HV_NDEVICE; device++)
		CHECK(hv_devices[device].state == HV_DEVICE_NONE ||
		      hv_devices[device].pa - hv_bootinfo->ram_base >=
			      (uint64_t)HV_NPAGE * HV_PAGE_SIZE);
}
