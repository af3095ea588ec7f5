# SPDX-License-Identifier: MIT
"""What a process can reach (theorem T5), stated over raw descriptor bits.

The walk is the one of the architecture (DDI 0487J.a, D8.2, D8.3): it knows nothing of entries
510 and 511, so what these make reachable is part of the statement. A translation needs a valid
entry on four levels and AF set in the last (D8.5.1: TCR_EL1.HA is 0, so a clear one faults).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import descriptor as d
from .descriptor import AF, AP_EL0, AP_READ_ONLY, ADDRESS, ATTR_INDEX, DEVICE_NGNRE, NG
from .descriptor import PXN, SH_INNER, UXN
from .schedule import may_run
from .sets import has, receivers, senders
from .state import State
from .transition import Reader
from .transitions.vgic import STATES, state_bits
from .vocabulary import device_at, in_state, is_pid
from .words import Truth, Word


@dataclass(frozen=True)
class Walk:
    """`happens`: the translation does not fault. `leaf` is the last descriptor; `blocks`: on
    the way a descriptor of level 1 or 2 was a block, or one carried hierarchical bits;
    `strays`: a table that is walked lies outside pages[]."""

    happens: Truth
    leaf: Word
    blocks: Truth
    strays: Truth


def walk(r: Reader, pid: Word, indices: tuple[Word, ...]) -> Walk:
    """From TTBR0_EL1 of process pid by four 9-bit indices, as the hardware does."""
    o, table = r.o, r.get("procs.root", pid)
    happens, blocks, strays = [], [], []
    entry = 0
    for level, index in enumerate(indices):
        strays.append(o.ule(r.c.HV_NPAGE, table))
        entry = r.get("pages", table, index)
        happens.append(d.is_valid(o, entry))
        blocks.append(o.and_(*happens, o.not_(o.any_bit(entry, d.TABLE_OR_PAGE))))
        if level < 3:
            blocks.append(o.and_(*happens, o.any_bit(entry, d.HIERARCHICAL)))
            table = d.page_at(r.state, entry)
    return Walk(o.and_(*happens, o.any_bit(entry, AF)), entry, o.or_(*blocks),
                o.or_(*(o.and_(*happens[:n], stray) for n, stray in enumerate(strays))))


def memory_is_isolated(c: Any, s: State, pid: Word, indices: tuple[Word, ...]) -> Truth:
    """Whatever a live process can translate is either a frame of its own; or readable at EL1
    alone: a table of its own, or what is no process's page (the kernel's view); or a device of
    its own, by device memory that nobody executes. A device is never seen as normal memory, nor
    memory as a device."""
    r, o = Reader(c, s), s.ops
    w, walks = walk(r, pid, indices), may_walk(r, pid, indices)
    return o.and_(
        o.implies(walks, o.and_(o.not_(w.blocks), o.not_(w.strays))),
        o.implies(o.and_(walks, w.happens), leaf_is_isolated(r, pid, w.leaf)))


def may_walk(r: Reader, pid: Word, indices: tuple[Word, ...]) -> Truth:
    """The process is live, and these are indices of tables."""
    return r.o.and_(is_pid(r, pid), in_state(r, pid, r.c.HV_PROC_LIVE),
                    *(r.o.ult(i, r.c.HV_PAGE_WORDS) for i in indices))


def leaf_is_isolated(r: Reader, pid: Word, leaf: Word) -> Truth:
    """What the last descriptor of a walk says of the page that it names."""
    o, c = r.o, r.c
    page, bits = d.page_at(r.state, leaf), leaf & o.inv(ADDRESS)
    kind, own = r.get("page_descs.type", page), r.get("page_descs.owner", page) == pid
    inside = o.ult(page, c.HV_NPAGE)
    tame = (bits & (AP_READ_ONLY | AP_EL0 | PXN | UXN)) == (AP_READ_ONLY | PXN | UXN)
    own_table = o.among(kind, c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3)
    nobodys = o.or_(o.not_(inside), kind == c.HV_PAGE_RESERVED)
    private = (bits & (ATTR_INDEX | SH_INNER | NG)) == (SH_INNER | NG)
    return o.or_(
        maps_own_device(r, pid, leaf),
        o.and_(private, o.or_(
            o.and_(inside, own, kind == c.HV_PAGE_FRAME),
            o.and_(tame, inside, own, own_table),
            o.and_(tame, nobodys))))


def maps_own_device(r: Reader, pid: Word, leaf: Word) -> Truth:
    """It is one of device memory, not executable, non-global, and at its address is a
    device of pid's (which one, the ghost says), where no page is; or the virtual CPU interface,
    which pid has: what is there is of the process whose registers the core holds."""
    o, c, x = r.o, r.c, device_at(r, leaf)
    state = r.get("devices.state", x)
    own = o.and_(state == c.HV_DEVICE_MAPPED, r.get("devices.owner", x) == pid)
    shared = o.and_(state == c.HV_DEVICE_SHARED, r.get("procs.has_vgic", pid) == 1)
    wanted = DEVICE_NGNRE | NG | PXN | UXN
    return o.and_((leaf & (ATTR_INDEX | NG | PXN | UXN)) == wanted, o.ult(x, c.HV_NDEVICE),
                  o.or_(own, shared), (leaf & ADDRESS) == r.get("devices.pa", x),
                  o.ule(c.HV_NPAGE, d.page_at(r.state, leaf)))


def waiting_is_authorised(c: Any, s: State, pid: Word, file: Word) -> Truth:
    """Who is in a set of a file holds a handle to it; who waits for an answer is blocked."""
    r, o = Reader(c, s), s.ops
    slot = r.get("ghost.wait_handle", pid)
    waits = o.or_(has(r, senders(file), pid), has(r, receivers(file), pid))
    held = o.and_(o.ult(slot, c.HV_NHANDLE), r.get("handles.file", pid, slot) == file,
                  r.get("handles.rights", pid, slot) != 0)
    return o.implies(o.and_(o.ult(file, c.HV_NFILE), o.ult(pid, c.HV_NPROC), waits), held)


def authority_is_given(c: Any, before: State, after: State, pid: Word, slot: Word,
                       giver: Word, source: Word) -> Truth:
    """No handle out of nothing, over one transition. If after it pid's handle names a file
    that it did not name before, then `giver`'s handle `source` (a witness) named the same
    file before with all these rights, or pid owned the file and it was unused."""
    o = before.ops
    file = after.get("handles.file", pid, slot)
    rights = after.get("handles.rights", pid, slot)
    kept = o.and_(before.get("handles.file", pid, slot) == file,
                  (rights & o.inv(before.get("handles.rights", pid, slot))) == 0)
    given = o.and_(before.get("handles.file", giver, source) == file,
                   (rights & o.inv(before.get("handles.rights", giver, source))) == 0)
    created = o.and_(before.get("files.owner", file) == pid,
                     before.get("files.type", file) == c.HV_FILE_NONE)
    return o.or_(file == 0, kept, given, created)


def content_is_kept(c: Any, before: State, after: State, page: Word, index: Word) -> Truth:
    """The kernel writes no word of a frame or parcel, whoever's it is: what a process has
    in its memory only the process changes."""
    r, o = Reader(c, before), before.ops
    kind = r.get("page_descs.type", page)
    content = o.and_(o.ult(page, c.HV_NPAGE), o.ult(index, c.HV_PAGE_WORDS),
                     o.among(kind, c.HV_PAGE_FRAME, c.HV_PAGE_PARCEL))
    return o.implies(content, after.get("pages", page, index) == before.get("pages", page, index))


def owner_agrees(c: Any, before: State, after: State, self: Word, page: Word) -> Truth:
    """A page leaves its owner only by the owner's call, or out of the hands of the caller's
    embryo or dead child, or as the message that its owner waits to send."""
    r, o = Reader(c, before), before.ops
    owner = r.get("page_descs.owner", page)
    moved = after.get("page_descs.owner", page) != owner
    mine = o.or_(owner == self, o.and_(
        r.get("procs.ppid", owner) == self,
        in_state(r, owner, c.HV_PROC_EMBRYO, c.HV_PROC_ZOMBIE)))
    sends = o.and_(r.get("pages", r.get("procs.ctx", owner), c.CTX_MSG_PAGE) == page,
                   in_state(r, owner, c.HV_PROC_LIVE),
                   has(r, senders(r.get("procs.wait_file", owner)), owner))
    return o.implies(o.and_(o.ult(page, c.HV_NPAGE), moved), o.or_(mine, sends))


def device_owner_agrees(c: Any, before: State, after: State, self: Word, device: Word) -> Truth:
    """A device leaves its owner only by the owner's call, or by its parent's if it is unmapped or
    the owner is dead; and what it is stays as boot has found it."""
    r, o = Reader(c, before), before.ops
    owner = r.get("devices.owner", device)
    moved = after.get("devices.owner", device) != owner
    idle = o.or_(r.get("devices.state", device) != c.HV_DEVICE_MAPPED,
                 in_state(r, owner, c.HV_PROC_ZOMBIE))
    mine = o.or_(owner == self, o.and_(r.get("procs.ppid", owner) == self, idle))
    kept = o.and_(*(after.get(f"devices.{name}", device) == r.get(f"devices.{name}", device)
                    for name in ("pa", "flags")))
    kinds = (o.iff(after.get("devices.state", device) == kind,
                   before.get("devices.state", device) == kind)
             for kind in (c.HV_DEVICE_NONE, c.HV_DEVICE_SHARED))
    return o.and_(kept, *kinds, o.implies(moved, mine))


# A list register (IHI 0048B, 5.3.8; IHI 0069H, 12.4, ICH_LR<n>_EL2): HW, and where the physical
# INTID and the virtual one are, each of ten bits; with HW, ending the virtual interrupt ends the
# physical one.
HW_V2, PHYSICAL_V2, HW_V3, PHYSICAL_V3, INTID_BITS = 31, 10, 61, 32, 0x3FF


def interrupt_is_own(c: Any, s: State, pid: Word, line: Word, word: Word) -> Truth:
    """The raw list register `word`, made from that line, interrupts pid, and lets pid end a
    physical interrupt, only if pid lives and uses the line; else it ends none, and it is nobody's
    (0) or pid's own timer."""
    r, o = Reader(c, s), s.ops
    v2 = r.get("machine.gic_version") == 2
    is_hard = o.ite(v2, o.shr(word, HW_V2), o.shr(word, HW_V3)) & 1
    physical = o.ite(v2, o.shr(word, PHYSICAL_V2), o.shr(word, PHYSICAL_V3)) & INTID_BITS
    intid = r.get("irqs.intid", line)
    uses = o.and_(in_state(r, pid, c.HV_PROC_LIVE), r.get("irqs.owner", line) == pid,
                  r.get("irqs.state", line) == c.HV_IRQ_USED,
                  physical == intid, (word & INTID_BITS) == intid)
    soft = o.and_(is_hard == 0, o.ule(line, c.HV_IRQ_TIMER))
    return o.or_(uses, soft)


