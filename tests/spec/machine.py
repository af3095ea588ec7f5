# SPDX-License-Identifier: MIT
"""A machine of several cores that runs the specification on ints: boot, hypercalls, interrupts."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import spec
from constants import enumerators, full_calls, numbers
from spec import descriptor as d
from spec.irq_invariants import list_register
from spec.state import FIELDS, KINDS, ConcreteState
from spec.transition import Outcome, Reader
from spec.transitions.direct import REST
from spec.transitions.entry import DIRECT, HVC_0
from spec.witness import add_ghosts

# INTIDs, and exception classes of traps (ESR_EL2, D19.2.37).
INTERRUPTS = {"timer_interrupt": 26, "console_interrupt": 33, "virtual timer": 27,
              "maintenance": 25, "from another core": 0, "line 2": 48, "line 3": 49, "line 5": 51}
SYNDROMES = {"trap_wfi": 0x01, "trap_fp": 0x07}
VIEW_L1, VIEW_L2, VIEW_L3, EMPTY_ROOT, ROOT, CTX, L1, L2, L3, FRAME, FREE = range(1, 12)


def small_limits(**limits: int) -> SimpleNamespace:
    """Constants of a machine with eight processes."""
    return enumerators(**{"HV_NPROC": 8, "HV_SET_WORDS": 2, "TIMER_LEVELS": 3, "HV_NPAGE": 48,
                          "HV_NHANDLE": 8, "HV_NFILE": 8, "HV_NDEVICE": 5, "HV_NIRQ": 8,
                          "NINTID": 64, "CONSOLE_RING": 4, "HV_NCPU": 2,
                          **limits})


class Tracked(ConcreteState):
    """Notes what is read (while `reads` is a set) and written since `writes` was emptied."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: set[Any] | None = None
        self.writes: set[Any] = set()

    def get(self, name: str, *key: int) -> int:
        if self.reads is not None:
            self.reads.add((name, key))
        return super().get(name, *key)

    def set(self, name: str, key: tuple[int, ...], value: int) -> Tracked:
        self.writes.add((name, key))
        return super().set(name, key, value)

    def zero_page(self, page: int) -> Tracked:
        self.writes.add(("page", page))
        return super().zero_page(page)

    def copy_page(self, to: int, source: int) -> Tracked:
        self.writes.add(("page", to))
        return super().copy_page(to, source)

    def set_words(self, page: int, first: int, count: int, value: Any) -> Tracked:
        self.writes.add(("page", page))
        return super().set_words(page, first, count, value)


def _boot_tables(c: SimpleNamespace, s: ConcreteState) -> None:
    s.set("machine.view_pte", (), d.address(s, VIEW_L1) | d.VIEW_TABLE_BITS)
    s.set("machine.empty_root", (), d.address(s, EMPTY_ROOT))
    s.set("pages", (VIEW_L1, 0), d.address(s, VIEW_L2) | d.VIEW_TABLE_BITS)
    s.set("pages", (VIEW_L2, 1), d.address(s, VIEW_L3) | d.VIEW_TABLE_BITS)
    s.set("pages", (VIEW_L3, 2), d.address(s, c.HV_NPAGE + 7) | d.VIEW_LEAF_BITS)
    s.set("pages", (ROOT, d.SELF_INDEX), d.table(s, ROOT))
    s.set("pages", (ROOT, d.VIEW_INDEX), s.get("machine.view_pte"))
    for table, page in ((ROOT, L1), (L1, L2), (L2, L3)):
        s.set("pages", (table, 0), d.table(s, page))
        s.set("page_descs.count", (table,), 1)
    s.set("pages", (L3, 1), d.leaf(s, FRAME, c.HV_PERM_W | c.HV_PERM_X))
    s.set("page_descs.count", (L3,), 1)
    kinds = {ROOT: c.HV_PAGE_L0, CTX: c.HV_PAGE_CTX, L1: c.HV_PAGE_L1, L2: c.HV_PAGE_L2,
             L3: c.HV_PAGE_L3, FRAME: c.HV_PAGE_FRAME}
    for page in range(ROOT, c.HV_NPAGE):
        s.set("page_descs.type", (page,), kinds.get(page, c.HV_PAGE_FREE))
        s.set("page_descs.owner", (page,), c.HV_INIT_PID)


