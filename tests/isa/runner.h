/* SPDX-License-Identifier: MIT */
/* One state of the machine, as compare.py sends and receives it: little-endian words. */
#ifndef ISA_RUNNER_H
#define ISA_RUNNER_H

#define STATE_SP	248	/* after x0..x30 */
#define STATE_NZCV	256
#define STATE_LANDED	264	/* where execution went on: isa_run() leaves an index in isa_code */
#define STATE_FPCR	272
#define STATE_FPSR	280
#define STATE_Q		288	/* q0..q31 */
#define STATE_MEMORY	800	/* 32 words */
#define STATE_BYTES	1056

/*
 * The instruction under test is word CODE_SLOT, neither at the start nor at
 * the end of its page. Every branch of the kernel's text, 7168 words, lands
 * within the others.
 */
#define CODE_WORDS	16384
#define CODE_SLOT	8537
#define CODE_BEFORE	0	/* leads to the slot; no branch under test comes near */

#endif
