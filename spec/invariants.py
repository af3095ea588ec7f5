# SPDX-License-Identifier: MIT
"""What holds whenever no handler is between its first write and its return (theorem T3).

Each invariant is a function of a `Reader` and indices, true for every value of them within
their kinds. `all_invariants()` has them by name, in the order of these files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from . import descriptor as d
from . import sets
from .ghosts import (ALL, DEVICES, ENTRIES, FILES, HANDLES, LINES, PAGES, PIDS, READERS, REFS,
                     WRITERS, Counted, handle_item)
from .schedule import OFF, is_blocked, runs
from .state import KINDS, State
from .transition import Reader
from .vocabulary import in_state, is_page, is_pid
from .words import Truth, Word

Text = Callable[..., Truth]


@dataclass(frozen=True)
class Invariant:
    """`kinds` are the kinds of the indices (see state.KINDS), `text` the statement."""

    name: str
    kinds: tuple[str, ...]
    text: Text

    def inside(self, c: Any, state: State, indices: tuple[Word, ...]) -> Truth:
        """Each index is within its kind."""
        return state.ops.and_(*(state.ops.ult(i, KINDS[kind](c))
                                for kind, i in zip(self.kinds, indices)))

    def holds(self, c: Any, state: State, *indices: Word) -> Truth:
        """The statement at these indices (bv64); true if they are outside their kinds."""
        return state.ops.implies(self.inside(c, state, indices),
                                 self.text(Reader(c, state), *indices))


@dataclass(frozen=True)
class Family:
    """Invariants of one file, by name."""

    members: dict[str, Invariant] = field(default_factory=dict)

    def invariant(self, *kinds: str) -> Callable[[Text], Text]:
        """Decorator: registers the function under its name."""
        def register(text: Text) -> Text:
            self.add(text.__name__, kinds, text)
            return text
        return register

    def add(self, name: str, kinds: tuple[str, ...], text: Text) -> None:
        """Registers a function under another name."""
        if name in self.members:
            raise ValueError(f"two invariants called {name}")
        self.members[name] = Invariant(name, kinds, text)


RULES = Family()


def is_alive(r: Reader, pid: Word) -> Truth:
    """An embryo or live: its tables and its context are in use."""
    return in_state(r, pid, r.c.HV_PROC_EMBRYO, r.c.HV_PROC_LIVE)


# ---- counters -------------------------------------------------------------------------


def owner_of(r: Reader, item: Word, pid: Word, function: str) -> Truth:
    """pid, who is somebody, has the item."""
    return r.o.and_(pid != 0, r.get(function, item) == pid)


def names_file(r: Reader, file: Word, item: Word, right: int | None = None) -> Truth:
    """The item-th of all handles names the file (with that right)."""
    o, bits = r.o, (r.c.HV_NHANDLE - 1).bit_length()
    pid, slot = o.shr(item, bits), item & (r.c.HV_NHANDLE - 1)
    has = o.and_(file != 0, r.get("handles.file", pid, slot) == file)
    if right is None:
        return has
    return o.and_(has, o.any_bit(r.get("handles.rights", pid, slot), right))


def belongs(r: Reader, counted: Counted, group: Word, item: Word) -> Truth:
    """The item is one of those that the group's counter counts."""
    if counted is HANDLES:
        return r.get("handles.file", group, item) != 0
    if counted is ENTRIES:
        level_0 = r.get("page_descs.type", group) == r.c.HV_PAGE_L0
        return r.o.and_(d.is_valid(r.o, r.get("pages", group, item)),
                        r.o.not_(r.o.and_(level_0, r.o.ule(d.VIEW_INDEX, item))))
    if counted in (REFS, READERS, WRITERS):
        right = {REFS: None, READERS: r.c.HV_RIGHT_READ, WRITERS: r.c.HV_RIGHT_WRITE}[counted]
        return names_file(r, group, item, right)
    function = {PAGES: "page_descs.owner", PIDS: "procs.ppid", FILES: "files.owner",
                DEVICES: "devices.owner", LINES: "irqs.owner"}[counted]
    return owner_of(r, item, group, function)


