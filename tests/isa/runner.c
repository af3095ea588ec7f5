/* SPDX-License-Identifier: MIT */
/*
 * The independent machine of the instruction tests: executes given words on
 * given states under qemu-aarch64. Standard output starts with the addresses
 * of the code slot and of the memory; then, for each request (word and the
 * word before it, count, count states) on standard input, come the count states afterwards.
 * No C library, so that nothing but this file and runner.S runs.
 */
#include <stdint.h>

#include "runner.h"

extern uint32_t isa_code[CODE_WORDS];
extern uint64_t isa_state[STATE_BYTES / 8];
void isa_run(void);
void _start(void);

enum { SYS_MPROTECT = 226, SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 93 };

static int64_t system_call(int64_t number, int64_t a0, int64_t a1, int64_t a2)
{
	register int64_t x0 asm("x0") = a0;
	register int64_t x1 asm("x1") = a1;
	register int64_t x2 asm("x2") = a2;
	register int64_t x8 asm("x8") = number;

	asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
	return x0;
}

/* Reads or writes all of it; the program ends at the end of the input. */
static void transfer(int64_t call, int64_t fd, void *data, int64_t size)
{
	char *at = data;

	while (size > 0) {
		int64_t done = system_call(call, fd, (int64_t)at, size);

		if (done <= 0)
			system_call(SYS_EXIT, done < 0, 0, 0);
		at += done;
		size -= done;
	}
}

static void synchronise(void)
{
	asm volatile("dc cvau, %0\n\tdc cvau, %1\n\tdsb ish\n\tic ivau, %0\n\tic ivau, %1\n\t"
		     "dsb ish\n\tisb" ::
		     "r"(&isa_code[CODE_SLOT]), "r"(&isa_code[CODE_BEFORE]) : "memory");
}

void _start(void)
{
	uint64_t header[2] = {
		(uint64_t)&isa_code[CODE_SLOT], (uint64_t)isa_state + STATE_MEMORY,
	};
	uint64_t request[2];

	system_call(SYS_MPROTECT, (int64_t)isa_code, sizeof(isa_code), 7);
	transfer(SYS_WRITE, 1, header, sizeof(header));
	for (;;) {
		transfer(SYS_READ, 0, request, sizeof(request));
		isa_code[CODE_BEFORE] = (uint32_t)(request[0] >> 32);
		isa_code[CODE_SLOT] = (uint32_t)request[0];
		synchronise();
		for (uint64_t n = 0; n < request[1]; n++) {
			uint64_t *landed = &isa_state[STATE_LANDED / 8];

			transfer(SYS_READ, 0, isa_state, STATE_BYTES);
			isa_run();
			*landed = (uint64_t)&isa_code[*landed];
			transfer(SYS_WRITE, 1, isa_state, STATE_BYTES);
		}
	}
}
