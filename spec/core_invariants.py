# SPDX-License-Identifier: MIT
"""What holds of the core's registers whenever no handler is between its first write and its
return (theorem T3)."""

from __future__ import annotations

from . import descriptor as d
from .invariants import Family, is_alive
from .transition import Reader
from .vocabulary import core_has, in_state, is_page, page_va
from .words import Truth, Word

CORE = Family()


@CORE.invariant("cpu")
def core_context(r: Reader, cpu: Word) -> Truth:
    """Whose registers a core holds has a context page, to which the core points."""
    o, c = r.o, r.c
    loaded = r.get("sched.cpus.loaded", cpu)
    ctx = r.get("procs.ctx", loaded)
    return o.implies(loaded != 0, o.and_(
        r.get("sched.cpus.ctx", cpu) == page_va(r, ctx), is_page(r, ctx, c.HV_PAGE_CTX),
        r.get("page_descs.owner", ctx) == loaded,
        o.not_(in_state(r, loaded, c.HV_PROC_UNUSED))))


@CORE.invariant()
def core_mode(r: Reader) -> Truth:
    """Whose registers the core holds was left for EL2 from EL0 or EL1 (SPSR_EL2.M, C5.2.19)."""
    loaded, mode = r.get("sched.cpus.loaded", r.cpu), r.get("sys.spsr_el2") & 31
    return r.o.implies(loaded != 0, r.o.among(mode, 0b00000, 0b00100, 0b00101, 0b10000))


@CORE.invariant()
def core_tables(r: Reader) -> Truth:
    """TTBR0_EL1 has the tables and the ASID of the process whose registers the core holds;
    those of nobody if there is none or it is dead."""
    o, loaded = r.o, r.get("sched.cpus.loaded", r.cpu)
    own = d.address(r.state, r.get("procs.root", loaded)) | o.shl(loaded, 48)
    return r.get("sys.ttbr0_el1") == o.ite(is_alive(r, loaded), own, r.get("machine.empty_root"))


@CORE.invariant()
def fp_is_trapped(r: Reader) -> Truth:
    """CPTR_EL2 lets FP/SIMD through (TFP, bit 10, clear) only while its registers are those
    of the process whose other registers the core holds."""
    o, live = r.o, core_has(r, r.c.HV_CPU_FP)
    trapped, open_ = r.get("machine.cptr"), r.get("machine.cptr") & o.inv(1 << 10)
    return o.and_(r.get("sys.cptr_el2") == o.ite(live, open_, trapped),
                  o.implies(live, r.get("sched.cpus.loaded", r.cpu) != 0))
