# SPDX-License-Identifier: MIT
"""The order of writes to tables, TLB maintenance and barriers (theorem T6).

A TLB may hold any translation of ASID a that the tables of process a have given since the
last completed invalidation of a, and for as long as TTBR0_EL1 names these tables it may fetch
more, at any time (DDI 0487J.a, D8.13). A translation that it holds and the tables do not give
is *stale*. What is stale vanishes only by the whole sequence of D8.14.1, break before make:

    the store that makes the descriptor invalid
    DSB ISHST       the store is visible to every table walk (B2.3): none fetches the old one again
    TLBI ASIDE1IS   of that ASID, on all cores
    DSB ISH         the invalidation is complete on all cores; one of stores only does not say so

Then comes a context synchronization event: the ERET that every way back to a process has.
Every leaf has nG set (T5), so ASIDE1IS reaches it. A descriptor that is invalid, or whose
access flag is clear, is never held (D8.13), so one that becomes valid needs no invalidation:
what it names is ready before it, and a DSB ISHST stands between it and its first use.

The invariant: **whenever no handler is between its first write and its return, nothing is
stale.** TLBs hold translations of ASID a only if process a is built or lives, and only such as
its tables give; of a dead process and of an unused pid they hold none, so that its pages can be
taken without an invalidation, and the ASID used again. The core's TTBR0_EL1 is the empty root,
or the tables and ASID of a process that lives. It holds when boot ends (TLBI ALLE1); `Order`
states what each path of a handler owes for it to hold again, and that between a write and the
end of its sequence nothing relies on it. Who is somebody's page, and which entry names it, are
invariants of the state (spec/table_invariants.py).

Interrupts of a GICv3 are acknowledged and ended by system registers, which need barriers of their
own: `Order` asks for these, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable

from . import descriptor as d
from .invariants import is_alive
from .state import State
from .transition import Reader
from .vocabulary import in_state
from .words import Truth, Word

ASID_SHIFT = 48     # of TTBR0_EL1 (D19.2) and of the operand of TLBI ASIDE1IS (C5.5)
# Of the DSB of the inner shareable domain or a wider one (B2.3): after which stores are
# visible, and after which TLB maintenance is complete.
ORDER_STORES = frozenset({"dsb ishst", "dsb ish", "dsb st", "dsb sy"})
COMPLETE = frozenset({"dsb ish", "dsb sy"})


@dataclass(frozen=True)
class Demand:
    """What must be true at this point of the path, in words and as a formula."""

    what: str
    must: Truth


@dataclass(frozen=True)
class Stale:
    """If `exists`, translations of process `pid` that are stale until they are `gone`: those
    by way of a descriptor that was `old`, or, if that is None, all, since it has died."""

    exists: Truth
    pid: Word
    old: Word | None
    is_visible: bool = False
    is_issued: Truth = False
    is_gone: Truth = False


def _alike(a: Word, b: Word) -> bool:
    """Is it plain that these are one word?"""
    return bool(a == b) if isinstance(a, int) else a.eq(b)


def _add(pages: list[Word], page: Word) -> None:
    if not any(_alike(page, other) for other in pages):
        pages.append(page)


class Order:
    """Follows the events of one path, from its first to its end. `demands` has what they
    demanded; `is_never(truth)` may say that something is impossible on the path, which only
    saves work."""

    def __init__(self, c: Any, state: State,
                 is_never: Callable[[Truth], bool] = lambda truth: False) -> None:
        self.c, self.o = c, state.ops
        self.first = self.now = Reader(c, state)
        self.is_never = is_never
        self.stale: list[Stale] = []
        # pages with a store that is not known to be visible yet; contexts apart
        self.pending: list[Word] = []
        self.contexts: list[Word] = []
        # entries of tables that became valid on this path: if that is what happened, the word
        self.links: list[tuple[Truth, Word]] = []
        # TTBR0_EL1 as a table walk may see it: more than one until MSR is synchronized
        self.loaded: list[Word] = [state.get("sys.ttbr0_el1")]
        # whether every store to a table that is followed here is known to be complete
        self.is_complete = False
        # whether the interrupt acknowledged last is known to be, and what was ended is ended
        self.is_acknowledged = self.is_ended = True
        self.demands: list[Demand] = []

    # ---- words for what holds at this point ----

    def _demand(self, what: str, *musts: Truth) -> None:
        self.demands.append(Demand(what, self.o.and_(*musts)))

    def _set(self, name: str, key: tuple[Word, ...], value: Word) -> None:
        self.is_complete = False
        self.now = Reader(self.c, self.now.state.set(name, key, value))

    def _each_owed(self, unless: Callable[[Stale], Truth]) -> list[Truth]:
        return [self.o.or_(self.o.not_(s.exists), s.is_gone, unless(s)) for s in self.stale]

    def nothing_is_stale(self) -> Truth:
        """At this point."""
        return self.o.and_(*self._each_owed(lambda s: False))

    def _is_used_as(self, r: Reader, page: Word, *types: int) -> Truth:
        """A page of these types of a process that is built or lives, in that state."""
        typed = self.o.among(r.get("page_descs.type", page), *types)
        if self.is_never(typed):
            return False
        return self.o.and_(typed, is_alive(r, r.get("page_descs.owner", page)))

    def _is_table(self, r: Reader, page: Word) -> Truth:
        c = self.c
        return self._is_used_as(r, page, c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3)

    def _is_walked(self, page: Word) -> Truth:
        """A table now, or when the path began."""
        return self.o.or_(self._is_table(self.first, page), self._is_table(self.now, page))

    def _was_translated(self, page: Word) -> Truth:
        """Some entry of a table named it when the path began: frames and tables have one."""
        c = self.c
        return self._is_used_as(self.first, page, c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2,
                                c.HV_PAGE_L3, c.HV_PAGE_FRAME)

    def _is_left(self, page: Word) -> Truth:
        """Nothing translates to the page: none did, or its one entry is invalid and what was
        stale is gone; and no entry names it since."""
        o, owner = self.o, self.first.get("page_descs.owner", page)
        gone = [o.and_(s.exists, s.is_gone,
                       owner == s.pid if s.old is None else d.names(self.now.state, s.old, page))
                for s in self.stale]
        linked = [o.and_(truth, d.names(self.now.state, word, page)) for truth, word in self.links]
        return o.and_(o.or_(o.not_(self._was_translated(page)), *gone), o.not_(o.or_(*linked)))

    def _is_left_device(self, device: Word) -> Truth:
        """The same of a device: if it was mapped, its one entry is invalid and what was stale
        is gone; and no entry names it since."""
        o, r, c = self.o, self.first, self.c
        pa, owner = r.get("devices.pa", device), r.get("devices.owner", device)
        translated = o.and_(r.get("devices.state", device) == c.HV_DEVICE_MAPPED,
                            is_alive(r, owner))
        gone = [o.and_(s.exists, s.is_gone, owner == s.pid,
                       True if s.old is None else d.is_at(s.old, pa)) for s in self.stale]
        linked = [o.and_(truth, d.is_at(word, pa)) for truth, word in self.links]
        return o.and_(o.or_(o.not_(translated), *gone), o.not_(o.or_(*linked)))

    # ---- stores to pages ----

    def store(self, page: Word, index: Word, value: Word) -> None:
        """One word of a page, which is a descriptor if the page is a table."""
        o = self.o
        # No entry names a context page: no process has a translation to it.
        context = o.and_(*(r.get("page_descs.type", page) == self.c.HV_PAGE_CTX
                           for r in (self.first, self.now)))
        if not self.links and self.is_never(o.not_(context)):
            _add(self.contexts, page)
        else:
            walked, is_ = self._is_walked(page), d.is_valid(o, value)
            self._demand("what may be translated by a stale translation is written, or made again",
                         *self._each_owed(lambda s: o.or_(context, o.not_(is_))))
            self._demand("a page that is still translated is written",
                         o.or_(walked, self._is_left(page)))
            if walked is not False:
                self._write_descriptor(walked, page, index, value)
            _add(self.pending, page)
        self._set("pages", (page, index), value)

    def _write_descriptor(self, walked: Truth, page: Word, index: Word, value: Word) -> None:
        """What a store means if the page is walked."""
        o, old = self.o, self.now.get("pages", page, index)
        was, is_ = d.is_valid(o, old), d.is_valid(o, value)
        self._demand("a valid descriptor becomes another valid one, without break before make",
                     o.not_(o.and_(walked, was, is_, old != value)))
        self._demand("a descriptor becomes valid before a store to what it names is visible",
                     *(o.not_(o.and_(walked, is_, d.names(self.now.state, value, named)))
                       for named in self.pending))
        exists = o.and_(walked, was, old != value)
        if not self.is_never(exists):
            self.stale.append(Stale(exists, self.now.get("page_descs.owner", page), old))
        self.links.append((o.and_(walked, is_), value))

    def _fill(self, page: Word) -> None:
        self.is_complete = False
        self._demand("a page is reused while a stale translation may exist",
                     self.nothing_is_stale())
        self._demand("a page that is still translated is reused", self._is_left(page))
        _add(self.pending, page)

    def zero(self, page: Word) -> None:
        """Every word of the page becomes 0."""
        self._fill(page)
        self.now = Reader(self.c, self.now.state.zero_page(page))

    def copy(self, page: Word, source: Word) -> None:
        """Every word of the page becomes that of the source."""
        self._fill(page)
        self.now = Reader(self.c, self.now.state.copy_page(page, source))

    def sync(self) -> None:
        """The content of a page is made what instruction fetches see: it must not change."""
        self._demand("a page is made executable while a stale translation may exist",
                     self.nothing_is_stale())

    # ---- who has what ----

    def change_page(self, name: str, page: Word, value: Word) -> None:
        """page_descs.type or page_descs.owner of the page."""
        self._demand("a page changes hands while a stale translation may exist",
                     self.nothing_is_stale())
        self._demand("a page that is still translated changes hands",
                     self.o.or_(self.now.get(name, page) == value, self._is_left(page)))
        if name == "page_descs.type":
            self._demand("a context page becomes another before a store to it is visible",
                         *(page != context for context in self.contexts))
        self._set(name, (page,), value)

    def change_device(self, name: str, device: Word, value: Word) -> None:
        """devices.state or devices.owner of the device."""
        self._demand("a device changes hands while a stale translation may exist",
                     self.nothing_is_stale())
        self._demand("a device that is still translated changes hands",
                     self.o.or_(self.now.get(name, device) == value,
                                self._is_left_device(device)))
        self._set(name, (device,), value)

    def change_state(self, pid: Word, value: Word) -> None:
        """procs.state: a process may die by it, or begin."""
        o, was = self.o, is_alive(self.now, pid)
        self._set("procs.state", (pid,), value)
        is_ = is_alive(self.now, pid)
        begins = o.and_(o.not_(was), is_)
        self._demand("an ASID is used again while a stale translation may exist",
                     o.or_(o.not_(begins), self.nothing_is_stale()))
        self._demand("an ASID is used again while TTBR0_EL1 has it",
                     o.or_(o.not_(begins), self._is_unloaded(pid)))
        self.stale.append(Stale(o.and_(was, o.not_(is_)), pid, None))

    def change_root(self, pid: Word, page: Word) -> None:
        """procs.root. What is walked is TTBR0_EL1: on the path by which a process begins its
        root and its state may be written in either order."""
        self._demand("a process that is built or lives gets another root",
                     self.o.not_(is_alive(self.first, pid)))
        self._set("procs.root", (pid,), page)

    # ---- TTBR0_EL1 ----

    def _is_unloaded(self, pid: Word) -> Truth:
        """No table walk can use the tables of the process: those of an ASID are its."""
        return self.o.and_(*(self.o.shr(ttbr, ASID_SHIFT) != pid for ttbr in self.loaded))

    def load(self, ttbr: Word, of: Word | None = None) -> None:
        """MSR TTBR0_EL1: root and ASID in one write; those of process `of`, if that is known."""
        o, r = self.o, self.now
        pid = o.shr(ttbr, ASID_SHIFT) if of is None else of
        own = d.address(r.state, r.get("procs.root", pid)) | o.shl(pid, ASID_SHIFT)
        self._demand("TTBR0_EL1 becomes neither empty nor root and ASID of one live process",
                     o.or_(ttbr == r.get("machine.empty_root"),
                           o.and_(o.ult(pid, self.c.HV_NPROC), ttbr == own,
                                  in_state(r, pid, self.c.HV_PROC_LIVE))))
        self._demand("TTBR0_EL1 gets an ASID of which a stale translation may exist",
                     *self._each_owed(lambda s: pid != s.pid))
        self._demand("TTBR0_EL1 is written before a store to a table is visible",
                     self._tables_are_visible())
        self.loaded.append(ttbr)

    # ---- barriers and maintenance ----

    def _tables_are_visible(self) -> Truth:
        return self.o.and_(*(self.o.not_(self._is_table(self.now, page))
                             for page in self.pending))

    def invalidate(self, operand: Word) -> None:
        """TLBI ASIDE1IS. It counts for what table walks cannot fetch again."""
        o = self.o
        for at, s in enumerate(self.stale):
            if s.is_visible:
                hits = o.and_(operand == o.shl(s.pid, ASID_SHIFT),
                              self._is_unloaded(s.pid) if s.old is None else True)
                self.stale[at] = replace(s, is_issued=o.or_(s.is_issued, hits))

    def dsb(self, kind: str) -> None:
        """A DSB, by its name."""
        if kind in ORDER_STORES:
            self.pending, self.contexts = [], []
            self.stale = [replace(s, is_visible=True) for s in self.stale]
        if kind == "dsb sy":
            self.is_acknowledged = True
        if kind in COMPLETE:
            self.is_complete = True
            self.stale = [replace(s, is_gone=self.o.or_(s.is_gone, s.is_issued))
                          for s in self.stale]

    def synchronize(self) -> None:
        """A context synchronization event: ISB or ERET."""
        self.loaded, self.is_ended = self.loaded[-1:], True

    def translate(self) -> None:
        """AT: its answer may come from the TLB."""
        self._demand("an address is translated while a stale translation may exist",
                     self.nothing_is_stale())

    def wait(self) -> None:
        """WFI: what other cores are to see must not wait for it to end."""
        self._demand("the core waits while a store may not be complete", self.is_complete)

    # ---- the CPU interface of GICv3 ----

    def acknowledge(self) -> None:
        """ICC_IAR1_EL1 is read: that takes effect before what follows only by a DSB (IHI 0069H,
        4.4.7)."""
        self.is_acknowledged = False

    def end_interrupt(self) -> None:
        """ICC_EOIR1_EL1 or ICC_DIR_EL1 is written."""
        self._demand("an interrupt is ended before its acknowledgement has taken effect",
                     self.is_acknowledged)
        self.is_ended = False

    # ---- the end ----

    def end(self) -> None:
        """The path ends: another one begins, or a process runs."""
        self._demand("a stale translation may exist at the end", self.nothing_is_stale())
        self._demand("a store to a table is not visible at the end", self._tables_are_visible())
        self._demand("TTBR0_EL1 is not synchronized at the end", len(self.loaded) == 1)
        self._demand("an acknowledgement has not taken effect at the end", self.is_acknowledged)
        self._demand("the end of an interrupt is not synchronized at the end", self.is_ended)
