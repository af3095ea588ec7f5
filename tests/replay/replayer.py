# SPDX-License-Identifier: MIT
"""Follows the running kernel from one way into EL2 to the next way out, and does on the
specification what was asked of the kernel in between.

What the specification cannot know it is told before: the registers at the way in, and what the
kernel reads of counters, of the UART and of the interrupt controller. Everything else it has to
find by itself, and what is written into the interrupt controller, in order.
"""

from __future__ import annotations

from collections import Counter, deque
from types import SimpleNamespace

import spec
from replay import traps
from replay.compare import (Difference, Mismatch, pages_differ, rest_differs, tables_differ,
                            take_frames)
from verif.gdb import GENERAL, Ended
from replay.guest import RAM_BASE, Guest
from replay.memory import PAGE, WORD, Mirror, translate
from replay.points import IAR, Kind
from replay.registers import FIXED, ISTATUS, KERNELS, known, switched
from replay.stops import Stop, Stops
from spec.transition import Outcome
from spec.transitions.direct import REST
from spec.transitions.entry import DIRECT
from verif.target import Target

SPURIOUS, INTID_V2 = 1020, 0x3FF        # from there on none; an INTID (IHI 0048B, 3.2.5, 4.4.4)
INTIDS = {"timer interrupt": "machine.timer_intid", "UART interrupt": "machine.uart_intid",
          "virtual timer interrupt": "machine.vtimer_intid",
          "maintenance interrupt": "machine.vgic_intid"}
GDB_NAMES = {"clidr_el1": "clidr"}
# The specification goes second, for it needs what the kernel reads on its way. After these nobody
# comes back, so it goes first.
EARLY = ("power_off", "reset")
OFF = frozenset({"system_off", "system_reset"})
# Events that are writes of the interrupt controller.
CONTROLLER = frozenset({"gicd", "gic_drop", "gic_deactivate", "gic_sgi", "vgic_hcr", "vgic_vmcr",
                        "vgic_apr", "vgic_lr"})
UNKNOWN = "unknown hypercall"
FREE = "self"       # takes no lock


