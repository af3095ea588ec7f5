# SPDX-License-Identifier: MIT
"""Hypercalls on pages and translation tables.

A page is free, a table of one level, a frame (mapped once), a parcel (content kept, mapped
nowhere), a context, or reserved. Each level of tables holds pages of the next.
"""

from __future__ import annotations

from .. import descriptor
from ..ghosts import ENTRIES, clear, join, leave
from ..transition import Group, Transition
from ..vocabulary import (give_page, in_state, is_child, require_build, require_heir,
                          require_page)
from ..words import Word

CALLS = Group()


# ---- what the calls have in common ----------------------------------------------------


def require_entry(t: Transition, pid: Word, table: Word, kind: int, index: Word) -> None:
    """An entry, of a table of pid's, that self may write: ESRCH, EPERM, EINVAL, EACCES,
    EINVAL. Of level 0 the last two are the kernel's."""
    require_build(t, pid)
    require_page(t, table, pid, kind)
    end = descriptor.VIEW_INDEX if kind == t.c.HV_PAGE_L0 else t.c.HV_PAGE_WORDS
    t.require(t.o.ult(index, end), t.c.HV_EINVAL)


def require_perm(t: Transition, perm: Word) -> None:
    """Four bits: EINVAL."""
    t.require(t.o.ult(perm, 16), t.c.HV_EINVAL)


def require_unused(t: Transition, table: Word, index: Word) -> None:
    """EEXIST."""
    t.require(t.o.not_(descriptor.is_valid(t.o, t.get("pages", table, index))), t.c.HV_EEXIST)


def require_held(t: Transition, table: Word, index: Word, page: Word) -> None:
    """The entry names the page: ENOENT."""
    held = t.get("pages", table, index)
    t.require(t.o.and_(t.o.ult(page, t.c.HV_NPAGE), descriptor.names(t.state, held, page)),
              t.c.HV_ENOENT)


def link(t: Transition, pid: Word, table: Word, index: Word, page: Word, kind: int,
         entry: Word) -> None:
    """The page becomes pid's, of type kind, behind the entry."""
    t.set("page_descs.type", (page,), kind)
    clear(t, ENTRIES, page)
    join(t, ENTRIES, table, index)
    give_page(t, page, pid)
    t.set("pages", (table, index), entry)
    t.set("ghost.parent", (page,), table)
    t.set("ghost.parent_index", (page,), index)


def unlink(t: Transition, pid: Word, table: Word, index: Word, page: Word, kind: int) -> None:
    """The entry becomes invalid, pid's ASID is invalidated, and the page is of type kind."""
    t.set("pages", (table, index), 0)
    t.event("tlbi_asid", pid)
    leave(t, ENTRIES, table, index)
    t.set("page_descs.type", (page,), kind)


# ---- tables ---------------------------------------------------------------------------


def alloc_table(t: Transition, pid: Word, parent: Word, kind: int, below: int, index: Word,
                page: Word) -> Word:
    """A free page of self's becomes an empty table of type `below`."""
    require_entry(t, pid, parent, kind, index)
    require_unused(t, parent, index)
    require_page(t, page, t.self, t.c.HV_PAGE_FREE)
    t.zero_page(page)
    link(t, pid, parent, index, page, below, descriptor.table(t.state, page))
    return 0


@CALLS.hypercall
def alloc_l1(t: Transition, pid: Word, l0: Word, index: Word, page: Word) -> Word:
    """A free page of self's becomes an empty level-1 table of pid's."""
    return alloc_table(t, pid, l0, t.c.HV_PAGE_L0, t.c.HV_PAGE_L1, index, page)


@CALLS.hypercall
def alloc_l2(t: Transition, pid: Word, l1: Word, index: Word, page: Word) -> Word:
    """A free page of self's becomes an empty level-2 table of pid's."""
    return alloc_table(t, pid, l1, t.c.HV_PAGE_L1, t.c.HV_PAGE_L2, index, page)


