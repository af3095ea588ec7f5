# SPDX-License-Identifier: MIT
"""Walks over raw descriptor bits of a dump: of EL2's tables, and of a process's.

VMSAv8-64, 4 KiB granule, 48-bit addresses (DDI 0487J.a, D8.2). `ram` is an array of words,
from the physical address `base` on; a table outside of it is an error with a name.
"""
from collections.abc import Iterator

import numpy as np
from spec.descriptor import ADDRESS, TABLE_OR_PAGE, VALID, page_at
from spec.kernel_map import Mapping
from spec.state import State

from .arrays import Array
from .errors import BootError

ENTRIES = 512
SHIFTS = (39, 30, 21, 12)
MOST_TABLES = 4096
ROOT = 0x0000_FFFF_FFFF_FFFE    # TTBR0_EL2.BADDR (D19.2): without CnP and what is RES0


def table_at(ram: Array, base: int, address: int) -> Array:
    """The 512 entries of the table at a physical address; BootError if it is not in RAM."""
    first = (address - base) // 8
    if address % 4096 or not 0 <= first <= len(ram) - ENTRIES:
        raise BootError(f"a translation table would be at {address:#x}, which is not RAM")
    return ram[first:first + ENTRIES]


def mappings(ram: Array, base: int, root: int) -> Iterator[Mapping]:
    """Every valid leaf below `root`, the value of TTBR0_EL2, in order of addresses."""
    yield from _below(ram, base, root & ROOT, 0, 0, VALID | TABLE_OR_PAGE)


def _below(ram: Array, base: int, table: int, level: int, va: int, above: int) -> Iterator[Mapping]:
    entries = table_at(ram, base, table)
    for index in np.flatnonzero(entries & np.uint64(VALID)):
        entry, here = int(entries[index]), va + (int(index) << SHIFTS[level])
        bits = entry & ~ADDRESS
        if level < 3 and entry & TABLE_OR_PAGE:
            yield from _below(ram, base, entry & ADDRESS, level + 1, here, above | bits)
        else:
            # A block at level 0, and a level-3 entry with bit 1 clear, are no leaves (D8.3.1).
            if level == 0 or (level == 3 and not entry & TABLE_OR_PAGE):
                raise BootError(f"EL2 has a reserved descriptor {entry:#x} at {here:#x}")
            yield Mapping(here, entry & ADDRESS, 1 << SHIFTS[level], bits, above)


def paths(state: State, root: int) -> tuple[Array, ...]:
    """Four arrays of indices: every way through the tables of a process, from the table in page
    `root` on. A way that ends at an invalid entry is there once, with zeroes behind it."""
    ends: list[list[Array]] = [[], [], [], []]
    tables, before = np.array([root], dtype=np.uint64), []
    for level in range(4):
        if len(tables) > MOST_TABLES:
            raise BootError("the first process has more translation tables than there can be")
        index = np.tile(np.arange(ENTRIES, dtype=np.uint64), len(tables))
        prefix = [np.repeat(b, ENTRIES) for b in before] + [index]
        entries = state.get("pages", np.repeat(tables, ENTRIES), index)
        on = (entries & np.uint64(VALID) != 0) & (level < 3)
        for at in range(4):
            part = prefix[at] if at <= level else np.zeros_like(index)
            ends[at].append(part[~on])
        before, tables = [p[on] for p in prefix], page_at(state, entries[on])
    return tuple(np.concatenate(parts) for parts in ends)
