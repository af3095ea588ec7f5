# SPDX-License-Identifier: MIT
"""The state of the machine as a record of total functions.

A function is named after the C object by dotted path and takes its indices in C's order:
`procs.state[pid]`, `procs.callers.word[pid, w]`, `pages[pn, i]`, `machine.pages_pa[]`.
Indices and values are words (64 bits). `FIELDS` lists every function with the kind of each
index; `KINDS` says which constant bounds a kind.

Not from C: `sys.*` is system registers and the executing core, `uart.*`, `gic.*`, `vgic.*` what
a read of the device returns, `ghost.*` what invariants need and no machine holds (see
spec/ghosts.py).

A state is never changed: `set`, `zero_page` and the rest return another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Callable, Iterator, Protocol

import z3

from .words import MASK, WIDTH, IntOps, Ops, Truth, Word, Z3Ops

Key = tuple[Word, ...]

# Kind of index -> one more than its largest value.
KINDS: dict[str, Callable[[Any], int]] = {
    "pid": lambda c: c.HV_NPROC,
    "page": lambda c: c.HV_NPAGE,
    "entry": lambda c: c.HV_PAGE_WORDS,
    "file": lambda c: c.HV_NFILE,
    "device": lambda c: c.HV_NDEVICE,
    "frame_number": lambda c: 1 << 36,
    "handle": lambda c: c.HV_NHANDLE,
    "any_handle": lambda c: c.HV_NPROC * c.HV_NHANDLE,
    "cpu": lambda c: c.HV_NCPU,
    "set_word": lambda c: c.HV_SET_WORDS,
    "name_word": lambda c: c.HV_NAME_BYTES // 8,
    "node": lambda c: c.TIMER_NODES,
    "ring": lambda c: c.CONSOLE_RING,
    "irq": lambda c: c.HV_NIRQ,
    "intid": lambda c: c.NINTID,
    "lr": lambda c: c.HV_NLR,
    "fp_word": lambda c: FP_WORDS,
    "register": lambda c: 31,
}

# FPCR, FPSR and two words for each of Q0 .. Q31.
FP_WORDS = 66

# System registers that a context page holds, in C's order of enum ctx_word.
SAVED_REGISTERS = (
    "elr_el2", "spsr_el2", "sp_el0", "sp_el1", "elr_el1", "spsr_el1", "esr_el1", "far_el1",
    "vbar_el1", "par_el1", "tpidr_el0", "tpidr_el1", "tpidrro_el0", "cntkctl_el1",
    "cntv_ctl_el0", "cntv_cval_el0", "vdisr_el2", "tpidr2_el0",
)


def _named(prefix: str, kinds: tuple[str, ...], names: str) -> dict[str, tuple[str, ...]]:
    return {f"{prefix}.{name}": kinds for name in names.split()}


FIELDS: dict[str, tuple[str, ...]] = {
    **_named("procs", ("pid",), "state ppid root ctx pages_count pids_count files_count "
             "handles_count devices_count wait_file wait_peer wait_flags recv_slot reply_to status "
             "cause_esr cause_elr cause_far has_vgic irqs_count"),
    **_named("procs", ("pid", "set_word"), "callers.word zombies.word irqs_pending.word"),
    "procs.listed": ("pid", "lr"),
    "procs.name": ("pid", "name_word"),
    **_named("page_descs", ("page",), "type owner count"),
    "pages": ("page", "entry"),
    **_named("handles", ("pid", "handle"), "file rights"),
    **_named("files", ("file",), "type owner refs readers writers value offset "
             "last_sender"),
    **_named("files", ("file", "set_word"), "senders.word receivers.word"),
    **_named("irqs", ("irq",), "state owner intid lr"),
    "irq_line": ("intid",),
    **_named("sched", ("set_word",), "ready.word"),
    **_named("sched", (), "idle ticks"),
    "sched.core": ("pid",),
    **_named("sched.cpus", ("cpu",), "current loaded ctx doomed more switches "
             "pages_pa number bit sgi turn next_tick"),
    "sched.cpus.allowed.word": ("cpu", "set_word"),
    **_named("devices", ("device",), "state owner pa flags node node_count"),
    "timer_tree": ("node",),
    **_named("console", (), "head tail has_break"),
    "console.byte": ("ring",),
    **_named("machine", (), "pages_pa view_pte empty_root gic_version timer_intid "
             "uart_intid uart_kind vtimer_intid vgic_intid tick_period cores has_sme cptr"),
    # the core that executes: an index of sched.cpus, to which TPIDR_EL2 points
    "sys.cpu": (),
    # CNTPCT_EL0 when the interrupt reads it; CNTVCT_EL0 when WFI does
    **_named("sys", (), "cntpct_el0 cntvct_el0 cnthp_cval_el2 ttbr0_el1 cptr_el2"),
    # syndrome of the trap that is being handled; what PAR_EL1 says of an AT instruction
    **_named("sys", (), "esr_el2 far_el2 at_par"),
    **_named("sys", (), "ctr_el0 clidr_el1 afsr0_el1 afsr1_el1"),
    # what is acknowledged: an INTID and, of an SGI with GICv2, who sent it
    **_named("gic", (), "iar"),
    # virtual CPU interface (GICH_*, ICH_*_EL2): what the process has made of it
    **_named("vgic", (), "vmcr apr elrsr"),
    "vgic.lr": ("lr",),
    **_named("sys", (), " ".join(SAVED_REGISTERS)),
    # x0 .. x30 at entry and exit
    "sys.x": ("register",),
    # FPCR, FPSR, then the low and the high word of Q0, Q1, ... Q31
    "sys.fp": ("fp_word",),
    # 1 if UARTFR.TXFF, UARTFR.RXFE (PL011) or SR.TXFULL, SR.RXEMPTY (Cadence) is read as set;
    # the low 8 bits that UARTDR, or FIFO, gives
    **_named("uart", (), "tx_full rx_empty rx_byte"),
    # ghosts: a permutation of all items for each group that is counted
    **_named("ghost", ("pid", "page"), "page_slot page_at"),
    **_named("ghost", ("pid", "pid"), "pid_slot pid_at"),
    **_named("ghost", ("pid", "file"), "file_slot file_at"),
    **_named("ghost", ("pid", "irq"), "irq_slot irq_at"),
    **_named("ghost", ("pid", "device"), "device_slot device_at"),
    **_named("ghost", ("pid", "handle"), "handle_slot handle_at"),
    **_named("ghost", ("page", "entry"), "entry_slot entry_at"),
    **_named("ghost", ("file", "any_handle"), "ref_slot ref_at reader_slot reader_at "
             "writer_slot writer_at"),
    # ghosts: the entry that names a page; the handle by which a process waits;
    # 1..3 for a page that is a table of the read-only view, 0 for all others
    **_named("ghost", ("page",), "parent parent_index view_level"),
    "ghost.wait_handle": ("pid",),
    # ghost: a core that a process may run on
    "ghost.home": ("pid",),
    # ghost: 1 if a core was sent an interrupt and has taken none since
    "ghost.called": ("cpu",),
    # ghosts: the entry that maps a device, and the device at an address in units of 4 KiB
    **_named("ghost", ("device",), "device_table device_index"),
    "ghost.device_of": ("frame_number",),
}


class State(Protocol):
    """Reads and functional updates; `ops` computes with the words that come out."""

    @property
    def ops(self) -> Ops: ...

    def get(self, name: str, *key: Word) -> Word:
        """The function's value at these indices."""

    def set(self, name: str, key: Key, value: Word) -> State:
        """The state that differs at this one point."""

    def zero_page(self, page: Word) -> State:
        """pages[page, i] = 0 for every i."""

    def copy_page(self, to: Word, source: Word) -> State:
        """pages[to, i] = pages[source, i] for every i."""

    def set_words(self, page: Word, first: int, count: int,
                  value: Callable[[Word], Word]) -> State:
        """pages[page, first + k] = value(k) for every k below count."""


