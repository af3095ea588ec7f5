# SPDX-License-Identifier: MIT
"""What holds of interrupt lines and of the virtual CPU interface (theorem T3)."""

from __future__ import annotations

from . import sets
from .ghosts import LINES
from .invariants import Family
from .transition import Reader
from .vocabulary import core_has, in_state
from .words import Truth, Word

IRQS = Family()

PRIORITY = 0xA0     # of every interrupt


def list_register(r: Reader, intid: Word, is_physical: Truth) -> Word:
    """A list register with state 0: HW and the physical INTID, so that the process's end of it
    deactivates the interrupt; group (v3), priority, virtual INTID (IHI 0048B, 5.3.8; IHI 0069H,
    12.4, ICH_LR<n>_EL2)."""
    o = r.o
    v2 = o.ite(is_physical, 1 << 31 | o.shl(intid, 10), 0) | PRIORITY >> 3 << 23 | intid
    v3 = o.ite(is_physical, 1 << 61 | o.shl(intid, 32), 0) | 1 << 60 | PRIORITY << 48 | intid
    return o.ite(r.get("machine.gic_version") == 2, v2, v3)


@IRQS.invariant("irq")
def irq_lines(r: Reader, i: Word) -> Truth:
    """A line that exists is somebody's and has a list register of its own INTID; who uses it
    has the virtual CPU interface. Line 0 and the timer's are nobody's."""
    o, c = r.o, r.c
    state, owner, intid = (r.get(f"irqs.{name}", i) for name in ("state", "owner", "intid"))
    is_nobodys = o.and_(state == c.HV_IRQ_NONE, owner == 0)
    return o.and_(
        o.ule(state, c.HV_IRQ_USED), o.ult(owner, c.HV_NPROC), o.ult(intid, c.NINTID),
        o.implies(o.ule(i, c.HV_IRQ_TIMER), is_nobodys),
        o.implies(i == 0, r.get("irqs.lr", i) == 0),
        o.implies(i == c.HV_IRQ_TIMER, r.get("irqs.lr", i) == list_register(r, intid, False)),
        o.implies(state != c.HV_IRQ_NONE, o.and_(
            owner != 0, r.get("irqs.lr", i) == list_register(r, intid, True))),
        o.implies(state == c.HV_IRQ_USED, r.get("procs.has_vgic", owner) == 1))


@IRQS.invariant("irq")
def line_is_counted(r: Reader, i: Word) -> Truth:
    """A line counts for its owner. (What irq_count_exact says of the owner, for short.)"""
    owner = r.get("irqs.owner", i)
    return r.o.implies(owner != 0, r.o.ult(r.get(LINES.slot, owner, i),
                                           r.get(LINES.count, owner)))


@IRQS.invariant("intid")
def irq_numbers(r: Reader, n: Word) -> Truth:
    """The line of an INTID has that INTID."""
    line = r.get("irq_line", n)
    return r.o.and_(r.o.ult(line, r.c.HV_NIRQ),
                    r.o.or_(line == 0, r.get("irqs.intid", line) == n))


def is_its_line(r: Reader, p: Word, i: Word) -> Truth:
    """Line i may interrupt p: p lives, has the interface, and it is p's timer or p uses it."""
    o, c = r.o, r.c
    used = o.and_(r.get("irqs.owner", i) == p, r.get("irqs.state", i) == c.HV_IRQ_USED)
    return o.and_(in_state(r, p, c.HV_PROC_LIVE), r.get("procs.has_vgic", p) == 1,
                  o.or_(i == c.HV_IRQ_TIMER, used))


@IRQS.invariant("pid", "irq")
def waiting_lines_are_its(r: Reader, p: Word, i: Word) -> Truth:
    """What waits for a list register of p's may interrupt p."""
    waits = sets.has(r, sets.SetOf("procs.irqs_pending.word", (p,)), i)
    return r.o.implies(waits, is_its_line(r, p, i))


@IRQS.invariant("pid", "lr")
def listed_lines_are_its(r: Reader, p: Word, k: Word) -> Truth:
    """So may what is in one."""
    line = r.get("procs.listed", p, k)
    return r.o.and_(r.o.ult(line, r.c.HV_NIRQ),
                    r.o.or_(line == 0, is_its_line(r, p, line)))


@IRQS.invariant("pid", "lr")
def timer_has_the_first(r: Reader, p: Word, k: Word) -> Truth:
    """List register 0 is the timer's alone, and it has no other: it may come again while it is
    served, and no two list registers may hold one INTID. A device's stays active until then."""
    o, line = r.o, r.get("procs.listed", p, k)
    return o.and_(o.implies(k == 0, o.ule(line, r.c.HV_IRQ_TIMER)),
                  o.implies(k != 0, line != r.c.HV_IRQ_TIMER))


@IRQS.invariant("pid")
def interface_is_yes_or_no(r: Reader, p: Word) -> Truth:
    """has_vgic is 0 or 1."""
    return r.o.ule(r.get("procs.has_vgic", p), 1)


@IRQS.invariant("cpu")
def interface_is_loaded(r: Reader, cpu: Word) -> Truth:
    """A core's interface is on exactly if whose registers it holds has one."""
    o, loaded = r.o, r.get("sched.cpus.loaded", cpu)
    has = o.and_(loaded != 0, r.get("procs.has_vgic", loaded) != 0)
    return o.iff(core_has(r, r.c.HV_CPU_VGIC, cpu), has)
