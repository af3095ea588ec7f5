/* SPDX-License-Identifier: MIT */
/* One hypercall each on one page: map, protect, unmap. */
#include "bench.h"

enum { AREA_VA = 0x50000000, PAGES = 100 };

static hv_page numbers[PAGES];
static hv_pid self;
static hv_page l3;

static uint64_t alloc_batch(unsigned rounds)
{
	uint64_t taken = TIMED(rounds,
			       hv_alloc_frame(self, l3, round_, numbers[round_], HV_PERM_W));

	for (unsigned i = 0; i < rounds; i++)
		must(hv_free_frame(self, l3, i, numbers[i]), "free_frame");
	return taken;
}

static void map_all(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		must(hv_alloc_frame(self, l3, i, numbers[i], HV_PERM_W), "alloc_frame");
}

static uint64_t protect_batch(unsigned rounds)
{
	uint64_t taken;

	map_all(rounds);
	taken = TIMED(rounds, hv_protect_frame(self, l3, round_, numbers[round_], 0));
	for (unsigned i = 0; i < rounds; i++)
		must(hv_free_frame(self, l3, i, numbers[i]), "free_frame");
	return taken;
}

static uint64_t free_batch(unsigned rounds)
{
	map_all(rounds);
	return TIMED(rounds, hv_free_frame(self, l3, round_, numbers[round_]));
}

void bench_memory(void)
{
	self = (hv_pid)hv_self();
	l3 = (hv_page)must(hv_ensure_l3(AREA_VA), "level-3 table");
	for (unsigned i = 0; i < PAGES; i++) {
		numbers[i] = hv_page_alloc();
		must(numbers[i] ? 0 : -HV_EAGAIN, "pages");
	}
	measure("alloc_frame", alloc_batch, PAGES);
	measure("protect_frame", protect_batch, PAGES);
	measure("free_frame", free_batch, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		hv_page_free(numbers[i]);
}
