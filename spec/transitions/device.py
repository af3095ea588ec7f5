# SPDX-License-Identifier: MIT
"""Hypercalls on devices: pages of registers, each with an owner, mapped by one entry or none."""

from __future__ import annotations

from .. import descriptor
from ..ghosts import ENTRIES, join, leave
from ..transition import Group, Transition
from ..vocabulary import give_device, in_state, is_child, is_device, require_heir
from ..words import Truth, Word
from .memory import require_entry, require_unused

CALLS = Group()


def require_unmapped(t: Transition, device: Word, owner: Word) -> None:
    """A device of owner's that no entry maps: EINVAL, EACCES, EBUSY."""
    t.require(is_device(t, device), t.c.HV_EINVAL)
    t.require(t.get("devices.owner", device) == owner, t.c.HV_EACCES)
    t.require(t.get("devices.state", device) == t.c.HV_DEVICE_UNMAPPED, t.c.HV_EBUSY)


def require_mappable(t: Transition, device: Word, pid: Word) -> Truth:
    """The virtual CPU interface, which pid has, or an unmapped device of pid's: EINVAL, ESTATE,
    EACCES, EBUSY. Is it the first?"""
    o, state = t.o, t.get("devices.state", device)
    shared = state == t.c.HV_DEVICE_SHARED
    t.require(is_device(t, device), t.c.HV_EINVAL)
    t.require(o.or_(o.not_(shared), t.get("procs.has_vgic", pid) != 0), t.c.HV_ESTATE)
    t.require(o.or_(shared, t.get("devices.owner", device) == pid), t.c.HV_EACCES)
    t.require(o.or_(shared, state == t.c.HV_DEVICE_UNMAPPED), t.c.HV_EBUSY)
    return shared


@CALLS.hypercall
def map_device(t: Transition, pid: Word, l3: Word, index: Word, device: Word,
               perm: Word) -> Word:
    """An entry of pid's maps a device of pid's, or a shared one, as device memory that nobody
    executes."""
    require_entry(t, pid, l3, t.c.HV_PAGE_L3, index)
    t.require((perm & t.o.inv(t.c.HV_PERM_W | t.c.HV_PERM_EL0)) == 0, t.c.HV_EINVAL)
    require_unused(t, l3, index)
    shared = require_mappable(t, device, pid)
    join(t, ENTRIES, l3, index)
    t.set("pages", (l3, index), descriptor.device(t.o, t.get("devices.pa", device), perm))
    if not t.choose(shared, "shared"):
        t.set("devices.state", (device,), t.c.HV_DEVICE_MAPPED)
        t.set("ghost.device_table", (device,), l3)
        t.set("ghost.device_index", (device,), index)
    return 0


@CALLS.hypercall
def unmap_device(t: Transition, pid: Word, l3: Word, index: Word, device: Word) -> Word:
    """The entry that maps the device becomes invalid, and pid's ASID is invalidated."""
    require_entry(t, pid, l3, t.c.HV_PAGE_L3, index)
    held = t.get("pages", l3, index)
    t.require(t.o.and_(t.o.ult(device, t.c.HV_NDEVICE),
                       t.o.among(t.get("devices.state", device), t.c.HV_DEVICE_MAPPED,
                                 t.c.HV_DEVICE_SHARED),
                       descriptor.is_at(held, t.get("devices.pa", device))), t.c.HV_ENOENT)
    t.set("pages", (l3, index), 0)
    t.event("tlbi_asid", pid)
    leave(t, ENTRIES, l3, index)
    if t.choose(t.get("devices.state", device) == t.c.HV_DEVICE_MAPPED, "its own"):
        t.set("devices.state", (device,), t.c.HV_DEVICE_UNMAPPED)
    return 0


@CALLS.hypercall
def grant_device(t: Transition, child: Word, device: Word) -> Word:
    """An unmapped device of self's becomes the child's."""
    require_heir(t, child)
    require_unmapped(t, device, t.self)
    give_device(t, device, child)
    return 0


@CALLS.hypercall
def revoke_device(t: Transition, device: Word) -> Word:
    """An unmapped device of a child's, or any of a dead child's, becomes self's, unmapped."""
    t.require(is_device(t, device), t.c.HV_EINVAL)
    owner = t.get("devices.owner", device)
    t.require(is_child(t, owner, t.self), t.c.HV_EPERM)
    t.require(t.o.or_(t.get("devices.state", device) != t.c.HV_DEVICE_MAPPED,
                      in_state(t, owner, t.c.HV_PROC_ZOMBIE)), t.c.HV_EBUSY)
    t.set("devices.state", (device,), t.c.HV_DEVICE_UNMAPPED)
    give_device(t, device, t.self)
    return 0
