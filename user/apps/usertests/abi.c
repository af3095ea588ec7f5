/* SPDX-License-Identifier: MIT */
/* The calling convention of hypercalls: numbers, results, and what is kept. */
#include "peer.h"
#include "probe.h"

#include <string.h>

typedef void (*probe_fn)(const struct registers *in, struct registers *out);

enum { FIRST_ZEROED = 1, FIRST_KEPT = 18, LAST_NUMBER = HV_NR_recv };

/* What a server has in registers that its client must not see. */
#define SECRET 0x5ec0000000000000ULL

static void fill(struct registers *in, uint64_t nr)
{
	for (unsigned i = 0; i < 31; i++)
		in->x[i] = 0xa5a5000000000000ULL + i;
	in->x[8] = nr;
	in->nzcv = 0xa0000000;
	for (unsigned i = 0; i < 64; i++)
		in->q[i] = 0x5a5a000000000000ULL + i;
}

static void check_kept(const struct registers *in, const struct registers *out)
{
	for (unsigned i = FIRST_KEPT; i < 31; i++)
		CHECK_EQ(out->x[i], in->x[i]);
	CHECK_EQ(out->nzcv, in->nzcv);
	CHECK(memcmp(out->q, in->q, sizeof(in->q)) == 0);
}

static void check_zeroed(const struct registers *out)
{
	for (unsigned i = FIRST_ZEROED; i < FIRST_KEPT; i++)
		CHECK_EQ(out->x[i], 0);
}

/* x8..x17 of a call that has switched process are zero or what was this process's own. */
static void check_no_secret(const struct registers *out)
{
	for (unsigned i = 8; i < FIRST_KEPT; i++)
		CHECK(out->x[i] >> 48 != SECRET >> 48);
}

/* The call with everything but x0 (in *in) filled with patterns. */
static void convention(probe_fn probe, uint64_t nr, uint64_t x0, uint64_t x1, uint64_t expected)
{
	struct registers in, out;

	fill(&in, nr);
	in.x[0] = x0;
	in.x[1] = x1;
	probe(&in, &out);
	CHECK_EQ(out.x[0], expected);
	check_zeroed(&out);
	check_kept(&in, &out);
}

TEST(abi_fast_call)
{
	convention(probe_hvc0, HV_NR_self, 1, 2, (uint64_t)hv_self());
}

TEST(abi_fast_call_fails)
{
	convention(probe_hvc0, HV_NR_set_name, 0, 2, (uint64_t)-HV_ESRCH);
	convention(probe_hvc0, HV_NR_alloc_frame, HV_NPROC, 2, (uint64_t)-HV_ESRCH);
}

TEST(abi_full_call)
{
	convention(probe_hvc0, HV_NR_yield, 1, 2, 0);
}

TEST(abi_full_call_fails)
{
	convention(probe_hvc0, HV_NR_kill, 0, 2, (uint64_t)-HV_ESRCH);
	convention(probe_hvc0, HV_NR_recv, HV_NHANDLE, 2, (uint64_t)-HV_EBADF);
	convention(probe_hvc0, HV_NR_wait, HV_NOWAIT, HV_NONE, (uint64_t)-HV_EAGAIN);
}

/* A receive that fails brings nothing. */
TEST(abi_failed_receive)
{
	convention(probe_hvc0, HV_NR_recv, endpoint_make(), 2, (uint64_t)-HV_EINVAL);
	convention(probe_hvc0, HV_NR_wait, hv_deadline_us(2000), HV_NONE, (uint64_t)-HV_ETIMEDOUT);
}

