# SPDX-License-Identifier: MIT
"""T3 and T9 of the lock, from the steps of spec/lock.py, which T1 ties to the machine code.

Any core may do its next step at any time. What the invariants say holds as the kernel is loaded
and after each step of each core; that no two cores have the lock follows from them (T3), and so
does the order in which it is had (T9).
"""
import time
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import z3
from spec import lock
from spec.words import Truth, Word, Z3Ops

from .flags import as_term
from .lin import bv
from .result import Failure, Row, row
from .safety import model_values
from .solve import Solver, Verdict

NAME, SOURCE = "lock", "spec/lock.py"
EXCLUSIVES = "an exclusive store to the lock fails if its word was written since the exclusive load"
IN_PAIRS = "a core takes the lock only without it, and drops it only with it"


def state(count: int, first: Word | None = None, is_fresh: Truth | None = None) -> lock.Lock:
    """Any state in which the invariants hold that are about one core and the word, of `count`
    cores, the first one at the place `first` if that is given: tickets are what is served and a
    distance, and what a core has seen is what these invariants say. So an invariant that counts
    has no sums in it. By `form` there is no other such state."""
    return _formed(
        z3.BitVec("served", 16), z3.BitVec("tickets", 16), tuple(
            (first if i == 0 and first is not None else z3.BitVec(f"place{i}", 64),
             z3.BitVec(f"distance{i}", 16), z3.BitVec(f"seen{i}", 64),
             is_fresh if i == 0 and is_fresh is not None else z3.Bool(f"fresh{i}"))
            for i in range(count)))


def _formed(served: Word, tickets: Word,
            cores: tuple[tuple[Word, Word, Word, Truth], ...]) -> lock.Lock:
    """The state of these halves (bv16) and, of each core, place, distance (bv16), what it has
    seen if nothing is known of that, and freshness."""
    o = Z3Ops()
    word = z3.ZeroExt(32, z3.Concat(served + tickets, served))
    made = []
    for place, distance, seen, is_fresh in cores:
        known = o.ite(o.and_(place == lock.MARKED, is_fresh), word,
                      o.ite(place == lock.LEAVING, z3.ZeroExt(48, served), seen))
        made.append(lock.Core(place, z3.ZeroExt(48, served + distance), known, is_fresh))
    return lock.Lock(word, tuple(made))


def form() -> tuple[Truth, Truth]:
    """The invariants of any word and any core, and that `_formed` gives them."""
    o, word = Z3Ops(), z3.BitVec("word", 64)
    core = lock.Core(*(z3.BitVec(name, 64) for name in ("place", "ticket", "seen")),
                     z3.Bool("fresh"))
    any_state = lock.Lock(word, (core,))
    low, high = z3.Extract(15, 0, word), z3.Extract(31, 16, word)
    found = _formed(low, high - low, ((core.place, z3.Extract(15, 0, core.ticket) - low,
                                       core.seen, core.is_fresh),))
    same = o.and_(found.word == word, found.cores[0].ticket == core.ticket,
                  found.cores[0].seen == core.seen)
    known = lock.invariants(o, any_state)
    return o.and_(*(known[name] for name in lock.OF_ONE_CORE)), same


@dataclass
class Proof:
    """Statements about states with `count` cores in which the invariants hold."""

    count: int
    folder: FilePath
    theorem: str
    begin: float = field(default_factory=time.process_time)
    failures: list[Failure] = field(default_factory=list)
    o: Z3Ops = field(default_factory=Z3Ops)
    queries: int = 0
    fallbacks: int = 0

    def __post_init__(self) -> None:
        known, same = form()
        self._solver = Solver((), self.folder)
        self.prove("there are states of another form", same, known)
        self.of(None)

    def of(self, name: str | None) -> tuple[lock.Lock, lock.Lock]:
        """Any state of which the next statements are, in which the first core may do the step
        `name`, if any; and the state after that. As nothing else tells cores apart, it is any
        core."""
        if name is None:
            before = after = state(self.count)
            given = []
        else:
            what = lock.STEPS[name]
            before = state(self.count, bv(what.place), True if what.is_exclusive else None)
            may, after = lock.step(self.o, name, before, 0)
            given = [as_term(may)]
        given += map(as_term, lock.invariants(self.o, before).values())
        self._solver = Solver(tuple(map(z3.simplify, given)), self.folder)
        return before, after

    def prove(self, what: str, goal: Truth, *given: Truth) -> None:
        """Notes a failure if the goal does not follow."""
        verdict = self._ask(f"{NAME}-{self.theorem}-{self.queries}", goal, given)
        if verdict.status != "proved":
            self.failures.append(Failure(what, SOURCE, "", verdict.status, model_values(verdict),
                                         str(verdict.query)))

    def possible(self, what: str, *given: Truth) -> None:
        """Notes a failure if that never happens."""
        if self._ask("", False, given).status != "refuted":
            self.failures.append(Failure(f"impossible: {what}", SOURCE, "", "vacuous", (), ""))

    def _ask(self, name: str, goal: Truth, given: tuple[Truth, ...]) -> Verdict:
        terms = tuple(z3.simplify(as_term(truth)) for truth in given)
        slow = self._solver.fallbacks
        verdict = self._solver.prove(terms, z3.simplify(as_term(goal)), name, bool(name))
        self.queries += 1
        self.fallbacks += self._solver.fallbacks - slow
        return verdict

    def row(self, statements: int) -> Row:
        """What came of it."""
        facts = {"statements": statements, "cores": self.count, "queries": self.queries,
                 "fallbacks": self.fallbacks}
        return row(NAME, self.theorem, time.process_time() - self.begin, facts, self.failures,
                   (EXCLUSIVES, IN_PAIRS), SOURCE)


def _may_happen(proof: Proof, name: str, before: lock.Lock, after: lock.Lock) -> None:
    """The step, also where the numbers begin again, and with a ticket out for each core."""
    o = proof.o
    proof.possible(name)
    if name == "take":
        proof.possible("take of the last number", lock.upcoming(o, before.word) == lock.HALF)
        proof.possible("take by the last core", lock.tickets(o, after) == proof.count)
    if name == "drop":
        proof.possible("drop of the last number", lock.served(before.word) == lock.HALF)
        proof.possible("drop with all others waiting", lock.tickets(o, before) == proof.count)


def prove_invariants(c: Any, folder: FilePath) -> Row:
    """The row T3: `c` has HV_NCPU."""
    proof = Proof(c.HV_NCPU, folder, "T3")
    start = lock.invariants(proof.o, lock.first(proof.count))
    for text, truth in start.items():
        proof.prove(f"not so at the beginning: {text}", truth)
    proof.prove("two cores have the lock", lock.is_exclusive(proof.o, proof.of(None)[0]))
    for name in lock.STEPS:
        before, after = proof.of(name)
        for text, truth in lock.invariants(proof.o, after).items():
            proof.prove(f"not so after {name}: {text}", truth)
        _may_happen(proof, name, before, after)
    return proof.row(len(start))


def prove_order(c: Any, folder: FilePath) -> Row:
    """The row T9."""
    proof = Proof(c.HV_NCPU, folder, "T9")
    statements = 1
    proof.prove("nobody is next", lock.somebody_is_next(proof.o, proof.of(None)[0]))
    for name in lock.STEPS:
        before, after = proof.of(name)
        for text, truth in lock.order(proof.o, name, before, after, 0).items():
            proof.prove(f"not so of {name}: {text}", truth)
            statements += 1
        _may_happen(proof, name, before, after)
    return proof.row(statements)
