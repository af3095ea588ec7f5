# SPDX-License-Identifier: MIT
"""Does a goal follow? Only Z3's `unsat` for its negation says yes.

A short slice of the incremental solver first, then Ackermannisation and
bit-blasting (BINARY.md, solver facts). Whatever is not proved is written out
as SMT-LIB 2.
"""
import time
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import z3

from . import queries
from .lazily import Lazily
from .naming import Names
from .prefix import Prefix

# Resources of Z3, not time: two runs do the same.
SLICE_RESOURCES = 1000000
CORE_RESOURCES = 4 * SLICE_RESOURCES
OWN_RESOURCES = SLICE_RESOURCES // 5
STATE_RESOURCES = 20 * CORE_RESOURCES   # to find one, which makes it easy to find the next
LAST_RESOURCES = 300000000
WITNESSES = 4   # states that are remembered
TACTICS = ("simplify", "propagate-values", "solve-eqs", "ackermannize_bv", "simplify",
           "bit-blast", "sat")

Place = tuple[tuple[z3.BitVecRef, z3.BitVecRef], ...]   # constants and their values


@dataclass(frozen=True)
class Verdict:
    """`status`: proved, refuted or unknown. `query` is where the open query was written.
    `is_contradiction`: it was proved without the goal, so what is given is impossible."""

    status: str
    seconds: float
    model: z3.ModelRef | None = None
    query: Path | None = None
    is_contradiction: bool = False


def _status(result: z3.CheckSatResult) -> str:
    if result == z3.unsat:
        return "proved"
    return "refuted" if result == z3.sat else "unknown"


@dataclass(frozen=True)
class Witness:
    """A state: what is known to hold in it, terms and equations of names."""

    model: z3.ModelRef
    terms: set[int]
    labels: set[str]

    def satisfies(self, given: tuple[z3.BoolRef, ...], names: Names) -> bool:
        """Does all that is given hold in it? Functions that it does not have are 0."""
        for term in given:
            if term.get_id() not in self.terms:
                new = {k: e for k, e in names.defining((term,)).items() if k not in self.labels}
                if not all(z3.is_true(self.model.eval(t, True)) for t in (term, *new.values())):
                    return False
                self.terms.add(term.get_id())
                self.labels.update(new)
        return True


