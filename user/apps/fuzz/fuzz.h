/* SPDX-License-Identifier: MIT */
/* Random hypercalls: what is called, and with what. */
#ifndef FUZZ_H
#define FUZZ_H

#include <hv8/libos.h>

enum { FUZZ_ENDPOINTS = 3, FUZZ_FIRST_HANDLE = 48, FUZZ_LAST_HANDLE = 62, FUZZ_MAX_ARGS = 8 };

/* What a parameter stands for; chosen by its name in hypercall.def. */
enum fuzz_kind {
	ANY, PID, CHILD, FREE_PAGE, OWN_PAGE, PARCEL, FRAME, TABLE0, TABLE1, TABLE2, TABLE3,
	INDEX, PERM, HANDLE, SLOT, RIGHTS, DEADLINE, FILE_OBJECT, TYPE, PASSED, FLAGS,
};

struct fuzz_call {
	const char *name;
	uint64_t number;
	uint64_t count;		/* of parameters */
	const char *parameter[FUZZ_MAX_ARGS];
};
extern const struct fuzz_call fuzz_calls[];
extern const uint64_t fuzz_call_count;

uint64_t fuzz_random(uint64_t below);	/* 0 .. below - 1 */
void fuzz_seed(uint64_t seed);

/* Calls something; never returns if that was the end of self. */
void fuzz_step(void);
/* What self has is looked for again. */
void fuzz_look(void);
/* Something with self's CPU interface, if it has one: acknowledges, ends, sets its timer. */
void fuzz_interrupts(void);

#endif
