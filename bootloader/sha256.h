/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4). */
#ifndef BOOTLOADER_SHA256_H
#define BOOTLOADER_SHA256_H

#include <stdint.h>

enum { SHA256_BYTES = 32 };

void sha256(const void *data, uint64_t bytes, uint8_t sum[SHA256_BYTES]);

#endif
