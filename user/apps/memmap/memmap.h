/* SPDX-License-Identifier: MIT */
/* memmap: its two pictures. */
#ifndef MEMMAP_H
#define MEMMAP_H

#include <stdbool.h>

/* The own address space, from the own translation tables. `every_run`: a line
 * for each run of physical pages. */
void draw_space(bool every_run);

/* All RAM by owner, from the kernel's page descriptors. */
void draw_ram(void);

#endif
