# SPDX-License-Identifier: MIT
"""Ghosts for a state that has none: a dump of the tables, or the state at the first eret.

If the invariants hold for some ghosts they hold for these, so a failure means a wrong state.
"""

from __future__ import annotations

from typing import Any, Iterator

from . import descriptor as d
from . import sets
from .ghosts import ALL, Counted
from .invariants import belongs, is_counting
from .state import KINDS, ConcreteState
from .transition import Reader
from .vocabulary import device_at


def _members(r: Reader, counted: Counted) -> dict[int, list[int]]:
    """Items of each group that has any."""
    groups: dict[int, list[int]] = {}
    for group in range(KINDS[counted.group](r.c)):
        if is_counting(r, counted, group) and r.get(counted.count, group) != 0:
            groups[group] = [item for item in range(KINDS[counted.item](r.c))
                             if belongs(r, counted, group, item)]
    return groups


def _order(state: ConcreteState, counted: Counted, group: int, members: list[int]) -> None:
    """Swaps members to the front of what is the identity so far."""
    for place, item in enumerate(members):
        other, was = state.get(counted.at, group, place), state.get(counted.slot, group, item)
        state.set(counted.slot, (group, other), was)
        state.set(counted.slot, (group, item), place)
        state.set(counted.at, (group, was), other)
        state.set(counted.at, (group, place), item)


def _entries(r: Reader, kinds: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """(table, index, page) for the valid entries of tables of these types."""
    for table in range(r.c.HV_NPAGE):
        kind = r.get("page_descs.type", table)
        if kind in kinds:
            end = d.VIEW_INDEX if kind == r.c.HV_PAGE_L0 else r.c.HV_PAGE_WORDS
            for index in range(end):
                entry = r.get("pages", table, index)
                if entry & d.VALID:
                    yield table, index, d.page_at(r.state, entry)


def mark_view(state: ConcreteState, table: int, level: int) -> None:
    """The tables of the view from this one on, at its level, get their levels."""
    state.set("ghost.view_level", (table,), level)
    for index in range(512 if level < 3 else 0):
        entry = state.get("pages", table, index)
        if entry & d.VALID:
            mark_view(state, d.page_at(state, entry), level + 1)


def mark_devices(r: Reader) -> None:
    """Each device is the one at its address."""
    for device in range(r.c.HV_NDEVICE):
        if r.get("devices.state", device) != r.c.HV_DEVICE_NONE:
            r.state.set("ghost.device_of", (r.get("devices.pa", device) >> d.PAGE_SHIFT,), device)


def mark_mapping(r: Reader, table: int, index: int) -> None:
    """The entry, which names no page, is the one of the device at its address."""
    device = device_at(r, r.get("pages", table, index))
    r.state.set("ghost.device_table", (device,), table)
    r.state.set("ghost.device_index", (device,), index)


def choose_wait_handle(r: Reader, pid: int) -> None:
    """A handle by which pid may be waiting, other than the one in its message."""
    file = r.get("procs.wait_file", pid)
    sends = sets.has(r, sets.senders(file), pid)
    is_endpoint = r.get("files.type", file) == r.c.HV_FILE_ENDPOINT
    parked = r.get("pages", r.get("procs.ctx", pid), r.c.CTX_MSG_HANDLE) if sends else None
    right = r.c.HV_RIGHT_WRITE if sends and is_endpoint else r.c.HV_RIGHT_READ
    for slot in range(r.c.HV_NHANDLE):
        rights = r.get("handles.rights", pid, slot)
        if r.get("handles.file", pid, slot) == file and rights & right and slot != parked:
            r.state.set("ghost.wait_handle", (pid,), slot)


def choose_home(r: Reader, pid: int) -> None:
    """The first core that pid may run on, or core 0 if there is none."""
    for core in reversed(range(r.c.HV_NCPU)):
        if sets.has(r, sets.allowed(core), pid):
            r.state.set("ghost.home", (pid,), core)


def add_ghosts(c: Any, state: ConcreteState) -> None:
    """Sets every ghost field of a state in which none was set."""
    r = Reader(c, state)
    for counted in ALL:
        for group, members in _members(r, counted).items():
            _order(state, counted, group, members)
    kinds = (c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3)
    mark_devices(r)
    for table, index, page in _entries(r, kinds):
        if page < c.HV_NPAGE:
            state.set("ghost.parent", (page,), table)
            state.set("ghost.parent_index", (page,), index)
        else:
            mark_mapping(r, table, index)
    mark_view(state, d.page_at(state, state.get("machine.view_pte")), 1)
    for pid in range(c.HV_NPROC):
        choose_home(r, pid)
        choose_wait_handle(r, pid)
