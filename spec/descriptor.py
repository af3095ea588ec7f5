# SPDX-License-Identifier: MIT
"""Descriptors of VMSAv8-64, 4 KiB granule, 48-bit addresses (DDI 0487J.a, D8.3).

Restated from the manual; nothing here comes from the C code. A descriptor is a word (bv64),
a page number counts 4 KiB pages from machine.pages_pa.
"""

from __future__ import annotations

from .state import State
from .words import Ops, Truth, Word

# D8.3.1, D8.3.2: bits of every descriptor, then of a level-3 (page) descriptor
VALID = 1 << 0
TABLE_OR_PAGE = 1 << 1      # level 0..2: a table and no block; level 3: must be 1
ATTR_INDEX = 7 << 2         # byte of MAIR_EL1; 0 is normal write-back
DEVICE_NGNRE = 1 << 2       # AttrIndx 1: byte 1 of MAIR_EL1
AP_EL0 = 1 << 6             # AP[1]: EL0 may access
AP_READ_ONLY = 1 << 7       # AP[2]
SH_INNER = 3 << 8
AF = 1 << 10                # 0: an access faults (TCR_EL1.HA is 0)
NG = 1 << 11                # the translation belongs to one ASID
ADDRESS = 0x0000_FFFF_FFFF_F000
PXN = 1 << 53               # EL1 does not execute
UXN = 1 << 54               # EL0 does not execute
HIERARCHICAL = 31 << 59     # of a table descriptor: NSTable, APTable, XNTable, PXNTable

# What every leaf has, and what a permission may change.
LEAF_FIXED = VALID | TABLE_OR_PAGE | SH_INNER | AF | NG
LEAF_FREE = AP_EL0 | AP_READ_ONLY | PXN | UXN

# The same of a leaf that maps a device; device memory is outer shareable whatever SH says (B2.7.2).
DEVICE_FIXED = VALID | TABLE_OR_PAGE | DEVICE_NGNRE | AF | NG | PXN | UXN
DEVICE_FREE = AP_EL0 | AP_READ_ONLY

# A table descriptor. The walk ignores bits 2..11 and 51..58 of it; where the recursive entry
# makes the walk one level shorter they are those of a leaf that nobody can write or execute.
TABLE_BITS = LEAF_FIXED | AP_READ_ONLY | PXN | UXN

# A table descriptor of the read-only view: AF is clear, so as a leaf it faults.
VIEW_TABLE_BITS = VALID | TABLE_OR_PAGE
VIEW_LEAF_BITS = LEAF_FIXED | AP_READ_ONLY | PXN | UXN

PAGE_SHIFT = 12
SELF_INDEX = 511            # level-0 entry that names its own table
VIEW_INDEX = 510            # level-0 entry of the kernel's tables, if the process has it

# SPSR_EL2 (C5.2.19) with which a process starts: EL1h, D, A, I and F masked.
SPSR_START = 0b0101 | 0b1111 << 6


def address(s: State, page: Word) -> Word:
    """Physical address of a page, in bytes."""
    return s.ops.add(s.get("machine.pages_pa"), s.ops.shl(page, PAGE_SHIFT))


def page_at(s: State, descriptor: Word) -> Word:
    """Number of the page that a descriptor names; none of ours if it is HV_NPAGE or more."""
    return s.ops.shr(s.ops.sub(descriptor & ADDRESS, s.get("machine.pages_pa")), PAGE_SHIFT)


def is_valid(ops: Ops, descriptor: Word) -> Truth:
    """Bit 0 is set."""
    return ops.any_bit(descriptor, VALID)


def table(s: State, page: Word) -> Word:
    """Level 0..2: points at the table in that page."""
    return address(s, page) | TABLE_BITS


def leaf(s: State, page: Word, perm: Word) -> Word:
    """Level 3: maps the page. Bits of perm: 0 writable, 1 executable at EL1, 2 accessible
    at EL0, 3 executable at EL0."""
    o = s.ops
    return (address(s, page) | LEAF_FIXED
            | o.ite(o.bit(perm, 0), 0, AP_READ_ONLY) | o.ite(o.bit(perm, 1), 0, PXN)
            | o.ite(o.bit(perm, 2), AP_EL0, 0) | o.ite(o.bit(perm, 3), 0, UXN))


def device(o: Ops, pa: Word, perm: Word) -> Word:
    """Level 3: maps device registers at pa (bytes). Bits of perm: 0 writable, 2 accessible at
    EL0."""
    return (pa | DEVICE_FIXED | o.ite(o.bit(perm, 0), 0, AP_READ_ONLY)
            | o.ite(o.bit(perm, 2), AP_EL0, 0))


def is_at(descriptor: Word, pa: Word) -> Truth:
    """It is valid and its address is pa (bytes)."""
    return (descriptor & (ADDRESS | VALID)) == (pa | VALID)


def names(s: State, descriptor: Word, page: Word) -> Truth:
    """It is valid and its address is that of the page."""
    return is_at(descriptor, address(s, page))
