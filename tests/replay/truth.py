# SPDX-License-Identifier: MIT
"""The invariants of the specification on the state of the running machine: the counters
recounted, and every invariant at indices that matter and at random ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import spec
from replay.memory import Mirror
from spec.state import KINDS
from spec.witness import add_ghosts

ALL = 4096          # so many instances of an invariant are looked at one by one; of more, ...
SAMPLE = 1500       # ... those that matter, and so many


def _limits(state: Mirror) -> SimpleNamespace:
    """Constants with as many pages as there is RAM; behind it no page has a type."""
    return SimpleNamespace(**{**vars(state.c), "HV_NPAGE": state.page_count})


def seed_ghosts(state: Mirror) -> None:
    """Once, at the first eret: the specification keeps them from there."""
    add_ghosts(_limits(state), state)


def _pages_in_use(state: Mirror) -> list[int]:
    idle = (state.c.HV_PAGE_FREE, state.c.HV_PAGE_RESERVED)
    return [q for q in range(state.page_count) if state.get("page_descs.type", q) not in idle
            or state.get("ghost.view_level", q)]


def _entries(state: Mirror, pages: list[int]) -> list[tuple[int, int]]:
    leaves = (state.c.HV_PAGE_FRAME, state.c.HV_PAGE_PARCEL, state.c.HV_PAGE_CTX)
    return [(q, i) for q in pages if state.get("page_descs.type", q) not in leaves
            for i in range(state.c.HV_PAGE_WORDS) if state.get("pages", q, i)]


def _matter(state: Mirror, kinds: tuple[str, ...], pages: list[int],
            entries: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Index tuples that name something that is in use."""
    c = state.c
    if kinds == ("page",):
        return [(q,) for q in pages]
    if kinds == ("page", "entry"):
        return entries
    if kinds == ("pid", "page"):
        return [(state.get("page_descs.owner", q), q) for q in pages]
    if kinds == ("pid", "file"):
        return [(state.get("files.owner", f), f) for f in range(c.HV_NFILE)]
    if kinds == ("pid", "irq"):
        return [(state.get("irqs.owner", i), i) for i in range(c.HV_NIRQ)]
    if kinds == ("pid", "device"):
        return [(state.get("devices.owner", x), x) for x in range(c.HV_NDEVICE)]
    handles = [(p, h) for p in range(1, c.HV_NPROC) for h in range(c.HV_NHANDLE)
               if state.get("handles.file", p, h)]
    if kinds == ("pid", "handle"):
        return handles
    if kinds == ("file", "any_handle"):
        return [(state.get("handles.file", p, h), p * c.HV_NHANDLE + h) for p, h in handles]
    return []


def _instances(state: Mirror, kinds: tuple[str, ...], picker: random.Random, pages: list[int],
               entries: list[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    sizes = [KINDS[kind](_limits(state)) for kind in kinds]
    total = 1
    for size in sizes:
        total *= size
    if total <= ALL:
        for n in range(total):
            key = []
            for size in sizes:
                n, index = divmod(n, size)
                key.append(index)
            yield tuple(key)
        return
    yield from _matter(state, kinds, pages, entries)
    for _ in range(SAMPLE):
        yield tuple(picker.randrange(size) for size in sizes)


def _recount(state: Mirror) -> Iterator[str]:
    """What is counted is there exactly so often."""
    c = state.c
    owned = {
        "pages_count": Counter(state.get("page_descs.owner", q) for q in range(state.page_count)),
        "pids_count": Counter(state.get("procs.ppid", p) for p in range(c.HV_NPROC)),
        "files_count": Counter(state.get("files.owner", f) for f in range(c.HV_NFILE)),
        "irqs_count": Counter(state.get("irqs.owner", i) for i in range(c.HV_NIRQ)),
        "devices_count": Counter(state.get("devices.owner", x) for x in range(c.HV_NDEVICE)),
        "handles_count": Counter(p for p in range(c.HV_NPROC) for h in range(c.HV_NHANDLE)
                                 if state.get("handles.file", p, h))}
    for name, counts in owned.items():
        for p in range(1, c.HV_NPROC):
            if state.get(f"procs.{name}", p) != counts[p]:
                yield f"procs.{name}[{p}] is not {counts[p]}"


def what_is_false(state: Mirror, seed: int) -> list[str]:
    """Invariants that do not hold, with their indices."""
    pages, found = _pages_in_use(state), list(_recount(state))
    entries, c = _entries(state, pages), _limits(state)
    picker = random.Random(seed)
    for name, rule in spec.invariants().items():
        for key in _instances(state, rule.kinds, picker, pages, entries):
            if not rule.holds(c, state, *key):
                found.append(f"{name}{key}")
    return found
