# SPDX-License-Identifier: MIT
"""What holds besides the invariants while a process runs: at entry to a hypercall or trap,
and again after `resume` (spec/transitions/entry.py)."""

from __future__ import annotations

from .descriptor import address
from .invariants import Family
from .transition import Reader
from .vocabulary import is_pid
from .words import Truth

AT_ENTRY = Family()


@AT_ENTRY.invariant()
def core_holds_current(r: Reader) -> Truth:
    """The registers, the tables and the ASID of the core are those of its current process."""
    o, current = r.o, r.get("sched.cpus.current", r.cpu)
    ttbr = address(r.state, r.get("procs.root", current)) | o.shl(current, 48)
    return o.and_(is_pid(r, current), r.get("sched.cpus.loaded", r.cpu) == current,
                  r.get("sys.ttbr0_el1") == ttbr)