@CALLS.hypercall
def alloc_l3(t: Transition, pid: Word, l2: Word, index: Word, page: Word) -> Word:
    """A free page of self's becomes an empty level-3 table of pid's."""
    return alloc_table(t, pid, l2, t.c.HV_PAGE_L2, t.c.HV_PAGE_L3, index, page)


def free_table(t: Transition, pid: Word, parent: Word, kind: int, index: Word,
               table: Word) -> Word:
    """An empty table becomes a free page of pid's."""
    require_entry(t, pid, parent, kind, index)
    require_held(t, parent, index, table)
    t.require(t.get("page_descs.count", table) == 0, t.c.HV_EBUSY)
    unlink(t, pid, parent, index, table, t.c.HV_PAGE_FREE)
    return 0


@CALLS.hypercall
def free_l1(t: Transition, pid: Word, l0: Word, index: Word, table: Word) -> Word:
    """An empty level-1 table becomes a free page of pid's."""
    return free_table(t, pid, l0, t.c.HV_PAGE_L0, index, table)


@CALLS.hypercall
def free_l2(t: Transition, pid: Word, l1: Word, index: Word, table: Word) -> Word:
    """An empty level-2 table becomes a free page of pid's."""
    return free_table(t, pid, l1, t.c.HV_PAGE_L1, index, table)


@CALLS.hypercall
def free_l3(t: Transition, pid: Word, l2: Word, index: Word, table: Word) -> Word:
    """An empty level-3 table becomes a free page of pid's."""
    return free_table(t, pid, l2, t.c.HV_PAGE_L2, index, table)


# ---- frames ---------------------------------------------------------------------------


def require_leaf(t: Transition, pid: Word, l3: Word, index: Word, perm: Word) -> None:
    """A level-3 entry that self may write, and permissions."""
    require_entry(t, pid, l3, t.c.HV_PAGE_L3, index)
    require_perm(t, perm)


def sync(t: Transition, page: Word, perm: Word) -> None:
    """What is about to be executed is first made visible to instruction fetches (B2.4.4)."""
    if t.choose(t.o.any_bit(perm, t.c.HV_PERM_X | t.c.HV_PERM_EL0X), "executable"):
        t.event("page_sync", page)


def map_page(t: Transition, pid: Word, l3: Word, index: Word, page: Word, perm: Word) -> Word:
    """The page, whose content is ready, becomes a frame of pid's."""
    sync(t, page, perm)
    link(t, pid, l3, index, page, t.c.HV_PAGE_FRAME,
         descriptor.leaf(t.state, page, perm))
    return 0


@CALLS.hypercall
def alloc_frame(t: Transition, pid: Word, l3: Word, index: Word, page: Word, perm: Word) -> Word:
    """A free page of self's becomes a frame of zeroes."""
    require_leaf(t, pid, l3, index, perm)
    require_unused(t, l3, index)
    require_page(t, page, t.self, t.c.HV_PAGE_FREE)
    t.zero_page(page)
    return map_page(t, pid, l3, index, page, perm)


@CALLS.hypercall
def copy_frame(t: Transition, pid: Word, l3: Word, index: Word, page: Word, perm: Word,
               from_: Word) -> Word:
    """A free page of self's becomes a frame with the content of a frame of self's."""
    require_leaf(t, pid, l3, index, perm)
    require_unused(t, l3, index)
    require_page(t, page, t.self, t.c.HV_PAGE_FREE)
    require_page(t, from_, t.self, t.c.HV_PAGE_FRAME)
    t.copy_page(page, from_)
    return map_page(t, pid, l3, index, page, perm)


@CALLS.hypercall
def map_frame(t: Transition, pid: Word, l3: Word, index: Word, parcel: Word, perm: Word) -> Word:
    """A parcel of self's becomes a frame."""
    require_leaf(t, pid, l3, index, perm)
    require_unused(t, l3, index)
    require_page(t, parcel, t.self, t.c.HV_PAGE_PARCEL)
    return map_page(t, pid, l3, index, parcel, perm)


