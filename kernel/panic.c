/* SPDX-License-Identifier: MIT */
/*
 * An exception taken from EL2 itself: say what is known, power off. The
 * proofs show that no entry path gets here, so this file may loop; every loop
 * has a bound, because nothing can be relied on any more.
 *
 * The kernel keeps no frame pointers (they would cost each hypercall), so the
 * backtrace is a scan of the stack for words that follow a call instruction.
 */
#include "panic.h"

#include <stdbool.h>

#include <arch/sysreg.h>

#include "layout.h"
#include "prim.h"
#include "psci.h"
#include "state.h"
#include "uart.h"
#include "uart_cadence.h"
#include "uart_pl011.h"

enum { PATIENCE = 1000000 };	/* polls of a UART that may be dead */

extern const uint32_t __text_start[], __text_end[];

/* Of a driver that may have left it switched off: what it was sending is lost, its rate stays. */
static void take_uart_over(void)
{
	if (machine.uart_kind == UART_CADENCE) {
		mmio_write32(UART_VA + CADENCE_IDR, CADENCE_INT_ALL);
		mmio_write32(UART_VA + CADENCE_CR, CADENCE_CR_RXEN | CADENCE_CR_TXEN);
	} else {
		mmio_write32(UART_VA + PL011_IMSC, 0);
		mmio_write32(UART_VA + PL011_CR, PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE);
	}
}

static void put(char c)
{
	for (uint64_t i = 0; i < PATIENCE && uart_tx_full(); i++)
		;
	uart_put((uint8_t)c);
}

static void put_string(const char *s)
{
	for (; *s != 0; s++) {
		if (*s == '\n')
			put('\r');
		put(*s);
	}
}

static void put_hex(const char *label, uint64_t value)
{
	put_string(label);
	for (unsigned int shift = 64; shift > 0; shift -= 4)
		put("0123456789abcdef"[(value >> (shift - 4)) & 0xf]);
}

static const char *class_name(uint64_t esr)
{
	switch ((esr >> ESR_EC_SHIFT) & ESR_EC_MASK) {
	case ESR_EC_UNKNOWN: return "undefined instruction";
	case ESR_EC_FP: return "FP or SIMD instruction";
	case ESR_EC_ILLEGAL: return "illegal execution state";
	case ESR_EC_HVC64: return "HVC";
	case ESR_EC_SMC64: return "SMC";
	case ESR_EC_SYS64: return "system register";
	case ESR_EC_IABT: return "instruction abort";
	case ESR_EC_PC_ALIGN: return "PC alignment";
	case ESR_EC_DABT: return "data abort";
	case ESR_EC_SP_ALIGN: return "SP alignment";
	case ESR_EC_SERROR: return "SError";
	case ESR_EC_BRK64: return "BRK";
	}
	return "unexpected class, or an interrupt";
}

/* BL, or BLR (C6.2.33, C6.2.34). */
static bool is_call(uint32_t instruction)
{
	return instruction >> 26 == 0x25 || (instruction & 0xfffffc1f) == 0xd63f0000;
}

static bool is_return_address(uint64_t word)
{
	uint64_t text = (uint64_t)(uintptr_t)__text_start, end = (uint64_t)(uintptr_t)__text_end;

	return word % 4 == 0 && word > text && word < end &&
	       is_call(__text_start[(word - text) / 4 - 1]);
}

static void backtrace(uint64_t sp, uint64_t x30)
{
	uint64_t stacks = (uint64_t)(uintptr_t)cpu_stacks, offset = sp - stacks;

	if (sp % 8 != 0 || offset >= sizeof(cpu_stacks)) {
		put_string("hv8: panic: SP is in no kernel stack\n");
		return;
	}
	put_string("hv8: panic: called from");
	if (is_return_address(x30))
		put_hex(" ", x30);
	for (uint64_t i = offset / 8 % 512; i < 512; i++) {
		uint64_t word = cpu_stacks[offset / sizeof(cpu_stacks[0])][i];

		if (is_return_address(word))
			put_hex(" ", word);
	}
	put_string("\n");
}

static void put_registers(const uint64_t *regs)
{
	for (uint64_t i = 0; i <= 30; i++) {
		put(i % 4 == 0 ? '\n' : ' ');
		put('x');
		put((char)('0' + i / 10));
		put((char)('0' + i % 10));
		put_hex(" ", regs[i]);
	}
}

void panic(const uint64_t *regs)
{
	take_uart_over();
	put_string("\nhv8: panic: exception at EL2: ");
	put_string(class_name(regs[PANIC_ESR]));
	put_hex("\nhv8: panic: ESR ", regs[PANIC_ESR]);
	put_hex(" ELR ", regs[PANIC_ELR]);
	put_hex(" FAR ", regs[PANIC_FAR]);
	put_hex(" SP ", regs[PANIC_SP]);
	put_registers(regs);
	put_string("\n");
	backtrace(regs[PANIC_SP], regs[30]);
	for (uint64_t i = 0; i < PATIENCE && uart_is_busy(); i++)
		;
	psci_system_off();
	for (;;)
		wfi();
}
