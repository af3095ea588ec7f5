# SPDX-License-Identifier: MIT
"""Every invariant at every index, after every step, by looking again only at the instances
that have read a cell which the step wrote."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import spec
from machine import Tracked
from spec.state import KINDS

# Of a table of 512 entries, those that the random calls use.
ENTRIES = (0, 1, 2, 3, 4, 5, 508, 509, 510, 511)

Instance = tuple[str, tuple[int, ...]]


class Checker:
    """`check` gives the instances that do not hold and whose cells were written since."""

    def __init__(self, c: SimpleNamespace, state: Tracked) -> None:
        self.c, self.state = c, state
        self.rules = spec.invariants()
        self.readers: dict[object, set[Instance]] = {}
        self.page_words: dict[int, set[object]] = {}
        self.evaluated = 0

    def domain(self, kind: str) -> tuple[int, ...]:
        """All indices of a kind, or those that matter."""
        return ENTRIES if kind == "entry" else tuple(range(KINDS[kind](self.c)))

    def _holds(self, instance: Instance) -> bool:
        name, indices = instance
        self.state.reads = reads = set()
        holds = self.rules[name].holds(self.c, self.state, *indices)
        self.state.reads = None
        self.evaluated += 1
        for cell in reads:
            self.readers.setdefault(cell, set()).add(instance)
            if cell[0] == "pages":
                self.page_words.setdefault(cell[1][0], set()).add(cell)
        return holds

    def check_all(self) -> list[Instance]:
        """Every instance of every invariant."""
        self.state.writes = set()
        return [(name, indices) for name, rule in self.rules.items()
                for indices in itertools.product(*map(self.domain, rule.kinds))
                if not self._holds((name, indices))]

    def check(self) -> list[Instance]:
        """Those that the last steps may have changed."""
        cells = set(self.state.writes)
        for name, page in [cell for cell in cells if cell[0] == "page"]:
            cells |= self.page_words.get(page, set())
        self.state.writes = set()
        due = set().union(*(self.readers.get(cell, ()) for cell in cells))
        return [instance for instance in sorted(due) if not self._holds(instance)]
