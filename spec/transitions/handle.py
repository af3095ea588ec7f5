# SPDX-License-Identifier: MIT
"""Hypercalls on handles and file objects."""

from __future__ import annotations

from typing import Callable

from .. import sets
from ..ghosts import HANDLES, READERS, REFS, WRITERS, handle_item, join, leave, replace
from ..transition import Group, Transition
from ..vocabulary import (give_file, in_state, is_child, is_dead_child_of, is_file,
                          is_free_slot, is_handle, is_pid, is_slot, may_build,
                          require_embryo, require_heir)
from ..words import Truth, Word

CALLS = Group()


# ---- what the calls have in common ----------------------------------------------------


def _count(t: Transition, change: Callable[..., None], pid: Word, slot: Word, file: Word,
           rights: Word) -> None:
    """join or leave: the handle names the file."""
    at = handle_item(t, pid, slot)
    change(t, REFS, file, at)
    change(t, READERS, file, at, t.o.any_bit(rights, t.c.HV_RIGHT_READ))
    change(t, WRITERS, file, at, t.o.any_bit(rights, t.c.HV_RIGHT_WRITE))


def put(t: Transition, pid: Word, slot: Word, file: Word, rights: Word) -> None:
    """A free slot of pid's names the file from now on."""
    t.set("handles.file", (pid, slot), file)
    t.set("handles.rights", (pid, slot), rights)
    join(t, HANDLES, pid, slot)
    _count(t, join, pid, slot, file, rights)


def drop(t: Transition, pid: Word, slot: Word) -> None:
    """The slot, in use, becomes free. Who waits for the other end of an endpoint is woken
    (with EPIPE, which is in its saved x0) when nobody is left there; a file object with no
    handle is unused."""
    file, rights = t.get("handles.file", pid, slot), t.get("handles.rights", pid, slot)
    t.set("handles.file", (pid, slot), 0)
    t.set("handles.rights", (pid, slot), 0)
    leave(t, HANDLES, pid, slot)
    _count(t, leave, pid, slot, file, rights)
    is_endpoint = t.get("files.type", file) == t.c.HV_FILE_ENDPOINT
    for end, waiting in (("readers", sets.senders(file)), ("writers", sets.receivers(file))):
        gone = t.o.and_(is_endpoint, t.get(f"files.{end}", file) == 0)
        if t.choose(gone, f"no {end} left"):
            sets.wake_all(t, waiting)
    if t.choose(t.get("files.refs", file) == 0, "last handle"):
        t.set("files.type", (file,), t.c.HV_FILE_NONE)


def move(t: Transition, giver: Word, source: Word, taker: Word, target: Word) -> None:
    """The handle goes from the giver's slot to the taker's free one."""
    file, rights = t.get("handles.file", giver, source), t.get("handles.rights", giver, source)
    leave(t, HANDLES, giver, source)
    join(t, HANDLES, taker, target)
    old, new = handle_item(t, giver, source), handle_item(t, taker, target)
    replace(t, REFS, file, new, old)
    replace(t, READERS, file, new, old, t.o.any_bit(rights, t.c.HV_RIGHT_READ))
    replace(t, WRITERS, file, new, old, t.o.any_bit(rights, t.c.HV_RIGHT_WRITE))
    t.set("handles.file", (taker, target), file)
    t.set("handles.rights", (taker, target), rights)
    t.set("handles.file", (giver, source), 0)
    t.set("handles.rights", (giver, source), 0)


def is_unused(t: Transition, file: Word) -> Truth:
    """No handle names it, and it has no type."""
    return t.get("files.type", file) == t.c.HV_FILE_NONE


def require_unused_file(t: Transition, file: Word) -> None:
    """An unused file object of self's: EINVAL, EACCES, EBUSY."""
    t.require(is_file(t, file), t.c.HV_EINVAL)
    t.require(t.get("files.owner", file) == t.self, t.c.HV_EACCES)
    t.require(is_unused(t, file), t.c.HV_EBUSY)


def require_free(t: Transition, pid: Word, slot: Word) -> None:
    """EBADF, EEXIST."""
    t.require(is_slot(t, slot), t.c.HV_EBADF)
    t.require(is_free_slot(t, pid, slot), t.c.HV_EEXIST)


