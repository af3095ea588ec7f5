/* SPDX-License-Identifier: MIT */
/* One state of the machine, as compare.py sends and receives it: little-endian words. */
#ifndef ISA_RUNNER_H
#define ISA_RUNNER_H

#define STATE_SP	248	/* after x0..x30 */
#define STATE_NZCV	256
#define STATE_LANDED	264	/* 1: next instruction, 2: anywhere else */
#define STATE_Q		272	/* q0..q3 */
#define STATE_MEMORY	336	/* 32 words */
#define STATE_BYTES	592

#define CODE_WORDS	1024
#define CODE_SLOT	512	/* the instruction under test is this word of the code page */

#endif
