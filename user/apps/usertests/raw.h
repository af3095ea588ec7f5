/* SPDX-License-Identifier: MIT */
/*
 * Raw children: processes without a libos, made of three pages, that run one
 * program of rawcode.S. Cheap, and free to be as hostile as they like.
 */
#ifndef USERTESTS_RAW_H
#define USERTESTS_RAW_H

#include "rawcode.h"
#include "test.h"

/* Labels of rawcode.S; rawcode is also what its vectors are called. */
extern const char rawcode[], raw_exit[], raw_spin[], raw_sleep[], raw_wfi[], raw_wfe[], raw_storm[],
	raw_yield[], raw_give[], raw_store[], raw_load[], raw_jump[], raw_breed[], raw_patched[],
	raw_vgic[], raw_sweep[], raw_eret[], raw_fresh[], raw_pstate[], raw_fault[], raw_client[];
extern const char raw_patch[];	/* the instruction that raw_patched executes */
extern const char rawleak[];	/* a page for RAW_DATA: see rawleak.S */

struct raw_image {
	uint32_t patch;		/* instead of the nop at raw_patch; 0: none */
	const void *data;	/* content of the page at RAW_DATA; NULL: zero */
	size_t data_size;	/* bytes */
	hv_perm data_perm;
};

/* How a raw child ended. */
struct raw_end {
	uint64_t status;
	uint64_t esr, elr, far;	/* cause; 0 if it was not stopped by a trap */
};

#define RAW_VECTOR(status) (((status) >> 32) & 0xf)
#define RAW_EC(status) (((status) >> 26) & 0x3f)
#define ESR_EC(esr) (((esr) >> 26) & 0x3f)

/* An embryo with that image (NULL: nothing special). */
hv_pid raw_make(const struct raw_image *image);
/* Where a program is in the address space of a raw child. */
uint64_t raw_address(const char *program);
void raw_start(hv_pid pid, const char *program, uint64_t arg);
/* Waits until it is dead, and takes everything back. */
struct raw_end raw_wait(hv_pid pid);
/* Kills it if it lives, and takes everything back. */
void raw_discard(hv_pid pid);
/* All of it. */
struct raw_end raw_run(const struct raw_image *image, const char *program, uint64_t arg);
/* make and start */
hv_pid raw_launch(const char *program, uint64_t arg);

/* Out of the libos's store; the test fails if it has none. */
hv_page take_page(void);
hv_pid take_pid(void);
hv_file take_file(void);

/* Lets others run until `pid` blocks, dies, ...; the test fails if it never does. */
bool is_blocked(hv_pid pid);
void wait_until_blocked(hv_pid pid);

/* Ends and takes back every process that is self's: a dead child's children come to it alive. */
void raw_bury(void);
/* Context switches since boot, of all cores. */
uint64_t switches_so_far(void);
void wait_until_dead(hv_pid pid);

#endif
