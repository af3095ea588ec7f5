/* SPDX-License-Identifier: MIT */
/*
 * The only inline assembly of the kernel: one operation each. The verifier
 * treats every one of them as an event with an order, so nothing here does
 * two things.
 */
#ifndef KERNEL_PRIM_H
#define KERNEL_PRIM_H

#include <stdint.h>

#define PRIM_STR1(x) #x
#define PRIM_STR(x) PRIM_STR1(x)

/* ---- system registers (C5.2, D19 of DDI 0487J.a) -------------------------- */

#define sysreg_read(name) ({						\
	uint64_t read_;							\
	asm volatile("mrs %0, " PRIM_STR(name) : "=r"(read_) :: "memory"); \
	read_; })

#define sysreg_write(name, value) do {					\
	uint64_t value_ = (value);					\
	asm volatile("msr " PRIM_STR(name) ", %0" :: "r"(value_) : "memory"); \
} while (0)

/* ---- barriers (B2.3) ------------------------------------------------------- */

static inline void isb(void) { asm volatile("isb" ::: "memory"); }
static inline void dsb_ish(void) { asm volatile("dsb ish" ::: "memory"); }
static inline void dsb_ishst(void) { asm volatile("dsb ishst" ::: "memory"); }
static inline void dsb_sy(void) { asm volatile("dsb sy" ::: "memory"); }

/* ---- TLB maintenance (D8.13) -------------------------------------------------- */

/* Every EL1&0 translation of one ASID, all cores. */
static inline void tlbi_asid(uint64_t asid)
{
	asm volatile("tlbi aside1is, %0" :: "r"(asid << 48) : "memory");
}

/* Every EL2 translation, all cores. */
static inline void tlbi_el2(void) { asm volatile("tlbi alle2is" ::: "memory"); }

/* Every EL1&0 translation, this core. */
static inline void tlbi_el1(void) { asm volatile("tlbi alle1" ::: "memory"); }

/* ---- caches (D7.5) --------------------------------------------------------------- */

/* Clean the line of a virtual address to the point of unification. */
static inline void dc_cvau(uint64_t va) { asm volatile("dc cvau, %0" :: "r"(va) : "memory"); }
/* Clean and invalidate it to the point of coherency. */
static inline void dc_civac(uint64_t va) { asm volatile("dc civac, %0" :: "r"(va) : "memory"); }
/* Invalidate all instruction caches of the inner shareable domain. */
static inline void ic_ialluis(void) { asm volatile("ic ialluis" ::: "memory"); }

/* ---- address translation ----------------------------------------------------------- */

/* Translate as a read at EL1 would be, result in PAR_EL1 after an isb. */
static inline void at_s1e1r(uint64_t va) { asm volatile("at s1e1r, %0" :: "r"(va) : "memory"); }

/* ---- device registers ---------------------------------------------------------------- */

static inline uint32_t mmio_read32(uint64_t va)
{
	uint32_t value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(va) : "memory");
	return value;
}

static inline void mmio_write32(uint64_t va, uint32_t value)
{
	asm volatile("str %w0, [%1]" :: "r"(value), "r"(va) : "memory");
}

static inline uint64_t mmio_read64(uint64_t va)
{
	uint64_t value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(va) : "memory");
	return value;
}

static inline void mmio_write64(uint64_t va, uint64_t value)
{
	asm volatile("str %0, [%1]" :: "r"(value), "r"(va) : "memory");
}

/* ---- table entries ------------------------------------------------------------------- */

/*
 * One single-copy-atomic store to a descriptor (B2.2.1), which the compiler
 * may neither merge, split nor move across the barriers around it.
 */
static inline void pte_write(uint64_t *entry, uint64_t value)
{
	asm volatile("str %1, [%0]" :: "r"(entry), "r"(value) : "memory");
}

/* ---- bits ------------------------------------------------------------------------------- */

/* Number of zero bits below the lowest set bit; 64 for 0. */
static inline uint64_t ctz64(uint64_t x)
{
	uint64_t reversed, count;

	asm("rbit %0, %1" : "=r"(reversed) : "r"(x));
	asm("clz %0, %1" : "=r"(count) : "r"(reversed));
	return count;
}

/* ---- the core --------------------------------------------------------------------------- */

static inline void wfi(void) { asm volatile("wfi" ::: "memory"); }

/* SMC Calling Convention 1.0: x0..x3 in, x0 out, x4..x17 may be clobbered. */
static inline uint64_t smc_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 asm("x0") = function;
	register uint64_t x1 asm("x1") = a1;
	register uint64_t x2 asm("x2") = a2;
	register uint64_t x3 asm("x3") = a3;

	asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) ::
		     "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
		     "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

#endif
