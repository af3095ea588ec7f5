# SPDX-License-Identifier: MIT
"""A dump as a state of the specification: fields where DWARF and the place of the image in RAM
say that they are; ghosts worked out, as arrays. That EL2 sees the same at the addresses of the
ELF is a statement of its own (boot_map.py).
"""
from dataclasses import dataclass
from typing import Any

import numpy as np
from spec import descriptor as d
from spec.ghosts import ALL, Counted
from spec.invariants import belongs, is_counting
from spec.state import FIELDS, KINDS, SAVED_REGISTERS
from spec.transition import Reader
from spec.words import MASK
from spec.witness import choose_home, choose_wait_handle, mark_devices, mark_mapping, mark_view

from .arrays import Array, ArrayOps, Word, is_plain, words
from .boot_machine import Dump
from .image import Image
from .layout import Family
from .target import Target

WORD, PAGE = 8, 4096
ZERO = np.uint64(0)


@dataclass(frozen=True)
class Place:
    """Where a family is: word `start` of RAM, then strides in words and counts."""

    start: int
    dims: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Order:
    """Of one group: where each item is, and which item is at each place."""

    slot: Array
    at: Array


def _look(table: Array, index: Word, otherwise: Word) -> Word:
    """table[index], and `otherwise` where the index is too large."""
    if is_plain(index):
        return int(table[index]) if index < len(table) else otherwise
    inside = index < len(table)
    return np.where(inside, table[np.where(inside, index, ZERO)], words(otherwise))


def _zero_like(key: tuple[Word, ...]) -> Word:
    """0, as often as these indices ask for it."""
    return next((np.zeros_like(index) for index in key if not is_plain(index)), 0)