@dataclass
class Solver:
    """Queries under common hypotheses; those of a path prefix are kept from query to query.

    Each query has the equations of the names that occur in it (see naming.py).
    """

    hypotheses: tuple[z3.BoolRef, ...]
    folder: Path
    names: Names = field(default_factory=Names)
    queries: int = 0
    fallbacks: int = 0
    seconds: float = 0.0
    is_refuted: bool = False    # what `core` was asked last has a counterexample
    is_contradicted: bool = False   # ... or what was given then is impossible
    used: tuple[z3.BoolRef, ...] = ()   # hypotheses that it used
    _witnesses: list[Witness] = field(default_factory=list)

    @cached_property
    def _learned(self) -> Lazily:
        return Lazily(z3.SolverFor("QF_UFBV"), self.names, [])

    @cached_property
    def _full(self) -> Prefix:
        return Prefix(self.hypotheses, self.names, SLICE_RESOURCES)

    @cached_property
    def _bare(self) -> Prefix:
        """Without the hypotheses: many answers need none, and with them cost ten times as much."""
        return Prefix((), self.names, SLICE_RESOURCES)

    def prove(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef, name: str,
              is_kept: bool = True, state: z3.ModelRef | None = None,
              places: Iterable[Place] = ((),)) -> Verdict:
        """Is `goal` implied by the hypotheses and `given`? An open query is kept under `name`.
        In `state` these hold: the goal may be false there, at one of `places`."""
        begin = time.process_time()
        solver = self._full.under(given)
        solver.push()
        self._full.add(solver, (z3.Not(goal),))
        model = None if state is None else self._counterexample(state, goal, places)
        result = z3.sat if model is not None else solver.check()
        if result == z3.sat and model is None:
            model = solver.model()
        if result == z3.unknown:
            self.fallbacks += 1
            result, model = self._fallback(solver)
        if result == z3.unsat:
            queries.note(solver, name or "not possible")
        query = None if result == z3.unsat or not is_kept else self._keep(solver, name)
        solver.pop()
        spent = time.process_time() - begin
        self.queries += 1
        self.seconds += spent
        return Verdict(_status(result), spent, model, query)

    def _counterexample(self, state: z3.ModelRef, goal: z3.BoolRef,
                        places: Iterable[Place]) -> z3.ModelRef | None:
        """The state, with one of the places, if the goal is false there. Functions that the state
        does not have are 0."""
        needed = (z3.Not(goal), *self.names.defining((goal,)).values())
        for place in places:
            found = copy(state)
            for constant, value in (*place, *self.names.meanings(goal)):
                if found.get_interp(constant) is None:
                    z3.Z3_add_const_interp(found.ctx.ref(), found.model, constant.decl().ast,
                                           found.eval(value, True).as_ast())
            if all(z3.is_true(found.eval(term, True)) for term in needed):
                return found
        return None

    def quickly(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> bool:
        """Is it plain to see that `goal` follows? No says nothing."""
        return self._is_plain(self._full, given, goal)

    def alone(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> bool:
        """Is it plain to see that `goal` follows from `given`, without the hypotheses?"""
        return self._is_plain(self._bare, given, goal)

    def _is_plain(self, prefix: Prefix, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> bool:
        begin = time.process_time()
        solver = prefix.under(given)
        solver.push()
        prefix.add(solver, (z3.Not(goal),))
        is_proved = solver.check() == z3.unsat
        if is_proved:
            queries.note(solver, "plain to see")
        solver.pop()
        self.queries += 1
        self.seconds += time.process_time() - begin
        return is_proved

    def may_be(self, given: tuple[z3.BoolRef, ...]) -> bool:
        """False only if `given` alone is plainly impossible. States that were found before are
        tried first."""
        if any(one.satisfies(given, self.names) for one in reversed(self._witnesses)):
            return True
        begin = time.process_time()
        solver = self._bare.under(given)
        result = solver.check()
        if result == z3.unsat:
            queries.note(solver, "plainly impossible")
        if result == z3.sat:
            found = Witness(solver.model(), {t.get_id() for t in given}, self._bare.labels())
            self._witnesses = [*self._witnesses[1 - WITNESSES:], found]
        self.queries += 1
        self.seconds += time.process_time() - begin
        return bool(result != z3.unsat)

    def core(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef, name: str,
             resources: int = CORE_RESOURCES,
             kept: Lazily | None = None) -> tuple[z3.BoolRef, ...] | None:
        """Those of `given` from which `goal` is plain to see, or None. What `kept` has learned
        from other goals is used; its hypotheses must hold here, too."""
        begin = time.process_time()
        some = kept or Lazily(z3.SolverFor("QF_UFBV"), self.names, [])
        some.solver.set("rlimit", resources)
        some.offer(self.hypotheses)
        denied = z3.Not(goal)
        is_denied = some.suppose(denied)
        marks = [(some.suppose(term), term) for term in given]
        result = some.check((is_denied, *(mark for mark, _ in marks)))
        self.queries += 1
        self.seconds += time.process_time() - begin
        self.is_refuted = result == z3.sat
        self.used = tuple(some.terms)
        if result != z3.unsat:
            return None
        core = {mark.get_id() for mark in some.solver.unsat_core()}
        self.is_contradicted = is_denied.get_id() not in core
        needed = tuple(term for mark, term in marks if mark.get_id() in core)
        queries.note_terms((*some.terms, *needed, denied), name)
        return needed

    def follows(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef,
                name: str) -> tuple[z3.BoolRef, ...] | None:
        """As `core`, with few resources and what was learned from goals before."""
        return self.core(given, goal, name, SLICE_RESOURCES, self._learned)

    def is_possible(self, given: tuple[z3.BoolRef, ...], name: str,
                    kept: Lazily | None = None, resources: int = CORE_RESOURCES) -> bool:
        """Was a state found in which the hypotheses and all that is given hold? `kept` and
        `resources`: see `core`."""
        nothing = z3.BoolVal(False)
        if self.core(given, nothing, name, resources, kept) is not None:
            return False
        return self.is_refuted or self.prove(given, nothing, "", False).status == "refuted"

    def _fallback(self, solver: z3.Solver) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
        """A fresh solver, then bit-blasting, which gives up at once on some queries, then the
        first for longer."""
        for other, limit in ((z3.SolverFor("QF_UFBV"), 8 * SLICE_RESOURCES),
                             (z3.Then(*TACTICS).solver(), LAST_RESOURCES),
                             (z3.SolverFor("QF_UFBV"), LAST_RESOURCES)):
            other.set("rlimit", limit)
            other.add(*solver.assertions())
            result = other.check()
            if result != z3.unknown:
                return result, other.model() if result == z3.sat else None
        return z3.unknown, None

    def _keep(self, solver: z3.Solver, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.smt2"
        path.write_text("(set-logic QF_UFBV)\n" + solver.to_smt2())
        return path