@CALLS.hypercall
def protect_frame(t: Transition, pid: Word, l3: Word, index: Word, frame: Word,
                  perm: Word) -> Word:
    """The frame gets other permissions, by way of an invalid entry (D8.14.1)."""
    require_leaf(t, pid, l3, index, perm)
    require_held(t, l3, index, frame)
    t.event("tlbi_asid", pid)
    sync(t, frame, perm)
    t.set("pages", (l3, index), descriptor.leaf(t.state, frame, perm))
    return 0


def unmap(t: Transition, pid: Word, l3: Word, index: Word, frame: Word, kind: int) -> Word:
    """The frame becomes an unmapped page of pid's."""
    require_entry(t, pid, l3, t.c.HV_PAGE_L3, index)
    require_held(t, l3, index, frame)
    unlink(t, pid, l3, index, frame, kind)
    return 0


@CALLS.hypercall
def free_frame(t: Transition, pid: Word, l3: Word, index: Word, frame: Word) -> Word:
    """The frame becomes a free page of pid's: its content is lost."""
    return unmap(t, pid, l3, index, frame, t.c.HV_PAGE_FREE)


@CALLS.hypercall
def unmap_frame(t: Transition, pid: Word, l3: Word, index: Word, frame: Word) -> Word:
    """The frame becomes a parcel of pid's: its content is kept."""
    return unmap(t, pid, l3, index, frame, t.c.HV_PAGE_PARCEL)


@CALLS.hypercall
def free_parcel(t: Transition, page: Word) -> Word:
    """A parcel of self's becomes a free page."""
    require_page(t, page, t.self, t.c.HV_PAGE_PARCEL)
    t.set("page_descs.type", (page,), t.c.HV_PAGE_FREE)
    return 0


# ---- owners ---------------------------------------------------------------------------


@CALLS.hypercall
def grant_page(t: Transition, child: Word, page: Word) -> Word:
    """A free page of self's becomes the child's."""
    require_heir(t, child)
    require_page(t, page, t.self, t.c.HV_PAGE_FREE)
    give_page(t, page, child)
    return 0


@CALLS.hypercall
def reclaim_page(t: Transition, page: Word) -> Word:
    """Any page of a dead child becomes a free page of self's."""
    kind = t.get("page_descs.type", page)
    t.require(t.o.and_(t.o.ult(page, t.c.HV_NPAGE), kind != t.c.HV_PAGE_RESERVED),
              t.c.HV_EINVAL)
    owner = t.get("page_descs.owner", page)
    t.require(is_child(t, owner, t.self), t.c.HV_EPERM)
    t.require(in_state(t, owner, t.c.HV_PROC_ZOMBIE), t.c.HV_ESTATE)
    t.set("page_descs.type", (page,), t.c.HV_PAGE_FREE)
    give_page(t, page, t.self)
    return 0


# ---- the view of the kernel's tables --------------------------------------------------


def view(t: Transition, pid: Word) -> Word:
    """The level-0 entry for it."""
    return t.get("pages", t.get("procs.root", pid), descriptor.VIEW_INDEX)


@CALLS.hypercall
def map_view(t: Transition, pid: Word) -> Word:
    """pid sees the kernel's tables, as self does."""
    require_build(t, pid)
    t.require(descriptor.is_valid(t.o, view(t, t.self)), t.c.HV_EACCES)
    t.require(t.o.not_(descriptor.is_valid(t.o, view(t, pid))), t.c.HV_EEXIST)
    t.set("pages", (t.get("procs.root", pid), descriptor.VIEW_INDEX),
          t.get("machine.view_pte"))
    return 0


@CALLS.hypercall
def unmap_view(t: Transition, pid: Word) -> Word:
    """pid sees the kernel's tables no more."""
    require_build(t, pid)
    t.require(descriptor.is_valid(t.o, view(t, pid)), t.c.HV_ENOENT)
    t.set("pages", (t.get("procs.root", pid), descriptor.VIEW_INDEX), 0)
    t.event("tlbi_asid", pid)
    return 0
