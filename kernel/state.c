/* SPDX-License-Identifier: MIT */
/*
 * The only definition of the kernel's state. Each table that processes may
 * be shown read-only starts on its own page and fills whole pages, so that
 * the view of it shows nothing else.
 */
#include "state.h"

#define TABLE __attribute__((aligned(4096)))

_Static_assert(TIMER_NODES == 1 << (TIMER_LEVELS + 1), "tree of HV_NPROC leaves");
_Static_assert(HV_NPROC <= 1 << TIMER_PID_BITS, "a timer key holds a pid");

TABLE struct hv_proc procs[HV_NPROC];
TABLE struct hv_page_desc page_descs[HV_NPAGE];
TABLE struct hv_handle_entry handles[HV_NPROC][HV_NHANDLE];
TABLE struct hv_file_entry files[HV_NFILE];
TABLE struct hv_irq_entry irqs[HV_NIRQ];
TABLE struct hv_device_entry devices[HV_NDEVICE];
TABLE uint64_t timer_tree[TIMER_NODES];	/* right behind sched, which direct.S uses */
TABLE struct hv_sched sched;
TABLE struct hv_bootinfo bootinfo;

TABLE uint64_t cpu_stacks[HV_NCPU][512];
uint64_t irq_line[NINTID];
struct console console;
struct machine machine;

/* RAM, mapped by boot at PAGES_VA; takes no room in the image. */
__attribute__((section(".pages,\"aw\",@nobits//"))) uint64_t pages[HV_NPAGE][HV_PAGE_WORDS];
