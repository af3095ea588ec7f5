/* SPDX-License-Identifier: MIT */
/*
 * el0demo: a process as a small kernel of its own. It runs functions at EL0,
 * in its own address space, that can neither touch its memory nor call the
 * kernel, and serves their requests; the kernel takes no part in it.
 */
#include "sandbox.h"

#include <hv8/app.h>
#include <hv8/libos.h>

#include <inttypes.h>

static uint64_t secret = 42;

static int check(bool good)
{
	printf(good ? "" : "  WRONG\n");
	return good ? 0 : 1;
}

static int run_sum(void)
{
	int64_t sum = hv_el0_run(sandbox_sum, sandbox_sum_end, (void *)100, NULL);

	printf("the sum of 1 to 100, worked out at EL0, is %" PRId64 "\n", sum);
	return check(sum == 5050);
}

/* Runs what must not work. */
static int expect_trap(const char *what, void (*fn)(void *), const void *end, void *arg)
{
	struct hv_el0_exit how;
	char words[120];
	int64_t result = hv_el0_run(fn, end, arg, &how);

	if (result != -HV_EFAULT) {
		printf("%s: was NOT caught (%" PRId64 ")\n", what, result);
		return 1;
	}
	printf("%s: caught: %s\n", what, hv_describe_esr(how.esr, words, sizeof(words)));
	return check(secret == 42);
}

static int expect_traps(void)
{
	return expect_trap("reads memory of its host", sandbox_read, sandbox_read_end, &secret) +
	       expect_trap("writes memory of its host", sandbox_write, sandbox_write_end, &secret) +
	       expect_trap("reads the kernel's tables", sandbox_read, sandbox_read_end,
			   (void *)HV_VIEW_PROCS) +
	       expect_trap("reads address 0", sandbox_read, sandbox_read_end, NULL) +
	       expect_trap("jumps into its host", sandbox_jump, sandbox_jump_end,
			   (void *)(uintptr_t)run_sum) +
	       expect_trap("writes its own code", sandbox_own_code, sandbox_own_code_end, NULL) +
	       expect_trap("calls the kernel", sandbox_hypercall, sandbox_hypercall_end, NULL) +
	       expect_trap("reads TTBR0_EL1", sandbox_register, sandbox_register_end, NULL);
}

/* Answers one request; false at the end of the talk. */
static bool serve(struct hv_el0 *el0, const struct hv_el0_exit *how, uint64_t *answer)
{
	uint64_t op = how->frame.x[0], arg = how->frame.x[1];

	if (how->kind != HV_EXC_SVC)
		return false;
	switch (op) {
	case SANDBOX_PUT:
		putchar((int)arg);
		el0->frame.x[0] = 0;
		return true;
	case SANDBOX_DOUBLE:
		el0->frame.x[0] = 2 * arg;
		return true;
	default:
		*answer = arg;
		return false;
	}
}

static int talk(void)
{
	struct hv_el0 el0 = { 0 };
	struct hv_el0_exit how;
	uint64_t answer = 0;
	size_t size = (size_t)(sandbox_talk_end - (const char *)(uintptr_t)sandbox_talk);
	int64_t error =
		hv_el0_create(&el0, (const void *)(uintptr_t)sandbox_talk, size, HV_PAGE_SIZE);

	if (error < 0) {
		fprintf(stderr, "el0demo: no sandbox: %s\n", hv_strerror(error));
		return 1;
	}
	printf("system calls to the host, which is the kernel here: \"");
	do
		hv_el0_enter(&el0, &how);
	while (serve(&el0, &how, &answer));
	printf("\", twice 21 is %" PRIu64 "\n", answer);
	hv_el0_destroy(&el0);
	return check(answer == 42);
}

int main(int argc, char **argv)
{
	int wrong;

	(void)argv;
	if (argc > 1)
		app_usage("el0demo");
	wrong = run_sum() + expect_traps() + talk();
	printf(wrong == 0 ? "el0demo: all as expected\n" : "el0demo: WRONG\n");
	return app_finish(wrong != 0);
}
