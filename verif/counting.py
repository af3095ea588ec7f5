# SPDX-License-Identifier: MIT
"""Counters stay exact (T3): what a step does to a group's order, proved once for all states.

For each counter and each kind of step (spec/ghosts.py): if the order is a permutation and its
first `count` items are the members, it is so again after the step, with the item added, removed
or replaced. A transition then needs no orders: at each step the item must or must not be a
member, and in the end the members must be those that the state says (obligations).
"""
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import z3
from spec import ghosts
from spec.ghosts import ALL, ENTRIES, Counted, Step
from spec.invariants import belongs, is_counting
from spec.marks import Mark
from spec.state import KINDS, SymbolicState
from spec.transition import Reader, SymbolicTransition

from .flags import as_term
from .lin import bv

Members = Callable[[z3.BitVecRef, z3.BitVecRef], z3.BoolRef]
STEPS = ("join", "leave", "replace", "clear")
ORDERS = frozenset(name for counted in ALL for name in (counted.slot, counted.at))
RULES = frozenset(f"{counted.name}_{rule}" for counted in ALL for rule in
                  ("count_exact", "count_bounded", "slot_inverse", "at_inverse"))


@dataclass(frozen=True)
class Claim:
    """`goal` must follow from `given`, for the invariant `rule`, or it is about the function
    `text`; `marks` are what is proved."""

    name: str
    given: tuple[z3.BoolRef, ...]
    goal: z3.BoolRef
    rule: str = ""
    marks: tuple[Mark, ...] = ()
    text: Callable[..., Any] | None = None


def after_step(step: Step, members: Members) -> Members:
    """Who belongs to a group after the step."""
    def belongs_now(group: z3.BitVecRef, item: z3.BitVecRef) -> z3.BoolRef:
        here = z3.And(as_term(step.counts), group == step.group)
        was = members(group, item)
        if step.kind == "clear":
            return z3.And(z3.Not(here), was)
        is_item = z3.And(here, item == step.item)
        if step.kind == "join":
            return z3.Or(is_item, was)
        if step.kind == "leave":
            return z3.And(z3.Not(is_item), was)
        return z3.Or(is_item, z3.And(z3.Not(z3.And(here, item == step.other)), was))
    return belongs_now


def allowed(step: Step, members: Members) -> z3.BoolRef:
    """May the step be made?"""
    item, other = (members(step.group, x) for x in (step.item, step.other))
    what = {"join": z3.Not(item), "leave": item, "replace": z3.And(z3.Not(item), other)}
    return z3.BoolVal(True) if step.kind == "clear" else \
        z3.Implies(as_term(step.counts), what[step.kind])


# ---- once for all states --------------------------------------------------------------


@dataclass
class Lemma:
    """One kind of step of one counter, from any state."""

    c: SimpleNamespace
    counted: Counted
    kind: str
    reads: dict[tuple[int, int], tuple[z3.BitVecRef, z3.BitVecRef]] = field(default_factory=dict)

    def _note(self, name: str, key: tuple[z3.BitVecRef, ...]) -> None:
        if name == self.counted.slot or name == self.counted.at:
            self.reads[key[0].get_id(), key[1].get_id()] = (key[0], key[1])

    def _holds(self, state: Any, members: Members, counts: Callable[[Any], z3.BoolRef],
               group: z3.BitVecRef, x: z3.BitVecRef) -> z3.BoolRef:
        """At x: both orders undo each other; the count is exact and no more than all items."""
        of, limit = self.counted, bv(KINDS[self.counted.item](self.c))
        slot, at, count = (state.get(of.slot, group, x), state.get(of.at, group, x),
                           state.get(of.count, group))
        inside = z3.And(z3.ULT(group, bv(KINDS[of.group](self.c))), z3.ULT(x, limit))
        return z3.Implies(inside, z3.And(
            z3.ULT(slot, limit), state.get(of.at, group, slot) == x,
            z3.ULT(at, limit), state.get(of.slot, group, at) == x,
            z3.Implies(counts(group), z3.And(
                members(group, x) == z3.ULT(slot, count), z3.ULE(count, limit)))))

    def claim(self) -> Claim:
        """What is to be proved."""
        sort = z3.BitVecSort(64)
        group, item, other, any_group, any_item = z3.BitVecs("g i o ag ai", 64)
        member = z3.Function("member", sort, sort, z3.BoolSort())
        counting = z3.Function("counting", sort, z3.BoolSort())
        before = SymbolicState(prefix="any.", observer=self._note)
        t = SymbolicTransition(self.c, before, True, True, ())
        counts: Any = z3.Bool("counts")
        if self.kind == "clear":
            ghosts.clear(t, self.counted, group)
        elif self.kind == "replace":
            ghosts.replace(t, self.counted, group, item, other, counts)
        else:
            (ghosts.join if self.kind == "join" else ghosts.leave)(
                t, self.counted, group, item, counts)
        step = t.steps[0]
        now = after_step(step, member)
        goal = self._holds(t.state, now, lambda g: z3.Or(
            counting(g), g == group) if self.kind == "clear" else counting(g), any_group, any_item)
        limit = bv(KINDS[self.counted.item](self.c))
        given = [allowed(step, member), z3.ULT(group, bv(KINDS[self.counted.group](self.c)))]
        if self.kind != "clear":
            given += [counting(group), z3.ULT(item, limit), z3.ULT(other, limit)]
        for at in list(self.reads.values()):
            given.append(self._holds(before, member, counting, *at))
        return Claim(f"{self.counted.name} {self.kind}", tuple(given), goal,
                     f"{self.counted.name}_count_exact", tuple(t.marks))


