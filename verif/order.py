# SPDX-License-Identifier: MIT
"""T6 (translation): the order of table writes, TLB maintenance and barriers on each path.

The events of each path go, in their order, through the automaton of spec/translation.py; what it
demands is proved under the path condition and the invariants. Works for any exploration, of a
handler or of a piece of vectors.S.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

import z3
from spec.state import SymbolicState
from spec.translation import ASID_SHIFT, Order
from spec.words import Truth

from .errors import UnmodelledError
from .explore import Exploration
from .flags import as_term, fold
from .machine import WAIT, Path
from .premises import constants, instances
from .result import Failure, Row, row
from .safety import Handled, decisions, model_values, rules_of, where
from .solve import Solver
from .target import Target
from .world import Event, World

SHOWN_FAILURES = 6
CLEAN_AT_ENTRY = "nothing is stale at entry"
ENDS = ("msr icc_eoir1_el1", "msr icc_dir_el1")     # of an interrupt
# What has no part in any order here: an event that is neither known nor among these is an error.
# (A TLBI that is not broadcast, and a barrier of less, invalidate and order nothing.)
WITHOUT_ORDER = ("mmio ", "mrs ", "msr ", "dmb ", "dc c", "ic ", "tlbi ", "smc ", "lock_")


def events(path: Path) -> list[Event]:
    """Those of a path, without the one that says where it ends; a wait is not only that."""
    return [e for e in path.events if e.kind != path.finished or e.kind == WAIT]


def follow(order: Order, event: Event) -> None:
    """One event."""
    kind, words = event.kind, event.operands
    if kind == "pages write":
        order.store(*words)
    elif kind in ("page_descs.type write", "page_descs.owner write"):
        order.change_page(kind.removesuffix(" write"), *words)
    elif kind in ("devices.state write", "devices.owner write"):
        order.change_device(kind.removesuffix(" write"), *words)
    elif kind == "procs.state write":
        order.change_state(*words)
    elif kind == "procs.root write":
        order.change_root(*words)
    elif kind == "page_zero":
        order.zero(*words)
    elif kind == "page_copy":
        order.copy(*words)
    else:
        _follow_instruction(order, kind, words)


def _owner(ttbr: z3.BitVecRef) -> z3.BitVecRef | None:
    """p of `root | p << 48`, if the register is plainly that; it must be p's then."""
    for part in ttbr.children() if z3.is_app_of(ttbr, z3.Z3_OP_BOR) else ():
        if z3.is_app_of(part, z3.Z3_OP_CONCAT) and z3.is_bv_value(part.arg(1)) and \
                part.arg(1).size() == ASID_SHIFT and z3.is_app_of(part.arg(0), z3.Z3_OP_EXTRACT):
            return part.arg(0).arg(0)
    return None


def _follow_instruction(order: Order, kind: str, words: tuple[z3.BitVecRef, ...]) -> None:
    """One event that writes no table of the kernel's."""
    if kind == "page_sync":
        order.sync()
    elif kind == "msr ttbr0_el1":
        order.load(words[0], _owner(words[0]))
    elif kind == "tlbi aside1is":
        order.invalidate(*words)
    elif kind.startswith("dsb "):
        order.dsb(kind)
    elif kind == "isb" or kind.startswith("eret "):
        order.synchronize()
    elif kind.startswith("at "):
        order.translate()
    elif kind == WAIT:
        order.wait()
    elif kind == "mrs icc_iar1_el1":
        order.acknowledge()
    elif kind in ENDS:
        order.end_interrupt()
    elif not kind.startswith(WITHOUT_ORDER):
        raise UnmodelledError(f"no rule for the order of {kind}")


