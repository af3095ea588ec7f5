# SPDX-License-Identifier: MIT
"""What is used of the three leaf routines, each proved once from its machine code (leaves.py),
and of the lock, whose two routines are (lock.py).

page_zero(x0 = page): every word 0. page_copy(x0 = to, x1 = from): every word
that of `from`. page_sync(x0 = page): no word changes. Each needs page numbers
below NPAGE of pages that are not reserved, loses the registers given here and NZCV, and nothing
else.

lock_take: the core has the lock, and no other core has it until lock_drop. A path must not
take it twice, nor drop what it has not. Copies of both within a routine (world.INLINE) are the
same, and control goes on behind them.
"""
from dataclasses import dataclass

import z3

from .errors import StuckPath
from .explore import Contract
from .flags import fold
from .layout import Layout
from .lin import bv
from .machine import Path
from .memory import PAGE_WORDS, PageCopy, PageZero
from .world import LOCK, LOCK_TAKE, Event


@dataclass(frozen=True)
class Leaf:
    """One leaf routine: page arguments, lost registers, instructions on its only path."""

    name: str
    pages: int
    lost: tuple[int, ...]


LEAVES = (
    Leaf("page_zero", 1, (0, 1)),
    Leaf("page_copy", 2, tuple(range(11))),
    Leaf("page_sync", 1, (0, 1)),
)


def apply(leaf: Leaf, layout: Layout, cost: int, path: Path) -> None:
    """The effect of a call of `leaf`, which takes `cost` instructions."""
    family = layout.families["pages"]
    numbers = [path.regs[i] for i in range(leaf.pages)]
    for number in numbers:
        path.require("in bounds", fold(z3.ULT(number.z, bv(family.dims[0].count))),
                     f"page of {leaf.name} below {family.dims[0].count}")
        path.require_mapped(number.z)
    operands = tuple(n.z for n in numbers)
    if leaf.name == "page_zero":
        path.memory.add(family, PageZero(operands[0], 0, PAGE_WORDS, path.pc))
    elif leaf.name == "page_copy":
        older = path.memory.updates.get("pages", ())
        path.memory.add(family, PageCopy(operands[0], operands[1], older, path.pc))
    path.events.append(Event(leaf.name, operands, path.pc))
    path.clobber(leaf.lost, with_flags=True)
    path.count += cost


LOCK_LOST = (9, 10, 11, 12)


def apply_lock(name: str, cost: int, end: int | None, path: Path) -> None:
    """The effect of lock_take or lock_drop, which takes `cost` instructions if nobody is waited
    for, and goes on at `end` if it does not return."""
    if path.has_lock == (name == LOCK_TAKE):
        raise StuckPath(f"{name} by a core that has the lock: {path.has_lock}")
    path.events.append(Event(name, (), path.pc))
    path.clobber(LOCK_LOST, with_flags=True)
    path.count += cost
    path.next = end


def table(layout: Layout, addresses: dict[str, int], costs: dict[str, int],
          ends: dict[str, int]) -> dict[int, Contract]:
    """Address of each leaf to its contract; `ends` are those of INLINE."""
    def make(leaf: Leaf) -> Contract:
        return lambda path: apply(leaf, layout, costs[leaf.name], path)

    def lock(name: str) -> Contract:
        return lambda path: apply_lock(LOCK[name], costs[name], ends.get(name), path)

    return {**{addresses[leaf.name]: make(leaf) for leaf in LEAVES},
            **{addresses[name]: lock(name) for name in LOCK}}
