# SPDX-License-Identifier: MIT
"""T1 (refinement): each path of a handler does exactly its case of the specification.

For each path the cases of the transition that can hold on it are found by
models, until the path condition excludes all others; a path on which no case
holds is a failure. Under path and case: x0 is the result, and every cell of
every table that either side changes is equal, at an arbitrary index.
"""
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import z3
from spec.state import FIELDS

from .devices import observed, outside
from .errors import VerifError
from .flags import as_term, fold
from .lin import bv
from .machine import TRAILING, Path, World
from .memory import CellWrite, Indices, base_read
from .naming import NamedState, SharedOps
from .premises import constants, instances
from .result import Failure, Row, row
from .safety import Handled, decisions, model_values, where
from .solve import Solver, Verdict
from .target import Target
from .vacuity import impossible

SHOWN_FAILURES = 6
LONG_LIST = 4
Goal = tuple[str, z3.BoolRef, z3.BitVecRef, z3.BitVecRef]


@dataclass(frozen=True)
class Question:
    """What T1 of one handler is about."""

    target: Target
    handled: Handled
    cases: tuple[Any, ...]
    solver: Solver


def _cases(target: Target, handled: Handled, spec: Any,
           observer: Callable[[str, Indices], None]) -> tuple[Any, ...]:
    arguments = tuple(z3.BitVec(f"x{i}", 64) for i in range(len(spec.parameters)))
    if len(spec.parameters) != len(handled.call.parameters):
        raise VerifError(f"{handled.call.name}: the specification takes {spec.parameters}, "
                         f"the handler {handled.call.parameters}")
    state = NamedState(observer=observer, ops=SharedOps(observer))
    return tuple(spec.symbolic(constants(target), state, arguments))


def arbitrary(target: Target, name: str) -> tuple[Indices, list[z3.BoolRef]]:
    """Free indices of a table, and that they are within it."""
    family = target.layout.families[name]
    indices = tuple(z3.BitVec(f"any{i}!{name}", 64) for i in range(len(family.dims)))
    return indices, [z3.ULT(i, bv(d.count)) for i, d in zip(indices, family.dims)]


def _table_goal(question: Question, path: Path, case: Any, name: str) -> Goal | None:
    family = question.target.layout.families.get(name)
    if family is None:
        raise VerifError(f"the specification changes {name}, which the kernel does not have")
    if name not in FIELDS:
        before = path.memory.fork()
        before.updates.pop(name)
        indices, inside = arbitrary(question.target, name)
        wanted = base_read(family, indices)
    else:
        indices, inside = arbitrary(question.target, name)
        wanted = case.state.get(name, *indices)
    actual = path.memory.read(family, indices)
    equal = fold(actual == wanted)
    if equal is True:
        return None
    goal = z3.Implies(z3.And(*inside), as_term(equal)) if inside else as_term(equal)
    return name, goal, actual, wanted


def _system_goal(path: Path, case: Any, name: str) -> Goal | None:
    actual = path.system[name].z if name in path.system else z3.BitVec(f"sys.{name}", 64)
    known = f"sys.{name}" in FIELDS
    wanted = case.state.get(f"sys.{name}") if known else z3.BitVec(f"sys.{name}", 64)
    equal = fold(actual == wanted)
    return None if equal is True else (f"sys.{name}", as_term(equal), actual, wanted)


def goals(question: Question, path: Path, case: Any) -> Iterator[Goal]:
    """What must hold on the path in this case: name, formula, actual, expected."""
    actual, wanted = path.regs[0].z, case.result
    equal = fold(actual == wanted)
    if equal is not True:
        yield "result x0", as_term(equal), actual, wanted
    changed = set(path.memory.updates) | {n for n in case.state.updates if not n.startswith(("sys.", "ghost."))}
    for name in sorted(changed):
        goal = _table_goal(question, path, case, name)
        if goal is not None:
            yield goal
    registers = {n for n in path.system if n not in ("tpidr_el2", "fpcr", "fpsr")}
    registers |= {n[4:] for n in case.state.updates if n.startswith("sys.") and n != "sys.fp"}
    for name in sorted(registers):
        goal = _system_goal(path, case, name)
        if goal is not None:
            yield goal
    yield from _fp_goals(path, case)
    yield from _outside_goals(path, case)


def _fp_goals(path: Path, case: Any) -> Iterator[Goal]:
    """FPCR, FPSR and Q0..Q31 are sys.fp."""
    words = [path.system["fpcr"], path.system["fpsr"], *(w for q in path.quads for w in q)]
    for number, word in enumerate(words):
        wanted = case.state.get("sys.fp", bv(number))
        equal = fold(word.z == wanted)
        if equal is not True:
            yield f"sys.fp[{number}]", as_term(equal), word.z, wanted


