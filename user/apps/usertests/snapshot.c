/* SPDX-License-Identifier: MIT */
/* Digests of the kernel's tables, read through the views. */
#include "snapshot.h"

/* Order matters to it, and a single changed bit changes it. */
static uint64_t digest(const volatile void *start, size_t bytes)
{
	const volatile uint64_t *word = start;
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		sum = (sum ^ word[i]) * 0x100000001b3ULL;
	return sum;
}

void snapshot_take(const struct snapshot_scope *scope, struct snapshot *out)
{
	uint64_t *to = out->digest;

	for (hv_pid pid = 0; pid < HV_NPROC; pid++)
		to[SNAPSHOT_PROC + pid] = digest(&hv_procs[pid], sizeof(hv_procs[pid]));
	for (hv_pid pid = 0; pid < HV_NPROC; pid++) {
		bool is_unused = hv_procs[pid].state == HV_PROC_UNUSED;

		to[SNAPSHOT_HANDLES + pid] =
			is_unused ? 0 : digest(hv_handles[pid], sizeof(hv_handles[pid]));
	}
	for (hv_file file = 0; file < HV_NFILE; file++)
		to[SNAPSHOT_FILE + file] = digest(&hv_files[file], sizeof(hv_files[file]));
	for (hv_irq line = 0; line < HV_NIRQ; line++)
		to[SNAPSHOT_IRQ + line] = digest(&hv_irqs[line], sizeof(hv_irqs[line]));
	for (hv_device device = 0; device < HV_NDEVICE; device++)
		to[SNAPSHOT_DEVICE + device] = digest(&hv_devices[device],
						      sizeof(hv_devices[device]));
	for (size_t i = 0; i < SNAPSHOT_PAGES; i++)
		to[SNAPSHOT_PAGE + i] = digest(&hv_page_descs[scope->pages[i]],
					       sizeof(struct hv_page_desc));
	for (size_t i = 0; i < SNAPSHOT_TABLES; i++)
		to[SNAPSHOT_TABLE + i] =
			scope->tables[i] == NULL ? 0 : digest(scope->tables[i], HV_PAGE_SIZE);
}

int snapshot_compare(const struct snapshot *a, const struct snapshot *b)
{
	for (int i = 0; i < SNAPSHOT_WORDS; i++)
		if (a->digest[i] != b->digest[i])
			return i;
	return -1;
}

uint64_t snapshot_page_descs(void)
{
	return digest(hv_page_descs, hv_bootinfo->ram_pages * sizeof(struct hv_page_desc));
}