/* Numbers that are no hypercall, among them such that a table index of theirs wraps. */
TEST(abi_unknown_numbers)
{
	static const uint64_t numbers[] = {
		LAST_NUMBER + 1, LAST_NUMBER + 2, 63, 64, 127, 128, 255, 256, 1000, 4096,
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		1ULL << 32 | HV_NR_clone, 1ULL << 60, 1ULL << 61, 1ULL << 61 | HV_NR_yield,
		1ULL << 62, 1ULL << 63, 1ULL << 63 | HV_NR_kill, ~0ULL, ~0ULL - 1, ~0ULL - 47,
		~0ULL << 8,
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		convention(probe_hvc0, numbers[i], 1, 2, (uint64_t)-HV_ENOSYS);
}

TEST(abi_every_other_small_number)
{
	for (uint64_t nr = LAST_NUMBER + 1; nr < 1024; nr++) {
		uint64_t x[8] = { 0 };

		hv_hvc_regs(nr, x);
		CHECK_EQ(x[0], -HV_ENOSYS);
	}
}

/* An hvc with another immediate is no hypercall: nothing but x0 changes. */
static void other_immediate(probe_fn probe, uint64_t nr)
{
	struct registers in, out;

	fill(&in, nr);
	probe(&in, &out);
	CHECK_EQ(out.x[0], -HV_ENOSYS);
	check_kept(&in, &out);
}

TEST(abi_hvc_immediate)
{
	other_immediate(probe_hvc1, HV_NR_self);
	other_immediate(probe_hvc1, HV_NR_kill);
	other_immediate(probe_hvcffff, HV_NR_self);
	other_immediate(probe_hvcffff, ~0ULL);
}

/* Kernel values must not come back in registers even from a call that switches. */
TEST(abi_switching_call)
{
	hv_pid child = raw_launch(raw_yield, 0);

	for (int i = 0; i < 50; i++)
		convention(probe_hvc0, HV_NR_yield, 1, 2, 0);
	raw_discard(child);
}

static void answer(void *handle)
{
	struct hv_msg m = hv_recv_msg((uintptr_t)handle, HV_FOREVER, 0);

	CHECK_EQ(m.result, 0);
	DO(reply, m.from, 0, HV_NONE, 11, 12, 13, 14);
}

/* In registers: a call, or a reply and wait, by the endpoint, without page or handle. */
static void fill_message(struct registers *in, uint64_t nr, hv_handle endpoint)
{
	fill(in, nr);
	in->x[0] = endpoint;
	in->x[1] = HV_FOREVER;
	in->x[2] = 0;
	in->x[3] = HV_NONE;
}

/* A call fills x1..x7; of other registers that it may lose none has what is another's. */
TEST(abi_call_result)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(answer, (void *)endpoint);
	struct registers in, out;

	fill_message(&in, HV_NR_call, endpoint);
	probe_hvc0(&in, &out);
	CHECK_EQ(out.x[0], 0);
	CHECK_EQ(out.x[1], peer);
	CHECK_EQ(out.x[2], 0);
	CHECK_EQ(out.x[3], HV_NONE);
	for (unsigned i = 4; i < 8; i++)
		CHECK_EQ(out.x[i], 7 + i);
	check_no_secret(&out);
	check_kept(&in, &out);
	peer_join(peer);
}

/* A write of ESR_EL1 or FAR_EL1 would trap. */
static void put_secrets(void)
{
	__asm__ volatile("msr elr_el1, %0; msr spsr_el1, %0; msr par_el1, %0"
			 :: "r"(SECRET | 0xfff));
}

static void check_no_secret_in_system_registers(void)
{
	uint64_t elr, spsr, par;

	__asm__ volatile("mrs %0, elr_el1; mrs %1, spsr_el1; mrs %2, par_el1"
			 : "=r"(elr), "=r"(spsr), "=r"(par));
	CHECK(elr >> 48 != SECRET >> 48);
	CHECK((spsr & 0xfff) != 0xfff);
	CHECK((par & 0xfff) != 0xfff);
}

/* Answers the first call with secrets in all registers that the message leaves. */
static void answer_with_secrets(void *handle)
{
	struct registers in, out;
	struct hv_msg m = hv_recv_msg((uintptr_t)handle, HV_FOREVER, 0);

	CHECK_EQ(m.result, 0);
	fill_message(&in, HV_NR_reply_wait, (uintptr_t)handle);
	for (unsigned i = 9; i < 31; i++)
		in.x[i] = SECRET + i;
	put_secrets();
	probe_hvc0(&in, &out);
	CHECK_EQ(out.x[0], 0);
	check_kept(&in, &out);
	DO(reply, out.x[1], 0, HV_NONE, 11, 12, 13, 14);
}

TEST(abi_call_shows_nothing_of_the_server)
{
	hv_handle endpoint = endpoint_make();
	hv_pid peer = peer_start(answer_with_secrets, (void *)endpoint);
	struct registers in, out;

	for (int i = 0; i < 2; i++) {
		fill_message(&in, HV_NR_call, endpoint);
		probe_hvc0(&in, &out);
		check_no_secret_in_system_registers();
		CHECK_EQ(out.x[0], 0);
		CHECK_EQ(out.x[1], peer);
		check_no_secret(&out);
		check_kept(&in, &out);
	}
	peer_join(peer);
}
