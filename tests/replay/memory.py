# SPDX-License-Identifier: MIT
"""The machine's RAM, and the specification's state kept as another copy of it.

The copy is written by the specification alone, at the addresses that the ELF's DWARF gives
each field; so after a transition the two memories are equal byte for byte, or one is wrong.
What a process writes into its frames is not the specification's affair: a frame is taken
from the machine when its content starts to matter.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from spec.state import FIELDS, ConcreteState
from spec.words import MASK
from verif.layout import Family, Layout

WORD = 8
PAGE = 4096
COMPARE = ctypes.CDLL(None).memcmp
COMPARE.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

def address_of(ram: mmap.mmap) -> int:
    """Where a mapping is, in this program."""
    return ctypes.addressof(ctypes.c_char.from_buffer(ram))


def translate(ram: mmap.mmap, base: int, root: int, va: int) -> int:
    """Offset in RAM of an EL2 virtual address: 4 KiB granule, 48 bits, `root` the physical
    address of the level-0 table (TTBR0_EL2). LookupError if nothing is mapped there."""
    table = root & 0x0000_FFFF_FFFF_F000
    for shift in (39, 30, 21, 12):
        at = table - base + WORD * (va >> shift & 511)
        entry = int.from_bytes(ram[at:at + WORD], "little")
        if not entry & 1:
            raise LookupError(f"EL2 has nothing mapped at {va:#x}")
        table = entry & 0x0000_FFFF_FFFF_F000
        if shift == 12 or not entry & 2:
            inside = (1 << shift) - 1
            return (table & ~inside) + (va & inside) - base
    raise AssertionError


@dataclass(frozen=True)
class Place:
    """Where a family is: word `start` of RAM, then strides in words and counts."""

    start: int
    dims: tuple[tuple[int, int], ...]

    def word(self, key: tuple[int, ...]) -> int | None:
        """Number of the RAM word at these indices; None if one is out of range."""
        at = self.start
        for index, (stride, count) in zip(key, self.dims):
            if index >= count:
                return None
            at += stride * index
        return at


@dataclass(frozen=True)
class Span:
    """An object of the kernel in RAM: `start` and `size` in bytes."""

    name: str
    start: int
    size: int


def _place(family: Family, start: int, limit: int) -> Place:
    if family.width != WORD and family.name in FIELDS:
        raise ValueError(f"{family.name} has {family.width} bytes")
    dims = [(d.stride // WORD, d.count) for d in family.dims]
    if family.name == "pages":
        dims[0] = (dims[0][0], limit)
    return Place((start + family.offset) // WORD, tuple(dims))


class Mirror(ConcreteState):
    """The state of the specification. `ram` is the machine's memory, `words` the copy's;
    `touched` are the pages written since it was emptied."""

    def __init__(self, c: SimpleNamespace, ram: mmap.mmap) -> None:
        super().__init__()
        self.c, self.ram = c, ram
        self.copy_ram = mmap.mmap(-1, len(ram))
        self.words = memoryview(self.copy_ram).cast("Q")
        self.ours, self.theirs = address_of(self.copy_ram), address_of(ram)
        self.places: dict[str, Place] = {}
        self.spans: list[Span] = []
        self.touched: set[int] = set()
        self.pages_start = self.page_count = 0

    def lay_out(self, layout: Layout, where: Callable[[int], int], pages_start: int) -> None:
        """Finds every family. `where` gives the offset in RAM of a virtual address;
        pages[] starts at `pages_start` and ends with RAM."""
        limit = (len(self.ram) - pages_start) // PAGE
        for item in layout.objects:
            start = pages_start if item.name == "pages" else where(item.base)
            for va in range(0, item.size if item.name != "pages" else 0, PAGE):
                if where(item.base + va) != start + va:
                    raise ValueError(f"{item.name} is not in one piece")
            for family in (f for f in item.families if f.width == WORD):
                self.places[family.name] = _place(family, start, limit)
            if item.name != "pages":
                self.spans.append(Span(item.name, start, item.size))
        self.pages_start, self.page_count = pages_start, limit

    # ---- reads and updates, for the specification -------------------------------------

    def get(self, name: str, *key: int) -> int:
        place = self.places.get(name)
        if place is None:
            return super().get(name, *key)
        at = place.word(key)
        return 0 if at is None else self.words[at]

    def set(self, name: str, key: tuple[int, ...], value: int) -> Mirror:
        place = self.places.get(name)
        if place is None:
            return super().set(name, key, value)
        at = place.word(key)
        if at is None:
            raise IndexError(f"the specification writes {name}{key}")
        if name == "page_descs.type":
            self.settle(key[0])
        elif name == "pages":
            self.touched.add(key[0])
        self.words[at] = value & MASK
        return self

    def page_at(self, page: int) -> int:
        """Offset of a page in RAM, in bytes."""
        if page >= self.page_count:
            raise IndexError(f"page {page} is not in RAM")
        return self.pages_start + page * PAGE

    def settle(self, page: int) -> None:
        """A frame's content is what its owner has made it; of other pages, what we know."""
        if self.get("page_descs.type", page) == self.c.HV_PAGE_FRAME:
            at = self.page_at(page)
            ctypes.memmove(self.ours + at, self.theirs + at, PAGE)
            self.touched.add(page)

    def zero_page(self, page: int) -> Mirror:
        ctypes.memset(self.ours + self.page_at(page), 0, PAGE)
        self.touched.add(page)
        return self

    def copy_page(self, to: int, source: int) -> Mirror:
        self.settle(source)
        ctypes.memmove(self.ours + self.page_at(to), self.ours + self.page_at(source), PAGE)
        self.touched.add(to)
        return self

    def set_words(self, page: int, first: int, count: int,
                  value: Callable[[int], int]) -> Mirror:
        for k in range(count):
            self.set("pages", (page, first + k), value(k))
        return self
