# SPDX-License-Identifier: MIT
"""What EL2 may have mapped while processes run (theorem T4), over raw descriptor bits.

The EL2 regime has one range of addresses and no EL0 (DDI 0487J.a, D8.2; HCR_EL2.E2H is 0):
AP[1] is RES1, nG and PXN are RES0, bit 54 is XN. Restated from the manual and from
docs/design.md; nothing here comes from the C code. Addresses and sizes are in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from .descriptor import AF, AP_EL0, AP_READ_ONLY, SH_INNER, TABLE_OR_PAGE
from .descriptor import UXN as XN
from .descriptor import VALID

AP1_RES1 = AP_EL0
DEVICE = 1 << 2             # AttrIndx 1: byte 1 of MAIR_EL2, device nGnRE; 0 is write-back
TABLE = VALID | TABLE_OR_PAGE     # a table descriptor: no hierarchical bits (D8.3.1) nor others
NORMAL = VALID | AP1_RES1 | SH_INNER | AF


@dataclass(frozen=True)
class Mapping:
    """One valid leaf: `size` bytes at `va` are those at `pa`. `bits` is the descriptor without
    its address; `tables` are the bits, without addresses, of the tables above, ORed."""

    va: int
    pa: int
    size: int
    bits: int
    tables: int


@dataclass(frozen=True)
class Area:
    """`size` bytes from `va` on may be mapped, to those from `pa` on. `kind`: text, constants,
    data, devices."""

    name: str
    kind: str
    va: int
    size: int
    pa: int

    def holds(self, m: Mapping) -> bool:
        """The whole mapping lies within."""
        return self.va <= m.va and m.va + m.size <= self.va + self.size


# Of a leaf, but for bit 1, which tells pages from blocks.
RIGHTS = {
    "text": NORMAL | AP_READ_ONLY,
    "constants": NORMAL | AP_READ_ONLY | XN,
    "data": NORMAL | XN,
    "devices": VALID | AP1_RES1 | AF | DEVICE | XN,
}


def is_executable(m: Mapping) -> bool:
    """XN is clear."""
    return not m.bits & XN


def is_writable(m: Mapping) -> bool:
    """AP[2] is clear."""
    return not m.bits & AP_READ_ONLY


def what_is_wrong(m: Mapping, areas: tuple[Area, ...]) -> str:
    """Why this may not be mapped; empty if it may."""
    area = next((a for a in areas if a.holds(m)), None)
    if area is None:
        return "lies in no area that EL2 may have mapped"
    if m.pa - area.pa != m.va - area.va:
        return f"is of {area.name} but another physical address"
    if m.bits & ~TABLE_OR_PAGE != RIGHTS[area.kind]:
        return f"is of {area.name} but has not the rights of {area.kind}"
    if m.tables != TABLE:
        return "is below a table with more bits than it needs"
    return ""


def overlap(a: int, a_size: int, b: int, b_size: int) -> bool:
    """Do two ranges of bytes have one in common?"""
    return a < b + b_size and b < a + a_size


def aliases(m: Mapping, others: tuple[Mapping, ...]) -> bool:
    """What is executed or constant here can be written at another address."""
    return not is_writable(m) and any(
        is_writable(n) and overlap(m.pa, m.size, n.pa, n.size) for n in others)
