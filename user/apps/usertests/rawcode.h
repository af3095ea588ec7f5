/* SPDX-License-Identifier: MIT */
/* What raw.c and rawcode.S agree on: the address space and status of a raw child. */
#ifndef USERTESTS_RAWCODE_H
#define USERTESTS_RAWCODE_H

#define RAW_CODE	0x10000		/* the page of rawcode.S, EL1-executable */
#define RAW_DATA	0x11000		/* a page that raw_image describes */
#define RAW_STACK	0x12000		/* a writable page; here starts unmapped space */
#define RAW_STACK_TOP	0x13000

/* status of a raw child that took an exception: | vector << 32 | ESR_EL1 */
#define RAW_EXCEPTION	0x4000000000000000
/* status of a raw child that found everything as it should be */
#define RAW_GOOD	0x600d

/* The handle that a raw client calls through. */
#define RAW_HANDLE	1

/* What the vectors do, by x25: end the child / note the instruction / go on at x24. */
#define RAW_MODE_END	0
#define RAW_MODE_SWEEP	1
#define RAW_MODE_GO_ON	2

#endif
