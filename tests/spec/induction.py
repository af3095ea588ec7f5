# SPDX-License-Identifier: MIT
"""T3 on the specification alone: every transition preserves every invariant.

    induction.py [transition ...]

For each successful case and each invariant that the case may change: the negated invariant
afterwards, at fresh indices, together with the invariants before at the indices that are read,
must be unsatisfiable: with few of them first, then with more. Needs no ELF; T1 says that the
machine code does the same.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import z3  # noqa: E402

import spec  # noqa: E402
from constants import enumerators  # noqa: E402
from spec.invariants import Invariant  # noqa: E402
from spec.state import FIELDS, SymbolicState  # noqa: E402

COUNTING = ("_count_exact", "_slot_inverse", "_at_inverse")


@dataclass
class Reads:
    """Indices at which functions were read: alone by kind, together by function."""

    terms: dict[str, dict[int, z3.ExprRef]] = field(default_factory=dict)
    keys: dict[tuple[str, ...], dict[tuple[int, ...], tuple]] = field(default_factory=dict)
    members: dict[tuple[str, ...], dict[tuple[int, ...], tuple]] = field(default_factory=dict)

    def note(self, name: str, key: tuple) -> None:
        """Called for each read of the state before."""
        kinds = FIELDS[name]
        for kind, term in zip(kinds, key):
            self.terms.setdefault(kind, {})[term.get_id()] = term
        if kinds[-1:] == ("set_word",) and z3.is_app_of(key[-1], z3.Z3_OP_BLSHR):
            member = (*key[:-1], key[-1].arg(0))        # word p / 64: about process p
            kinds = (*kinds[:-1], "pid")
            self.terms.setdefault("pid", {})[member[-1].get_id()] = member[-1]
            self.members.setdefault(kinds, {})[tuple(t.get_id() for t in member)] = member
        elif len(key) > 1:
            self.keys.setdefault(kinds, {})[tuple(t.get_id() for t in key)] = key

    def joined(self, other: Reads) -> Reads:
        """Those of both."""
        both = Reads()
        for reads in (self, other):
            for kind, terms in reads.terms.items():
                both.terms.setdefault(kind, {}).update(terms)
            for kinds, keys in reads.keys.items():
                both.keys.setdefault(kinds, {}).update(keys)
            for kinds, keys in reads.members.items():
                both.members.setdefault(kinds, {}).update(keys)
        return both

    def tuples(self, rule: Invariant) -> list[tuple]:
        """Where to instantiate an invariant."""
        if not rule.kinds:
            return [()]
        if len(rule.kinds) == 1:
            return [(t,) for t in self.terms.get(rule.kinds[0], {}).values()]
        is_of_sets = rule.kinds[-1] == "pid" and not rule.name.endswith(COUNTING)
        found = self.members if is_of_sets else self.keys
        return list(found.get(rule.kinds, {}).values())


def fresh(rule: Invariant) -> tuple[z3.BitVecRef, ...]:
    """Arbitrary indices."""
    return tuple(z3.BitVec(f"any{n}!{kind}", 64) for n, kind in enumerate(rule.kinds))


def bit_blaster() -> z3.Solver:
    """Functions become variables, words become bits."""
    functions_away = z3.With("ackermannize_bv", div0_ackermann_limit=10 ** 7)
    return z3.Then("simplify", "propagate-values", "solve-eqs", functions_away, "simplify",
                   "bit-blast", "sat").solver()


def decide(hypotheses: list, goal: z3.BoolRef, seconds: float) -> z3.CheckSatResult:
    """unsat if the goal follows: the quick solver, then bit-blasting."""
    for solver, limit in ((z3.SolverFor("QF_UFBV"), 0.5), (bit_blaster(), seconds)):
        solver.set("timeout", int(limit * 1000))
        solver.add(*hypotheses, z3.Not(goal))
        verdict = solver.check()
        if verdict != z3.unknown:
            return verdict
    return verdict


class Induction:
    """One transition against all invariants."""

    def __init__(self, name: str) -> None:
        self.c = enumerators()
        self.rules = spec.invariants()
        self.assumed = {**self.rules, **spec.premises()}
        self.call = spec.transition(name)
        self.reads = Reads()
        self.before = SymbolicState(observer=lambda n, k: self.reads.note(n, k))
        args = tuple(z3.BitVec(f"arg!{p}", 64) for p in self.call.parameters)
        self.cases = [case for case in self.call.symbolic(self.c, self.before, args)
                      if case.errno is None]
        self.common = self.reads

    def hypotheses(self, reads: Reads, rounds: int) -> list[z3.BoolRef]:
        """Invariants before, at these indices; then at what those read."""
        found: dict[tuple, object] = {}
        for _ in range(rounds):
            self.reads = Reads()
            for name, rule in self.assumed.items():
                for indices in reads.tuples(rule):
                    key = (name, *(i.get_id() for i in indices))
                    if key not in found:
                        found[key] = rule.holds(self.c, self.before, *indices)
            reads = self.reads
        return [h for h in found.values() if not isinstance(h, bool)]

    def prove(self, path: tuple, goal: z3.BoolRef) -> z3.CheckSatResult:
        """From few hypotheses, then from more."""
        near = self.reads
        for reads, rounds in ((near, 1), (near.joined(self.common), 1), (near, 2)):
            verdict = decide([*self.hypotheses(reads, rounds), *path], goal, 30)
            if verdict == z3.unsat:
                break
        return verdict

    def run(self, only: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
        """(case, invariant, verdict) of what is not proved."""
        failures = []
        for case in self.cases:
            for name, rule in self.rules.items():
                if only and name not in only:
                    continue
                self.reads = Reads()
                indices = fresh(rule)
                for kind, index in zip(rule.kinds, indices):
                    self.reads.terms.setdefault(kind, {})[index.get_id()] = index
                was = rule.holds(self.c, self.before, *indices)
                goal = rule.holds(self.c, case.state, *indices)
                if isinstance(goal, bool) or was.eq(goal):
                    continue
                for path in (goal, *case.path):
                    note_terms(path, self.reads)
                verdict = self.prove(case.path, goal)
                if verdict != z3.unsat:
                    failures.append((case.case, name, str(verdict)))
        return failures


def note_terms(term: object, reads: Reads) -> None:
    """The reads inside a term that was built before."""
    todo, seen = [term], set()
    while todo:
        t = todo.pop()
        if not isinstance(t, z3.ExprRef) or t.get_id() in seen:
            continue
        seen.add(t.get_id())
        name = t.decl().name()
        if name in FIELDS and t.num_args():
            reads.note(name, tuple(t.children()))
        todo += t.children()


def main() -> int:
    """Proves the named transitions, or all."""
    failed = 0
    names = sys.argv[1:] or [*spec.hypercalls(), *spec.interrupts()]
    for name in names:
        start = time.time()
        failures = Induction(name).run()
        failed += len(failures)
        print(f"{name:18} {time.time() - start:7.2f} s  {failures or 'ok'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
