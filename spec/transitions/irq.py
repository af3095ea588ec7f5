# SPDX-License-Identifier: MIT
"""Hypercalls on interrupt lines."""

from __future__ import annotations

from ..transition import Group, Transition
from ..vocabulary import give_irq, in_state, is_child, require_heir, set_core
from ..words import Truth, Word
from .vgic import (ICACTIVER, ICENABLER, ISENABLER, ISPENDR, LISTS, forget, load_interface,
                   set_bit)

CALLS = Group()


def is_line(t: Transition, line: Word) -> Truth:
    """The machine has it."""
    return t.o.and_(t.o.ult(line, t.c.HV_NIRQ), t.get("irqs.state", line) != t.c.HV_IRQ_NONE)


def require_line(t: Transition, line: Word, state: int, errno: int) -> None:
    """A line of self's in that state: EINVAL, EACCES, errno."""
    t.require(is_line(t, line), t.c.HV_EINVAL)
    t.require(t.get("irqs.owner", line) == t.self, t.c.HV_EACCES)
    t.require(t.get("irqs.state", line) == state, errno)


@CALLS.hypercall
def enable_vgic(t: Transition) -> Word:
    """Self gets the virtual CPU interface, all of whose registers are 0."""
    t.require(t.get("procs.has_vgic", t.self) == 0, t.c.HV_EEXIST)
    ctx = t.get("procs.ctx", t.self)
    for word in (t.c.CTX_VMCR, t.c.CTX_APR, *(t.c.CTX_LR_STATE + k for k in range(LISTS))):
        t.set("pages", (ctx, word), 0)
    t.set("procs.has_vgic", (t.self,), 1)
    set_core(t, t.c.HV_CPU_VGIC)
    load_interface(t, t.self)
    return 0


@CALLS.hypercall
def alloc_irq(t: Transition, line: Word) -> Word:
    """Self gets the line's interrupts."""
    require_line(t, line, t.c.HV_IRQ_FREE, t.c.HV_EBUSY)
    t.require(t.get("procs.has_vgic", t.self) != 0, t.c.HV_ESTATE)
    t.set("irqs.state", (line,), t.c.HV_IRQ_USED)
    set_bit(t, ISENABLER, t.get("irqs.intid", line))
    return 0


@CALLS.hypercall
def free_irq(t: Transition, line: Word) -> Word:
    """The line is masked, and what self has of it forgotten."""
    require_line(t, line, t.c.HV_IRQ_USED, t.c.HV_ENOENT)
    t.set("irqs.state", (line,), t.c.HV_IRQ_FREE)
    set_bit(t, ICENABLER, t.get("irqs.intid", line))
    forget(t, t.self, line)
    set_bit(t, ICACTIVER, t.get("irqs.intid", line))
    return 0


@CALLS.hypercall
def grant_irq(t: Transition, child: Word, line: Word) -> Word:
    """A line of self's that is not in use becomes the child's."""
    require_heir(t, child)
    require_line(t, line, t.c.HV_IRQ_FREE, t.c.HV_EBUSY)
    give_irq(t, line, child)
    return 0


@CALLS.hypercall
def revoke_irq(t: Transition, line: Word) -> Word:
    """A line of a child's that is not in use, or any of a dead child's, becomes self's. What
    the dead had not ended is pending again."""
    t.require(is_line(t, line), t.c.HV_EINVAL)
    owner, used = t.get("irqs.owner", line), t.get("irqs.state", line) == t.c.HV_IRQ_USED
    t.require(is_child(t, owner, t.self), t.c.HV_EPERM)
    t.require(t.o.or_(t.o.not_(used), in_state(t, owner, t.c.HV_PROC_ZOMBIE)), t.c.HV_EBUSY)
    if t.choose(used, "in use"):
        t.set("irqs.state", (line,), t.c.HV_IRQ_FREE)
        for register in (ICENABLER, ISPENDR, ICACTIVER):
            set_bit(t, register, t.get("irqs.intid", line))
    give_irq(t, line, t.self)
    return 0
