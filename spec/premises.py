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


@AT_ENTRY.invariant()
def came_from_process(r: Reader) -> Truth:
    """The exception was taken from EL0 or EL1 (SPSR_EL2.M, C5.2.19)."""
    return r.o.among(r.get("sys.spsr_el2") & 31, 0b00000, 0b00100, 0b00101, 0b10000)


@AT_ENTRY.invariant()
def fp_is_trapped(r: Reader) -> Truth:
    """CPTR_EL2 lets FP/SIMD through (TFP, bit 10, clear) only while its registers are the
    process's."""
    o, live = r.o, r.get("sched.cpus.fp_live", r.cpu)
    trapped, open_ = r.get("machine.cptr"), r.get("machine.cptr") & o.inv(1 << 10)
    return r.get("sys.cptr_el2") == o.ite(live == 0, trapped, open_)
