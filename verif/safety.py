# SPDX-License-Identifier: MIT
"""T2 (safety) and T8 (bound) of a handler, from all its paths.

T2: every access lies within its object, is aligned and to a mapped page; no `brk`, undefined or
unmodelled instruction is reached; nothing but the objects of the kernel's
state, the live stack and device windows is written; SP and x18..x29 are
restored and the return goes where x30 pointed at entry.
T8: the largest number of instructions and of stack bytes over all paths.
"""
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath

import spec
import z3
from spec.invariants import Invariant
from spec.state import SymbolicState
from spec.transition import Transition
from spec.transitions.entry import DIRECT

from . import coverage, queries
from .explore import Contract, Exploration, Explorer, Start
from .flags import as_term
from .layout import describe
from .lin import symbol
from .machine import Path
from .premises import (AT_THE_EDGE, IN_TRAPS, USED, Hypotheses, about_current, constants, instances,
                       used)
from .result import Failure, Row, row
from .solve import Solver, Verdict
from .target import Routine, Target
from .world import Decision, Joined, Obligation

KEPT = tuple(range(18, 30)) + (31,)
SHOWN_FAILURES = 8
DISPATCH_STACK = 16     # bytes that vectors.S has on the stack when it calls


@dataclass(frozen=True)
class Handled:
    """An explored handler: what later theorems start from."""

    call: Routine
    exploration: Exploration
    hypotheses: Hypotheses
    seconds: float


def tails(target: Target, call: Routine) -> dict[int, str]:
    """Traps that have a proof of their own, and so a routine may end with them."""
    return {trap.address: trap.name for trap in target.traps
            if trap.is_running <= call.is_running and trap.name in spec.parts()
            and trap.name != call.name}


def given(target: Target, name: str) -> tuple[z3.BoolRef, ...]:
    """What the specification of that name asks for where it begins."""
    text = spec.parts().get(name)
    if text is None:
        return ()
    t = Transition(constants(target), SymbolicState())
    return (as_term(text.given(t, *(symbol(f"x{n}").z for n in range(len(text.parameters))))),)


def rules_of(call: Routine) -> list[Invariant]:
    """What may be assumed where the routine begins."""
    names = USED if call.has_result or call.name in DIRECT else \
        AT_THE_EDGE if call.is_edge else IN_TRAPS
    return used(names, call.is_running)


def explore(target: Target, call: Routine, contracts: dict[int, Contract],
            start: Start | None = None, cuts: dict[int, str] | None = None) -> Handled:
    """All paths of a routine from its entry, or from another start, to its return or a cut."""
    begin = time.process_time()
    world = target.world()
    world.has_lock = call.has_lock
    world.cuts.update(cuts or {})
    world.tails.update({} if cuts else tails(target, call))
    world.symbols.facts = about_current(target)
    with queries.about(subject=call.name):
        found = Explorer(world, contracts).run(
            start or target.start(call, given(target, call.name)))
    hypotheses = instances(target, world, rules_of(call))
    return Handled(call, found, hypotheses, time.process_time() - begin)


def story(decisions: Iterable[Decision], model: z3.ModelRef | None) -> list[tuple[int, bool]]:
    """The branches of a path; of merged ones those that the model takes, or the first."""
    told: list[tuple[int, bool]] = []
    for item in decisions:
        if not isinstance(item, Joined):
            told.append(item)
            continue
        told += next(story(part, model) for condition, part in item.options
                     if model is None or z3.is_true(model.eval(condition, True)))
    return told


def decisions(target: Target, path: Path, model: z3.ModelRef | None = None) -> str:
    """The branches of a path as source lines, T taken, F not."""
    return " ".join(f"{target.debug.line_of(pc)}:{'T' if taken else 'F'}"
                    for pc, taken in story(path.decisions, model))


def where(target: Target, pc: int) -> str:
    """Source line and function of an address."""
    return f"{target.debug.line_of(pc)} ({target.image.function_at(pc)})"