# ---- Z3 -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Update:
    """One point (`key` of full length), or one page from `source` (key = (page,))."""

    key: Key
    value: Word = None
    # value of word i of that page (None: a point), and which words i are meant
    content: Callable[[Word], Word] | None = None
    covers: Callable[[Word], Truth] | None = None
    # the first word that is meant and how many, if not the whole page
    words: tuple[int, int] | None = None
    # the page that a whole page becomes a copy of (None: it becomes zero)
    source: Word = None


@cache
def _function(name: str, indices: int) -> z3.FuncDeclRef:
    """bv64 -> ... -> bv64."""
    return z3.Function(name, *[z3.BitVecSort(WIDTH)] * (indices + 1))


def same(a: Key, b: Key, ops: Z3Ops) -> Truth:
    """The keys are equal: decided at once where the terms show it."""
    tests: list[Truth] = []
    for x, y in zip(a, b):
        if x.eq(y):
            continue
        if z3.is_bv_value(x) and z3.is_bv_value(y):
            return False
        tests.append(x == y)
    return ops.and_(*tests)


@dataclass(frozen=True)
class SymbolicState:
    """Uninterpreted functions bv64 -> ... -> bv64 under a list of updates for each name.

    `prefix` tells unrelated states apart. `observer(name, key)`, if given, hears of every
    point read of the uninterpreted functions: the indices at which invariants are worth
    instantiating.
    """

    prefix: str = ""
    updates: dict[str, tuple[Update, ...]] = field(default_factory=dict)
    observer: Callable[[str, Key], None] | None = None
    ops: Z3Ops = Z3Ops()

    def base(self, name: str, key: Key) -> z3.BitVecRef:
        """The function before any update."""
        if len(key) != len(FIELDS[name]):
            raise TypeError(f"{name} takes {len(FIELDS[name])} indices, not {len(key)}")
        if self.observer is not None:
            self.observer(name, key)
        if not key:
            return z3.BitVec(self.prefix + name, WIDTH)
        return _function(self.prefix + name, len(key))(*key)

    def get(self, name: str, *key: Word) -> z3.BitVecRef:
        words = tuple(self.ops.word(x) for x in key)
        return self._read(name, words, len(self.updates.get(name, ())))

    def _read(self, name: str, key: Key, depth: int) -> z3.BitVecRef:
        """The value after the first `depth` updates: newest first, down to a certain hit."""
        pending: list[tuple[Truth, Word]] = []
        updates = self.updates.get(name, ())
        bottom = None
        for at in range(depth - 1, -1, -1):
            hit, value = self._apply(updates[at], key)
            known = self.ops.known(hit)
            if known is False:
                continue
            if known is True:
                bottom = value()
                break
            pending.append((hit, value()))
        result = self.base(name, key) if bottom is None else bottom
        for hit, value in reversed(pending):
            result = self.ops.ite(hit, value, result)
        return result

    def _apply(self, update: Update, key: Key) -> tuple[Truth, Callable[[], Word]]:
        if update.content is None:
            return same(update.key, key, self.ops), lambda: update.value
        content, covers = update.content, update.covers
        hit = same(update.key, key[:1], self.ops)
        if covers is not None:
            hit = self.ops.and_(hit, covers(key[1]))
        return hit, lambda: content(key[1])

    def _with(self, name: str, update: Update) -> SymbolicState:
        if name not in FIELDS:
            raise KeyError(name)
        return replace(self, updates={**self.updates,
                                      name: self.updates.get(name, ()) + (update,)})

    def set(self, name: str, key: Key, value: Word) -> SymbolicState:
        words = tuple(self.ops.word(x) for x in key)
        return self._with(name, Update(words, self.ops.word(value)))

    def zero_page(self, page: Word) -> SymbolicState:
        return self._with("pages", Update((self.ops.word(page),),
                                          content=lambda i: self.ops.word(0)))

    def copy_page(self, to: Word, source: Word) -> SymbolicState:
        return self._with("pages", Update((self.ops.word(to),), source=self.ops.word(source),
                                          content=lambda i: self.get("pages", source, i)))

    def set_words(self, page: Word, first: int, count: int,
                  value: Callable[[Word], Word]) -> SymbolicState:
        ops = self.ops
        return self._with("pages", Update(
            (ops.word(page),), content=lambda i: ops.word(value(ops.sub(i, first))),
            covers=lambda i: ops.ult(ops.sub(i, first), count), words=(first, count)))

    def touched(self) -> list[str]:
        """Names with an update, in order."""
        return sorted(self.updates)


