# SPDX-License-Identifier: MIT
"""Invariants of devices: pages of registers that processes own (theorem T3).

That a device is no memory and not the kernel's is a fact of the machine, which T4 compares with
its device tree; addresses never change after boot. Here is what follows from it and must stay.
"""

from __future__ import annotations

from . import descriptor as d
from . import ghosts
from .invariants import Family, is_alive
from .table_invariants import is_device_leaf, is_table, kind_of
from .transition import Reader
from .vocabulary import device_at
from .words import Truth, Word

DEVICES = Family()


@DEVICES.invariant("device")
def device_types(r: Reader, x: Word) -> Truth:
    """A device has an owner, unless it is shared. Its address is that of 4 KiB below 2**48 for
    which there is no page number, and no other device has it."""
    o, c = r.o, r.c
    state, owner, pa = (r.get(f"devices.{name}", x) for name in ("state", "owner", "pa"))
    exists = state != c.HV_DEVICE_NONE
    owned = o.among(state, c.HV_DEVICE_UNMAPPED, c.HV_DEVICE_MAPPED)
    return o.and_(o.ule(state, c.HV_DEVICE_SHARED), o.ult(owner, c.HV_NPROC),
                  o.iff(owned, owner != 0), o.implies(x == 0, o.not_(exists)),
                  o.implies(exists, o.and_((pa & o.inv(d.ADDRESS)) == 0,
                                           o.ule(c.HV_NPAGE, d.page_at(r.state, pa)),
                                           device_at(r, pa) == x)))


@DEVICES.invariant("device")
def device_is_counted(r: Reader, x: Word) -> Truth:
    """A device counts for its owner. (What device_count_exact says of the owner, for short.)"""
    owner = r.get("devices.owner", x)
    return r.o.implies(owner != 0, r.o.ult(r.get(ghosts.DEVICES.slot, owner, x),
                                           r.get(ghosts.DEVICES.count, owner)))


@DEVICES.invariant("page", "entry")
def entry_names_device(r: Reader, t: Word, i: Word) -> Truth:
    """A valid entry of device memory names a mapped device of the same owner, whose one entry
    it is, or the virtual CPU interface, which the owner has; it is never executed."""
    o, c, entry = r.o, r.c, r.get("pages", t, i)
    x, owner = device_at(r, entry), r.get("page_descs.owner", t)
    own = o.and_(r.get("devices.state", x) == c.HV_DEVICE_MAPPED,
                 r.get("devices.owner", x) == owner,
                 r.get("ghost.device_table", x) == t, r.get("ghost.device_index", x) == i)
    shared = o.and_(r.get("devices.state", x) == c.HV_DEVICE_SHARED,
                    r.get("procs.has_vgic", owner) == 1)
    covered = o.and_(is_table(r, t), is_device_leaf(r, t, i), d.is_valid(o, entry))
    return o.implies(covered, o.and_(
        o.ult(x, c.HV_NDEVICE), o.or_(own, shared), (entry & d.ADDRESS) == r.get("devices.pa", x),
        (entry & o.inv(d.ADDRESS | d.DEVICE_FREE)) == d.DEVICE_FIXED))


@DEVICES.invariant("device")
def device_is_named(r: Reader, x: Word) -> Truth:
    """A mapped device of a process that is built or lives is named by its one entry."""
    o, c, owner = r.o, r.c, r.get("devices.owner", x)
    table, index = r.get("ghost.device_table", x), r.get("ghost.device_index", x)
    mapped = o.and_(r.get("devices.state", x) == c.HV_DEVICE_MAPPED, is_alive(r, owner))
    return o.implies(mapped, o.and_(
        o.ult(table, c.HV_NPAGE), o.ult(index, c.HV_PAGE_WORDS), is_table(r, table),
        kind_of(r, table) == c.HV_PAGE_L3, r.get("page_descs.owner", table) == owner,
        is_device_leaf(r, table, index),
        d.is_at(r.get("pages", table, index), r.get("devices.pa", x))))
