# SPDX-License-Identifier: MIT
"""T1 (refinement): each path of a handler does exactly its case of the specification.

For each path the cases of the transition that can hold on it are found by
models, until the path condition excludes all others; a path on which no case
holds is a failure. Under path and case: x0 is the result, and every cell of
every table that either side changes is equal, at an arbitrary index.
"""
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import z3
from spec.state import FIELDS

from . import changes, linkage, lines
from .devices import observed, outside
from .errors import VerifError
from .flags import as_term, fold, negate
from .lin import bv
from .machine import RETURN, Path
from .memory import Indices, base_read
from .naming import Names, NamedState, SharedOps
from .premises import constants, instances
from .result import Failure, Row, row
from .safety import Handled, decisions, model_values, rules_of, story, where
from .solve import Place, Solver, Verdict
from .target import Target
from .vacuity import impossible
from .world import World

SHOWN_FAILURES = 6
# Never written, compared as sys.fp, and events: a write of the GIC leaves no value that is read.
ELSEWHERE = ("tpidr_el2", "fpcr", "fpsr", "icc_eoir1_el1", "icc_dir_el1", "icc_sgi1r_el1",
             "ich_hcr_el2")
Goal = tuple[str, z3.BoolRef, z3.BitVecRef, z3.BitVecRef]


