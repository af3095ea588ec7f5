# SPDX-License-Identifier: MIT
"""The tables at the first `eret` (theorem T4): everything is init's, and nothing has happened.

`FIELDS` of spec/state.py that are not named here are 0 at every index, but for pages and page
descriptors, of which the invariants speak, and which depend on the machine's memory.
"""

from __future__ import annotations

from typing import Any, Callable

from . import descriptor as d
from .registers import Facts, cptr, has_ras, has_sme
from .devices import MAINTENANCE, NO_INTID, TIMER, VIRTUAL_TIMER
from .schedule import OFF
from .state import FIELDS
from .transition import Reader
from .words import Truth, Word

Expected = Callable[..., Word]      # of a Reader, the facts, and the indices

# Not 0, and not said below: what boot has found, of which the invariants speak.
FOUND = ("procs.pages_count", "machine.pages_pa", "machine.view_pte",
         "machine.empty_root", "irqs.state", "irqs.owner", "irqs.intid", "irqs.lr", "irq_line",
         "procs.devices_count", *(name for name in FIELDS if name.startswith("devices.")))


def _init(value: Callable[[Any], int]) -> Expected:
    """That of init; 0 of all others."""
    return lambda r, f, p, *rest: r.o.ite(p == r.c.HV_INIT_PID, value(r.c), 0)


def _anything_of_init(name: str) -> Expected:
    """Of init what it is; 0 of all others."""
    return lambda r, f, p: r.o.ite(p == r.c.HV_INIT_PID, r.get(name, p), 0)


def _has_console(f: Facts) -> bool:
    """The UART is the kernel's: boot has made a file of it."""
    return not f.board.gives_uart


def _type(r: Reader, f: Facts, file: Word) -> Word:
    console, power = r.c.HV_FILE_CONSOLE_INDEX, r.c.HV_FILE_POWER_INDEX
    of_console = r.c.HV_FILE_CONSOLE if _has_console(f) else r.c.HV_FILE_NONE
    return r.o.ite(file == console, of_console,
                   r.o.ite(file == power, r.c.HV_FILE_POWER, r.c.HV_FILE_NONE))


def _one_if_boots(r: Reader, f: Facts, file: Word) -> Word:
    """Of the files that boot makes, which are nobody's."""
    return r.o.ite(_type(r, f, file) != r.c.HV_FILE_NONE, 1, 0)


def _owner(r: Reader, f: Facts, file: Word) -> Word:
    return r.o.ite(r.o.ule(file, r.c.HV_FILE_POWER_INDEX), 0, r.c.HV_INIT_PID)


def _handle(console: Callable[[Any], int], power: Callable[[Any], int]) -> Expected:
    """Of init's two handles, or one if there is no console; 0 of all others."""
    def expected(r: Reader, f: Facts, p: Word, h: Word) -> Word:
        of_console = console(r.c) if _has_console(f) else 0
        of_init = r.o.ite(h == r.c.HV_INIT_HANDLE_CONSOLE, of_console,
                          r.o.ite(h == r.c.HV_INIT_HANDLE_POWER, power(r.c), 0))
        return r.o.ite(p == r.c.HV_INIT_PID, of_init, 0)
    return expected


def _only(index: int, value: Expected) -> Expected:
    """`value` at this index, 0 at the others."""
    return lambda r, f, i: r.o.ite(i == index, value(r, f, i), 0)


def _context(r: Reader, f: Facts, cpu: Word) -> Word:
    """EL2 address of the context page, in pages[]."""
    return r.o.add(f.pages, r.o.shl(r.get("procs.ctx", r.c.HV_INIT_PID), d.PAGE_SHIFT))


def _sgi(r: Reader, f: Facts, cpu: Word) -> Word:
    """What is written to interrupt the core: GICD_SGIR with its number as the only target
    (IHI 0048B, 4.3.15; 4.3.12: with one core the number reads as none); ICC_SGI1R_EL1 with its
    affinity (IHI 0069H, 12.2)."""
    value: Word = 0
    if f.gic == 2 and f.cores == 1:
        return value
    for number, mpidr in enumerate(f.affinities):
        aff0, aff1, aff2, aff3 = (mpidr >> shift & 0xFF for shift in (0, 8, 16, 32))
        v3 = aff3 << 48 | aff0 >> 4 << 44 | aff2 << 32 | aff1 << 16 | 1 << (aff0 & 15)
        value = r.o.ite(cpu == number, 1 << (16 + number) if f.gic == 2 else v3, value)
    return value


def _tick(r: Reader, f: Facts, cpu: Word) -> Word:
    """That of each core is in its registers; where there is none, 0."""
    return r.o.ite(r.o.ult(cpu, f.cores), r.get("sched.cpus.next_tick", cpu), 0)


