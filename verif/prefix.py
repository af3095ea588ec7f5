# SPDX-License-Identifier: MIT
"""A solver for one path after another: what two queries begin with alike is asserted once."""
from dataclasses import dataclass, field

import z3

from .naming import Names


@dataclass
class Prefix:
    """`hypotheses` hold in all queries, which have `resources` of Z3 each."""

    hypotheses: tuple[z3.BoolRef, ...]
    names: Names
    resources: int
    _stack: list[z3.BoolRef] = field(default_factory=list)
    _defined: list[set[str]] = field(default_factory=list)
    _solver: z3.Solver | None = None

    def add(self, solver: z3.Solver, terms: tuple[z3.BoolRef, ...]) -> set[str]:
        """Adds the terms, and the equations that are not there yet; their names."""
        equations = self.names.defining(terms)
        new = set(equations).difference(*self._defined)
        solver.add(*terms, *(equations[label] for label in sorted(new)))
        return new

    def labels(self) -> set[str]:
        """The names whose equations are there."""
        return set().union(*self._defined)

    def under(self, given: tuple[z3.BoolRef, ...]) -> z3.Solver:
        """The solver, with the hypotheses and all that is given."""
        if self._solver is None:
            self._solver = z3.SolverFor("QF_UFBV")
            self._solver.set("rlimit", self.resources)
            self._defined.append(self.add(self._solver, self.hypotheses))
        same = 0
        while same < min(len(given), len(self._stack)) and given[same].eq(self._stack[same]):
            same += 1
        self._solver.pop(len(self._stack) - same)
        del self._stack[same:], self._defined[same + 1:]
        for term in given[same:]:
            self._solver.push()
            self._defined.append(self.add(self._solver, (term,)))
            self._stack.append(term)
        return self._solver