@dataclass
class Facts:
    """Answers of one solver to whether something is impossible on a path; asked once. What part
    of a path's condition excludes it excludes it on all paths that have this part."""

    solver: Solver
    known: dict[tuple[int, int], bool] = field(default_factory=dict)
    excluded: dict[int, list[set[int]]] = field(default_factory=dict)

    def of(self, path: Path, number: int) -> Callable[[Truth], bool]:
        """The question, of the path of that number."""
        given = tuple(path.given)
        ids = {term.get_id() for term in given}

        def is_never(truth: Truth) -> bool:
            term = as_term(truth)
            key = (number, term.get_id())
            if key not in self.known:
                self.solver.names.kept.append(term)
                self.known[key] = any(part <= ids for part in self.excluded.get(key[1], ())) or \
                    self._is_excluded(given, term)
            return self.known[key]

        return is_never

    def _is_excluded(self, given: tuple[z3.BoolRef, ...], term: z3.BoolRef) -> bool:
        needed = self.solver.follows(given, z3.Not(term), "plain to see")
        if needed is not None:
            self.solver.names.kept += needed
            self.excluded.setdefault(term.get_id(), []).append({t.get_id() for t in needed})
        return needed is not None


@dataclass
class Check:
    """The paths of one exploration, one after another."""

    target: Target
    name: str
    facts: Facts
    failures: list[Failure] = field(default_factory=list)
    demands: int = 0
    writes: int = 0
    invalidations: int = 0

    def path(self, path: Path, number: int) -> None:
        """Everything that one path demands."""
        order = Order(constants(self.target), SymbolicState(), self.facts.of(path, number))
        done = 0
        for event in events(path):
            follow(order, event)
            done = self._prove(order, done, path, event.pc)
        order.end()
        self._prove(order, done, path, path.pc)
        self.writes = max(self.writes, len(order.links))
        self.invalidations = max(
            self.invalidations, sum(e.kind == "tlbi aside1is" for e in path.events))

    def _prove(self, order: Order, done: int, path: Path, pc: int) -> int:
        """The demands from the `done`-th on; how many there are."""
        for demand in order.demands[done:]:
            self.demands += 1
            goal = fold(as_term(demand.must))
            if goal is True or len(self.failures) >= SHOWN_FAILURES:
                continue
            given, name = tuple(path.given), f"{self.name}-T6-{self.demands}"
            if self.facts.solver.follows(given, as_term(goal), name) is not None:
                continue
            verdict = self.facts.solver.prove(given, as_term(goal), name)
            if verdict.status != "proved":
                self.failures.append(Failure(
                    demand.what, where(self.target, pc),
                    decisions(self.target, path, verdict.model), verdict.status,
                    model_values(verdict), str(verdict.query)))
        return len(order.demands)


def _is_possible(found: Exploration, solver: Solver) -> bool:
    """Can some path be taken under the assumptions? Those with most events are tried first."""
    paths = sorted(found.ended, key=lambda path: -len(path.events))
    return any(solver.is_possible(tuple(path.given), "possible") for path in paths)


def _read_by(target: Target, found: Exploration, facts: Facts) -> World:
    """The world of the exploration that has also been told what the automaton reads."""
    world = replace(found.world, touched=dict(found.world.touched))
    for number, path in enumerate(found.ended):
        order = Order(constants(target), SymbolicState(observer=world.touch),
                      facts.of(path, number))
        for event in events(path):
            follow(order, event)
        order.end()
    return world


def prove(target: Target, handled: Handled, folder: FilePath) -> Row:
    """The row T6 of what was explored, under what may be assumed where it begins."""
    begin = time.process_time()
    found, name, source = handled.exploration, handled.call.name, handled.call.source
    rules = rules_of(handled.call)
    first = Facts(Solver(instances(target, found.world, rules).terms, folder, found.world.symbols))
    world = _read_by(target, found, first)
    hypotheses = instances(target, world, rules)
    check = Check(target, name, first if world.touched.keys() == found.world.touched.keys() else
                  Facts(Solver(hypotheses.terms, folder, world.symbols)))
    for number, path in enumerate(found.ended):
        check.path(path, number)
    if not _is_possible(found, check.facts.solver):
        check.failures.append(Failure("no path is possible", source, "", "vacuous", (), ""))
    solvers = {id(f): f.solver for f in (first, check.facts)}.values()
    facts = {"demands": check.demands, "descriptor writes": check.writes,
             "invalidations": check.invalidations,
             "queries": sum(s.queries for s in solvers),
             "fallbacks": sum(s.fallbacks for s in solvers)}
    return row(name, "T6", time.process_time() - begin, facts, check.failures,
               (CLEAN_AT_ENTRY, *hypotheses.texts), source)
