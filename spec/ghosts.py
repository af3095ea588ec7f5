# SPDX-License-Identifier: MIT
"""Counters that are exact because a permutation says so.

For each group (say, a process) there is a permutation of *all* items of a kind (say, pages)
in which the group's own items come first: item x belongs to group g exactly if
slot(g, x) < count(g). So a counter is bounded by the number of items without any guard, and
two counted things are two. `slot` and its inverse `at` are ghosts: no machine holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .transition import Reader, Transition
from .words import Truth, Word


@dataclass(frozen=True)
class Counted:
    """`count` is the counter in C, `group` and `item` the kinds of the indices."""

    name: str
    count: str
    group: str
    item: str

    @property
    def slot(self) -> str:
        """Where an item is in the group's order."""
        return f"ghost.{self.name}_slot"

    @property
    def at(self) -> str:
        """Which item is at a place of the group's order."""
        return f"ghost.{self.name}_at"


PAGES = Counted("page", "procs.pages_count", "pid", "page")
PIDS = Counted("pid", "procs.pids_count", "pid", "pid")
FILES = Counted("file", "procs.files_count", "pid", "file")
LINES = Counted("irq", "procs.irqs_count", "pid", "irq")
DEVICES = Counted("device", "procs.devices_count", "pid", "device")
HANDLES = Counted("handle", "procs.handles_count", "pid", "handle")
ENTRIES = Counted("entry", "page_descs.count", "page", "entry")
REFS = Counted("ref", "files.refs", "file", "any_handle")
READERS = Counted("reader", "files.readers", "file", "any_handle")
WRITERS = Counted("writer", "files.writers", "file", "any_handle")
ALL = (PAGES, PIDS, FILES, DEVICES, LINES, HANDLES, ENTRIES, REFS, READERS, WRITERS)


def handle_item(r: Reader, pid: Word, slot: Word) -> Word:
    """One number for a process's handle, among all handles of all processes."""
    return r.o.shl(pid, (r.c.HV_NHANDLE - 1).bit_length()) | slot


def _swap(t: Transition, counted: Counted, group: Word, item: Word, place: Word) -> None:
    """The item goes to `place`, and what is there to the item's place."""
    other = t.get(counted.at, group, place)
    was = t.get(counted.slot, group, item)
    t.set(counted.slot, (group, other), was)
    t.set(counted.slot, (group, item), place)
    t.set(counted.at, (group, was), other)
    t.set(counted.at, (group, place), item)


@dataclass(frozen=True)
class Step:
    """One change of what a group counts, if it `counts`: `item` joins or leaves, takes the
    place of `other`, or (clear) nothing belongs to the group any more."""

    kind: str
    counted: Counted
    group: Word
    item: Word
    other: Word
    counts: Truth


def join(t: Transition, counted: Counted, group: Word, item: Word, counts: Truth = True) -> None:
    """The item, which does not belong to the group, does now, if it `counts`."""
    o, count = t.o, t.get(counted.count, group)
    if t.orders:
        _swap(t, counted, group, item, o.ite(counts, count, t.get(counted.slot, group, item)))
    t.set(counted.count, (group,), o.ite(counts, o.add(count, 1), count))
    t.steps.append(Step("join", counted, group, item, item, counts))


def leave(t: Transition, counted: Counted, group: Word, item: Word, counts: Truth = True) -> None:
    """The item, which belongs to the group if it `counts`, does so no more."""
    o, count = t.o, t.get(counted.count, group)
    last = o.sub(count, 1)
    if t.orders:
        _swap(t, counted, group, item, o.ite(counts, last, t.get(counted.slot, group, item)))
    t.set(counted.count, (group,), o.ite(counts, last, count))
    t.steps.append(Step("leave", counted, group, item, item, counts))


def replace(t: Transition, counted: Counted, group: Word, item: Word, other: Word,
            counts: Truth = True) -> None:
    """The item, which does not belong to the group, takes the place of one that does."""
    if t.orders:
        places = [t.get(counted.slot, group, x) for x in (other, item)]
        _swap(t, counted, group, item, t.o.ite(counts, *places))
    t.steps.append(Step("replace", counted, group, item, other, counts))


def clear(t: Transition, counted: Counted, group: Word) -> None:
    """Nothing belongs to the group: it begins to count."""
    t.set(counted.count, (group,), 0)
    t.steps.append(Step("clear", counted, group, 0, 0, True))
