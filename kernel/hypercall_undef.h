/* SPDX-License-Identifier: MIT */
/* Forgets the macros of hypercall.def; included after each reading of it. */
#undef HC0
#undef HC1
#undef HC2
#undef HC3
#undef HC4
#undef HC5
#undef HC6
#undef HC7
#undef HC8
