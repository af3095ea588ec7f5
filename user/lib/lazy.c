/* SPDX-License-Identifier: MIT */
/*
 * The parts of the program that come when they are touched: code and
 * constants from its file in the initrd, zeroes for its bss. All that is
 * needed to bring a page in is in the segments that are there from the
 * beginning (user.ld).
 */
#include "os.h"

#include <string.h>

/* The segment of va, or NULL. */
static const struct lazy *find(uintptr_t va)
{
	for (uint64_t i = 0; i < os.lazy_count; i++)
		if (va - os.lazy[i].start < os.lazy[i].end - os.lazy[i].start)
			return &os.lazy[i];
	return NULL;
}

bool os_lazy_has(uintptr_t va, hv_perm perm)
{
	const struct lazy *lazy = find(va);

	return lazy != NULL && lazy->perm == perm;
}

/* Fills a page through its own address, before it is what it is to be. */
static int64_t load(const struct lazy *lazy, uintptr_t page)
{
	uintptr_t end = page + HV_PAGE_SIZE < lazy->file_end ? page + HV_PAGE_SIZE : lazy->file_end;
	int64_t error = hv_map(page, HV_PERM_W);

	if (error < 0 || end <= page)
		return error;
	memcpy((void *)page, lazy->data + (page - lazy->start), end - page);
	return hv_protect(page, lazy->perm);
}

int64_t os_lazy_load(uintptr_t va)
{
	const struct lazy *lazy = find(va);

	return lazy == NULL ? -HV_ENOENT : load(lazy, HV_PAGE_OF(va));
}

int64_t os_lazy_load_all(void)
{
	int64_t error = 0;

	for (uint64_t i = 0; i < os.lazy_count; i++) {
		const struct lazy *lazy = &os.lazy[i];
		uintptr_t va;

		for (va = lazy->start; error == 0 && va < lazy->end; va += HV_PAGE_SIZE)
			if (hv_lookup(va).pte == 0)
				error = load(lazy, va);
	}
	return error;
}

int64_t hv_load_image(void)
{
	int64_t error = os_lazy_load_all();

	if (error == 0)
		os.is_loaded = 1;
	return error;
}

int64_t hv_drop_view(void)
{
	int64_t error = hv_load_image();

	if (error < 0)
		return error;
	os.lazy_count = 0;
	return hv_unmap_view(os.pid);
}