def _outside_goals(path: Path, case: Any) -> Iterator[Goal]:
    """Device writes and SMC calls, in order, are the events of the specification."""
    actual, wanted = outside(path.events), list(case.events)
    if [a[0] for a in actual] != [w[0] for w in wanted]:
        yield ("events " + " ".join(a[0] for a in actual) + " instead of "
               + " ".join(w[0] for w in wanted), z3.BoolVal(False), bv(0), bv(0))
        return
    for (name, got), (_, *expected) in zip(actual, wanted):
        for left, right in zip(got, expected, strict=True):
            term = bv(right) if isinstance(right, int) else right
            if name == "tlbi_asid":
                term = term << bv(48)
            equal = fold(left == term)
            if equal is not True:
                yield f"event {name}", as_term(equal), left, term


def _matching(question: Question, given: tuple[z3.BoolRef, ...]) -> tuple[list[Any], str]:
    """The cases that can hold, or why they cannot be told. No case: the path is dead."""
    found: list[Any] = []
    while True:
        excluded = tuple(z3.Not(as_term(c.condition)) for c in found)
        verdict = question.solver.prove(given + excluded, z3.BoolVal(False), "scratch-case", False)
        if verdict.status == "proved":
            return found, ""
        if verdict.model is None:
            return found, verdict.status
        model = verdict.model
        hit = [c for c in question.cases if c not in found
               and z3.is_true(model.eval(as_term(c.condition), model_completion=True))]
        if len(hit) != 1:
            return found, f"{len(hit)} cases of the specification hold at once"
        found.append(hit[0])


def _failure(question: Question, path: Path, case: Any, goal: Goal, verdict: Verdict) -> Failure:
    values = list(model_values(verdict))
    if verdict.model is not None:
        for label, term in (("actual", goal[2]), ("expected", goal[3])):
            values.append((label, str(verdict.model.eval(term, model_completion=True))))
    errno = "success" if case.errno is None else f"errno {case.errno}"
    return Failure(f"{goal[0]} differs from case {case.case} ({errno})",
                   where(question.target, path.decisions[-1][0] if path.decisions else path.pc),
                   decisions(question.target, path), verdict.status, tuple(values),
                   str(verdict.query))


def _lemmas(question: Question, path: Path, case: Any,
            under: tuple[z3.BoolRef, ...]) -> tuple[z3.BoolRef, ...]:
    """Equalities of the updates of a long list, one after the other, each under those before.

    Only what is proved is used, so what is tried here cannot make a proof unsound.
    """
    known: tuple[z3.BoolRef, ...] = ()
    for name, actual in path.memory.updates.items():
        wanted = case.state.updates.get(name, ())
        if len(actual) != len(wanted) or len(actual) < LONG_LIST:
            continue
        for left, right in zip(actual, wanted):
            if not isinstance(left, CellWrite) or right.content is not None:
                break
            pairs = [*zip(left.indices, right.key), (left.value, right.value)]
            for one, other in pairs:
                equal = fold(one == other)
                if equal is True:
                    continue
                term = as_term(equal)
                if question.solver.prove(under + known, term, "", False).status != "proved":
                    break
                known += (term,)
    return known


def _prove_path(question: Question, path: Path, number: int) -> tuple[list[Failure], int]:
    given = tuple(path.given) + observed(path.events)
    found, problem = _matching(question, given)
    failures = []
    if problem:
        failures.append(Failure(problem, where(question.target, path.pc),
                                decisions(question.target, path), "unknown", (), ""))
    for case in found:
        under = given + tuple(as_term(t) for t in case.path) + case.state.definitions
        under += _lemmas(question, path, case, under)
        for at, goal in enumerate(goals(question, path, case)):
            name = f"{question.handled.call.name}-T1-{number}-{at}"
            verdict = question.solver.prove(under, goal[1], name)
            if verdict.status != "proved":
                failures.append(_failure(question, path, case, goal, verdict))
    return failures, len(found)


def _check_names(target: Target, world: World) -> None:
    """Every table that the specification reads is one of the kernel's."""
    for name, _ in world.touched.values():
        if name not in target.layout.families and name != TRAILING and \
                not name.startswith(("sys.", "uart.", "ghost.")):
            raise VerifError(f"the specification reads {name}, which the kernel does not have")


def prove(target: Target, handled: Handled, spec: Any, folder: FilePath) -> Row:
    """The row T1."""
    begin = time.monotonic()
    world = handled.exploration.world
    cases = _cases(target, handled, spec, world.touch)
    _check_names(target, world)
    hypotheses = instances(target, world)
    question = Question(target, handled, cases, Solver(hypotheses.terms, folder))
    failures = impossible(cases, question.solver, handled.call.name, handled.call.source)
    dead = 0
    for number, path in enumerate(handled.exploration.ended):
        wrong, matched = _prove_path(question, path, number)
        failures += wrong
        dead += matched == 0 and not wrong
        if len(failures) >= SHOWN_FAILURES:
            break
    if dead == len(handled.exploration.ended):
        failures.append(Failure("every path is dead", handled.call.source, "", "refuted", (), ""))
    facts = {"cases": len(cases), "dead paths": dead, "queries": question.solver.queries,
             "fallbacks": question.solver.fallbacks}
    return row(handled.call.name, "T1", time.monotonic() - begin, facts, failures,
               hypotheses.texts, handled.call.source)
