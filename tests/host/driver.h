/* SPDX-License-Identifier: MIT */
/*
 * What the host drivers share. A driver answers requests for ever: each is
 * four bytes of length, little-endian, and that many bytes; the answer is one
 * line. Every request sits in an allocation of exactly its size, so that the
 * address sanitizer sees a read of one byte too many.
 */
#ifndef HOST_DRIVER_H
#define HOST_DRIVER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t *driver_request(uint32_t *size)
{
	uint8_t head[4];
	uint8_t *data;

	if (fread(head, 1, 4, stdin) != 4)
		exit(0);
	*size = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
		(uint32_t)head[3] << 24;
	data = malloc(*size);
	if (data == NULL || fread(data, 1, *size, stdin) != *size)
		exit(1);
	return data;
}

static void driver_answered(uint8_t *data)
{
	free(data);
	putchar('\n');
	fflush(stdout);
}

#endif
