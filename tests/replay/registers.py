# SPDX-License-Identifier: MIT
"""System registers: which ones the specification knows, which ones never change, and how
QEMU's gdb stub calls them."""

from __future__ import annotations

from collections.abc import Iterable

from spec.state import SAVED_REGISTERS

# Read at every stop.
ALWAYS = ("esr_el2", "elr_el2", "spsr_el2")
# The kernel's own, which the specification knows.
KERNELS = ("ttbr0_el1", "cptr_el2", "cnthp_cval_el2")
# Values at the first eret that have to be there at every later one.
FIXED = ("hcr_el2", "mdcr_el2", "cnthctl_el2", "hstr_el2", "cntvoff_el2", "vbar_el2", "sctlr_el2",
         "tcr_el2", "mair_el2", "ttbr0_el2", "vttbr_el2", "tpidr_el2", "vpidr_el2", "vmpidr_el2",
         "sctlr", "tcr_el1", "mair_el1", "ttbr1_el1")
QEMU_NAMES = {"cntkctl_el1": "cntkctl", "vbar_el1": "vbar"}
# CNTV_CTL_EL0.ISTATUS (D19.12.16) is the timer's: it may come between two looks.
ISTATUS = 1 << 2


def known(numbers: Iterable[str], names: tuple[str, ...]) -> dict[str, str]:
    """Of these registers those that the core has: name -> QEMU's name."""
    return {name: QEMU_NAMES.get(name, name) for name in names
            if QEMU_NAMES.get(name, name) in numbers}


def switched(numbers: Iterable[str]) -> dict[str, str]:
    """What a switch of process saves and loads, the kernel's own, and FAR_EL2."""
    return known(numbers, (*SAVED_REGISTERS, *KERNELS, "far_el2"))
