# SPDX-License-Identifier: MIT
"""The lines of spec/, and the stores of a handler, that a failure is about. Only shown."""
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import z3
from spec.invariants import Invariant
from spec.marks import Mark, place_of
from spec.state import SymbolicState

from .machine import Path
from .result import Line
from .target import Target

DECISIONS = ("guard", "refused", "choice")


def of_function(kind: str, name: str, function: Callable[..., Any]) -> Line:
    """Where a transition, an invariant or a statement is written."""
    return Line(kind, name, place_of(function))


def of_mark(mark: Mark) -> Line:
    """One line of a transition."""
    first, *callers = mark.places or ("spec",)
    return Line(mark.kind, mark.text, first, tuple(callers))


def of_marks(marks: Iterable[Mark], tables: frozenset[str]) -> tuple[Line, ...]:
    """What was decided, and what happened to these tables (`event`: to the outside)."""
    return tuple(dict.fromkeys(
        of_mark(m) for m in marks if m.kind in DECISIONS or
        (m.text if m.kind == "update" else m.kind) in tables))


def of_case(text: Any, case: Any, tables: frozenset[str]) -> tuple[Line, ...]:
    """The transition (spec.transition.Spec), its decisions in the case, its updates of the
    tables, or of what a success makes none."""
    start = of_function("transition", text.name, text.text)
    found = of_marks(case.marks, tables)
    if case.errno is None and not any(line.kind in ("update", "event") for line in found):
        found += tuple(Line("no update", name, start.where) for name in sorted(tables))
    return (start, *found)


def tables_of(component: str) -> frozenset[str]:
    """What a component of T1 (see refine.goals) is called in marks."""
    if component.startswith("result"):
        return frozenset()
    return frozenset({"event" if component.startswith("event") else component.partition("[")[0]})


def of_stores(target: Target, path: Path, component: str) -> tuple[Line, ...]:
    """The lines of the handler that write the component, or are seen outside."""
    if component.startswith("event"):
        stores = [("event", event.kind, event.pc) for event in path.events
                  if event.kind.startswith(("mmio write", "smc", "tlbi", "page_sync"))]
    else:
        stores = [("store", component, update.pc)
                  for update in path.memory.updates.get(component, ())]
    return tuple(dict.fromkeys(Line(f"machine's {kind}", text, target.debug.line_of(pc))
                               for kind, text, pc in stores))


def tables_read(c: SimpleNamespace, rule: Invariant) -> frozenset[str]:
    """The functions of the state that an invariant is about."""
    names: set[str] = set()
    state = SymbolicState(observer=lambda name, _: names.add(name))
    rule.holds(c, state, *(z3.BitVec(f"at{n}", 64) for n in range(len(rule.kinds))))
    return frozenset(names)
