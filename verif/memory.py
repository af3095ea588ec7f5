# SPDX-License-Identifier: MIT
"""Kernel state during a path: for each family its initial function and a list of updates.

Cells are bv64 (or narrower families at their own width), indices bv64.
"""
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from .flags import Bool, as_term, both, fold
from .layout import Family
from .lin import bv

PAGE_WORDS = 512
Index = z3.BitVecRef
Indices = tuple[Index, ...]


@dataclass(frozen=True)
class CellWrite:
    """One cell becomes `value`. Of this and the others, `pc` is the instruction, for messages."""

    indices: Indices
    value: z3.BitVecRef
    pc: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PageZero:
    """Words first .. first + count - 1 of page `page` become 0."""

    page: Index
    first: int
    count: int
    pc: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PageCopy:
    """Every word of `page` becomes what `source` held before (`older` updates)."""

    page: Index
    source: Index
    older: "tuple[Update, ...]"
    pc: int = field(default=0, compare=False)


Update = CellWrite | PageZero | PageCopy
Touch = Callable[[str, Indices], None]


def base_function(family: Family) -> z3.FuncDeclRef:
    """The initial content of a family: an uninterpreted function of its indices."""
    sorts = [z3.BitVecSort(64)] * len(family.dims)
    return z3.Function(family.name, *sorts, z3.BitVecSort(8 * family.width))


def base_read(family: Family, indices: Indices) -> z3.BitVecRef:
    """The initial content of one cell."""
    if not family.dims:
        return z3.BitVec(family.name, 8 * family.width)
    return base_function(family)(*indices)


def same_index(left: Index, right: Index) -> Bool:
    """left == right, decided if it is plain to see."""
    if left.eq(right):
        return True
    if z3.is_bv_value(left) and z3.is_bv_value(right):
        return False
    return fold(left == right)


def same_cell(left: Indices, right: Indices) -> Bool:
    """All indices equal."""
    for a, b in zip(reversed(left), reversed(right)):   # that of a word in its page is a number
        if z3.is_bv_value(a) and z3.is_bv_value(b) and not a.eq(b):
            return False
    result: Bool = True
    for a, b in zip(left, right):
        result = both(result, same_index(a, b))
    return result


def _hits(update: Update, indices: Indices) -> Bool:
    if isinstance(update, CellWrite):
        return same_cell(update.indices, indices)
    inside = _in_range(update, indices[1]) if isinstance(update, PageZero) else True
    return both(inside, same_index(update.page, indices[0])) if inside is not False else False


def _in_range(update: PageZero, word: Index) -> Bool:
    if update.count == PAGE_WORDS:
        return True
    if z3.is_bv_value(word):
        return update.first <= word.as_long() < update.first + update.count
    low, high = bv(update.first), bv(update.first + update.count - 1)
    return fold(z3.And(z3.UGE(word, low), z3.ULE(word, high)))


def _no_touch(_name: str, _indices: Indices) -> None:
    return


def read(family: Family, updates: tuple[Update, ...], indices: Indices,
         touch: Touch = _no_touch) -> z3.BitVecRef:
    """One cell after `updates`; `touch` hears of each cell of the initial state that is read."""
    pending: list[tuple[z3.BoolRef, z3.BitVecRef]] = []
    result: z3.BitVecRef | None = None
    for update in reversed(updates):
        hit = _hits(update, indices)
        if hit is False:
            continue
        value = _value(family, update, indices, touch)
        if hit is True:
            result = value
            break
        pending.append((as_term(hit), value))
    if result is None:
        touch(family.name, indices)
        result = base_read(family, indices)
    for hit, value in reversed(pending):
        result = z3.If(hit, value, result)
    return result


def _value(family: Family, update: Update, indices: Indices, touch: Touch) -> z3.BitVecRef:
    if isinstance(update, CellWrite):
        return update.value
    if isinstance(update, PageZero):
        return bv(0)
    return read(family, update.older, (update.source, indices[1]), touch)


@dataclass
class Memory:
    """The updates of each family; families without an entry are as at the start."""

    updates: dict[str, tuple[Update, ...]] = field(default_factory=dict)

    def fork(self) -> "Memory":
        """An independent copy."""
        return Memory(dict(self.updates))

    def add(self, family: Family, update: Update) -> None:
        """Appends one update."""
        self.updates[family.name] = self.updates.get(family.name, ()) + (update,)

    def read(self, family: Family, indices: Indices, touch: Touch = _no_touch) -> z3.BitVecRef:
        """One cell as it is now."""
        return read(family, self.updates.get(family.name, ()), indices, touch)