def _boot_procs(c: SimpleNamespace, s: ConcreteState) -> None:
    init = (c.HV_INIT_PID,)
    values = {"state": c.HV_PROC_LIVE, "root": ROOT, "ctx": CTX, "recv_slot": c.HV_NONE,
              "pages_count": c.HV_NPAGE - ROOT, "pids_count": c.HV_NPROC - 2,
              "files_count": c.HV_NFILE - 3, "handles_count": 2,
              "devices_count": c.HV_NDEVICE - 1,
              "irqs_count": c.HV_NIRQ - c.HV_IRQ_TIMER - 1}
    for name, value in values.items():
        s.set(f"procs.{name}", init, value)
    for pid in range(2, c.HV_NPROC):
        s.set("procs.ppid", (pid,), c.HV_INIT_PID)
    for file, kind, slot in ((c.HV_FILE_CONSOLE_INDEX, c.HV_FILE_CONSOLE, 0),
                             (c.HV_FILE_POWER_INDEX, c.HV_FILE_POWER, 3)):
        for name, value in (("type", kind), ("refs", 1), ("readers", 1), ("writers", 1)):
            s.set(f"files.{name}", (file,), value)
        s.set("handles.file", (*init, slot), file)
        s.set("handles.rights", (*init, slot), c.HV_RIGHT_ALL)
    for file in range(3, c.HV_NFILE):
        s.set("files.owner", (file,), c.HV_INIT_PID)
    for line in range(c.HV_IRQ_TIMER, c.HV_NIRQ):
        is_timer = line == c.HV_IRQ_TIMER
        intid = INTERRUPTS["virtual timer"] if is_timer else 46 + line
        s.set("irqs.intid", (line,), intid)
        s.set("irqs.lr", (line,), list_register(Reader(c, s), intid, not is_timer))
        if not is_timer:
            s.set("irqs.state", (line,), c.HV_IRQ_FREE)
            s.set("irqs.owner", (line,), c.HV_INIT_PID)
            s.set("irq_line", (intid,), line)
    for device in range(1, c.HV_NDEVICE):
        s.set("devices.state", (device,), c.HV_DEVICE_UNMAPPED)
        s.set("devices.owner", (device,), c.HV_INIT_PID)
        s.set("devices.pa", (device,), 0x900_0000 + (device << d.PAGE_SHIFT))


def _boot_core(c: SimpleNamespace, s: ConcreteState, cpu: int) -> None:
    for name, value in (("number", c.HV_NCPU + cpu), ("bit", 1 << cpu), ("sgi", 1 << 16 | cpu),
                        ("pages_pa", 0x4000_0000), ("turn", c.HV_INIT_PID), ("next_tick", 100)):
        s.set(f"sched.cpus.{name}", (cpu,), value)
    for word in range(c.HV_SET_WORDS):
        s.set("sched.cpus.allowed.word", (cpu, word), 2 ** 64 - 1)


def boot(c: SimpleNamespace) -> Tracked:
    """The state at the first eret, ghosts included."""
    s = Tracked()
    s.set("machine.pages_pa", (), 0x4000_0000)
    for cpu in range(c.HV_NCPU):
        _boot_core(c, s, cpu)
    _boot_tables(c, s)
    _boot_procs(c, s)
    s.set("sched.core", (c.HV_INIT_PID,), c.HV_NCPU)
    s.set("sched.idle", (), (1 << c.HV_NCPU) - 2)
    s.set("sched.cpus.current", (0,), c.HV_INIT_PID)
    s.set("sched.cpus.loaded", (0,), c.HV_INIT_PID)
    for node in range(c.TIMER_NODES):
        s.set("timer_tree", (node,), 2 ** 64 - 1)
    for name, value in (("machine.timer_intid", INTERRUPTS["timer_interrupt"]),
                        ("machine.uart_intid", INTERRUPTS["console_interrupt"]),
                        ("machine.vtimer_intid", INTERRUPTS["virtual timer"]),
                        ("machine.vgic_intid", INTERRUPTS["maintenance"]),
                        ("machine.gic_version", 3), ("machine.cores", (1 << c.HV_NCPU) - 1),
                        ("machine.tick_period", 100),
                        ("sys.cnthp_cval_el2", 100), ("machine.cptr", 1 << 10 | 0x33ff),
                        ("sys.cptr_el2", 1 << 10 | 0x33ff), ("sys.spsr_el2", d.SPSR_START),
                        ("sys.ttbr0_el1", d.address(s, ROOT) | 1 << 48)):
        s.set(name, (), value)
    s.set("sched.cpus.ctx", (0,), c.PAGES_VA + (CTX << 12))
    s.set("pages", (CTX, c.CTX_SPSR_EL2), d.SPSR_START)
    add_ghosts(c, s)
    return s


