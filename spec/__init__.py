# SPDX-License-Identifier: MIT
"""What hv8 does, in the words of the architecture.

    spec.transition("alloc_frame").symbolic(c, state, args)    every case, on Z3 terms
    spec.transition("alloc_frame").run(c, state, args)         one outcome, on Python ints
    spec.invariants()["page_types"].holds(c, state, pn)        a truth

`c` is an object whose attributes are the kernel's arbitrary facts: the enumerators of abi.h
and state.h under their C names. Imports Z3 and itself, nothing of the kernel.
"""

from __future__ import annotations

from . import schedule
from .affinity_invariants import AFFINITY
from .core_invariants import CORE
from .device_invariants import DEVICES
from .invariants import RULES, Invariant
from .irq_invariants import IRQS
from .premises import AT_ENTRY, AT_INTERRUPT
from .table_invariants import TABLES
from .transition import Case, Outcome, Part, Spec
from .transitions import (console, device, direct, entry, handle, interrupt, ipc, irq, memory,
                          process, trap, vgic)

__all__ = ["Case", "Invariant", "Outcome", "Part", "Spec", "edges", "hypercalls",
           "interrupts", "invariants", "parts", "premises", "settled", "transition", "traps"]


def hypercalls() -> dict[str, Spec]:
    """Every hypercall, by the name that hypercall.def gives it."""
    groups = (process.CALLS, memory.CALLS, handle.CALLS, ipc.CALLS, console.CALLS,
              device.CALLS, irq.CALLS)
    return {name: spec for group in groups for name, spec in group.specs.items()}


def interrupts() -> dict[str, Spec]:
    """What else changes the state: interrupts, traps, and the way in and out of EL2."""
    return {**interrupt.CALLS.specs, **interrupt.CALLS.parts, **trap.CALLS.specs,
            **trap.CALLS.parts,
            **vgic.CALLS.parts, **edges()}


def traps() -> dict[str, Spec]:
    """Exceptions that are no hypercall: what C does about them."""
    return {name: interrupts()[name] for name in (
        "trap_sync", "trap_stop", "trap_doomed", "trap_irq", "leave_irq", "leave_idle",
        "sched_kick", "vgic_leave", "vgic_enter")}


def edges() -> dict[str, Spec]:
    """The ways in and out of EL2."""
    return {**entry.CALLS.specs, **entry.CALLS.parts, **direct.CALLS.specs, **direct.CALLS.parts}


def transition(name: str) -> Spec:
    """The specification of a hypercall, interrupt or trap; KeyError if there is none."""
    return {**hypercalls(), **interrupts()}[name]


def parts() -> dict[str, Part]:
    """What several transitions end with, by name."""
    return {**schedule.ENDS.parts, **interrupt.CALLS.parts, **ipc.CALLS.parts,
            **trap.CALLS.parts, **vgic.CALLS.parts, **entry.CALLS.parts,
            **direct.CALLS.parts}


def invariants() -> dict[str, Invariant]:
    """What holds before and after every transition, by name."""
    return {**RULES.members, **CORE.members, **TABLES.members, **DEVICES.members,
            **IRQS.members, **AFFINITY.members}


def premises() -> dict[str, Invariant]:
    """What holds besides while a process runs."""
    return dict(AT_ENTRY.members)


def settled() -> dict[str, Invariant]:
    """What holds besides while a process runs or the core waits for an interrupt."""
    return dict(AT_INTERRUPT.members)
