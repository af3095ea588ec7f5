# SPDX-License-Identifier: MIT
"""Cut points: a value written to the timer tree gets a name, on both sides of T1.

Later reads then show the name, not the formula, and equalities of names that
are proved once serve all later goals. A name is a new constant with one
defining equation, so the equations are true in some extension of any state.
"""
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import z3
from spec.state import Key, SymbolicState
from spec.words import Word, Z3Ops

from .lin import trailing_zeros
from .machine import TRAILING
from .memory import Indices

NAMED = frozenset({"timer_tree"})


@dataclass(frozen=True)
class SharedOps(Z3Ops):
    """Words of the specification, with the same function for trailing zeros as the machine's."""

    observer: Callable[[str, Indices], None]

    def ctz(self, a: z3.BitVecRef) -> z3.BitVecRef:
        """Number of zero bits below the lowest one; 64 for 0."""
        self.observer(TRAILING, (a,))
        return trailing_zeros(a)


@dataclass(frozen=True)
class NamedState(SymbolicState):
    """A SymbolicState that names values of some tables. `definitions` are the equations."""

    definitions: tuple[z3.BoolRef, ...] = ()

    def set(self, name: str, key: Key, value: Word) -> Any:
        """See State."""
        term = self.ops.word(value)
        if name not in NAMED or z3.is_const(term):
            return super().set(name, key, term)
        new = z3.FreshConst(z3.BitVecSort(64), f"spec.{name}")
        changed = super().set(name, key, new)
        return replace(changed, definitions=self.definitions + (new == term,))
