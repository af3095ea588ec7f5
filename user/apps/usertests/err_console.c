/* SPDX-License-Identifier: MIT */
/* Errors of the console and power group and of wait, in their order. */
#include "errors.h"
#include "peer.h"

#include <unistd.h>

/* Like BAD_HANDLE, but HV_NONE is allowed. */
#define BAD_OPTIONAL_HANDLE(check, arg, c)					\
	{ check, HV_EBADF, arg, HV_NHANDLE }, { check, HV_EBADF, arg, HV_NONE - 1 },	\
	{ check, HV_EBADF, arg, 1ULL << 60 }, { check, HV_EBADF, arg, (c).empty }

static void need_console(const struct cast *c)
{
	if (c->console == HV_NONE)
		check_skip("no handle of the console");
}

TEST(errors_console_write)
{
	struct cast c;

	cast_make(&c);
	need_console(&c);
	const struct vector good = { HV_NR_console_write, { c.console_reader, 'x' } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, c),
		{ 2, HV_EINVAL, 0, c.endpoint },
		{ 2, HV_EINVAL, 0, c.inode },
		{ 3, HV_EPERM, 1, 'y' },
	};

	ERRORS(&c, &good, bad);
}

TEST(errors_console_read)
{
	struct cast c;

	cast_make(&c);
	need_console(&c);
	const struct vector good = { HV_NR_console_read, { c.console_writer, HV_NOWAIT } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, c),
		{ 2, HV_EINVAL, 0, c.endpoint },
		{ 2, HV_EINVAL, 0, c.inode },
		{ 3, HV_EPERM, 1, HV_NOWAIT },
	};

	ERRORS(&c, &good, bad);
}

static void power_errors(uint64_t nr)
{
	struct cast c;

	cast_make(&c);
	const struct vector good = { nr, { c.endpoint } };
	const struct violation bad[] = {
		BAD_HANDLE(1, 0, c),
		{ 2, HV_EINVAL, 0, c.endpoint },
		{ 2, HV_EINVAL, 0, c.inode },
	};

	ERRORS(&c, &good, bad);
}

TEST(errors_power_off)
{
	power_errors(HV_NR_power_off);
}

TEST(errors_reset)
{
	power_errors(HV_NR_reset);
}

/* No process that init started holds the right to switch the machine off. */
TEST(power_is_out_of_reach)
{
	hv_pid self = (hv_pid)hv_self();

	for (hv_handle h = 0; h < HV_NHANDLE; h++) {
		hv_file file = hv_handles[self][h].file;

		CHECK(file == 0 || hv_files[file].type != HV_FILE_POWER);
		CHECK(hv_power_off(h) < 0);
		CHECK(hv_reset(h) < 0);
	}
}

TEST(errors_wait)
{
	struct cast c;

	cast_make(&c);
	need_console(&c);
	const struct vector good = { HV_NR_wait, { HV_NOWAIT, c.console } };
	const struct violation bad[] = {
		BAD_OPTIONAL_HANDLE(1, 1, c),
		{ 2, HV_EINVAL, 1, c.endpoint },
		{ 2, HV_EINVAL, 1, c.inode },
		{ 3, HV_EPERM, 1, c.console_writer },
	};

	ERRORS(&c, &good, bad);
	CHECK_EQ(vector_do(&good), c.zombie);
}

TEST(errors_wait_nobody)
{
	enum { SHORT_US = 20000 };
	hv_time deadline = hv_deadline_us(SHORT_US);

	FAILS(EAGAIN, wait, HV_NOWAIT, HV_NONE);
	FAILS(ETIMEDOUT, wait, deadline, HV_NONE);
	CHECK(hv_now() >= deadline);
	FAILS(EAGAIN, wait, HV_NOWAIT, HV_NONE);
}

/* By then self is blocked, nearly always. */
static void die_later(void *status)
{
	hv_sleep_until(hv_deadline_us(50000));
	hv_kill((hv_pid)hv_self(), (uintptr_t)status);
}

TEST(errors_wait_interrupted)
{
	hv_pid child;
	int64_t got;
	int tries = 0;

	do {
		child = peer_start(die_later, (void *)5);
		got = hv_wait(HV_FOREVER, HV_NONE);
		CHECK(got == -HV_EINTR || got == (int64_t)child);
		CHECK_EQ(hv_wait(HV_NOWAIT, HV_NONE), child);
		CHECK_EQ(hv_wait(HV_FOREVER, HV_NONE), child);
		CHECK_EQ(raw_wait(child).status, 5);
		FAILS(EAGAIN, wait, HV_NOWAIT, HV_NONE);
		CHECK(++tries < 50);
	} while (got != -HV_EINTR);
	check_met(HV_NR_wait, HV_EINTR);
}

/* ---- with a person, or a script, at the keyboard ------------------------------------ */

enum { PATIENCE_US = 20000000, A_WHILE_US = 20000 };

static hv_handle console_of(void)
{
	static struct cast c;

	cast_make(&c);
	need_console(&c);
	return c.console;
}

static void block_in_read(void *console)
{
	hv_console_read((uintptr_t)console, HV_FOREVER);
}

/* Nothing may have been typed: it would be eaten here. */
TEST_ASKED(asked_nothing_typed)
{
	hv_handle console = console_of();
	hv_time deadline = hv_deadline_us(A_WHILE_US);
	hv_pid reader;

	FAILS(EAGAIN, console_read, console, HV_NOWAIT);
	FAILS(ETIMEDOUT, console_read, console, deadline);
	CHECK(hv_now() >= deadline);
	FAILS(ETIMEDOUT, console_read, console, 2);
	reader = peer_start(block_in_read, (void *)console);
	wait_until_blocked(reader);
	peer_kill(reader);
	CHECK_EQ(hv_files[HV_FILE_CONSOLE_INDEX].receivers.word[0], 0);
	CHECK_EQ(hv_files[HV_FILE_CONSOLE_INDEX].receivers.word[1], 0);
}

TEST_ASKED(asked_keys)
{
	hv_handle console = console_of();

	hv_dprintf(STDOUT_FILENO, "type: xyz\n");
	CHECK_EQ(hv_console_read(console, hv_deadline_us(PATIENCE_US)), 'x');
	CHECK_EQ(hv_console_read(console, hv_deadline_us(PATIENCE_US)), 'y');
	CHECK_EQ(hv_console_read(console, hv_deadline_us(PATIENCE_US)), 'z');
	FAILS(EAGAIN, console_read, console, HV_NOWAIT);
}

TEST_ASKED(asked_break_key)
{
	hv_handle console = console_of();

	raw_bury();
	hv_dprintf(STDOUT_FILENO, "type: ^C\n");
	FAILS(EINTR, wait, hv_deadline_us(PATIENCE_US), console);
	FAILS(ETIMEDOUT, wait, hv_deadline_us(A_WHILE_US), console);
}
