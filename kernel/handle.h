/* SPDX-License-Identifier: MIT */
/* What the groups of handlers do to handles once every check is passed. */
#ifndef KERNEL_HANDLE_H
#define KERNEL_HANDLE_H

#include "check.h"

/* A free slot of pid's names the file from now on. */
void handle_put(uint64_t pid, uint64_t slot, uint64_t file, uint64_t rights);
/* A slot in use becomes free. */
void handle_drop(uint64_t pid, uint64_t slot);
/* A handle goes from one process's slot to another's free one; counts of the file stay. */
void handle_move(uint64_t from_pid, uint64_t from, uint64_t to_pid, uint64_t to);

#endif
