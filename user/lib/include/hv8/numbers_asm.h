/* SPDX-License-Identifier: MIT */
/* For assembly: .LNR_NAME is the number of each hypercall; .L names leave no symbol. */
#ifndef HV8_NUMBERS_ASM_H
#define HV8_NUMBERS_ASM_H

#define HC0(n, name, ...) .equ .LNR_##name, n
#define HC1 HC0
#define HC2 HC0
#define HC3 HC0
#define HC4 HC0
#define HC5 HC0
#define HC6 HC0
#define HC7 HC0
#define HC8 HC0
#include <uapi/hypercall.def>

#endif
