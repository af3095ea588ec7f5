/* SPDX-License-Identifier: MIT */
/* Runs the violations of one hypercall: see errors.h. */
#include "errors.h"
#include "raw.h"

static struct snapshot before, after;

/* The snapshot also shows who takes the reports: it must be back in its recv. */
static void settled_snapshot(const struct snapshot_scope *scope, struct snapshot *out)
{
	wait_until_blocked(hv_procs[hv_self()].ppid);
	snapshot_take(scope, out);
}

int64_t vector_do(const struct vector *vector)
{
	uint64_t x[8];

	for (unsigned i = 0; i < 8; i++)
		x[i] = vector->x[i];
	hv_hvc_regs(vector->nr, x);
	return (int64_t)x[0];
}

/* One bad call: its error, and that nothing but that came of it. */
static void try(const struct site *site, uint64_t detail, const struct snapshot_scope *scope,
		const struct vector *vector, uint64_t error)
{
	static const struct site changed = { __FILE__, __LINE__,
					     "first digest that a failed call changed" };
	int64_t got = vector_do(vector);
	int difference;

	if (got != -(int64_t)error)
		check_report(site, detail, (uint64_t)got, -error);
	else
		check_met(vector->nr, error);
	settled_snapshot(scope, &after);
	difference = snapshot_compare(&before, &after);
	if (difference < 0)
		return;
	check_report(&changed, detail, (uint64_t)difference, ~0ULL);
	before = after;
}

/* Makes the argument vector violate bad[chosen] and every later check. */
static void violate_from(struct vector *vector, const struct violation *bad, size_t count,
			 size_t chosen)
{
	for (size_t i = count; i-- > 0;)
		if (bad[i].check > bad[chosen].check)
			vector->x[bad[i].arg] = bad[i].value;
	vector->x[bad[chosen].arg] = bad[chosen].value;
}

void errors_run(const struct site *site, const struct cast *cast, const struct vector *good,
		const struct violation *bad, size_t count)
{
	struct snapshot_scope scope = cast_scope(cast);
	uint64_t page_descs = snapshot_page_descs();

	settled_snapshot(&scope, &before);
	for (size_t i = 0; i < count; i++) {
		struct vector vector = *good;

		vector.x[bad[i].arg] = bad[i].value;
		try(site, 10 * i + 1, &scope, &vector, bad[i].error);
		vector = *good;
		violate_from(&vector, bad, count, i);
		try(site, 10 * i + 2, &scope, &vector, bad[i].error);
	}
	CHECK_EQ(snapshot_page_descs(), page_descs);
	check_end();
}
