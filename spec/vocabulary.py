# SPDX-License-Identifier: MIT
"""The words in which transitions are written: predicates, guards, and what calls have in
common. `pid`, `page`, `file`, `slot` are arguments of any value (bv64) unless said otherwise."""

from __future__ import annotations

from .descriptor import ADDRESS, PAGE_SHIFT
from .ghosts import DEVICES, FILES, LINES, PAGES, PIDS, Counted, join, leave
from .transition import Reader, Transition
from .words import Truth, Word

# ---- what numbers name ----------------------------------------------------------------


def is_pid(r: Reader, pid: Word) -> Truth:
    """1 .. HV_NPROC - 1; 0 is nobody."""
    return r.o.and_(r.o.ult(0, pid), r.o.ult(pid, r.c.HV_NPROC))


def is_file(r: Reader, file: Word) -> Truth:
    """1 .. HV_NFILE - 1; 0 is none."""
    return r.o.and_(r.o.ult(0, file), r.o.ult(file, r.c.HV_NFILE))


def page_va(r: Reader, page: Word) -> Word:
    """Where EL2 sees a page: PAGES_VA is the address of `pages`."""
    return r.o.add(r.c.PAGES_VA, r.o.shl(page, 12))


def is_page(r: Reader, page: Word, *types: int) -> Truth:
    """The number of a page of one of these types."""
    kind = r.get("page_descs.type", page)
    return r.o.and_(r.o.ult(page, r.c.HV_NPAGE), r.o.among(kind, *types))


def is_device(r: Reader, device: Word) -> Truth:
    """The number of a device that there is."""
    return r.o.and_(r.o.ult(device, r.c.HV_NDEVICE),
                    r.get("devices.state", device) != r.c.HV_DEVICE_NONE)


def device_at(r: Reader, descriptor: Word) -> Word:
    """The device at the address that is in a descriptor, if there is one."""
    return r.get("ghost.device_of", r.o.shr(descriptor & ADDRESS, PAGE_SHIFT))


def is_slot(r: Reader, slot: Word) -> Truth:
    """The number of a handle, used or not."""
    return r.o.ult(slot, r.c.HV_NHANDLE)


def is_handle(r: Reader, pid: Word, slot: Word) -> Truth:
    """The number of a handle that pid has."""
    return r.o.and_(is_slot(r, slot), r.get("handles.file", pid, slot) != 0)


def is_free_slot(r: Reader, pid: Word, slot: Word) -> Truth:
    """The number of a handle that pid does not use."""
    return r.o.and_(is_slot(r, slot), r.get("handles.file", pid, slot) == 0)


# ---- cores ----------------------------------------------------------------------------


def core_has(r: Reader, bit: int, cpu: Word | None = None) -> Truth:
    """A core, or the one that executes, has to see to that at a switch: a bit of HV_CPU_*."""
    return (r.get("sched.cpus.more", r.cpu if cpu is None else cpu) & bit) != 0


def set_core(t: Transition, bit: int) -> None:
    """The core that executes has to see to it from now on."""
    t.set("sched.cpus.more", (t.cpu,), t.get("sched.cpus.more", t.cpu) | bit)


def clear_core(t: Transition, bit: int) -> None:
    """... no more."""
    t.set("sched.cpus.more", (t.cpu,), t.get("sched.cpus.more", t.cpu) & t.o.inv(bit))


# ---- who may do what ------------------------------------------------------------------


def in_state(r: Reader, pid: Word, *states: int) -> Truth:
    """Process pid is in one of these states."""
    return r.o.among(r.get("procs.state", pid), *states)


def is_child(r: Reader, pid: Word, parent: Word) -> Truth:
    """parent is pid's parent; of an unused pid: its owner."""
    return r.get("procs.ppid", pid) == parent


def is_embryo_of(r: Reader, pid: Word, parent: Word) -> Truth:
    """pid is being built by parent."""
    return r.o.and_(in_state(r, pid, r.c.HV_PROC_EMBRYO), is_child(r, pid, parent))


def is_dead_child_of(r: Reader, pid: Word, parent: Word) -> Truth:
    """pid is dead, and what it held is parent's to take."""
    return r.o.and_(in_state(r, pid, r.c.HV_PROC_ZOMBIE), is_child(r, pid, parent))


def may_build(t: Transition, pid: Word) -> Truth:
    """A process builds itself and its own embryos."""
    return t.o.or_(pid == t.self, is_embryo_of(t, pid, t.self))


def require_build(t: Transition, pid: Word) -> None:
    """ESRCH, EPERM."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(may_build(t, pid), t.c.HV_EPERM)


def require_embryo(t: Transition, pid: Word) -> None:
    """ESRCH, EPERM."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(is_embryo_of(t, pid, t.self), t.c.HV_EPERM)


def require_heir(t: Transition, child: Word) -> None:
    """A child that things can be given to: ESRCH, EPERM, ESTATE."""
    t.require(is_pid(t, child), t.c.HV_ESRCH)
    t.require(is_child(t, child, t.self), t.c.HV_EPERM)
    t.require(in_state(t, child, t.c.HV_PROC_EMBRYO, t.c.HV_PROC_LIVE), t.c.HV_ESTATE)


def require_page(t: Transition, page: Word, owner: Word, *types: int) -> None:
    """A page of one of these types that belongs to owner: EINVAL, EACCES."""
    t.require(is_page(t, page, *types), t.c.HV_EINVAL)
    t.require(t.get("page_descs.owner", page) == owner, t.c.HV_EACCES)


def require_object(t: Transition, handle: Word, kind: int, right: int) -> Word:
    """A handle of self's with that right to an object of that type: EBADF, EINVAL, EPERM.
    Returns the object."""
    t.require(is_handle(t, t.self, handle), t.c.HV_EBADF)
    file = t.get("handles.file", t.self, handle)
    t.require(t.get("files.type", file) == kind, t.c.HV_EINVAL)
    t.require(t.o.any_bit(t.get("handles.rights", t.self, handle), right), t.c.HV_EPERM)
    return file


# ---- ownership ------------------------------------------------------------------------


def _give(t: Transition, counted: Counted, owner: str, item: Word, to: Word) -> None:
    leave(t, counted, t.get(owner, item), item)
    join(t, counted, to, item)
    t.set(owner, (item,), to)


def give_page(t: Transition, page: Word, to: Word) -> None:
    """The page belongs to process `to` from now on."""
    _give(t, PAGES, "page_descs.owner", page, to)


def give_pid(t: Transition, pid: Word, to: Word) -> None:
    """The process is a child of `to` from now on; if unused, the pid is its to use."""
    _give(t, PIDS, "procs.ppid", pid, to)


def give_file(t: Transition, file: Word, to: Word) -> None:
    """The file object's slot belongs to process `to` from now on."""
    _give(t, FILES, "files.owner", file, to)


def give_device(t: Transition, device: Word, to: Word) -> None:
    """The device belongs to process `to` from now on."""
    _give(t, DEVICES, "devices.owner", device, to)


def give_irq(t: Transition, line: Word, to: Word) -> None:
    """The interrupt line belongs to process `to` from now on."""
    _give(t, LINES, "irqs.owner", line, to)


# ---- saved registers ------------------------------------------------------------------


def set_saved(t: Transition, pid: Word, word: int, value: Word) -> None:
    """One word of the process's context page."""
    t.set("pages", (t.get("procs.ctx", pid), word), value)


def saved(t: Transition, pid: Word, word: int) -> Word:
    """The same word, read."""
    return t.get("pages", t.get("procs.ctx", pid), word)