EXPECTED: dict[str, Expected] = {
    "procs.state": _init(lambda c: c.HV_PROC_LIVE),
    "procs.ppid": lambda r, f, p: r.o.ite(r.o.ult(r.c.HV_INIT_PID, p), r.c.HV_INIT_PID, 0),
    "procs.root": _anything_of_init("procs.root"), "procs.ctx": _anything_of_init("procs.ctx"),
    "procs.pids_count": _init(lambda c: c.HV_NPROC - c.HV_INIT_PID - 1),
    "procs.files_count": _init(lambda c: c.HV_NFILE - c.HV_FILE_POWER_INDEX - 1),
    "procs.handles_count": lambda r, f, p: r.o.ite(p == r.c.HV_INIT_PID, 1 + _has_console(f), 0),
    "procs.irqs_count": lambda r, f, p: r.o.ite(p == r.c.HV_INIT_PID, len(f.board.lines), 0),
    "procs.recv_slot": _init(lambda c: c.HV_NONE),
    "procs.name": lambda r, f, p, w: r.o.ite(
        r.o.and_(p == r.c.HV_INIT_PID, w == 0), int.from_bytes(b"init", "little"), 0),
    "files.type": _type, "files.owner": _owner, "files.refs": _one_if_boots,
    "files.readers": _one_if_boots, "files.writers": _one_if_boots,
    "handles.file": _handle(lambda c: c.HV_FILE_CONSOLE_INDEX, lambda c: c.HV_FILE_POWER_INDEX),
    "handles.rights": _handle(lambda c: c.HV_RIGHT_ALL, lambda c: c.HV_RIGHT_ALL),
    "sched.core": _init(lambda c: c.HV_NCPU),
    "sched.cpus.number": lambda r, f, i: r.o.add(i, r.c.HV_NCPU),
    "sched.cpus.bit": lambda r, f, i: r.o.shl(1, i),
    "sched.cpus.sgi": _sgi, "sched.cpus.next_tick": _tick,
    "sched.cpus.turn": lambda r, f, i: r.c.HV_INIT_PID,
    "sched.cpus.allowed.word": lambda r, f, i, w: r.o.ite(r.o.ult(i, f.cores), OFF, 0),
    "sched.cpus.current": _only(0, lambda r, f, i: r.c.HV_INIT_PID),
    "sched.cpus.loaded": _only(0, lambda r, f, i: r.c.HV_INIT_PID),
    "sched.cpus.ctx": _only(0, _context),
    "sched.cpus.pages_pa": lambda r, f, i: r.get("machine.pages_pa"),
    "sched.cpus.switches": _only(0, lambda r, f, i: 1),
    "sched.cpus.more": lambda r, f, i: r.o.ite(r.o.ult(i, f.cores),
                                               r.c.HV_CPU_RAS if has_ras(f) else 0, 0),
    "timer_tree": lambda r, f, node: OFF,
    "machine.gic_version": lambda r, f: f.gic,
    "machine.timer_intid": lambda r, f: TIMER,
    "machine.uart_intid": lambda r, f: f.board.serial if _has_console(f) else NO_INTID,
    "machine.uart_kind": lambda r, f: int(f.board.is_cadence),
    "machine.vtimer_intid": lambda r, f: VIRTUAL_TIMER,
    "machine.vgic_intid": lambda r, f: MAINTENANCE,
    "machine.tick_period": lambda r, f: f.ids["CNTFRQ_EL0"] // r.c.HV_TICK_HZ,
    "machine.cores": lambda r, f: (1 << f.cores) - 1,
    "machine.has_sme": lambda r, f: int(has_sme(f)),
    "machine.cptr": lambda r, f: cptr(f),
}

NAMES = tuple(name for name in FIELDS if name not in FOUND and not name.startswith(
    ("pages", "page_descs.", "sys.", "uart.", "gic.", "vgic.", "ghost.")))


def is_initial(r: Reader, f: Facts, name: str, *key: Word) -> Truth:
    """The field of NAMES has its first value at these indices."""
    expected = EXPECTED.get(name)
    return r.get(name, *key) == (expected(r, f, *key) if expected else 0)


def context_is_initial(r: Reader, f: Facts, word: Word) -> Truth:
    """Init starts at its entry, at EL1h, all else 0."""
    start = r.o.ite(word == r.c.CTX_ELR_EL2, f.entry,
                    r.o.ite(word == r.c.CTX_SPSR_EL2, d.SPSR_START, 0))
    return r.get("pages", r.get("procs.ctx", r.c.HV_INIT_PID), word) == start


def lines_are_the_devices(r: Reader, f: Facts, intid: Word) -> Truth:
    """Every shared interrupt that a device has, and no other, has a line."""
    line = r.get("irq_line", intid)
    return r.o.iff(line != 0, r.o.among(intid, *f.board.lines))


def lines_are_inits(r: Reader, f: Facts, line: Word) -> Truth:
    """Those after the timer's come first, are init's, and are free; the others are none."""
    o, c = r.o, r.c
    exists = o.ult(o.sub(line, c.HV_IRQ_TIMER + 1), len(f.board.lines))
    timer = o.ite(line == c.HV_IRQ_TIMER, VIRTUAL_TIMER, 0)
    return o.and_(
        r.get("irqs.state", line) == o.ite(exists, c.HV_IRQ_FREE, c.HV_IRQ_NONE),
        r.get("irqs.owner", line) == o.ite(exists, c.HV_INIT_PID, 0),
        o.or_(exists, r.get("irqs.intid", line) == timer),
        o.implies(o.not_(o.or_(exists, line == c.HV_IRQ_TIMER)), r.get("irqs.lr", line) == 0),
        o.implies(exists, r.get("irq_line", r.get("irqs.intid", line)) == line))


def idle_table_is_empty(r: Reader, word: Word) -> Truth:
    """What TTBR0_EL1 names while nobody runs is an empty table in a page that is nobody's."""
    o, root = r.o, r.get("machine.empty_root")
    page = d.page_at(r.state, root)
    return o.and_(root == d.address(r.state, page), o.ult(page, r.c.HV_NPAGE),
                  r.get("page_descs.type", page) == r.c.HV_PAGE_RESERVED,
                  r.get("pages", page, word) == 0)


def count_is_unused(r: Reader, page: Word) -> Truth:
    """Only tables count entries; of all other pages the count is 0."""
    c, kind = r.c, r.get("page_descs.type", page)
    return r.o.or_(r.o.among(kind, c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3),
                   r.get("page_descs.count", page) == 0)


def pages_are_inits(r: Reader, page: Word) -> Truth:
    """What has an owner is init's."""
    return r.o.among(r.get("page_descs.owner", page), 0, r.c.HV_INIT_PID)
