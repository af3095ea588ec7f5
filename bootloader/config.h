/* SPDX-License-Identifier: MIT */
/* \hv8\hv8.cfg: which files to load. docs/boards.md has its format. */
#ifndef BOOTLOADER_CONFIG_H
#define BOOTLOADER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "sha256.h"

enum { CONFIG_PATH = 128, CONFIG_ARGS = 512, CONFIG_BYTES = 4096 };

struct config_file {
	char path[CONFIG_PATH];	/* "": not named */
	bool has_sum;
	uint8_t sum[SHA256_BYTES];
};

struct config {
	struct config_file kernel, initrd, tree;
	bool tree_first;	/* the file, even if the firmware offers a tree */
	char args[CONFIG_ARGS];
};

/* The names that are used without a configuration. */
void config_defaults(struct config *config);
/*
 * Null, or what is wrong with line *line (from 1). `text` is any bytes. What it
 * does not say is left as it is in *config.
 */
const char *config_parse(struct config *config, const char *text, uint64_t bytes, uint64_t *line);

#endif
