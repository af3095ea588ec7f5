/* SPDX-License-Identifier: MIT */
/*
 * el0demo: the functions that run at EL0. They are copied there, so each is
 * position-independent; it takes its argument in x0 and returns, or asks its
 * host by `svc #0`: x0 = SANDBOX_..., x1 = argument, answer in x0.
 */
#ifndef EL0DEMO_SANDBOX_H
#define EL0DEMO_SANDBOX_H

#ifndef __ASSEMBLER__
/* One function and its end. */
#define SANDBOX(name)                                                                              \
	void sandbox_##name(void *arg);                                                            \
	extern const char sandbox_##name##_end[]

SANDBOX(sum);       /* 1 + 2 + ... + arg */
SANDBOX(read);      /* reads *arg */
SANDBOX(write);     /* writes to *arg */
SANDBOX(jump);      /* goes to arg */
SANDBOX(hypercall); /* calls the kernel */
SANDBOX(register);  /* reads a system register of EL1 */
SANDBOX(own_code);  /* writes to its own code */
SANDBOX(talk);      /* has its host print the letters of "EL0 here" */
#endif

#define SANDBOX_PUT    1 /* prints the byte x1 */
#define SANDBOX_DOUBLE 2 /* returns 2 * x1 */
#define SANDBOX_END    3

#endif
