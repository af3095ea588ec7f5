# SPDX-License-Identifier: MIT
"""From one way into EL2 or out of it to the next, noting what the kernel reads between that
no memory holds, and what it writes into the interrupt controller."""

from __future__ import annotations

from dataclasses import dataclass, field

from replay.compare import Mismatch
from replay.points import IAR, Cell, Kind, Point, find
from replay.registers import ALWAYS
from verif.devices import GICC_IAR, GICD, GICH_LR, LISTS, PL011_DR, PL011_FR, V2_READS, V2_WRITES
from verif.gdb import GENERAL, Core, Gdb
from verif.image import Image

TX_FULL, RX_EMPTY = 5, 4        # bits of UARTFR (DDI 0183G, 3.3.3)
INTID = 0xFFFFFF                # of ICC_IAR1_EL1 (IHI 0069H, 12.2.14)
IAR_V2 = 0x1FFF                 # of GICC_IAR, with who sent an SGI (IHI 0048B, 4.4.4)
WORD32 = 0xFFFFFFFF
DISTRIBUTOR = 0xF00             # of its registers those below GICD_SGIR


@dataclass(frozen=True)
class Stop:
    """Where the machine is, its general registers, and ESR, ELR and SPSR of EL2 by name."""

    kind: Kind
    core: Core
    registers: dict[str, int]


def loaded(address: int, value: int) -> dict[Cell, int]:
    """What the specification calls 32 bits that were read of a device."""
    if address == PL011_FR:
        return {("uart.tx_full", ()): value >> TX_FULL & 1,
                ("uart.rx_empty", ()): value >> RX_EMPTY & 1}
    if address == PL011_DR:
        return {("uart.rx_byte", ()): value & 0xFF}
    if address == GICC_IAR:
        return {(IAR, ()): value & IAR_V2}
    if address in V2_READS:
        return {(V2_READS[address], ()): value}
    if address - GICH_LR in range(0, 4 * LISTS, 4):
        return {("vgic.lr", ((address - GICH_LR) // 4,)): value}
    return {}


def stored(address: int, value: int) -> tuple[object, ...] | None:
    """The event of the specification, if the device is the interrupt controller."""
    if address in V2_WRITES:
        return V2_WRITES[address], value
    if address - GICH_LR in range(0, 4 * LISTS, 4):
        return "vgic_lr", (address - GICH_LR) // 4, value
    if address - GICD in range(DISTRIBUTOR):
        return "gicd", address - GICD, value
    return None


@dataclass
class Stops:
    """`seen` is what the kernel has read, as the specification calls it; `written` are events.
    Whoever uses them empties them."""

    gdb: Gdb
    image: Image
    seen: dict[Cell, int] = field(default_factory=dict)
    written: list[tuple[object, ...]] = field(default_factory=list)
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
            if point.kind is Kind.PANIC:
                raise Mismatch("the kernel panics", [])
            if point.kind not in (Kind.READ, Kind.LOAD, Kind.WRITE, Kind.STORE):
                return Stop(point.kind, core, dict(zip(ALWAYS, values)))
            self.gdb.step()     # the next stop may be here again
            self.here = None
            after, _ = self.gdb.read()
            if after.pc == core.pc:
                continue        # QEMU did something else, such as a device's work
            if point.kind in (Kind.READ, Kind.LOAD):
                self._read(point, core, after.x[point.target])
            else:
                self._write(point, core)

    def _read(self, point: Point, core: Core, value: int) -> None:
        """Notes what was read."""
        if point.kind is Kind.LOAD:
            self.seen |= loaded(core.x[point.base], value)
        else:
            self.seen[point.cell] = value & INTID if point.cell[0] == IAR else value

    def _write(self, point: Point, core: Core) -> None:
        """Notes what was written."""
        value = 0 if point.target == GENERAL else core.x[point.target]
        if point.kind is Kind.STORE:
            event = stored(core.x[point.base], value & WORD32)
        else:
            name, key = point.cell
            event = (name, *key, value)
        if event is not None:
            self.written.append(event)
