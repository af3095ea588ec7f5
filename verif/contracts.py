# SPDX-License-Identifier: MIT
"""What is used of the three leaf routines, each proved once from its machine code (leaves.py).

page_zero(x0 = page): every word 0. page_copy(x0 = to, x1 = from): every word
that of `from`. page_sync(x0 = page): no word changes. Each needs page numbers
below NPAGE of pages that are not reserved, loses the registers given here and NZCV, and nothing else.
"""
from dataclasses import dataclass

import z3

from .explore import Contract
from .flags import fold
from .layout import Layout
from .lin import bv
from .machine import Path
from .memory import PageCopy, PageZero
from .world import Event


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
        path.memory.add(family, PageZero(operands[0], 0, 512, path.pc))
    elif leaf.name == "page_copy":
        older = path.memory.updates.get("pages", ())
        path.memory.add(family, PageCopy(operands[0], operands[1], older, path.pc))
    path.events.append(Event(leaf.name, operands, path.pc))
    path.clobber(leaf.lost, with_flags=True)
    path.count += cost


def table(layout: Layout, addresses: dict[str, int], costs: dict[str, int]) -> dict[int, Contract]:
    """Address of each leaf to its contract."""
    def make(leaf: Leaf) -> Contract:
        return lambda path: apply(leaf, layout, costs[leaf.name], path)

    return {addresses[leaf.name]: make(leaf) for leaf in LEAVES}