class Replayer:
    """`calls` counts hypercalls, `others` the interrupts and traps; `cases` counts what the
    specification said of each, by (name, case); `history` has the last things done."""

    def __init__(self, guest: Guest, target: Target, c: SimpleNamespace, whole: int) -> None:
        self.guest, self.gdb, self.target, self.c = guest, guest.gdb, target, c
        self.whole = whole
        self.names = [call.name for call in target.hypercalls]
        self.specs = {**spec.hypercalls(), **spec.interrupts()}
        self.stops = Stops(guest.gdb, target.image)
        self.state = Mirror(c, guest.ram)
        self.calls = self.others = self.wholes = 0
        self.cases: Counter[tuple[str, str]] = Counter()
        self.history: deque[str] = deque(maxlen=12)
        self.events: list[tuple[object, ...]] = []
        self.written = bytearray()
        self.has_ended = False

    # ---- boot -------------------------------------------------------------------------

    def start(self) -> None:
        """To the first eret, and takes over the state that boot has made."""
        stop = self.stops.next()
        if stop.kind is not Kind.LEAVE:
            raise Mismatch("boot enters EL2 again before its first eret", [])
        numbers = self.gdb.numbers
        self.switched, self.fixed = switched(numbers), known(numbers, FIXED)
        self.fixed_values = self.gdb.read(tuple(self.fixed.values()))[1]
        self.stack = stop.core.sp
        root = dict(zip(self.fixed, self.fixed_values))["ttbr0_el2"]

        def where(va: int) -> int:
            return translate(self.guest.ram, RAM_BASE, root, va)

        family = self.target.layout.families["machine.pages_pa"]
        at = where(family.base + family.offset)
        base = int.from_bytes(self.guest.ram[at:at + WORD], "little")
        self.state.lay_out(self.target.layout, where, base - RAM_BASE)
        self.lock = where(self.target.image.symbols["kernel_lock"].address) // WORD
        self.state.copy_ram[:] = self.guest.ram[:]
        self._read_registers()
        self.stops.seen.clear()
        self.stops.written.clear()

    def _read_registers(self) -> None:
        """What the core holds, into the state."""
        _, values = self.gdb.read(tuple(self.switched.values()))
        for name, value in zip(self.switched, values):
            self.state.set(f"sys.{name}", (), value)
        if self.state.get("sched.cpus.more", 0) & self.c.HV_CPU_FP:
            for k, value in enumerate(self.gdb.read_fp()):
                self.state.set("sys.fp", (k,), value)

    # ---- one way in and out -------------------------------------------------------------

    def step(self) -> None:
        """From running or waiting to the next eret or wait, checked on the way."""
        try:
            entry = self.stops.next()
            is_whole = (self.calls + self.others) % self.whole == 0
            self._take(entry, is_whole)
            name, args = self._asked(entry)
            self.history.append(f"{self.state.get('sched.cpus.current', 0)}: "
                                f"{name}({', '.join(f'{a:#x}' for a in args)})")
            if name in EARLY:
                self._do(entry, name, args)
            leave = self.stops.next()
        except Ended:
            if not OFF & {event[0] for event in self.events}:
                raise
            self.has_ended = True
            return
        if name not in EARLY:
            for (cell, key), value in self.stops.seen.items():
                self.state.set(cell, key, value)
            self._do(entry, name, args)
        self.stops.seen.clear()
        self._check(leave, is_whole)

    def _take(self, entry: Stop, is_whole: bool) -> None:
        """The registers at the way in; and nothing of the kernel's has changed outside."""
        self.events = []
        self.state.touched.clear()
        rows = tables_differ(self.state)
        if entry.kind is not Kind.WOKEN:
            for n, value in enumerate(entry.core.x):
                self.state.set("sys.x", (n,), value)
            for name, value in entry.registers.items():
                self.state.set(f"sys.{name}", (), value)
        self.is_fast = self._is_fast(entry)
        if is_whole or not self.is_fast:
            held = {name: self.state.get(f"sys.{name}") for name in KERNELS}
            self._read_registers()
            rows += [Difference(name, value, self.state.get(f"sys.{name}"))
                     for name, value in held.items() if value != self.state.get(f"sys.{name}")]
        if is_whole:
            take_frames(self.state)
            rows += rest_differs(self.state)
            self.wholes += 1
        if rows:
            raise Mismatch(self._title("between this and the next way into EL2"), rows)

    def _title(self, where: str) -> str:
        return "\n".join([f"hypercall {self.calls}, {where}; the last, oldest first:",
                          *(f"    {line}" for line in self.history)])

    def _is_fast(self, entry: Stop) -> bool:
        """Such a call leaves the registers where they are."""
        number = entry.core.x[8]
        is_call = entry.kind is Kind.SYNC and entry.registers["esr_el2"] == traps.HVC_0
        return is_call and (number < self.c.HC_FULL_FIRST or number >= len(self.names))

    def _asked(self, entry: Stop) -> tuple[str, tuple[int, ...]]:
        """The hypercall and its arguments, or the trap, or "interrupt"."""
        if entry.kind is not Kind.SYNC:
            return "interrupt", ()
        if entry.registers["esr_el2"] != traps.HVC_0:
            self.trap = traps.classify(self.c, self.state)
            if self.trap.register:
                name = GDB_NAMES.get(self.trap.register, self.trap.register)
                self.state.set(f"sys.{self.trap.register}", (), self.gdb.read((name,))[1][0])
            return self.trap.what, (entry.registers["esr_el2"],)
        number = entry.core.x[8]
        if number >= len(self.names):
            return UNKNOWN, (number,)
        name = self.names[number]
        return name, entry.core.x[:len(self.specs[name].parameters)]

    # ---- on the specification -----------------------------------------------------------

    def _run(self, name: str, *args: int) -> Outcome:
        outcome = self.specs[name].run(self.c, self.state, args)
        self.events += outcome.events
        for event in outcome.events:
            self._lock(event[0])
        return outcome

    def _leave(self, name: str, *args: int) -> None:
        """A way out, with what hands the virtual CPU interface over."""
        self._run(name, *args)
        self._finish()

    def _finish(self) -> None:
        """What is behind the last event, to the end."""
        while self.events[-1][0] in REST:
            for name in REST[str(self.events[-1][0])]:
                self._run(name)

    def _lock(self, what: str) -> None:
        """A ticket is taken (bits 31:16), or the next one served (15:0)."""
        word = int(self.state.words[self.lock])
        taken, served = word >> 16, word & 0xFFFF
        if what == "lock_take":
            taken = taken + 1 & 0xFFFF
        elif what == "lock_drop":
            served = served + 1 & 0xFFFF
        self.state.words[self.lock] = taken << 16 | served

    def _do(self, entry: Stop, name: str, args: tuple[int, ...]) -> None:
        """What was asked for. Afterwards sys.* is what the core has to hold."""
        if name == "interrupt":
            self._interrupt(entry)
        elif name == UNKNOWN:
            self._run("enter_sync")
            self._count(name, "error", True)
        elif name in self.names:
            self._hypercall(name, args)
        else:
            self._trapped()

    def _count(self, name: str, case: str, is_call: bool) -> None:
        self.cases[name, case] += 1
        self.calls += is_call
        self.others += not is_call
        self.history[-1] += f" {case}"

    def _hypercall(self, name: str, args: tuple[int, ...]) -> None:
        self._run("enter_sync")
        if self.events[-1][0] in DIRECT:
            outcome = self._run(str(self.events[-1][0]))
            if self.events[-1][0] != "hypercall":
                self._finish()
                self._count(name, outcome.case, True)
                return
        outcome = self._run(name, *args)
        fast = "leave_free" if name == FREE else "leave_fast"
        if self.is_fast:
            self._run(fast, outcome.result)
        else:
            self._leave("leave_call", outcome.result)
        self._count(name, outcome.case, True)

    def _interrupt(self, entry: Stop) -> None:
        is_woken = entry.kind is Kind.WOKEN
        self._run("wake_up" if is_woken else "enter_irq")
        case = self._run("trap_irq").case
        self._leave("leave_wait" if is_woken else "leave_trap")
        self._count(self._interrupt_name(), case, False)

    def _interrupt_name(self) -> str:
        intid = self.state.get(IAR)
        if self.state.get("machine.gic_version") == 2:
            intid &= INTID_V2
        known = {self.state.get(cell): name for name, cell in INTIDS.items()}
        return known.get(intid, "line's interrupt" if intid < SPURIOUS else "spurious interrupt")

    def _trapped(self) -> None:
        trap = self.trap
        self.state.set("sys.at_par", (), trap.par)
        self._run("enter_sync")
        done = self._run("trap_sync")
        if not traps.agrees(trap, done.case):
            raise Mismatch(self._title(f"{trap.what} is {done.case} of the specification"), [])
        self._leave("leave_trap")
        self._count(trap.what, done.case, False)

    # ---- the way out ----------------------------------------------------------------------

    def _check(self, leave: Stop, is_whole: bool) -> None:
        """Machine and specification are equal."""
        wanted = [event for event in self.events if event[0] in CONTROLLER]
        if wanted != self.stops.written:
            raise Mismatch(self._title(f"writes {self.stops.written} into the interrupt controller "
                                       f"instead of {wanted}"), [])
        self.stops.written.clear()
        self.written += bytes(event[1] for event in self.events if event[0] == "uart_put")
        rows = tables_differ(self.state)
        for pid in {self.state.get("sched.cpus.current", 0)} - {0}:
            self.state.touched.add(self.state.get("procs.ctx", pid))
        rows += [row for row in pages_differ(self.state, self.state.touched)
                 if not self._is_timer_status(row)]
        rows += self._registers_differ(leave, is_whole or not self.is_fast)
        if is_whole:
            rows += rest_differs(self.state)
            values = self.gdb.read(tuple(self.fixed.values()))[1]
            rows += [Difference(name, was, now)
                     for name, was, now in zip(self.fixed, self.fixed_values, values) if was != now]
        if rows:
            raise Mismatch(self._title("at its way out"), rows)

    def _is_timer_status(self, row: Difference) -> bool:
        """The saved CNTV_CTL_EL0, whose ISTATUS has come meanwhile, is taken over."""
        page, word = divmod(row.word * WORD - self.state.pages_start, PAGE)
        if (word // WORD != self.c.CTX_CNTV_CTL_EL0 or row.expected ^ row.actual != ISTATUS
                or self.state.get("page_descs.type", page) != self.c.HV_PAGE_CTX):
            return False
        self.state.words[row.word] = row.actual
        return True

    def _registers_differ(self, leave: Stop, all_of_them: bool) -> list[Difference]:
        state, pairs = self.state, [("sp_el2", self.stack, leave.core.sp)]
        idle = state.get("sched.cpus.current", 0) == 0
        if idle != (leave.kind is Kind.IDLE):
            return [Difference("idle", idle, leave.kind is Kind.IDLE)]
        if not idle:
            pairs += [(f"x{n}", state.get("sys.x", n), leave.core.x[n]) for n in range(GENERAL)]
            pairs += [(name, state.get(f"sys.{name}"), leave.registers[name])
                      for name in ("elr_el2", "spsr_el2")]
        if all_of_them:
            names = KERNELS if idle else tuple(self.switched)
            values = self.gdb.read(tuple(self.switched[name] for name in names))[1]
            pairs += [(name, state.get(f"sys.{name}"), value)
                      for name, value in zip(names, values) if name != "far_el2"]
            if state.get("sched.cpus.more", 0) & self.c.HV_CPU_FP:
                pairs += [(f"fp word {k}", state.get("sys.fp", k), value)
                          for k, value in enumerate(self.gdb.read_fp())]
        return [Difference(name, expected, actual) for name, expected, actual in pairs
                if expected != actual and not (name == "cntv_ctl_el0"
                                               and expected ^ actual == ISTATUS)]
