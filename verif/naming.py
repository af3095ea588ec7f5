# SPDX-License-Identifier: MIT
"""Cut points: large values and all conditions are shared between both sides of T1.

A large value that is written to a table, counted or chosen gets a name. Later reads then show
the name, not the formula. Formulas that are equal in every state have one name, so what both
sides compute in their own ways is the same term from there on; conditions are shared in the
same way. A name is a new constant with one equation that defines it, so the equations hold in
some extension of any state.
"""
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import z3
from spec.state import Key, SymbolicState
from spec.words import Truth, Word, Z3Ops

from . import parts, queries
from .lin import Lin, const, lift, trailing_facts, trailing_zeros
from .parts import Parts
from .sample import Samples, Values, state_of

TRAILING = "ctz64"
FACT = ".fact"    # ends the label of what is no name
SMALL = 6  # nodes of a formula that needs no name
SHARE_RESOURCES = 300000  # of Z3, to find that two terms are equal


def is_small(term: z3.ExprRef) -> bool:
    """At most SMALL nodes, counted as a tree."""
    return parts.is_small(term, SMALL)


def parts_of(term: z3.ExprRef) -> list[z3.ExprRef]:
    """The term and all below it, each once."""
    seen = {term.get_id()}
    found = [term]
    for part in found:
        for child in part.children():
            if child.get_id() not in seen:
                seen.add(child.get_id())
                found.append(child)
    return found


def _free(term: z3.ExprRef) -> set[int]:
    """What the term is about: values of functions of the state."""
    return {part.get_id() for part in parts_of(term)
            if z3.is_app_of(part, z3.Z3_OP_UNINTERPRETED)}


def is_choice(term: z3.ExprRef) -> bool:
    """If-then-else with some value that is not a number."""
    todo = [term]
    while todo:
        part = todo.pop()
        if z3.is_app_of(part, z3.Z3_OP_ITE):
            todo += [part.arg(1), part.arg(2)]
        elif not z3.is_bv_value(part):
            return not part.eq(term)
    return False


@dataclass(frozen=True)
class Application:
    """Where a function of the state is applied, and to what."""

    name: str
    key: tuple[z3.BitVecRef, ...]
    identity: tuple[object, ...]    # alike, as long as the terms live