def is_counting(r: Reader, counted: Counted, group: Word) -> Truth:
    """The group's counter means something: of pages, that of tables in use."""
    if counted is ENTRIES:
        return r.o.and_(is_page(r, group, r.c.HV_PAGE_L0, r.c.HV_PAGE_L1, r.c.HV_PAGE_L2,
                                r.c.HV_PAGE_L3),
                        is_alive(r, r.get("page_descs.owner", group)))
    if counted in (PAGES, PIDS, FILES, DEVICES, LINES, REFS, READERS, WRITERS):
        return group != 0
    return True


def _exact(counted: Counted) -> Text:
    """What belongs to the group comes first in its order."""
    return lambda r, group, item: r.o.implies(
        is_counting(r, counted, group),
        r.o.iff(belongs(r, counted, group, item),
                r.o.ult(r.get(counted.slot, group, item), r.get(counted.count, group))))


def _bounded(counted: Counted) -> Text:
    """The counter is at most the number of all items."""
    return lambda r, group: r.o.implies(
        is_counting(r, counted, group),
        r.o.ule(r.get(counted.count, group), KINDS[counted.item](r.c)))


def _inverse(counted: Counted, there: str, back: str) -> Text:
    """`back` undoes `there`, which stays within the items."""
    def text(r: Reader, group: Word, x: Word) -> Truth:
        y = r.get(there, group, x)
        return r.o.and_(r.o.ult(y, KINDS[counted.item](r.c)), r.get(back, group, y) == x)
    return text


for _counted in ALL:
    _kinds = (_counted.group, _counted.item)
    RULES.add(f"{_counted.name}_count_exact", _kinds, _exact(_counted))
    RULES.add(f"{_counted.name}_count_bounded", _kinds[:1], _bounded(_counted))
    RULES.add(f"{_counted.name}_slot_inverse", _kinds,
              _inverse(_counted, _counted.slot, _counted.at))
    RULES.add(f"{_counted.name}_at_inverse", _kinds,
              _inverse(_counted, _counted.at, _counted.slot))


@RULES.invariant("page")
def page_is_counted(r: Reader, q: Word) -> Truth:
    """A page counts for its owner. (What page_count_exact says of the owner, for short.)"""
    owner = r.get("page_descs.owner", q)
    return r.o.implies(owner != 0, r.o.ult(r.get(PAGES.slot, owner, q),
                                           r.get(PAGES.count, owner)))


def is_counted_handle(r: Reader, p: Word, h: Word) -> Truth:
    """A handle counts for the file that it names. (The same of ref_count_exact.)"""
    file, item = r.get("handles.file", p, h), handle_item(r, p, h)
    return r.o.implies(file != 0, r.o.ult(r.get(REFS.slot, file, item),
                                          r.get(REFS.count, file)))


# ---- processes ------------------------------------------------------------------------


@RULES.invariant("pid")
def proc_ranges(r: Reader, p: Word) -> Truth:
    """What is used as an index is one."""
    o, c = r.o, r.c
    return o.and_(o.ule(r.get("procs.state", p), c.HV_PROC_ZOMBIE),
                  o.ult(r.get("procs.ppid", p), c.HV_NPROC),
                  o.ult(r.get("procs.wait_file", p), c.HV_NFILE),
                  o.ult(r.get("procs.wait_peer", p), c.HV_NPROC),
                  o.ult(r.get("procs.reply_to", p), c.HV_NPROC))


@RULES.invariant()
def nobody(r: Reader) -> Truth:
    """Process 0 is unused and nobody's."""
    return r.o.and_(r.get("procs.state", 0) == r.c.HV_PROC_UNUSED, r.get("procs.ppid", 0) == 0)