def listed_is_own(c: Any, s: State, pid: Word, k: Word, state: Word) -> Truth:
    """What list register k of a process is built from is its own, whatever its state (0 to 3)."""
    line = s.get("procs.listed", pid, k)
    inside = s.ops.and_(s.ops.ult(pid, c.HV_NPROC), s.ops.ult(k, c.HV_NLR))
    word = s.get("irqs.lr", line) | state_bits(Reader(c, s), state & STATES)
    return s.ops.implies(inside, interrupt_is_own(c, s, pid, line, word))


def line_agrees(c: Any, before: State, after: State, self: Word, line: Word) -> Truth:
    """An interrupt line leaves its owner by the owner's call, or its parent's; from a process
    that lives, never in use."""
    r, o = Reader(c, before), before.ops
    owner = r.get("irqs.owner", line)
    moved = after.get("irqs.owner", line) != owner
    dead = in_state(r, owner, c.HV_PROC_ZOMBIE)
    idle = r.get("irqs.state", line) == c.HV_IRQ_FREE
    return o.implies(o.and_(o.ult(line, c.HV_NIRQ), moved), o.and_(
        o.or_(owner == self, r.get("procs.ppid", owner) == self), o.or_(dead, idle)))


def mask_agrees(c: Any, before: State, after: State, self: Word, pid: Word, core: Word) -> Truth:
    """Where a process may run is changed by its own call, or by its parent's, or when the pid that
    its parent owns begins."""
    r, o = Reader(c, before), before.ops
    moved = o.not_(o.iff(may_run(r, core, pid), may_run(Reader(c, after), core, pid)))
    mine = o.or_(pid == self, r.get("procs.ppid", pid) == self)
    inside = o.and_(o.ult(pid, c.HV_NPROC), o.ult(core, c.HV_NCPU))
    return o.implies(o.and_(inside, moved), mine)


# What other cores never write of a core's struct hv_cpu, and what its process has.
OWN = ("current", "loaded", "ctx", "more", "switches", "pages_pa",
       "number", "bit", "sgi", "turn", "next_tick")
HELD = ("root", "ctx", "state", "has_vgic")


def others_are_left(c: Any, before: State, after: State, core: Word, word: Word) -> Truth:
    """What another core may touch without the lock, and what the registers that it holds depend
    on: its own fields, its process's tables, life and context page. So what holds of a core when
    it drops the lock holds when it gets it again."""
    r, o = Reader(c, before), before.ops
    pid = r.get("sched.cpus.loaded", core)
    ctx = r.get("procs.ctx", pid)
    fields = (o.and_(*(after.get(f"sched.cpus.{name}", core) == r.get(f"sched.cpus.{name}", core)
                       for name in OWN)))
    held = o.and_(*(after.get(f"procs.{name}", pid) == r.get(f"procs.{name}", pid)
                    for name in HELD),
                  after.get("pages", ctx, word) == r.get("pages", ctx, word))
    other = o.and_(o.ult(core, c.HV_NCPU), core != r.cpu, o.ult(word, c.HV_PAGE_WORDS))
    return o.implies(other, o.and_(fields, o.implies(pid != 0, held)))
