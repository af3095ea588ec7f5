# SPDX-License-Identifier: MIT
"""From one way into EL2 or out of it to the next, noting what the kernel reads between that
no memory holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from replay.compare import Mismatch
from verif.gdb import Core, Gdb
from replay.points import NOT_REPLAYED, PANIC, Kind, Point, find
from replay.registers import ALWAYS
from verif.devices import PL011_DR, PL011_FR
from verif.image import Image

TX_FULL, RX_EMPTY = 5, 4        # bits of UARTFR (DDI 0183G, 3.3.3)


@dataclass(frozen=True)
class Stop:
    """Where the machine is, its general registers, and ESR, ELR and SPSR of EL2 by name."""

    kind: Kind
    core: Core
    registers: dict[str, int]


@dataclass
class Stops:
    """`seen` are values of sys.* and uart.* that the kernel has read, by name; `called` are
    functions of interest that it has called. Whoever uses them empties them."""

    gdb: Gdb
    image: Image
    seen: dict[str, int] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    away: int | None = None         # where a breakpoint is missing
    here: int | None = None         # where the machine is, if there is a breakpoint

    def __post_init__(self) -> None:
        self.points = find(self.image)
        self.gdb.stop_at(tuple(self.points))

    def next(self) -> Stop:
        """The next way in or out."""
        while True:
            self.gdb.go(self.here, self.away)
            self.away = self.here
            core, values = self.gdb.read(ALWAYS)
            self.here = core.pc
            point = self.points[core.pc]
            if point.what == PANIC:
                raise Mismatch("the kernel panics", [])
            if point.what in NOT_REPLAYED:
                raise Mismatch(f"{point.what}: interrupts of processes are not replayed", [])
            if point.kind is Kind.CALL:
                self.called.append(point.what)
            elif point.kind in (Kind.COUNTER, Kind.LOAD):
                self._observe(point, core)
            else:
                return Stop(point.kind, core, dict(zip(ALWAYS, values)))

    def _observe(self, point: Point, core: Core) -> None:
        """Steps over a read and notes what it gave."""
        self.gdb.step()
        self.here = None
        after, _ = self.gdb.read()
        value = after.x[point.target]
        if point.kind is Kind.COUNTER:
            self.seen[point.what] = value
        elif core.x[point.base] == PL011_FR:
            self.seen["uart.tx_full"] = value >> TX_FULL & 1
            self.seen["uart.rx_empty"] = value >> RX_EMPTY & 1
        elif core.x[point.base] == PL011_DR:
            self.seen["uart.rx_byte"] = value & 0xFF

    def interrupt(self) -> str:
        """Which interrupt the kernel has handled since the last call of this; "" if none."""
        called, self.called = self.called, []
        return called[0] if called else ""
