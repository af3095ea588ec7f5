# SPDX-License-Identifier: MIT
"""Does a goal follow from a few of many hypotheses? Each is used only after a state was found
that contradicts it. What follows from some follows from all; other answers say nothing."""
from collections.abc import Iterable
from dataclasses import dataclass, field

import z3

from .naming import Names


@dataclass
class Lazily:
    """`terms` are what the solver has, `left` the hypotheses that it does not have."""

    solver: z3.Solver
    names: Names
    left: list[z3.BoolRef]
    terms: list[z3.BoolRef] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    _supposed: dict[int, tuple[z3.BoolRef, z3.BoolRef]] = field(default_factory=dict)

    def offer(self, terms: Iterable[z3.BoolRef]) -> None:
        """More hypotheses."""
        have = {term.get_id() for term in (*self.terms, *self.left)}
        self.left += [term for term in terms if term.get_id() not in have]

    def suppose(self, term: z3.BoolRef) -> z3.BoolRef:
        """A mark: where it holds the term does. Kept with it, for an id is of a living term."""
        if term.get_id() not in self._supposed:
            mark = z3.Bool(f"supposed!{len(self._supposed)}")
            self.define((term,))
            self.solver.add(z3.Implies(mark, term))
            self._supposed[term.get_id()] = mark, term
        return self._supposed[term.get_id()][0]

    def define(self, terms: Iterable[z3.BoolRef]) -> None:
        """The equations of the names in these."""
        for label, equation in self.names.defining(terms).items():
            if label not in self.labels:
                self.labels.add(label)
                self.add(equation)

    def add(self, term: z3.BoolRef) -> None:
        """From now on the solver has it."""
        self.terms.append(term)
        self.solver.add(term)

    def _is_contradicted(self, model: z3.ModelRef, term: z3.BoolRef) -> bool:
        equations = self.names.defining((term,))
        new = (equations[label] for label in equations.keys() - self.labels)
        return not all(z3.is_true(model.eval(part, True)) for part in (term, *new))

    def check(self, marks: tuple[z3.BoolRef, ...]) -> z3.CheckSatResult:
        """Under `marks`; `sat` if a state was found that contradicts no hypothesis."""
        while True:
            result = self.solver.check(*marks)
            if result != z3.sat:
                return result
            model = self.solver.model()
            now = [term for term in self.left if self._is_contradicted(model, term)]
            if not now:
                return result
            found = {term.get_id() for term in now}
            self.left = [term for term in self.left if term.get_id() not in found]
            self.define(now)
            for term in now:
                self.add(term)
