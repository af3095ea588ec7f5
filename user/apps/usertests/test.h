/* SPDX-License-Identifier: MIT */
/*
 * How a test is written. Each TEST runs in a child of its own, which may
 * crash, corrupt itself or leave things behind; its first failed CHECK ends
 * it. The runner (main.c) takes everything back and compares what it holds.
 */
#ifndef USERTESTS_TEST_H
#define USERTESTS_TEST_H

#include <hv8/libos.h>

/* ---- tests ------------------------------------------------------------------ */

enum test_kind {
	TEST_USUAL,
	TEST_WITH_MUCH,		/* its process is given more pages and pids */
	TEST_WHEN_ASKED,	/* runs only if named: needs a person or a script */
};

struct test {
	const char *name;
	void (*run)(void);
	enum test_kind kind;
};

#define TEST_KIND(name, kind)							\
	static void test_##name(void);						\
	static const struct test entry_##name					\
		__attribute__((used, no_reorder, section("usertests"))) =		\
			{ #name, test_##name, kind };					\
	static void test_##name(void)
#define TEST(name) TEST_KIND(name, TEST_USUAL)
#define TEST_BIG(name) TEST_KIND(name, TEST_WITH_MUCH)
#define TEST_ASKED(name) TEST_KIND(name, TEST_WHEN_ASKED)

/* ---- checks ------------------------------------------------------------------- */

/* A place in the source, whose address is the same in every fork of the program. */
struct site {
	const char *file;
	unsigned line;
	const char *text;
};

#define SITE(text_) (__extension__({					\
	static const struct site site_ = { __FILE__, __LINE__, text_ };	\
	&site_; }))

/* The test fails here, and ends, unless the condition holds. */
#define CHECK(condition) check_true(SITE(#condition), (condition))
#define CHECK_EQ(got, expected) \
	check_equal(SITE(#got), (uint64_t)(got), (uint64_t)(expected))

/* A hypercall by name: it must return 0 / must fail with HV_<error>. */
#define DO(name, ...) check_equal(SITE("hv_" #name), (uint64_t)hv_##name(__VA_ARGS__), 0)
#define FAILS(error, name, ...) \
	check_error(SITE("hv_" #name), HV_NR_##name, HV_##error, hv_##name(__VA_ARGS__))

void check_true(const struct site *site, bool holds);
void check_equal(const struct site *site, uint64_t got, uint64_t expected);
void check_error(const struct site *site, uint64_t nr, uint64_t error, int64_t got);

/* Reports a failure and goes on; `detail` says which case of many. */
void check_report(const struct site *site, uint64_t detail, uint64_t got, uint64_t expected);
/* Ends the test as failed if check_report was called by this process. */
void check_end(void);
/* This machine lacks what the test is about. Ends the test as passed. */
_Noreturn void check_skip(const char *reason);
/* Hypercall `nr` was seen to fail with `error`, and that was checked. */
void check_met(uint64_t nr, uint64_t error);

/* ---- from a child to the runner --------------------------------------------------- */

enum report_kind { REPORT_FAIL = 1, REPORT_MET, REPORT_SKIP };

/* Word 0 of a report: the kind, and a detail above. */
enum { REPORT_KIND_BITS = 8 };

extern hv_handle report_handle;

/* Statuses with which a test's process ends, beside 0. */
enum { EXIT_FAILED = 101 };

#endif
