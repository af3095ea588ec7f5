/* SPDX-License-Identifier: MIT */
/* libfdt is built with stack guards; what its failed check does. */
#include "loader.h"

_Noreturn void __stack_chk_fail(void);

/* The loader reads no secret, so the guard is a constant. */
extern const uintptr_t __stack_chk_guard __attribute__((visibility("default")));
const uintptr_t __stack_chk_guard = 0x00ff0a0d68763800;

/* The firmware reports the exception, with registers. */
_Noreturn void __stack_chk_fail(void)
{
	say("the stack is damaged");
	__builtin_trap();
}
