/* SPDX-License-Identifier: MIT */
/* fault: what cannot be said in C. Each stops the process or never returns. */
#ifndef FAULT_ATTACK_H
#define FAULT_ATTACK_H

#include <stdint.h>

void attack_undefined(void); /* an instruction that does not exist */
void attack_brk(void);       /* a breakpoint instruction */
void attack_smc(void);       /* a call to the firmware */
void attack_mmu_off(void);   /* clears SCTLR_EL1.M */
void attack_ttbr(void);      /* other translation tables */
void attack_el2(void);       /* a register of the kernel's level */
void attack_set_way(void);   /* a cache operation by set and way */
void attack_jump(uint64_t address);
void attack_vbar_storm(void);  /* exception vectors nowhere, then an exception: for ever */
void attack_masked_loop(void); /* all interrupts masked, then a loop: for ever */

#endif