# ---- Python ints ----------------------------------------------------------------------


def default(name: str, key: tuple[int, ...]) -> int:
    """A function that was never set is 0 everywhere, a ghost permutation the identity."""
    if name.startswith("ghost.") and name.endswith(("_slot", "_at")):
        return key[-1]
    return 0


class ConcreteState:
    """Python ints; what was never set is `default`. Updates are made in place: `copy` first
    to keep the state as it was. Each table is shared with the copy until one of both is set."""

    def __init__(self) -> None:
        self.ops: IntOps = IntOps()
        self._tables: dict[str, dict[tuple[int, ...], int]] = {}
        self._pages: dict[int, dict[int, int]] = {}
        self._own: set[Any] = set()

    def copy(self) -> ConcreteState:
        """An independent state with the same content."""
        other = type(self)()
        other._tables, other._pages = dict(self._tables), dict(self._pages)
        self._own = set()
        return other

    def get(self, name: str, *key: int) -> int:
        if name == "pages":
            return self._pages.get(key[0], {}).get(key[1], 0)
        value = self._tables.get(name, {}).get(key)
        if value is None:
            if len(key) != len(FIELDS[name]):
                raise TypeError(f"{name} takes {len(FIELDS[name])} indices, not {len(key)}")
            return default(name, key)
        return value

    def _page(self, page: int) -> dict[int, int]:
        if page not in self._own:
            self._pages[page] = dict(self._pages.get(page, {}))
            self._own.add(page)
        return self._pages[page]

    def set(self, name: str, key: tuple[int, ...], value: int) -> ConcreteState:
        if name == "pages":
            self._page(key[0])[key[1]] = value & MASK
            return self
        if name not in self._own:
            if len(key) != len(FIELDS[name]):
                raise TypeError(f"{name} takes {len(FIELDS[name])} indices, not {len(key)}")
            self._tables[name] = dict(self._tables.get(name, {}))
            self._own.add(name)
        self._tables[name][key] = value & MASK
        return self

    def zero_page(self, page: int) -> ConcreteState:
        self._pages[page] = {}
        self._own.add(page)
        return self

    def copy_page(self, to: int, source: int) -> ConcreteState:
        self._pages[to] = dict(self._pages.get(source, {}))
        self._own.add(to)
        return self

    def set_words(self, page: int, first: int, count: int,
                  value: Callable[[int], int]) -> ConcreteState:
        words = {first + k: value(k) & MASK for k in range(count)}
        self._page(page).update(words)
        return self

    def cells(self) -> Iterator[tuple[str, tuple[int, ...], int]]:
        """Every point whose value is not the default."""
        for name, table in self._tables.items():
            for key, value in table.items():
                if value != default(name, key):
                    yield name, key, value
        for page, words in self._pages.items():
            for i, value in words.items():
                if value != 0:
                    yield "pages", (page, i), value
