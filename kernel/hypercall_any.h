/* SPDX-License-Identifier: MIT */
/* Reads hypercall.def with one macro, HC_ANY(number, name, path, ...), for all. */
#define HC0 HC_ANY
#define HC1 HC_ANY
#define HC2 HC_ANY
#define HC3 HC_ANY
#define HC4 HC_ANY
#define HC5 HC_ANY
#define HC6 HC_ANY
#define HC7 HC_ANY
#define HC8 HC_ANY
#include <uapi/hypercall.def>
#include "hypercall_undef.h"
#undef HC_ANY
