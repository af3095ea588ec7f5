/* SPDX-License-Identifier: MIT */
/* The device tree: questions about nodes (boot_dt_tree.c), and what boot asks (boot_dt.c). */
#ifndef KERNEL_BOOT_DT_H
#define KERNEL_BOOT_DT_H

#include <stdbool.h>
#include <stdint.h>

struct region;

/* Kinds of nodes that boot looks for by their `compatible`. */
enum dt_kind { DT_UART, DT_GICV2, DT_GICV3, DT_TIMER, DT_PSCI, DT_KINDS };

/* ---- boot_dt_tree.c: a node is a number, negative = none ----------------------- */

const void *dt_blob(void);
/* Walks the tree once; the rest may be used afterwards. */
void dt_scan(void);
/* The first enabled node of a kind. */
int dt_find(enum dt_kind kind);
/* The child of the root with that name. */
int dt_at_root(const char *name);
int dt_parent(int node);
/* A child of `parent`: the first, or the one after `after`. */
int dt_next_child(int parent, int after);
/* A path, or an alias. */
int dt_path(const char *path, int length);
const void *dt_property(int node, const char *name, int *bytes);
bool dt_is_okay(int node);
bool dt_is_compatible(int node, const char *name);
bool dt_is_among(int node, const char *const *names, uint64_t count);
/* The index-th region of `reg`, as the CPU sees it. */
bool dt_reg(int node, int index, struct region *region);
/* The same as its parent sees it. */
bool dt_reg_on_bus(int node, int index, struct region *region);
/* All nodes are 0 .. dt_count() - 1, in the order of the tree. */
int dt_count(void);
const char *dt_name(int node);
/* libfdt's name for it: the offset in the structure block. */
uint64_t dt_offset(int node);
/* Enabled, with all above it, and on no bus but simple ones. */
bool dt_is_usable(int node);
/* The INTID of the index-th interrupt, if it goes to the GIC, and whether it is an edge. */
bool dt_interrupt(int node, int index, uint64_t *intid, bool *is_edge);

/* ---- boot_dt.c ------------------------------------------------------------------- */

/* Whether there is a sound device tree at an address. */
bool dt_open(uint64_t pa);
/* Each fills in its part of `facts` and `machine`, or ends boot. In this order. */
void dt_parse_uart(void);
void dt_parse_psci(void);
void dt_parse_gic(void);
void dt_parse_interrupts(void);
void dt_parse_memory(void);
void dt_parse_initrd(void);
/* boot_dt_cpu.c: in any order. `self` is the affinity of the core that boots. */
void dt_parse_cpus(uint64_t self);
/* What no process may have: memory, the interrupt controller, the kernel's UART. */
bool dt_is_kernels(int node);
/* Whether bootargs has that word. */
bool dt_has_option(const char *word);

#endif