@dataclass(frozen=True)
class Question:
    """What T1 of one handler is about."""

    target: Target
    handled: Handled
    text: Any
    cases: tuple[Any, ...]
    solver: Solver

    @cached_property
    def tree(self) -> "Branch":
        """All cases."""
        return _tree(self.solver.names, self.cases)

    def is_plain(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> bool:
        """Does it plainly follow? Most goals do so without the hypotheses, ten times as fast."""
        return self.solver.alone(given, goal) or self.solver.quickly(given, goal)


def _cases(target: Target, handled: Handled, spec: Any,
           observer: Callable[[str, Indices], None]) -> tuple[Any, ...]:
    arguments = tuple(z3.BitVec(f"x{i}", 64) for i in range(len(spec.parameters)))
    if len(spec.parameters) != len(handled.call.parameters):
        raise VerifError(f"{handled.call.name}: the specification takes {spec.parameters}, "
                         f"the handler {handled.call.parameters}")
    state = NamedState(observer=observer, ops=SharedOps(handled.exploration.world.symbols))
    return tuple(spec.symbolic(constants(target), state, arguments, ghosts=False,
                               apart=tuple(handled.exploration.world.tails.values())))


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


def _register_pairs(question: Question, path: Path, case: Any,
                    ) -> Iterator[tuple[str, z3.BitVecRef, z3.BitVecRef]]:
    """Registers where the path ends: which, actual, expected."""
    if question.handled.call.is_edge:
        yield from linkage.registers(question.target, path, case,
                                     question.handled.call.is_running)
    elif path.finished != RETURN:
        yield "x0", path.regs[0].z, question.target.cpu.z
    elif question.handled.call.has_result:
        yield "result x0", path.regs[0].z, case.result


def goals(question: Question, path: Path, case: Any, equal_tables: set[str]) -> Iterator[Goal]:
    """What must hold on the path in this case besides the tables that are known to be equal:
    name, formula, actual, expected."""
    for place, actual, wanted in _register_pairs(question, path, case):
        equal = fold(actual == wanted)
        if equal is not True:
            yield place, as_term(equal), actual, wanted
    changed = set(path.memory.updates) | {n for n in case.state.updates
                                          if not n.startswith(("sys.", "ghost."))}
    for name in sorted(changed - equal_tables):
        goal = _table_goal(question, path, case, name)
        if goal is not None:
            yield goal
    registers = {n for n in path.system if n not in ELSEWHERE}
    registers |= {n[4:] for n in case.state.updates if n.startswith("sys.")
                  and n not in ("sys.fp", "sys.x")}
    for name in sorted(registers):
        goal = _system_goal(path, case, name)
        if goal is not None:
            yield goal
    yield from _fp_goals(path, case)
    yield from _outside_goals(question, path, case)


def _fp_goals(path: Path, case: Any) -> Iterator[Goal]:
    """FPCR, FPSR and Q0..Q31 are sys.fp."""
    words = [path.system["fpcr"], path.system["fpsr"], *(w for q in path.quads for w in q)]
    for number, word in enumerate(words):
        wanted = case.state.get("sys.fp", bv(number))
        equal = fold(word.z == wanted)
        if equal is not True:
            yield f"sys.fp[{number}]", as_term(equal), word.z, wanted


def _outside_goals(question: Question, path: Path, case: Any) -> Iterator[Goal]:
    """Device writes and SMC calls, in order, are the events of the specification."""
    actual, wanted = outside(path.events), list(case.events)
    if case.part is not None:
        wanted.append((case.part,))
    if [a[0] for a in actual] != [w[0] for w in wanted]:
        yield ("events " + " ".join(a[0] for a in actual) + " instead of "
               + " ".join(w[0] for w in wanted), z3.BoolVal(False), bv(0), bv(0))
        return
    for (name, got), (_, *expected) in zip(actual, wanted):
        words = [bv(word) if isinstance(word, int) else word for word in expected]
        for left, term in zip(got, _operands(question, name, words), strict=True):
            equal = fold(left == term)
            if equal is not True:
                yield f"event {name}", as_term(equal), left, term


def _operands(question: Question, name: str, words: list[z3.BitVecRef]) -> list[z3.BitVecRef]:
    """An event of the specification as the instruction has it: TLBI's ASID in bits 63:48
    (C5.5), DC's page and offset as an address."""
    if name == "tlbi_asid":
        return [words[0] << bv(48)]
    if name == "dc_civac":
        pages = question.target.layout.families["pages"].base
        return [bv(pages) + (words[0] << bv(12)) + words[1]]
    return words


def _uncovered(question: Question) -> list[Failure]:
    """The cases of the specification must cover every state in which the routine may begin."""
    covered = z3.Or(*(as_term(c.condition) for c in question.cases))
    given = question.handled.exploration.start.given
    verdict = question.solver.prove(given, covered, f"{question.handled.call.name}-T1-cases")
    if verdict.status == "proved":
        return []
    return [Failure("the cases of the specification do not cover every state",
                    question.handled.call.source, "", verdict.status, model_values(verdict),
                    str(verdict.query))]


def _failure(question: Question, path: Path, case: Any, goal: Goal, verdict: Verdict) -> Failure:
    values = list(model_values(verdict))
    if verdict.model is not None:
        for label, term in (("actual", goal[2]), ("expected", goal[3])):
            values.append((label, str(verdict.model.eval(term, model_completion=True))))
    errno = "success" if case.errno is None else f"errno {case.errno}"
    branches = story(path.decisions, verdict.model)
    about = (*lines.of_case(question.text, case, lines.tables_of(goal[0])),
             *lines.of_stores(question.target, path, goal[0]))
    return Failure(f"{goal[0]} differs from case {case.case} ({errno})",
                   where(question.target, branches[-1][0] if branches else path.pc),
                   decisions(question.target, path, verdict.model), verdict.status, tuple(values),
                   str(verdict.query), about)


def difference(one: z3.ExprRef, other: z3.ExprRef) -> tuple[z3.ExprRef, z3.ExprRef] | None:
    """Of two applications of a function the arguments that differ, if these are only two."""
    if one.num_args() == 0 or one.num_args() != other.num_args() or not one.decl().eq(other.decl()):
        return None
    found = [(a, b) for a, b in zip(one.children(), other.children()) if not a.eq(b)]
    return found[0] if len(found) == 1 else None


@dataclass
class Alignment:
    """Equalities that were proved on a path in a case, each under those before; `alike` has them
    as pairs, to replace the first by the second."""

    question: Question
    under: tuple[z3.BoolRef, ...]
    known: tuple[z3.BoolRef, ...] = ()
    alike: list[tuple[z3.ExprRef, z3.ExprRef]] = field(default_factory=list)

    def is_equal(self, one: z3.ExprRef, other: z3.ExprRef) -> bool:
        """Is it plain to see?"""
        equal = fold(one == other)
        if equal is True or equal is False:
            return bool(equal)
        one, other = z3.simplify(one), z3.simplify(other)
        inner = difference(one, other)
        if inner is not None:
            self.is_equal(*inner)   # what is within is of more use
        names, term = self.question.solver.names, as_term(equal)
        if not (names.become_one(one, other, self.alike) or names.are_equal(one, other)
                or self.question.is_plain(self.under + self.known, term)):
            return False
        self.known += (term,)
        if not z3.is_bv_value(other):
            self.alike.append((other, one))
        return True


def _aligned(question: Question, path: Path, case: Any, under: tuple[z3.BoolRef, ...],
             ) -> tuple[set[str], tuple[z3.BoolRef, ...]]:
    """Tables whose updates are equal one by one, and every equality that was proved. Only what is
    proved is used: a table that is left is compared whole."""
    equal_tables: set[str] = set()
    proved = Alignment(question, under)
    for name in sorted(path.memory.updates):
        pairs = changes.pairs(path.memory.updates[name], case.state.updates.get(name, ()))
        if pairs is not None and all(proved.is_equal(one, other) for one, other in pairs):
            equal_tables.add(name)
    return equal_tables, proved.known


def _places(question: Question, path: Path, case: Any, name: str) -> Iterator[Place]:
    """Any cell of the table may be each of those that path and case write."""
    yield ()
    if name in question.target.layout.families:
        made, said = path.memory.updates.get(name, ()), case.state.updates.get(name, ())
        indices, _ = arbitrary(question.target, name)
        yield from (tuple(zip(indices, place)) for place in changes.places(made, said))


def _prove_case(question: Question, path: Path, case: Any, under: tuple[z3.BoolRef, ...],
                name: str) -> tuple[list[Failure], bool]:
    """What does not hold on the path in this case; is the case possible there?"""
    equal_tables, known = _aligned(question, path, case, under)
    given = under + known
    possible: Verdict | None = None
    failures = []
    for at, goal in enumerate(goals(question, path, case, equal_tables)):
        if question.is_plain(given, goal[1]):
            continue
        possible = possible or question.solver.prove(given, z3.BoolVal(False), "", False)
        if possible.status == "proved":
            return [], False
        verdict = question.solver.prove(given, goal[1], f"{name}-{at}", state=possible.model,
                                        places=_places(question, path, case, goal[0]))
        if verdict.status != "proved":
            failures.append(_failure(question, path, case, goal, verdict))
    return failures, True


@dataclass(frozen=True)
class Branch:
    """Where cases of the specification part: those that end here, and the ways on from here, each
    with its truth and the number of its negation."""

    ends: tuple[Any, ...]
    ways: "tuple[tuple[z3.BoolRef, int, Branch], ...]"


def _tree(names: Names, cases: tuple[Any, ...], depth: int = 0) -> Branch:
    """Of cases that share the first `depth` truths of their paths."""
    ways: dict[int, tuple[z3.BoolRef, list[Any]]] = {}
    for case in cases:
        if len(case.path) > depth:
            term = names.truth(as_term(case.path[depth]))
            ways.setdefault(term.get_id(), (term, []))[1].append(case)
    negations = [as_term(negate(term)) for term, _ in ways.values()]
    names.kept += negations
    return Branch(tuple(case for case in cases if len(case.path) == depth),
                  tuple((term, negation.get_id(), _tree(names, tuple(some), depth + 1))
                        for negation, (term, some) in zip(negations, ways.values())))


def _possible(question: Question, given: tuple[z3.BoolRef, ...],
              branch: Branch) -> Iterator[tuple[Any, tuple[z3.BoolRef, ...]]]:
    """Cases that are not plainly impossible under `given`, each with all that it adds to it."""
    for case in branch.ends:
        yield case, given
    known = {term.get_id() for term in given}
    for term, negation, below in branch.ways:
        if term.get_id() in known:
            yield from _possible(question, given, below)
        elif negation not in known and question.solver.may_be((*given, term)):
            yield from _possible(question, (*given, term), below)


def _prove_path(question: Question, path: Path, number: int) -> tuple[list[Failure], int]:
    """What fails, and in how many cases the path may be taken."""
    given = tuple(path.given) + observed(path.events)
    failures: list[Failure] = []
    matched = 0
    for case, under in _possible(question, given, question.tree):
        wrong, is_possible = _prove_case(
            question, path, case, under, f"{question.handled.call.name}-T1-{number}-{matched}")
        failures += wrong
        matched += is_possible
        if len(failures) >= SHOWN_FAILURES:
            break
    return failures, matched


def _check_names(target: Target, world: World) -> None:
    """Every table that the specification reads is one of the kernel's."""
    for name, _ in world.touched.values():
        if name not in target.layout.families and \
                not name.startswith(("sys.", "uart.", "gic.", "vgic.", "ghost.")):
            raise VerifError(f"the specification reads {name}, which the kernel does not have")


def prove(target: Target, handled: Handled, spec: Any, folder: FilePath) -> Row:
    """The row T1."""
    begin = time.process_time()
    # what the specification reads is of no use to the other theorems
    known = handled.exploration.world
    world = replace(known, touched=dict(known.touched))
    cases = _cases(target, handled, spec, world.touch)
    _check_names(target, world)
    hypotheses = instances(target, world, rules_of(handled.call))
    question = Question(target, handled, spec, cases,
                        Solver(hypotheses.terms, folder, world.symbols))
    failures = _uncovered(question)
    failures += impossible(cases, question.solver, handled.call)
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
    return row(handled.call.name, "T1", time.process_time() - begin, facts, failures,
               hypotheses.texts, handled.call.source)