def lemmas(c: SimpleNamespace) -> Iterator[Claim]:
    """All of them."""
    for counted in ALL:
        for kind in STEPS:
            if kind != "clear" or counted is ENTRIES:
                yield Lemma(c, counted, kind).claim()


# ---- for each case of a transition ----------------------------------------------------


def obligations(c: SimpleNamespace, before: Any, case: Any) -> Iterator[Claim]:
    """What a case must keep: each step is allowed, and the members are exact in the end."""
    for counted in ALL:
        steps = [s for s in case.steps if isinstance(s, Step) and s.counted is counted]
        counted_by_steps = sum(s.kind != "replace" for s in steps)
        if len(case.state.updates.get(counted.count, ())) != counted_by_steps:
            yield Claim(f"{counted.name}: its counter is changed otherwise", (), z3.BoolVal(False),
                        f"{counted.name}_count_exact")
        yield from _exact(c, before, case, counted, steps)


def _exact(c: SimpleNamespace, before: Any, case: Any, counted: Counted,
           steps: list[Step]) -> Iterator[Claim]:
    old, new = Reader(c, before), Reader(c, case.state)
    members: Members = lambda g, x: as_term(belongs(old, counted, g, x))  # noqa: E731
    cleared: list[Any] = []

    def counts(group: z3.BitVecRef) -> z3.BoolRef:
        return z3.Or(as_term(is_counting(old, counted, group)), *(group == g for g in cleared))

    for number, step in enumerate(steps):
        group, item, other = (old.o.word(x) for x in (step.group, step.item, step.other))
        word = Step(step.kind, counted, group, item, other, step.counts)
        limit = bv(KINDS[counted.item](c))
        inside = z3.And(z3.ULT(group, bv(KINDS[counted.group](c))), z3.ULT(item, limit),
                        z3.ULT(other, limit))
        may = counts(group) if step.kind != "clear" else z3.BoolVal(True)
        yield Claim(f"{counted.name}_count: {step.kind} {number}", (),
                    z3.And(inside, may, allowed(word, members)), f"{counted.name}_count_exact")
        members = after_step(word, members)
        if step.kind == "clear":
            cleared.append(group)
    group, item = (z3.BitVec(f"any!{kind}", 64) for kind in (counted.group, counted.item))
    inside = z3.And(z3.ULT(group, bv(KINDS[counted.group](c))),
                    z3.ULT(item, bv(KINDS[counted.item](c))),
                    as_term(is_counting(new, counted, group)))
    was, now = members(group, item), as_term(belongs(new, counted, group, item))
    counting = counts(group)
    if not (steps or not was.eq(now) or not as_term(is_counting(new, counted, group)).eq(
            as_term(is_counting(old, counted, group)))):
        return
    rule = f"{counted.name}_count_exact"
    yield Claim(rule, (inside,), z3.And(counting, was == now), rule)