# What each core has for itself.
PRIVATE = tuple((name, key) for name, kinds in FIELDS.items()
                if name.startswith("sys.")
                and name not in ("sys.cpu", "sys.cntpct_el0", "sys.cntvct_el0")
                for key in product(*(range(KINDS[kind](None)) for kind in kinds)))


class Machine:
    """`state` after boot, changed by hypercalls and interrupts of one core at a time: that one
    has the lock."""

    def __init__(self, c: SimpleNamespace) -> None:
        self.c = c
        self.state = boot(c)
        waiting = {("sys.ttbr0_el1", ()): self.state.get("machine.empty_root"),
                   ("sys.cptr_el2", ()): self.state.get("machine.cptr"),
                   ("sys.cnthp_cval_el2", ()): 100}
        self.private = {cpu: dict(waiting) for cpu in range(c.HV_NCPU)}
        self.full, self.numbers = full_calls(), numbers()
        self.specs = {**spec.hypercalls(), **spec.interrupts()}

    @property
    def current(self) -> int:
        """The process that runs on the core, or 0."""
        return self.state.get("sched.cpus.current", self.state.get("sys.cpu"))

    @property
    def is_waiting(self) -> bool:
        """No core runs a process."""
        return all(self.state.get("sched.cpus.current", cpu) == 0 for cpu in range(self.c.HV_NCPU))

    def switch(self, cpu: int) -> None:
        """This core has the lock from now on."""
        before = self.state.get("sys.cpu")
        self.private[before] = {cell: self.state.get(cell[0], *cell[1]) for cell in PRIVATE}
        for cell in PRIVATE:
            self.state.set(*cell, self.private[cpu].get(cell, 0))
        self.state.set("sys.cpu", (), cpu)

    def do(self, name: str, *args: int) -> Outcome:
        """One transition."""
        return self.specs[name].run(self.c, self.state, args)

    def hypercall(self, name: str, *args: int) -> Outcome:
        """The way in, the call, the way out. The outcome is that of the call alone; or of the
        process's end, if another core has killed it."""
        number = self.numbers[name]
        self.state.set("sys.esr_el2", (), HVC_0)
        self.state.set("sys.x", (8,), number)
        events = self.do("enter_sync").events
        if events[-1][0] in DIRECT:
            outcome = self.do(events[-1][0])
            events = outcome.events
            if events[-1][0] not in ("hypercall", "trap_doomed"):
                self._finish(events)
                return outcome
        if events[-1] == ("trap_doomed",):
            outcome = self.do("trap_doomed")
            self._leave("leave_trap")
            return outcome
        taken = () if name == "self" else (("lock_take",),)
        assert events == (*taken, ("hypercall", number))
        outcome = self.do(name, *args)
        if name in self.full:
            self._leave("leave_call", outcome.result)
        else:
            self._leave("leave_fast" if taken else "leave_free", outcome.result)
        return outcome

    def _leave(self, name: str, *args: int) -> None:
        """The way out, to its end."""
        self._finish(self.do(name, *args).events)

    def _finish(self, events: tuple[Any, ...]) -> None:
        """What is behind the last event, to the end."""
        while events[-1][0] in REST:
            for name in REST[events[-1][0]]:
                events = self.do(name).events

    def _trap(self, way_in: str, name: str) -> None:
        """The way in, and the trap, or the end of who is killed."""
        events = self.do(way_in).events
        assert events[0] == ("lock_take",) and events[1] in ((name,), ("trap_doomed",))
        self.do(events[1][0])

    def interrupt(self, name: str) -> None:
        """An interrupt or trap, from a process or from a wait."""
        is_waiting = self.current == 0
        if name in INTERRUPTS:
            self.state.set("gic.iar", (), INTERRUPTS[name])
            self._trap("wake_up" if is_waiting else "enter_irq", "trap_irq")
        elif name == "trap_stop":
            self._trap("enter_serror", "trap_stop")
        else:
            self.state.set("sys.esr_el2", (), SYNDROMES[name] << 26)
            self._trap("enter_sync", "trap_sync")
        self._leave("leave_wait" if is_waiting else "leave_trap")