@RULES.invariant("pid")
def unused_has_nothing(r: Reader, p: Word) -> Truth:
    """A pid is unused only while it counts nothing as its own."""
    counts = ("pages_count", "pids_count", "files_count", "handles_count", "devices_count",
              "irqs_count")
    return r.o.implies(in_state(r, p, r.c.HV_PROC_UNUSED),
                       r.o.and_(*(r.get(f"procs.{count}", p) == 0 for count in counts)))


@RULES.invariant("pid")
def proc_pages(r: Reader, p: Word) -> Truth:
    """A process that is built or lives has its root and its context."""
    o, c = r.o, r.c
    root, ctx = r.get("procs.root", p), r.get("procs.ctx", p)
    return o.implies(is_alive(r, p), o.and_(
        is_page(r, root, c.HV_PAGE_L0), r.get("page_descs.owner", root) == p,
        is_page(r, ctx, c.HV_PAGE_CTX), r.get("page_descs.owner", ctx) == p))


@RULES.invariant("pid")
def saved_mode(r: Reader, p: Word) -> Truth:
    """SPSR_EL2 of a process returns to EL0 or EL1 (C5.2.19: EL0t, EL1t, EL1h, User)."""
    mode = r.get("pages", r.get("procs.ctx", p), r.c.CTX_SPSR_EL2) & 31
    return r.o.implies(is_alive(r, p), r.o.among(mode, 0b00000, 0b00100, 0b00101, 0b10000))


@RULES.invariant("pid", "pid")
def zombies_exact(r: Reader, p: Word, q: Word) -> Truth:
    """zombies of p are its dead children."""
    return r.o.iff(sets.has(r, sets.zombies(p), q),
                   r.o.and_(in_state(r, q, r.c.HV_PROC_ZOMBIE), r.get("procs.ppid", q) == p))


# ---- who runs -------------------------------------------------------------------------


@RULES.invariant("pid")
def one_place(r: Reader, p: Word) -> Truth:
    """Ready or running or neither, and who is either lives. Who runs does so on a core."""
    o = r.o
    ready, running, core = sets.has(r, sets.READY, p), runs(r, p), r.get("sched.core", p)
    return o.and_(o.not_(o.and_(ready, running)),
                  o.implies(o.or_(ready, running), in_state(r, p, r.c.HV_PROC_LIVE)),
                  o.or_(core == 0, o.ult(o.sub(core, r.c.HV_NCPU), r.c.HV_NCPU)))


@RULES.invariant("cpu", "pid")
def running_exact(r: Reader, cpu: Word, p: Word) -> Truth:
    """Who runs on a core is its current process."""
    current = r.get("sched.cpus.current", cpu)
    return r.o.iff(r.get("sched.core", p) == r.o.add(cpu, r.c.HV_NCPU),
                   r.o.and_(p != 0, current == p))


@RULES.invariant("cpu")
def core_ranges(r: Reader, cpu: Word) -> Truth:
    """What a core runs is a pid or nobody, and so is whose registers it holds; it is somebody's
    turn, dead or alive. What boot has written for each core stays."""
    o, c = r.o, r.c
    return o.and_(
        o.ult(r.get("sched.cpus.current", cpu), c.HV_NPROC),
        o.ult(r.get("sched.cpus.loaded", cpu), c.HV_NPROC),
        is_pid(r, r.get("sched.cpus.turn", cpu)),
        r.get("sched.cpus.number", cpu) == o.add(cpu, c.HV_NCPU),
        r.get("sched.cpus.bit", cpu) == o.shl(1, cpu),
        r.get("sched.cpus.pages_pa", cpu) == r.get("machine.pages_pa"))


@RULES.invariant("cpu")
def others_are_settled(r: Reader, cpu: Word) -> Truth:
    """Every other core holds the registers of its current process, or nobody's and has none: it
    runs that process, or waits for an interrupt or for the lock. Nobody's are on two cores."""
    o, loaded = r.o, r.get("sched.cpus.loaded", cpu)
    settled = loaded == r.get("sched.cpus.current", cpu)
    once = o.or_(loaded == 0, loaded != r.get("sched.cpus.loaded", r.cpu))
    return o.or_(cpu == r.cpu, o.and_(settled, once))


