/* SPDX-License-Identifier: MIT */
/* What the libos promises to programs, as far as the kernel's ground allows. */
#include "insn.h"
#include "peer.h"
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(fork_returns_twice)
{
	int status;
	volatile int value = 1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		value = 2;
		_exit(getpid() == (pid_t)hv_self() && value == 2 ? 42 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
	CHECK_EQ(value, 1);
	CHECK_EQ(waitpid(pid, &status, 0), -1);
	CHECK_EQ(errno, ECHILD);
}

TEST(fork_copies_memory)
{
	enum { WORDS = 20000 };
	uint64_t *heap = malloc(WORDS * sizeof(*heap));
	int status;
	pid_t pid;

	CHECK(heap != NULL);
	for (unsigned i = 0; i < WORDS; i++)
		heap[i] = i * 3;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (unsigned i = 0; i < WORDS; i++) {
			if (heap[i] != i * 3)
				_exit(1);
			heap[i] = 0;
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	for (unsigned i = 0; i < WORDS; i++)
		CHECK_EQ(heap[i], i * 3);
	free(heap);
}

TEST(pipe_carries_bytes_to_the_end)
{
	enum { BYTES = 20000 };
	static char data[BYTES], back[BYTES];
	size_t length = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	for (unsigned i = 0; i < BYTES; i++)
		data[i] = (char)(i * 7);
	CHECK_EQ(pipe(ends), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		for (size_t sent = 0; sent < BYTES; sent += 1000)
			if (write(ends[1], data + sent, 1000) != 1000)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], back + length, BYTES - length)) > 0)
		length += (size_t)n;
	CHECK_EQ(n, 0);
	CHECK_EQ(length, BYTES);
	CHECK(memcmp(data, back, BYTES) == 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(dup2_makes_a_second_name)
{
	int ends[2];
	char byte = 0;

	CHECK_EQ(pipe(ends), 0);
	if (fork() == 0) {
		CHECK_EQ(dup2(ends[1], 30), 30);
		close(ends[0]);
		close(ends[1]);
		_exit(write(30, "x", 1) == 1 ? 0 : 1);
	}
	close(ends[1]);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	wait(NULL);
}

TEST(exec_runs_another_program)
{
	char name[] = "true", name_false[] = "false";
	char *argv[] = { name, NULL }, *argv_false[] = { name_false, NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv("true", argv);
		_exit(99);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	pid = fork();
	if (pid == 0) {
		execv("false", argv_false);
		_exit(99);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 1);
}

TEST(exec_of_nothing_fails)
{
	char name[] = "no-such-program";
	char *argv[] = { name, NULL };

	CHECK_EQ(execv(name, argv), -1);
	CHECK_EQ(errno, ENOENT);
}

TEST(spawn_runs_another_program)
{
	char name[] = "false";
	char *argv[] = { name, NULL };
	int status;
	pid_t pid = hv_spawn(name, argv, NULL, NULL, 0, NULL);

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 1);
}

TEST(sbrk_grows_and_shrinks)
{
	char *start = sbrk(0), *end;

	CHECK(sbrk(100000) == start);
	end = sbrk(0);
	CHECK_EQ(end - start, 100000);
	memset(start, 0x5a, 100000);
	CHECK(start[99999] == 0x5a);
	CHECK(sbrk(-100000) == end);
	CHECK(sbrk(0) == start);
}

TEST(malloc_many_sizes)
{
	enum { COUNT = 200 };
	static unsigned char *block[COUNT];

	for (unsigned i = 0; i < COUNT; i++) {
		block[i] = malloc(i * i + 1);
		CHECK(block[i] != NULL);
		memset(block[i], (int)i, i * i + 1);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		CHECK_EQ(block[i][0], i & 255);
		CHECK_EQ(block[i][i * i], i & 255);
		free(block[i]);
	}
}

/* ---- the stack --------------------------------------------------------------------------- */

static __attribute__((noinline)) uint64_t dig(unsigned depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	room[4095] = 1;
	return depth == 0 ? 0 : dig(depth - 1) + (uint64_t)room[4095] + (uint64_t)(room[0] & 0);
}

TEST(stack_grows_on_demand)
{
	CHECK_EQ(dig(150), 150);
}

static void overflow(void *unused)
{
	(void)unused;
	close(STDERR_FILENO);
	dig(1000000);
}

TEST(stack_overflow_is_detected)
{
	struct hv_exit end = peer_run(overflow, NULL);

	CHECK(WIFSIGNALED(end.status));
	CHECK(!end.by_kernel);
}

/* ---- own exceptions -------------------------------------------------------------------------- */

static volatile unsigned handled_count;

static enum hv_handled step_over(struct hv_frame *frame, void *arg)
{
	handled_count++;
	frame->x[0] = (uintptr_t)arg;
	frame->elr += 4;
	return HV_HANDLED;
}

TEST(handler_gets_breakpoints)
{
	register uint64_t x0 __asm__("x0") = 1;

	hv_on_exception(HV_EXC_BRK, step_over, (void *)0x77);
	__asm__ volatile("brk #3" : "+r"(x0));
	CHECK_EQ(x0, 0x77);
	CHECK_EQ(handled_count, 1);
}

static enum hv_handled open_page(struct hv_frame *frame, void *arg)
{
	(void)arg;
	handled_count++;
	return hv_protect(HV_PAGE_OF(frame->far), HV_PERM_W) == 0 ? HV_HANDLED : HV_NOT_HANDLED;
}

/* Appel and Li: protect, trap, unprotect. */
TEST(handler_changes_protection)
{
	enum { PAGES = 20 };
	char *area = hv_mmap(PAGES * HV_PAGE_SIZE, HV_PERM_W);

	CHECK(area != NULL);
	hv_on_exception(HV_EXC_DATA_ABORT, open_page, NULL);
	for (unsigned i = 0; i < PAGES; i++) {
		area[i * HV_PAGE_SIZE] = 1;
		CHECK_EQ(hv_protect((uintptr_t)area + i * HV_PAGE_SIZE, 0), 0);
	}
	handled_count = 0;
	for (unsigned i = 0; i < PAGES; i++)
		area[i * HV_PAGE_SIZE]++;
	CHECK_EQ(handled_count, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK_EQ(area[i * HV_PAGE_SIZE], 2);
}

/* An own fault that needs no change of tables costs no entry to the kernel. */
TEST(own_fault_needs_no_kernel)
{
	uint64_t switches = switches_so_far(), pages = hv_procs[hv_self()].pages_count;

	probe_start();
	for (int i = 0; i < 100; i++)
		CHECK(is_unmapped(probe_load(0x123450000)));
	CHECK_EQ(hv_procs[hv_self()].pages_count, pages);
	CHECK(switches_so_far() - switches < 50);
}

/* ---- the EL0 sandbox ------------------------------------------------------------------------- */

extern const char sandbox_add[], sandbox_peek[], sandbox_hvc[], sandbox_end[];

TEST(sandbox_computes)
{
	struct hv_el0_exit end;

	CHECK_EQ(hv_el0_run((void (*)(void *))(uintptr_t)sandbox_add, sandbox_peek, (void *)40,
			    &end), 42);
	CHECK_EQ(end.kind, HV_EXC_SVC);
}

TEST(sandbox_cannot_read_its_host)
{
	struct hv_el0_exit end;

	CHECK_EQ(hv_el0_run((void (*)(void *))(uintptr_t)sandbox_peek, sandbox_hvc, &end, &end),
		 -HV_EFAULT);
	CHECK_EQ(end.kind, HV_EXC_DATA_ABORT);
	CHECK_EQ(end.far, (uintptr_t)&end);
}

TEST(sandbox_cannot_hvc)
{
	struct hv_el0_exit end;

	CHECK_EQ(hv_el0_run((void (*)(void *))(uintptr_t)sandbox_hvc, sandbox_end, NULL, &end),
		 -HV_EFAULT);
	CHECK_EQ(end.kind, HV_EXC_OTHER);
}
