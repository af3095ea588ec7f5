/* SPDX-License-Identifier: MIT */
/* Whether the kernel's tables, as everybody can see them, agree with each other. */
#ifndef USERTESTS_SYSTEM_H
#define USERTESTS_SYSTEM_H

#include <stdint.h>

/* NULL, or what does not agree; *which is then the process or file. */
const char *system_disagreement(uint64_t *which);

#endif
