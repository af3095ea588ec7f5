# SPDX-License-Identifier: MIT
"""What may be assumed of the state at entry: the invariants of the specification (T3).

They are used without quantifiers, at the indices that the code or the
specification reads (one round). USED names those that safety and refinement
need; leaving one out can make a proof fail, never wrong.
"""
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace

import spec
import z3
from spec.invariants import Invariant
from spec.state import FIELDS, SymbolicState

from .flags import as_term
from .lin import MASK64, bv, symbol
from .machine import CPU
from .target import Target
from .world import World

# Used only where a device is looked at.
OF_DEVICES = ("device_types", "entry_names_device", "device_is_named")
USED = ("proc_ranges", "nobody", "proc_pages", "one_place", "running_exact", "core_ranges",
        "others_are_settled", "time_goes_on",
        "waiting_exact", "callers_exact", "parked_message", "file_types", "handle_names_file",
        "machine_facts", "page_types", "entry_names_page", "core_context", "core_tables",
        "irq_lines", "irq_numbers", "listed_lines_are_its", "interface_is_loaded",
        "core_holds_current", *OF_DEVICES)
# What the way in and out of EL2 needs.
AT_THE_EDGE = ("proc_ranges", "nobody", "proc_pages", "one_place", "running_exact", "core_ranges",
               "machine_facts", "page_types", "core_context", "interface_is_loaded",
               "core_holds_current")
# Traps look at no table of pages.
IN_TRAPS = tuple(name for name in USED
                 if name not in ("entry_names_page", "parked_message", *OF_DEVICES))
CORE_AT_ENTRY = "TPIDR_EL2 = &sched.cpus[cpu], cpu < NCPU"
STACK_AT_ENTRY = "SP is the top of this core's stack"


@dataclass(frozen=True)
class Hypotheses:
    """Instances for one exploration, and the names of what was used."""

    terms: tuple[z3.BoolRef, ...]
    texts: tuple[str, ...]


def constants(target: Target) -> SimpleNamespace:
    """The enumerators of the ELF as attributes, the one macro of the interface, HV_NONE, and
    the address of pages."""
    return SimpleNamespace(**target.debug.constants, HV_NONE=MASK64,
                           PAGES_VA=target.layout.families["pages"].base)


def used(names: tuple[str, ...], is_running: bool) -> list[Invariant]:
    """Those invariants; what holds only while a process runs is left out if none does."""
    found = {**spec.invariants(), **spec.premises()}
    return [found[name] for name in names if is_running or name not in spec.premises()]


def _candidates(world: World) -> dict[str, list[z3.BitVecRef]]:
    """Terms that are used as an index, by kind; each once."""
    found: dict[str, dict[int, z3.BitVecRef]] = {}
    for name, indices in list(world.touched.values()):
        for kind, term in zip(FIELDS.get(name, ()), indices):
            found.setdefault(kind, {}).setdefault(term.get_id(), term)
    return {kind: list(terms.values()) for kind, terms in found.items()}


def _tuples(kinds: tuple[str, ...], world: World,
            candidates: dict[str, list[z3.BitVecRef]]) -> Iterator[tuple[z3.BitVecRef, ...]]:
    """Index tuples of these kinds: for entries of tables those that are read, else all."""
    if kinds == ("page", "entry"):
        return iter([i for name, i in world.touched.values() if name == "pages"])
    return product(*(candidates.get(kind, []) for kind in kinds))


def about_current(target: Target) -> tuple[z3.BoolRef, ...]:
    """That the current process is one: of what is assumed wherever a routine begins."""
    core = symbol(CPU).z
    rule = spec.invariants()["core_ranges"]
    return (z3.ULT(core, bv(target.constant("HV_NCPU"))),
            as_term(rule.holds(constants(target), SymbolicState(), core)))


def instances(target: Target, world: World, rules: list[Invariant]) -> Hypotheses:
    """The invariants at every index that was used."""
    c, state = constants(target), SymbolicState()
    current = state.get("sched.cpus.current", symbol(CPU).z)
    world.touch("procs.state", (current,))
    candidates = _candidates(world)
    terms = list(about_current(target))
    for invariant in rules:
        if invariant.name in OF_DEVICES and "device" not in candidates:
            continue
        for indices in _tuples(invariant.kinds, world, candidates):
            term = as_term(invariant.holds(c, state, *indices))
            if not z3.is_true(term):
                terms.append(term)
    texts = (CORE_AT_ENTRY, STACK_AT_ENTRY, *(f"invariant {rule.name}" for rule in rules))
    return Hypotheses(tuple(terms), texts)
