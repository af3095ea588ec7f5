# SPDX-License-Identifier: MIT
"""What holds besides the invariants while a process runs: at entry to a hypercall or trap,
and again after each way out that ends with `eret` (spec/transitions/entry.py). And what holds
while one runs or the core waits."""

from __future__ import annotations

from .invariants import Family
from .transition import Reader
from .vocabulary import is_pid
from .words import Truth

AT_ENTRY = Family()
AT_INTERRUPT = Family()


@AT_ENTRY.invariant()
def core_holds_current(r: Reader) -> Truth:
    """The core holds the registers of its current process."""
    current = r.get("sched.cpus.current", r.cpu)
    return r.o.and_(is_pid(r, current), r.get("sched.cpus.loaded", r.cpu) == current)


@AT_INTERRUPT.invariant()
def core_is_settled(r: Reader) -> Truth:
    """The core holds the registers of its current process, or nobody's and has none: so it is
    whenever an interrupt may come."""
    return r.get("sched.cpus.loaded", r.cpu) == r.get("sched.cpus.current", r.cpu)
