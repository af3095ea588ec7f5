/* SPDX-License-Identifier: MIT */
/* The leaf routines of leaf.S: the only loops that run after boot, each over one page. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "state.h"

/* Every word of pages[page] becomes 0. */
void page_zero(uint64_t page);
/* Every word of pages[to] becomes that of pages[from]. */
void page_copy(uint64_t to, uint64_t from);
/* Makes the content of pages[page] what instruction fetches see. No word changes. */
void page_sync(uint64_t page);

static inline uint64_t page_pa(uint64_t page)
{
	return machine.pages_pa + (page << HV_PAGE_SHIFT);
}

#endif