@dataclass
class Names:
    """The names of one exploration, and the terms that are shared.

    `is_sweeping`: equal terms are looked for; otherwise only identical ones have one name.
    `facts` are assumed by all that uses the names.
    """

    is_sweeping: bool = True
    names: dict[int, z3.BitVecRef] = field(default_factory=dict)
    equations: dict[str, z3.BoolRef] = field(default_factory=dict)
    kept: list[z3.ExprRef] = field(default_factory=list)
    used: dict[int, tuple[str, ...]] = field(default_factory=dict)
    facts: tuple[z3.BoolRef, ...] = ()
    decisions: dict[int, bool | None] = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)
    alike: dict[Values, list[z3.ExprRef]] = field(default_factory=dict)
    truths: dict[int, z3.BoolRef] = field(default_factory=dict)
    equal: dict[tuple[int, int], bool] = field(default_factory=dict)
    states: list[Samples] = field(default_factory=list)
    applied: dict[int, list[Application]] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)

    def name(self, stem: str, value: z3.BitVecRef) -> z3.BitVecRef:
        """The value if it is small, else the name of it or of an equal one."""
        value = self._pruned(z3.simplify(value))
        if is_small(value):
            return value
        found = self.names.get(value.get_id())
        if found is None:
            self.kept.append(value)
            found = self._same(value)
            if found is None:
                label = f"{stem}#{len(self.equations)}"
                found = z3.BitVec(label, value.size())
                self.equations[label] = found == value
                self._share(found, value)
            self.names[value.get_id()] = found
        return found

    def _pruned(self, value: z3.BitVecRef) -> z3.BitVecRef:
        """The value without the choices that `facts` decide."""
        if not self.facts or is_small(value):
            return value
        known = [(test, z3.BoolVal(way)) for test, way in (
            (part.arg(0), self._decided(part.arg(0))) for part in parts_of(value)
            if z3.is_app_of(part, z3.Z3_OP_ITE)) if way is not None]
        return z3.simplify(z3.substitute(value, *known)) if known else value

    def _decided(self, test: z3.BoolRef) -> bool | None:
        """Which way the facts say that it always goes: such as whether two entries of a table,
        of which one index is computed, are one. Not asked if it goes either way on samples, which
        know no facts, and is about other things than they."""
        key = test.get_id()
        if key not in self.decisions:
            self.kept.append(test)
            self.decisions[key] = None
            ways = {bool(value) for value in self.samples.of(test) or (False, True)}
            if len(ways) == 1 or _free(test) <= self._about:
                self.decisions[key] = next((way for way in ways if self._follows(test, way)), None)
        return self.decisions[key]

    @cached_property
    def _about(self) -> set[int]:
        return {part for fact in self.facts for part in _free(fact)}

    def _follows(self, test: z3.BoolRef, way: bool) -> bool:
        solver = z3.SolverFor("QF_UFBV")
        solver.set("rlimit", SHARE_RESOURCES)
        solver.add(*self.facts, test if not way else z3.Not(test))
        if solver.check() != z3.unsat:
            return False
        queries.note(solver, "decided")
        return True

    def name_choices(self, value: Lin) -> Lin:
        """The same form with names for the choices in it."""
        if not any(is_choice(atom) and not is_small(atom) for atom, _ in value.terms.values()):
            return value
        total = const(value.const)
        for atom, scale in value.terms.values():
            named = self.name("choice", atom) if is_choice(atom) else atom
            total = total + lift(named).scaled(scale)
        return total

    def truth(self, condition: z3.BoolRef) -> z3.BoolRef:
        """The condition, or the one that was asked before and is equal, or its negation."""
        condition = z3.simplify(condition)
        found = self.truths.get(condition.get_id())
        if found is None:
            found = self._same(condition)
            if found is None:
                opposite = self._same(z3.simplify(z3.Not(condition)))
                if opposite is None:
                    self._share(condition, condition)
                    found = condition
                else:
                    found = z3.Not(opposite)
            self.kept += [condition, found]
            self.truths[condition.get_id()] = found
        return found

    def _share(self, term: z3.ExprRef, value: z3.ExprRef) -> None:
        """From now on `term` stands for all that is equal to `value`."""
        self.kept.append(term)
        values = self.samples.of(value) if self.is_sweeping else None
        if values is not None:
            self.samples.say(term, values)
            self.alike.setdefault(values, []).append(term)

    def _same(self, value: z3.ExprRef) -> z3.ExprRef | None:
        """A shared term that is equal in every state, if one is found."""
        if not self.is_sweeping:
            return None
        self.kept.append(value)
        values = self.samples.of(value)
        if values is None:
            return None
        for term in self.alike.get(values, ()):
            if term.sort() == value.sort() and self.are_equal(term, value):
                return term
        return None

    def become_one(self, one: z3.ExprRef, other: z3.ExprRef,
                   alike: list[tuple[z3.ExprRef, z3.ExprRef]]) -> bool:
        """Are two terms the same where the first of each pair is replaced by the second, which is
        equal, in what they stand for?"""
        for left, right in ((one, other), (self._meant(one), self._meant(other))):
            left, right = (z3.simplify(z3.substitute(term, *alike)) for term in (left, right))
            if left.eq(right):
                return True
        return False

    def _meant(self, term: z3.ExprRef) -> z3.ExprRef:
        """What it stands for, if it is a name."""
        found = self._meaning(term)
        return term if found is None else found

    def are_equal(self, one: z3.ExprRef, other: z3.ExprRef) -> bool:
        """Are two terms equal in every state? Found with few resources; no says nothing."""
        key = (one.get_id(), other.get_id())
        if key not in self.equal:
            goal = one == other
            self.kept.append(goal)
            self.equal[key] = not self._differed(goal) and self._are_proved_equal(goal)
        return self.equal[key]

    def _differed(self, goal: z3.BoolRef) -> bool:
        """Was a state found already in which the two differ?"""
        return any(state.of(goal) == (0,) for state in reversed(self.states))

    def state(self, model: z3.ModelRef) -> Samples:
        """The one state that a model is, in which names are what they stand for."""
        return state_of(model, self._meaning)

    def _meaning(self, constant: z3.ExprRef) -> z3.ExprRef | None:
        """What a name stands for."""
        found = self.equations.get(constant.decl().name())
        return None if found is None else found.arg(1)

    def _are_proved_equal(self, goal: z3.BoolRef) -> bool:
        solver = z3.SolverFor("QF_UFBV")
        solver.set("rlimit", SHARE_RESOURCES)
        solver.add(z3.Not(goal), *self.defining([goal]).values())
        result = solver.check()
        if result == z3.unsat:
            queries.note(solver, "equal terms")
        elif result == z3.sat:
            self.states.append(self.state(solver.model()))
        return bool(result == z3.unsat)

    def defining(self, terms: Iterable[z3.ExprRef]) -> dict[str, z3.BoolRef]:
        """The equations of all names in the terms, and of the names in those, by name."""
        wanted: dict[str, z3.BoolRef] = {}
        todo = [label for term in terms for label in self._labels(term)]
        while todo:
            label = todo.pop()
            if label not in wanted:
                wanted[label] = self.equations[label]
                todo += self._labels(wanted[label])
        return wanted

    def meanings(self, term: z3.ExprRef) -> list[tuple[z3.BitVecRef, z3.BitVecRef]]:
        """The names in a term, in the order in which they were made: each with what it is."""
        used = self.defining((term,))
        return [(equation.arg(0), equation.arg(1)) for label, equation in self.equations.items()
                if label in used and not label.endswith(FACT)]

    def applications(self, term: z3.ExprRef) -> list[Application]:
        """Those in a term."""
        known = self.applied.get(term.get_id())
        if known is None:
            known = []
            for part, count, function in self.parts.of(term):
                if count and function.is_of_state:
                    key, name = tuple(parts.at(part, term).children()), function.name
                    known.append(Application(name, key, (name, *(k.get_id() for k in key))))
            self.kept.append(term)
            self.applied[term.get_id()] = known
        return known

    def fact(self, part: z3.ExprRef) -> z3.BoolRef | None:
        """What is known of a function's value, of a number of trailing zeros, as if it were a
        definition."""
        return trailing_facts(part.arg(0), part) if part.decl().name() == TRAILING else None

    def _fact_of(self, part: z3.ExprRef) -> str | None:
        """The name of it."""
        label = f"{part.get_id()}{FACT}"
        if label not in self.equations:
            fact = self.fact(part)
            if fact is None:
                return None
            self.equations[label] = fact
            self.kept.append(part)
        return label

    def _labels(self, term: z3.ExprRef) -> tuple[str, ...]:
        """Names that occur in a term."""
        known = self.used.get(term.get_id())
        if known is not None:
            return known
        found: set[str] = set()
        for part, count, function in self.parts.of(term):
            if count == 0:
                if function.name in self.equations:
                    found.add(function.name)
            elif function.is_of_state:
                label = self._fact_of(parts.at(part, term))
                if label is not None:
                    found.add(label)
        self.kept.append(term)
        self.used[term.get_id()] = tuple(sorted(found))
        return self.used[term.get_id()]


@dataclass(frozen=True)
class SharedOps(Z3Ops):
    """Words of the specification, with the same function for trailing zeros as the machine's."""

    names: Names

    def ctz(self, a: z3.BitVecRef) -> z3.BitVecRef:
        """Number of zero bits below the lowest one; 64 for 0."""
        return trailing_zeros(self.names.name(TRAILING, a))

    def ite(self, test: Truth, a: Word, b: Word) -> z3.BitVecRef:
        """a if the test holds, else b."""
        chosen = super().ite(test, a, b)
        return self.names.name("choice", chosen) if is_choice(chosen) else chosen


@dataclass(frozen=True)
class NamedState(SymbolicState):
    """A SymbolicState whose large values have names."""

    ops: SharedOps

    def set(self, name: str, key: Key, value: Word) -> Any:
        """See State."""
        return super().set(name, key, self.ops.names.name(name, self.ops.word(value)))