@RULES.invariant()
def time_goes_on(r: Reader) -> Truth:
    """The time between two ticks is not 0."""
    return r.get("machine.tick_period") != 0


# ---- deadlines ------------------------------------------------------------------------


@RULES.invariant("pid")
def timer_node(r: Reader, node: Word) -> Truth:
    """Nodes 1 .. HV_NPROC - 1 are the smaller of the two below."""
    o = r.o
    left, right = (r.get("timer_tree", o.shl(node, 1) | side) for side in (0, 1))
    return o.implies(node != 0, r.get("timer_tree", node) == o.min(left, right))


@RULES.invariant("pid")
def timer_leaf(r: Reader, p: Word) -> Truth:
    """The key of a process is off or has its pid. (A deadline may be left over.)"""
    key = r.get("timer_tree", r.o.add(p, r.c.HV_NPROC))
    return r.o.or_(key == OFF, (key & 0xff) == p)


@RULES.invariant()
def timer_armed(r: Reader) -> Truth:
    """The EL2 timer fires at the core's tick, or before."""
    return r.o.ule(r.get("sys.cnthp_cval_el2"), r.get("sched.cpus.next_tick", r.cpu))


# ---- waiting --------------------------------------------------------------------------


def waits_at(r: Reader, p: Word, file: Word) -> Truth:
    """p is blocked at the file and has not got past it to a reply."""
    return r.o.and_(is_blocked(r, p), file != 0, r.get("procs.wait_file", p) == file,
                    r.get("procs.wait_peer", p) == 0)


@RULES.invariant("file", "pid")
def waiting_exact(r: Reader, f: Word, p: Word) -> Truth:
    """Who waits at a file is in one of its sets, and nobody else is."""
    o = r.o
    sends, receives = sets.has(r, sets.senders(f), p), sets.has(r, sets.receivers(f), p)
    return o.and_(o.iff(o.or_(sends, receives), waits_at(r, p, f)),
                  o.not_(o.and_(sends, receives)))


@RULES.invariant("pid", "pid")
def callers_exact(r: Reader, p: Word, q: Word) -> Truth:
    """callers of p are those who wait for its reply; p lives."""
    o = r.o
    waits = o.and_(p != 0, is_blocked(r, q), r.get("procs.wait_peer", q) == p)
    return o.and_(o.iff(sets.has(r, sets.callers(p), q), waits),
                  o.implies(waits, o.and_(in_state(r, p, r.c.HV_PROC_LIVE),
                                          r.get("procs.wait_flags", q) == r.c.HV_WAIT_CALL)))


@RULES.invariant("file", "pid")
def waiter_has_handle(r: Reader, f: Word, p: Word) -> Truth:
    """Who waits at a file holds the handle by which it does, with the right that it took."""
    o, c = r.o, r.c
    slot, kind = r.get("ghost.wait_handle", p), r.get("files.type", f)
    rights = r.get("handles.rights", p, slot)
    sends, receives = sets.has(r, sets.senders(f), p), sets.has(r, sets.receivers(f), p)
    right = o.ite(o.and_(sends, kind == c.HV_FILE_ENDPOINT), c.HV_RIGHT_WRITE, c.HV_RIGHT_READ)
    return o.implies(o.or_(sends, receives), o.and_(
        o.ult(slot, c.HV_NHANDLE), r.get("handles.file", p, slot) == f,
        is_counted_handle(r, p, slot), o.any_bit(rights, right),
        o.among(kind, c.HV_FILE_ENDPOINT, c.HV_FILE_CONSOLE)))