def model_values(verdict: Verdict, count: int = 8) -> tuple[tuple[str, str], ...]:
    """The arguments and scalars of a counterexample; not what has a name of naming.py."""
    if verdict.model is None:
        return ()
    values = []
    for declaration in verdict.model.decls():
        is_shown = declaration.arity() == 0 and "#" not in declaration.name()
        if is_shown and z3.is_bv_value(verdict.model[declaration]):
            values.append((declaration.name(), f"{verdict.model[declaration].as_long():#x}"))
    values.sort(key=lambda v: (len(v[0]), v[0]))
    return tuple(values[:count])


def _obligations(handled: Handled) -> list[Obligation]:
    """Those of the exploration, and that each stuck path is dead."""
    world = handled.exploration.world
    dead = [Obligation("reachable", z3.BoolVal(False), tuple(p.given), p.pc, reason)
            for p, reason in handled.exploration.stuck]
    ordered = world.obligations + dead
    ordered.sort(key=lambda o: [t.get_id() for t in o.given])
    return ordered


def _discharge(target: Target, handled: Handled, solver: Solver) -> list[Failure]:
    failures = []
    for number, item in enumerate(_obligations(handled)):
        name = f"{handled.call.name}-T2-{number}"
        if solver.follows(item.given, item.goal, name) is not None:
            continue
        verdict = solver.prove(item.given, item.goal, name)
        if verdict.status != "proved":
            failures.append(Failure(
                f"{item.kind}: {item.text}", where(target, item.pc), "", verdict.status,
                model_values(verdict), str(verdict.query)))
            if len(failures) >= SHOWN_FAILURES:
                break
    return failures


def _check_return(target: Target, handled: Handled, solver: Solver) -> list[Failure]:
    failures = []
    for path in (p for p in handled.exploration.ended if not handled.call.is_edge):
        for number in KEPT:
            before, after = handled.exploration.start.regs[number], path.regs[number]
            if before.same(after):
                continue
            verdict = solver.prove(tuple(path.given), before.z == after.z,
                                   f"{handled.call.name}-T2-x{number}")
            if verdict.status != "proved":
                name = "sp" if number == 31 else f"x{number}"
                failures.append(Failure(f"{name} is not kept: {describe(after)}",
                                        where(target, path.pc),
                                        decisions(target, path, verdict.model), verdict.status,
                                        model_values(verdict), str(verdict.query)))
    return failures


def prove(target: Target, handled: Handled, folder: FilePath) -> tuple[Row, Row]:
    """The rows T2 and T8."""
    begin = time.process_time()
    found = handled.exploration
    solver = Solver(handled.hypotheses.terms, folder, found.world.symbols)
    failures = _discharge(target, handled, solver) + _check_return(target, handled, solver)
    if not found.ended:
        failures.append(Failure("no path returns", handled.call.source, "", "refuted", (), ""))
    depth = -min((p.lowest for p in found.ended), default=0)
    stack = target.layout.families["cpu_stacks"].dims[0].stride
    if depth + DISPATCH_STACK > stack:
        failures.append(Failure(f"stack of {depth} bytes", handled.call.source, "", "refuted", (),
                                ""))
    spent = handled.seconds + time.process_time() - begin
    facts = {"paths": len(found.ended), "obligations": solver.queries,
             "solver seconds": round(solver.seconds, 2), "fallbacks": solver.fallbacks,
             coverage.WORDS: coverage.packed(found.world.addresses)}
    longest = max((p.count for p in found.ended), default=0)
    safe = row(handled.call.name, "T2", spent, facts, failures, handled.hypotheses.texts,
               handled.call.source)
    bound = row(handled.call.name, "T8", handled.seconds,
                {"instructions": longest, "stack bytes": depth},
                [] if found.ended else failures, handled.hypotheses.texts, handled.call.source)
    return safe, bound
