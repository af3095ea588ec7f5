# SPDX-License-Identifier: MIT
"""A machine with several cores that is stopped while nobody holds the lock, and what spec/ says of
such a moment.

Where `lock_drop` returns the lock has just been released. If by then no other core has drawn a
ticket, what cores share is as one of them left it. Registers are those of the core that stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import spec
from spec.invariants import Invariant, is_alive
from spec.schedule import may_run
from spec.sets import READY, has
from spec.state import SAVED_REGISTERS
from spec.transition import Reader
from verif.arrays import Array
from verif.boot_check import Check, grid
from verif.boot_machine import KERNEL_OFFSET, Dump, Machine
from verif.boot_map import Problem
from verif.boot_state import DumpState, physical
from verif.gdb import Ended, Gdb
from verif.target import Target
from verif.world import LOCK_DROP

RET = 0xD65F03C0
# GICR_ISPENDR0 of a core: behind its redistributor's first page of 64 KiB (IHI 0069H, 12.11).
REDISTRIBUTOR, PENDING, SGI = 0x2_0000, 0x1_0200, 1
REGISTERS = ("tpidr_el2", "cnthp_cval_el2", "ttbr0_el1", "cptr_el2", "spsr_el2")


class Stops(Gdb):
    """Stops a machine that runs."""

    def _stopped(self) -> int:
        """The core, from 0, of which QEMU says that it has stopped."""
        reply = self._reply()
        if not reply.startswith("T"):
            raise Ended
        return int(reply.partition("thread:")[2].partition(";")[0].rpartition(".")[2], 16) - 1

    def run(self, wait: Callable[[], None]) -> None:
        """Goes on, calls `wait`, and stops wherever the cores are."""
        self._send(("c",))
        wait()
        self.socket.sendall(b"\x03")
        self._stopped()

    def run_to(self, address: int) -> int:
        """Goes on until some core is about to execute there; which one."""
        self.stop_at((address,))
        self._send(("c",))
        core = self._stopped()
        self.ask(f"z0,{address:x},4")
        self.choose(core)
        return core


def after_release(target: Target) -> int:
    """Address of the one `ret` of lock_drop."""
    drop = target.image.function(LOCK_DROP)
    found = [a for a in range(drop.address, drop.address + drop.size, 4)
             if target.image.word(a) == RET]
    if len(found) != 1:
        raise ValueError("lock_drop has not one return")
    return found[0]


def is_free(kernel: Target, machine: Machine, ram: Any) -> bool:
    """No core has the lock or waits for it: its word's halves are equal (kernel/lock.S)."""
    at = physical(kernel.image, kernel.image.symbols["kernel_lock"].address,
                  machine.where.ram + KERNEL_OFFSET) - machine.where.ram
    return bool(ram[at:at + 2] == ram[at + 2:at + 4])


def dump(gdb: Stops, machine: Machine, ram: Any) -> Dump:
    """The stopped machine, seen from the core that was chosen last."""
    core, values = gdb.read(REGISTERS)
    saved = tuple(name for name in SAVED_REGISTERS if name in gdb.numbers and name not in REGISTERS)
    registers = {name.upper(): value for name, value in
                 zip((*REGISTERS, *saved), (*values, *gdb.read(saved)[1]))}
    registers |= {f"X{n}": value for n, value in enumerate(core.x)}
    return Dump(machine, ram, registers, {}, core.pc, machine.where.ram + KERNEL_OFFSET)


def called(gdb: Stops, machine: Machine) -> tuple[int, ...]:
    """1 for each core that has been sent an interrupt and has not taken it. What a GICv2 holds for
    another core than that which asks cannot be read: then all are said to be called."""
    if machine.gic == 2:
        return (1,) * machine.cores
    words = (gdb.peek_physical(machine.where.gicr + core * REDISTRIBUTOR + PENDING, 4)
             for core in range(machine.cores))
    return tuple(int.from_bytes(word, "little") & SGI for word in words)


class LiveState(DumpState):
    """A dump of a machine that has run for a while."""

    def tables(self) -> Array:
        """Those of processes that live or are built: of the dead, entries may name what is gone."""
        found = super().tables()
        alive = is_alive(Reader(self.c, self), self.get("page_descs.owner", found))
        return found[np.broadcast_to(alive, found.shape)]


@dataclass
class Moment(Check):
    """One dump, with who has been `called` (see above)."""

    calls: tuple[int, ...] = ()

    @cached_property
    def state(self) -> LiveState:
        """The dump as a state of the specification."""
        found = LiveState(self.c, self.target, self.dump)
        for core, is_called in enumerate(self.calls):
            found.set("ghost.called", (core,), is_called)
        return found

    def rules(self) -> dict[str, Invariant]:
        """The invariants, and what holds besides when a core has dropped the lock."""
        return {**spec.invariants(), **spec.settled()}

    def walked(self) -> tuple[int, ...]:
        """Every process that lives."""
        return tuple(pid for pid in range(1, self.c.HV_NPROC)
                     if self.reader.get("procs.state", pid) == self.c.HV_PROC_LIVE)

    def kicked(self) -> Iterator[Problem]:
        """If a core waits that may run who is ready, some core has been called (T9)."""
        if any(self.calls):
            return
        r, o = self.reader, self.state.ops
        core, pid = grid((self.dump.machine.cores, self.c.HV_NPROC))
        waits = o.bit(r.get("sched.idle"), core)
        yield from self._false("a core waits for who is ready, and none is called", ("cpu", "pid"),
                               (core, pid), o.not_(o.and_(waits, has(r, READY, pid),
                                                          may_run(r, core, pid))),
                               "spec/progress.py")

    def problems(self) -> Iterator[Problem]:
        """All that is wrong with the moment."""
        yield from self.invariants()
        yield from self.reached()
        yield from self.kicked()