class DumpState:
    """Reads fields of a dump at ints and at arrays of indices; what is out of range is 0.
    `set` is for ghosts, which are kept beside it."""

    def __init__(self, c: Any, target: Target, dump: Dump) -> None:
        self.ops = ArrayOps()
        self.c, self.dump = c, dump
        self.ram = np.frombuffer(dump.ram, dtype="<u8")
        self.ram_base = dump.machine.where.ram
        self.places: dict[str, Place] = {}
        self.plain = _core(dump, target)
        self.ghosts: dict[str, Array] = {}
        self.orders: dict[str, dict[int, Order]] = {counted.name: {} for counted in ALL}
        for item in target.layout.objects:
            if item.name != "pages":
                self._lay_out(item.families, physical(target.image, item.base, dump.kernel_pa))
        base = self.get("machine.pages_pa")
        in_ram = max(0, (self.ram_base + len(dump.ram) - base) // PAGE)
        is_place = base >= self.ram_base and base % PAGE == 0
        self.page_count = min(c.HV_NPAGE, in_ram) if is_place else 0
        self._lay_out((target.layout.families["pages"],), base)
        self.device_of: dict[int, int] = {}
        self._find_ghosts()

    # ---- where things are ---------------------------------------------------------------

    def _lay_out(self, families: tuple[Family, ...], base: int) -> None:
        for family in (f for f in families if f.width == WORD):
            dims = [(dim.stride // WORD, dim.count) for dim in family.dims]
            if family.name == "pages":
                dims[0] = (dims[0][0], self.page_count)
            start = (base - self.ram_base + family.offset) // WORD
            self.places[family.name] = Place(start, tuple(dims))

    # ---- reads ---------------------------------------------------------------------------

    def get(self, name: str, *key: Word) -> Word:
        place = self.places.get(name)
        if place is not None:
            return self._read(place, key)
        if name.startswith("ghost."):
            return self._ghost(name, key)
        if len(key) != len(FIELDS[name]):
            raise TypeError(f"{name} takes {len(FIELDS[name])} indices, not {len(key)}")
        return self.plain.get((name, *key), 0)

    def _read(self, place: Place, key: tuple[Word, ...]) -> Word:
        if len(key) != len(place.dims):
            raise TypeError(f"{len(place.dims)} indices are needed, not {len(key)}")
        at: Word = place.start
        inside: Any = True
        for index, (stride, count) in zip(key, place.dims):
            ok = index < count
            if is_plain(ok):
                if not ok:
                    return _zero_like(key)
                at = at + stride * int(index) if is_plain(at) else at + np.uint64(stride * index)
            else:
                inside = ok if inside is True else inside & ok
                at = words(at) + np.uint64(stride) * np.where(ok, index, ZERO)
        if is_plain(at):
            return int(self.ram[at])
        if inside.all():
            return self.ram[at]
        return np.where(inside, self.ram[np.where(inside, at, ZERO)], ZERO)

    def _device_of(self, frame: Word) -> Word:
        if is_plain(frame):
            return self.device_of.get(int(frame), 0)
        found = np.zeros_like(frame)
        for at, device in self.device_of.items():
            found[frame == at] = device
        return found

    def _ghost(self, name: str, key: tuple[Word, ...]) -> Word:
        if name == "ghost.device_of":
            return self._device_of(key[0])
        counted, _, side = name.removeprefix("ghost.").rpartition("_")
        if side not in ("slot", "at") or counted not in self.orders:
            return _look(self.ghosts[name], key[0], 0) if name in self.ghosts else 0
        group, item = key
        if is_plain(group):
            order = self.orders[counted].get(group)
            return item if order is None else _look(getattr(order, side), item, item)
        found = np.broadcast_to(words(item), group.shape).copy()
        for one, order in self.orders[counted].items():
            here = group == one
            found[here] = _look(getattr(order, side), found[here], found[here])
        return found

    def set(self, name: str, key: tuple[int, ...], value: int) -> "DumpState":
        """Sets a ghost of one index."""
        if name == "ghost.device_of":
            self.device_of[key[0]] = value
            return self
        if name not in self.ghosts:
            self.ghosts[name] = np.zeros(KINDS[FIELDS[name][0]](self.c), dtype=np.uint64)
        if key[0] < len(self.ghosts[name]):
            self.ghosts[name][key[0]] = value & MASK
        return self

    # ---- ghosts --------------------------------------------------------------------------

    def _find_ghosts(self) -> None:
        """Those that spec/witness.py gives: if the invariants hold for some, then for these."""
        r = Reader(self.c, self)
        mark_devices(r)
        for counted in ALL:
            self.orders[counted.name] = self._orders(r, counted)
        for table in self.tables():
            entries = self.get("pages", int(table), np.arange(512, dtype=np.uint64))
            is_root = self.get("page_descs.type", int(table)) == self.c.HV_PAGE_L0
            for index in np.flatnonzero(entries & np.uint64(d.VALID)):
                if not is_root or index < d.VIEW_INDEX:
                    self._mark(r, int(table), int(index), d.page_at(self, int(entries[index])))
        mark_view(self, d.page_at(self, self.get("machine.view_pte")), 1)
        for pid in range(self.c.HV_NPROC):
            choose_home(r, pid)
            choose_wait_handle(r, pid)

    def _mark(self, r: Reader, table: int, index: int, page: int) -> None:
        if page >= self.c.HV_NPAGE:
            mark_mapping(r, table, index)
        self.set("ghost.parent", (page,), table)
        self.set("ghost.parent_index", (page,), index)

    def tables(self) -> Array:
        """Numbers of all pages that are typed as translation tables, of whomever."""
        kinds = self.get("page_descs.type", np.arange(self.c.HV_NPAGE, dtype=np.uint64))
        return np.flatnonzero((kinds >= self.c.HV_PAGE_L0) & (kinds <= self.c.HV_PAGE_L3))

    def _orders(self, r: Reader, counted: Counted) -> dict[int, Order]:
        """Of each group that counts: its own items first."""
        groups = np.arange(KINDS[counted.group](self.c), dtype=np.uint64)
        items = np.arange(KINDS[counted.item](self.c), dtype=np.uint64)
        counts = np.broadcast_to(is_counting(r, counted, groups), groups.shape)
        found = {}
        for group in np.flatnonzero(counts & (r.get(counted.count, groups) != 0)):
            own = np.broadcast_to(belongs(r, counted, int(group), items), items.shape)
            at = np.concatenate((items[own], items[~own]))
            slot = np.empty_like(items)
            slot[at] = items
            found[int(group)] = Order(slot, at)
        return found


def physical(image: Image, va: int, kernel_pa: int) -> int:
    """Where the loader has put what is linked at `va`, if it has put the image at `kernel_pa`."""
    return va - image.markers["__kernel_start"] + kernel_pa


def core_address(target: Target) -> int:
    """EL2 address of sched.cpus[0], of the core that runs processes."""
    family = target.first_of_cpu
    return family.base + family.offset


def _core(dump: Dump, target: Target) -> dict[tuple[str | int, ...], int]:
    """sys.*: what the core holds, and which core it is."""
    stride = target.layout.families["sched.cpus.current"].dims[0].stride
    found: dict[tuple[str | int, ...], int] = {
        ("sys.cpu",): (dump.registers["TPIDR_EL2"] - core_address(target)) // stride & MASK}
    for name in (*SAVED_REGISTERS, "cnthp_cval_el2", "ttbr0_el1", "cptr_el2"):
        if name.upper() in dump.registers:
            found[(f"sys.{name}",)] = dump.registers[name.upper()]
    return found | {("sys.x", n): dump.registers[f"X{n}"] for n in range(31)}