@RULES.invariant("file", "pid")
def parked_message(r: Reader, f: Word, p: Word) -> Truth:
    """The page and the handle in a waiting sender's message are its own, the handle is not the
    one by which it waits, and it waits for nothing else, but perhaps the reply."""
    o, c = r.o, r.c
    ctx = r.get("procs.ctx", p)
    page, slot = r.get("pages", ctx, c.CTX_MSG_PAGE), r.get("pages", ctx, c.CTX_MSG_HANDLE)
    own_page = o.and_(is_page(r, page, c.HV_PAGE_FREE, c.HV_PAGE_PARCEL),
                      r.get("page_descs.owner", page) == p)
    own_slot = o.and_(o.ult(slot, c.HV_NHANDLE), r.get("handles.file", p, slot) != 0,
                      slot != r.get("ghost.wait_handle", p))
    sends = o.and_(r.get("files.type", f) == c.HV_FILE_ENDPOINT,
                   sets.has(r, sets.senders(f), p))
    return o.implies(sends, o.and_(o.or_(page == 0, own_page),
                                   o.or_(slot == c.HV_NONE, own_slot),
                                   o.among(r.get("procs.wait_flags", p), 0, c.HV_WAIT_CALL)))


@RULES.invariant("file", "pid")
def endpoint_sets(r: Reader, f: Word, p: Word) -> Truth:
    """At an endpoint no sender waits beside a receiver, and nobody for an end that is gone."""
    o = r.o
    sends, receives = sets.has(r, sets.senders(f), p), sets.has(r, sets.receivers(f), p)
    return o.implies(r.get("files.type", f) == r.c.HV_FILE_ENDPOINT, o.and_(
        o.implies(sends, o.and_(sets.is_empty(r, sets.receivers(f)),
                                r.get("files.readers", f) != 0)),
        o.implies(receives, o.and_(sets.is_empty(r, sets.senders(f)),
                                   r.get("files.writers", f) != 0))))


# ---- files and handles ----------------------------------------------------------------


@RULES.invariant("file")
def file_types(r: Reader, f: Word) -> Truth:
    """A file has a type exactly if a handle names it; boot's are nobody's."""
    o, c = r.o, r.c
    kind = r.get("files.type", f)
    return o.and_(o.ule(kind, c.HV_FILE_POWER),
                  o.ult(r.get("files.owner", f), c.HV_NPROC),
                  o.ult(r.get("files.last_sender", f), c.HV_NPROC),
                  o.iff(kind == c.HV_FILE_NONE, r.get("files.refs", f) == 0),
                  o.implies(f == 0, kind == c.HV_FILE_NONE),
                  o.implies(kind == c.HV_FILE_CONSOLE, f == c.HV_FILE_CONSOLE_INDEX),
                  o.implies(kind == c.HV_FILE_POWER, f == c.HV_FILE_POWER_INDEX),
                  o.iff(o.ule(f, c.HV_FILE_POWER_INDEX), r.get("files.owner", f) == 0),
                  o.implies(f == c.HV_FILE_CONSOLE_INDEX,
                            o.among(kind, c.HV_FILE_NONE, c.HV_FILE_CONSOLE)))


@RULES.invariant("pid", "handle")
def handle_names_file(r: Reader, p: Word, h: Word) -> Truth:
    """A handle names a file or nothing, and has rights if it does."""
    o, file, rights = r.o, r.get("handles.file", p, h), r.get("handles.rights", p, h)
    return o.and_(o.ult(file, r.c.HV_NFILE), o.ule(rights, r.c.HV_RIGHT_ALL),
                  o.iff(file == 0, rights == 0), is_counted_handle(r, p, h))


@RULES.invariant()
def console_ring(r: Reader) -> Truth:
    """The ring holds at most what it can. Nobody waits to read while it holds a byte, and
    nobody for anything while the break key is kept."""
    o, c = r.o, r.c
    used, kept = o.sub(r.get("console.head"), r.get("console.tail")), r.get("console.has_break")
    unread = sets.is_empty(r, sets.receivers(c.HV_FILE_CONSOLE_INDEX))
    unwatched = sets.is_empty(r, sets.senders(c.HV_FILE_CONSOLE_INDEX))
    return o.and_(o.ule(used, c.CONSOLE_RING), o.or_(used == 0, unread),
                  o.or_(kept == 0, o.and_(unread, unwatched)))
