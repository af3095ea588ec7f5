# SPDX-License-Identifier: MIT
"""What an invariant says after a case (T3), whole and in parts.

A case writes some points of the state, and an invariant reads some: where those meet it is about
what was written, elsewhere it says what it said before. Each meeting is a part of its own, with
what was read there known, and no choice left for a solver. Many cases make the same updates, and
what is said after these is the same term.
"""
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import SimpleNamespace

import z3
from spec.invariants import Invariant
from spec.state import Key, Update
from spec.words import Truth, Word

from . import counting, lines
from .contexts import Forgotten, Updates
from .flags import as_term
from .naming import NamedState

AFTER = "after."
ORDERS_AFTER = frozenset(AFTER + name for name in counting.ORDERS)
MOST_PARTS = 32


@dataclass(frozen=True)
class After(NamedState):
    """The state after a case, in which the orders of what is counted are any. What is read is
    taken to be a point that was written, or not to be, as `ways` say; `met`: what they leave
    open."""

    ways: dict[int, bool] = field(default_factory=dict)
    met: dict[int, z3.BoolRef] = field(default_factory=dict)

    def base(self, name: str, key: Key) -> z3.BitVecRef:
        """See SymbolicState."""
        if name not in counting.ORDERS:
            return super().base(name, key)
        sorts = [z3.BitVecSort(64)] * (len(key) + 1)
        return z3.Function(AFTER + name, *sorts)(*key)

    def _apply(self, update: Update, key: Key) -> tuple[Truth, Callable[[], Word]]:
        hit, value = super()._apply(update, key)
        if self.ops.known(hit) is not None:
            return hit, value
        if hit.get_id() not in self.ways:
            self.met[hit.get_id()] = hit
        return self.ways.get(hit.get_id(), hit), value


@dataclass(frozen=True)
class Part:
    """What is said where `given` holds."""

    state: After
    given: tuple[z3.BoolRef, ...]
    term: z3.BoolRef


def _identity(update: Update) -> object:
    """What an update is, as long as its terms live."""
    if update.content is not None:
        return id(update)
    return (*(index.get_id() for index in update.key), update.value.get_id())


@dataclass
class Afterwards:
    """The states after all cases of one transition, which must live as long as this."""

    c: SimpleNamespace
    before: NamedState
    _forgotten: Forgotten = field(default_factory=Forgotten)
    _tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _said: dict[object, z3.BoolRef] = field(default_factory=dict)
    _parts: dict[object, tuple[Part, ...] | None] = field(default_factory=dict)

    def state(self, updates: Updates, ways: dict[int, bool] | None = None) -> After:
        """After these updates."""
        return After(self.before.prefix, updates, ops=self.before.ops, ways=ways or {})

    def forgotten(self, updates: Updates) -> Updates:
        """Updates that forget the words of contexts."""
        return self._forgotten.of(self.c, updates)

    def tables(self, rule: Invariant) -> tuple[str, ...]:
        """The functions of the state that the invariant reads."""
        if rule.name not in self._tables:
            self._tables[rule.name] = tuple(sorted(lines.tables_read(self.c, rule)))
        return self._tables[rule.name]

    def _key(self, rule: Invariant, updates: Updates) -> object:
        """What it says depends on this."""
        return rule.name, *(tuple(map(_identity, updates.get(table, ())))
                            for table in self.tables(rule))

    def says(self, rule: Invariant, updates: Updates, indices: Key) -> z3.BoolRef:
        """What it says at these indices, which are its own."""
        key = self._key(rule, updates)
        if key not in self._said:
            self._said[key] = as_term(rule.holds(self.c, self.state(updates), *indices))
        return self._said[key]

    def parts(self, rule: Invariant, updates: Updates, indices: Key) -> tuple[Part, ...] | None:
        """The same in parts: the first is where nothing meets. None: there are too many."""
        key = self._key(rule, updates)
        if key not in self._parts:
            some = tuple(islice(self._divide(rule, updates, indices, {}, {}), MOST_PARTS + 1))
            self._parts[key] = some if len(some) <= MOST_PARTS else None
        return self._parts[key]

    def _divide(self, rule: Invariant, updates: Updates, indices: Key, ways: dict[int, bool],
                met: dict[int, z3.BoolRef]) -> Iterator[Part]:
        """The parts of where it is as `ways` say; `met`: what has been met."""
        here: dict[int, z3.BoolRef] = {}
        apart = self._part(rule, updates, indices, ways, met)
        while apart.state.met:
            here.update(apart.state.met)
            met.update(here)
            apart = self._part(rule, updates, indices, dict.fromkeys(here, False) | ways, met)
        yield apart
        for number in here:
            part = self._part(rule, updates, indices, {**ways, number: True}, met)
            if part.state.met.keys() <= here.keys():
                yield part
            else:   # what is read there is elsewhere, and meets more
                yield from self._divide(rule, updates, indices, {**ways, number: True}, met)
            ways = {**ways, number: False}

    def _part(self, rule: Invariant, updates: Updates, indices: Key, ways: dict[int, bool],
              met: dict[int, z3.BoolRef]) -> Part:
        state = self.state(updates, ways)
        given = tuple(met[n] if way else z3.Not(met[n]) for n, way in ways.items())
        return Part(state, given, as_term(rule.holds(self.c, state, *indices)))