def require_copy(t: Transition, from_: Word, pid: Word, to: Word, rights: Word) -> None:
    """Self may put a copy of its handle, with these rights, there: EBADF, EBADF, EEXIST,
    EINVAL, EPERM."""
    t.require(is_handle(t, t.self, from_), t.c.HV_EBADF)
    require_free(t, pid, to)
    t.require(t.o.and_(t.o.ult(0, rights), t.o.ule(rights, t.c.HV_RIGHT_ALL)), t.c.HV_EINVAL)
    held = t.get("handles.rights", t.self, from_)
    t.require((rights & t.o.inv(held)) == 0, t.c.HV_EPERM)


# ---- the calls ------------------------------------------------------------------------


@CALLS.hypercall
def create(t: Transition, handle: Word, file: Word, type_: Word, value: Word) -> Word:
    """A file object of self's gets a type, and self a handle to it with every right."""
    require_free(t, t.self, handle)
    require_unused_file(t, file)
    t.require(t.o.among(type_, t.c.HV_FILE_ENDPOINT, t.c.HV_FILE_INODE), t.c.HV_EINVAL)
    t.set("files.type", (file,), type_)
    t.set("files.value", (file,), value)
    t.set("files.offset", (file,), 0)
    t.set("files.last_sender", (file,), 0)
    put(t, t.self, handle, file, t.c.HV_RIGHT_ALL)
    return 0


@CALLS.hypercall
def close(t: Transition, pid: Word, handle: Word) -> Word:
    """A handle of self's, of its embryo's or its dead child's goes."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(t.o.or_(may_build(t, pid), is_dead_child_of(t, pid, t.self)), t.c.HV_EPERM)
    t.require(is_handle(t, pid, handle), t.c.HV_EBADF)
    drop(t, pid, handle)
    return 0


@CALLS.hypercall
def dup(t: Transition, from_: Word, to: Word, rights: Word) -> Word:
    """A second handle of self's, with rights no wider."""
    require_copy(t, from_, t.self, to, rights)
    put(t, t.self, to, t.get("handles.file", t.self, from_), rights)
    return 0


@CALLS.hypercall
def dup2(t: Transition, from_: Word, to: Word) -> Word:
    """A second handle with the same rights; `to` is closed first."""
    t.require(is_handle(t, t.self, from_), t.c.HV_EBADF)
    t.require(is_slot(t, to), t.c.HV_EBADF)
    if t.choose(from_ == to, "same"):
        return 0
    if t.choose(is_handle(t, t.self, to), "to in use"):
        drop(t, t.self, to)
    put(t, t.self, to, t.get("handles.file", t.self, from_),
        t.get("handles.rights", t.self, from_))
    return 0


@CALLS.hypercall
def seek(t: Transition, handle: Word, offset: Word) -> Word:
    """The offset of an inode, whatever the rights."""
    t.require(is_handle(t, t.self, handle), t.c.HV_EBADF)
    file = t.get("handles.file", t.self, handle)
    t.require(t.get("files.type", file) == t.c.HV_FILE_INODE, t.c.HV_EINVAL)
    t.set("files.offset", (file,), offset)
    return 0


@CALLS.hypercall
def transfer(t: Transition, pid: Word, from_: Word, to: Word, rights: Word) -> Word:
    """An embryo of self's gets a copy of a handle."""
    require_embryo(t, pid)
    require_copy(t, from_, pid, to, rights)
    put(t, pid, to, t.get("handles.file", t.self, from_), rights)
    return 0


@CALLS.hypercall
def grant_file(t: Transition, child: Word, file: Word) -> Word:
    """An unused file object of self's becomes the child's."""
    require_heir(t, child)
    require_unused_file(t, file)
    give_file(t, file, child)
    return 0


@CALLS.hypercall
def revoke_file(t: Transition, file: Word) -> Word:
    """An unused file object of a child's, or any of a dead child's, becomes self's."""
    t.require(is_file(t, file), t.c.HV_EINVAL)
    owner = t.get("files.owner", file)
    t.require(t.o.and_(owner != 0, is_child(t, owner, t.self)), t.c.HV_EPERM)
    t.require(t.o.or_(is_unused(t, file), in_state(t, owner, t.c.HV_PROC_ZOMBIE)),
              t.c.HV_EBUSY)
    give_file(t, file, t.self)
    return 0
