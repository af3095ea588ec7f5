/* SPDX-License-Identifier: MIT */
/*
 * The order of boot. Invariant: whatever is missing is reported before
 * anything that depends on it runs, in one line, as soon as there is a UART.
 */
#include "boot.h"

#include <arch/sysreg.h>

#include "boot_dt.h"
#include "prim.h"

#ifndef HV8_VERSION
#define HV8_VERSION "0.1"
#endif

static const char *core_name(uint64_t midr)
{
	/* MIDR_EL1: implementer 31:24, part number 15:4 (D19.2). */
	switch ((midr >> 24 & 0xff) << 12 | (midr >> 4 & 0xfff)) {
	case 0x41d03: return "Cortex-A53";
	case 0x41d04: return "Cortex-A35";
	case 0x41d05: return "Cortex-A55";
	case 0x41d07: return "Cortex-A57";
	case 0x41d08: return "Cortex-A72";
	case 0x41d09: return "Cortex-A73";
	case 0x41d0a: return "Cortex-A75";
	case 0x41d0b: return "Cortex-A76";
	case 0x41d0c: return "Neoverse-N1";
	case 0x00051: return "QEMU max";
	}
	return "AArch64";
}

/* The first 16 hexadecimal digits. */
static void hash_digits(char text[17])
{
	for (int i = 0; i < 16; i++)
		text[i] = "0123456789abcdef"[boot_kernel_hash[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf];
	text[16] = 0;
}

void boot_main(uint64_t dtb_pa, uint64_t kernel_pa)
{
	char hash[17];

	facts.kernel_pa = kernel_pa;
	boot_zero(__bss_start, __bss_end);
	if (dtb_pa == 0)
		boot_fail("no device tree: the boot loader must pass its address in x0 "
			  "(QEMU: boot build/hv8.img, not the ELF)");
	if (!dt_open(dtb_pa))
		boot_fail("no valid device tree at 0x%lx, the address in x0", dtb_pa);
	dt_parse_uart();
	hash_digits(hash);
	boot_print("hv8: version %s, kernel %s, on %s (MIDR 0x%lx)\n", HV8_VERSION, hash,
		   core_name(sysreg_read(midr_el1)), sysreg_read(midr_el1));
	dt_parse_psci();
	sysregs_check();
	features_keep();
	dt_parse_gic();
	dt_parse_interrupts();
	dt_parse_memory();
	dt_parse_initrd();
	dt_parse_cpus(sysreg_read(mpidr_el1) & MPIDR_AFF_MASK);

	ram_start();
	(void)boot_map_identity(facts.initrd.pa, facts.initrd.size);
	view_build();
	boot_gic_start();
	boot_irq_start();
	devices_start();
	init_load();
	ram_finish();
	sysregs_machine();
	sysregs_start(&sched.cpus[0]);
	state_start();
	boot_cpus_start();
	boot_uart_finish();
	sysreg_write(cptr_el2, machine.cptr);	/* libfdt has run: FP is the processes' from here */
	isb();
	leave_boot(boot_section_entry(), boot_identity_entry());
}
