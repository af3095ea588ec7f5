/* SPDX-License-Identifier: MIT */
/* What the parts of the boot section offer to each other. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/pte.h>

#include "state.h"

/* ---- symbols of linker.ld -------------------------------------------------- */

extern uint8_t __kernel_start[], __boot_text_end[], __boot_rodata_end[], __boot_data_end[];
extern uint8_t __text_start[], __text_end[], __rodata_end[], __kernel_end[];
extern uint8_t __bss_start[], __bss_end[];

/* ---- what the device tree says ----------------------------------------------- */

enum { DT_BANKS = 64, DT_RESERVED = 64, DT_GICRS = 16 };

struct region {
	uint64_t pa;
	uint64_t size;
};

struct facts {
	uint64_t kernel_pa;
	struct region dtb;
	struct region initrd;
	struct region bank[DT_BANKS];
	uint64_t bank_count;
	struct region reserved[DT_RESERVED];
	uint64_t reserved_count;
	uint64_t reserved_by_header;	/* of them the first: /memreserve/, which is about memory */
	uint64_t uart_pa;
	bool uart_is_process;	/* uart=process: its page and its line are init's */
	uint64_t gic_version;
	struct region gicd, gicc, gich, gicv;
	struct region gicr[DT_GICRS];
	uint64_t gicr_count;
	uint64_t gicr_stride;	/* 0: as GICR_TYPER implies */
	uint64_t mpidr[HV_NCPU];	/* affinity of each core that may run; the first boots */
	uint64_t mpidr_count;
};

extern struct facts facts;

/* ---- boot.S ------------------------------------------------------------------- */

/* SHA-256 of the ELF file that this kernel is from, with these bytes as zeros. */
extern const uint8_t boot_kernel_hash[32];

void boot_zero(void *start, void *end);
_Noreturn void boot_exception(uint64_t esr, uint64_t elr, uint64_t far);
_Noreturn void boot_main(uint64_t dtb_pa, uint64_t kernel_pa);
/* Where another core enters C, and what PSCI calls before. */
_Noreturn void boot_core_main(uint64_t index);
extern uint8_t boot_core[];

/* ---- boot_print.c: to the UART, if it is known, and to bootinfo.klog -------------- */

void boot_uart_is_ready(void);
/* Knows %s, %lu, %lx. */
void boot_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One line, then power off: of the machine, or of this core if it is not the first. */
_Noreturn void boot_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on boot_fail() may ask the firmware to power off. */
void boot_psci_known(void);

/* ---- boot_uart.c ----------------------------------------------------------------------- */

/* One of enum uart_kind, with registers there. */
void boot_uart_start(uint64_t kind, uint64_t pa);
/* The one that QEMU's virt has, if it is there, for want of a device tree. */
void boot_uart_guess(void);
/* What was typed while boot ran is taken in; from now on the interrupt says so. */
void boot_uart_finish(void);

/* ---- boot_mmu.c ----------------------------------------------------------------------- */

/* Runs with the MMU off, at the physical address. */
void boot_early_tables(uint64_t kernel_pa);
/* Maps RAM at its own address, read-only, by 2 MiB blocks, until boot ends. */
const uint8_t *boot_map_identity(uint64_t pa, uint64_t size);
/* Maps pages [first, end) of pages[]. */
void boot_map_pages(uint64_t first, uint64_t end);
/* Maps device registers at a fixed address of layout.h. */
void boot_map_device(uint64_t va, uint64_t pa, uint64_t size);
/* Whether the page of device registers at a physical address is the kernel's. */
bool boot_has_device(uint64_t pa);
/* The entries to clear when boot is over. */
uint64_t *boot_section_entry(void);
uint64_t *boot_identity_entry(void);

/* ---- boot_ram.c ------------------------------------------------------------------------------ */

/* Numbers the pages, makes all that are RAM and nobody's free pages of init. */
void ram_start(void);
/* Takes a zeroed page from init's free pages for a purpose; its number. */
uint64_t ram_take(uint64_t type);
/* Says which free pages are left. */
void ram_finish(void);
static inline uint64_t boot_page_pa(uint64_t page)
{
	return machine.pages_pa + (page << HV_PAGE_SHIFT);
}

/* ---- the rest, each in its own file ---------------------------------------------------------- */

void view_build(void);
/* Fills devices[]; the interrupt controller is the kernel's by then. */
void devices_start(void);
void init_load(void);
void state_start(void);
/* Every process may run on each of so many cores. */
void boot_affinity_start(uint64_t count);
void sysregs_check(void);
/* Of all cores, then of this one. */
void sysregs_machine(void);
void sysregs_start(struct hv_cpu *cpu);
void boot_irq_start(void);

/* boot_features.c: what the first core is like; on another core, whether it is like that. */
void features_keep(void);
void features_compare(void);

/* ---- boot_cpus.c ----------------------------------------------------------------------------- */

/* Takes the lock, and starts the other cores; each then waits for the lock. */
void boot_cpus_start(void);
/* If this core is not the first, switches it off, and does not return. */
void boot_core_stop(void);

/* ---- boot_gic.c: the distributor, boot_gic_core.c: what each core has of its own ------------- */

void boot_gic_start(void);
void boot_gic_core_start(struct hv_cpu *cpu);
/* One more than the largest INTID. */
uint64_t boot_gic_limit(void);
/* A shared interrupt is an edge or a level. Only while it is masked. */
void boot_gic_configure(uint64_t intid, bool is_edge);

/* vectors.S: unmaps what boot used, enters process 1. On another core: waits, then idles. */
_Noreturn void leave_boot(uint64_t *boot_l2_entry, uint64_t *idmap_l0_entry);
_Noreturn void leave_boot_core(void);

#endif
