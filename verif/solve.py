# SPDX-License-Identifier: MIT
"""Does a goal follow? Only Z3's `unsat` for its negation says yes.

A short slice of the incremental solver first, then Ackermannisation and
bit-blasting (BINARY.md, solver facts). Whatever is not proved is written out
as SMT-LIB 2.
"""
import time
from dataclasses import dataclass, field
from pathlib import Path

import z3

from . import queries
from .lazily import Lazily
from .naming import Names

# Resources of Z3, not time: two runs do the same.
SLICE_RESOURCES = 1000000
CORE_RESOURCES = 4 * SLICE_RESOURCES
OWN_RESOURCES = SLICE_RESOURCES // 5
LAST_RESOURCES = 300000000
WITNESSES = 4   # states that are remembered
TACTICS = ("simplify", "propagate-values", "solve-eqs", "ackermannize_bv", "simplify",
           "bit-blast", "sat")


@dataclass(frozen=True)
class Verdict:
    """`status`: proved, refuted or unknown. `query` is where the open query was written."""

    status: str
    seconds: float
    model: z3.ModelRef | None = None
    query: Path | None = None


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
    used: tuple[z3.BoolRef, ...] = ()   # hypotheses that it used
    _stack: list[z3.BoolRef] = field(default_factory=list)
    _defined: list[set[str]] = field(default_factory=list)
    _solver: z3.Solver | None = None
    _witnesses: list[Witness] = field(default_factory=list)

    def _add(self, solver: z3.Solver, terms: tuple[z3.BoolRef, ...]) -> set[str]:
        """Adds the terms, and the equations that are not there yet; their names."""
        equations = self.names.defining(terms)
        new = set(equations).difference(*self._defined)
        solver.add(*terms, *(equations[label] for label in sorted(new)))
        return new

    def _prepared(self, given: tuple[z3.BoolRef, ...]) -> z3.Solver:
        if self._solver is None:
            self._solver = z3.SolverFor("QF_UFBV")
            self._solver.set("rlimit", SLICE_RESOURCES)
            self._defined.append(self._add(self._solver, self.hypotheses))
        same = 0
        while same < min(len(given), len(self._stack)) and given[same].eq(self._stack[same]):
            same += 1
        self._solver.pop(len(self._stack) - same)
        del self._stack[same:], self._defined[same + 1:]
        for term in given[same:]:
            self._solver.push()
            self._defined.append(self._add(self._solver, (term,)))
            self._stack.append(term)
        return self._solver

    def prove(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef, name: str,
              is_kept: bool = True) -> Verdict:
        """Is `goal` implied by the hypotheses and `given`? An open query is kept under `name`."""
        begin = time.process_time()
        solver = self._prepared(given)
        solver.push()
        self._add(solver, (z3.Not(goal),))
        result = solver.check()
        model = solver.model() if result == z3.sat else None
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

    def quickly(self, given: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> bool:
        """Is it plain to see that `goal` follows? No says nothing."""
        begin = time.process_time()
        solver = self._prepared(given)
        solver.push()
        self._add(solver, (z3.Not(goal),))
        result = solver.check()
        if result == z3.unsat:
            queries.note(solver, "plain to see")
        solver.pop()
        self.queries += 1
        self.seconds += time.process_time() - begin
        return bool(result == z3.unsat)

    def may_be(self, given: tuple[z3.BoolRef, ...]) -> bool:
        """False only if `given` is plainly impossible. States that were found before are tried
        first."""
        if any(one.satisfies(given, self.names) for one in reversed(self._witnesses)):
            return True
        begin = time.process_time()
        solver = self._prepared(given)
        result = solver.check()
        if result == z3.unsat:
            queries.note(solver, "plainly impossible")
        if result == z3.sat:
            found = Witness(solver.model(), {t.get_id() for t in given},
                            set().union(*self._defined))
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
        marks = {str(some.suppose(term)): term for term in given}
        result = some.check((is_denied, *map(z3.Bool, marks)))
        self.queries += 1
        self.seconds += time.process_time() - begin
        self.is_refuted = result == z3.sat
        self.used = tuple(some.terms)
        if result != z3.unsat:
            return None
        needed = tuple(marks[str(mark)] for mark in some.solver.unsat_core() if str(mark) in marks)
        queries.note_terms((*some.terms, *needed, denied), name)
        return needed

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
