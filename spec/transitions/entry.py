# SPDX-License-Identifier: MIT
"""The way in and out of EL2 around a transition (kernel/vectors.S).

A hypercall of the FAST class needs neither: its registers stay where they are. One of the
FULL class is `save_registers`, the hypercall, `store_result`, `resume`; a trap or interrupt is
`save_registers` with `keep`, the transition, `resume`.
"""

from __future__ import annotations

from ..descriptor import address
from ..state import FP_WORDS, SAVED_REGISTERS
from ..transition import Group, Transition
from ..words import Word
from .process import save_system_registers

CALLS = Group()

ZEROED = 18         # x0 .. x17 come back as zero, less what the call writes
GENERAL = 31        # x0 .. x30
ASID_SHIFT = 48     # TTBR0_EL1.ASID (D19.2.155), 16 bits


def loaded_ctx(t: Transition) -> Word:
    """Context page of the process whose registers the core holds."""
    return t.get("procs.ctx", t.get("sched.cpus.loaded", t.cpu))


@CALLS.hypercall
def save_registers(t: Transition, keep: Word) -> Word:
    """x0..x30 go to the context page; of a hypercall (keep = 0) the first 18 as zeroes."""
    ctx = loaded_ctx(t)
    for n in range(GENERAL):
        value = t.get("sys.x", n)
        t.set("pages", (ctx, t.c.CTX_X0 + n),
              t.o.ite(keep == 0, 0, value) if n < ZEROED else value)
    return 0


@CALLS.hypercall
def store_result(t: Transition, result: Word) -> Word:
    """x0 of who called, whether it runs, waits or is dead."""
    t.set("pages", (loaded_ctx(t), t.c.CTX_X0), result)
    return 0


def load(t: Transition, pid: Word) -> None:
    """The core's EL1 registers, tables and ASID become those of pid."""
    ctx = t.get("procs.ctx", pid)
    ttbr = address(t.state, t.get("procs.root", pid)) | t.o.shl(pid, ASID_SHIFT)
    t.set("sys.ttbr0_el1", (), ttbr)
    for at, register in enumerate(SAVED_REGISTERS[:-2]):
        t.set(f"sys.{register}", (), t.get("pages", ctx, t.c.CTX_ELR_EL2 + at))
    if t.choose(t.get("sched.cpus.has_ras", t.cpu) != 0, "has RAS"):
        t.set("sys.vdisr_el2", (), t.get("pages", ctx, t.c.CTX_VDISR_EL2))
        if t.choose(t.get("machine.has_sme") != 0, "has SME"):
            t.set("sys.tpidr2_el0", (), t.get("pages", ctx, t.c.CTX_TPIDR2_EL0))
    t.set("sched.cpus.switches", (t.cpu,), t.o.add(t.get("sched.cpus.switches", t.cpu), 1))


@CALLS.hypercall
def resume(t: Transition) -> Word:
    """The core holds the registers of its current process, or of nobody and idles."""
    loaded, current = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    if t.choose(loaded != current, "another"):
        if t.choose(loaded != 0, "leaves"):
            save_system_registers(t, t.get("procs.ctx", loaded))
        t.set("sched.cpus.loaded", (t.cpu,), current)
        if t.choose(current != 0, "enters"):
            load(t, current)
        else:
            t.set("sys.ttbr0_el1", (), t.get("machine.empty_root"))
            return 0
    for n in range(GENERAL):
        t.set("sys.x", (n,), t.get("pages", loaded_ctx(t), t.c.CTX_X0 + n))
    return 0


@CALLS.hypercall
def trap_fp(t: Transition) -> Word:
    """The first use of FP/SIMD since the process was loaded: its registers are loaded and
    not trapped any more."""
    for k in range(FP_WORDS):
        t.set("sys.fp", (k,), t.get("pages", loaded_ctx(t), t.c.CTX_FPCR + k))
    t.set("sched.cpus.fp_live", (t.cpu,), 1)
    t.set("sys.cptr_el2", (), t.get("machine.cptr") & t.o.inv(1 << 10))
    return 0
