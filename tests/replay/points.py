# SPDX-License-Identifier: MIT
"""Where the machine is stopped: the ways into EL2, the ways out, and the instructions by
which the kernel reads what no memory holds. Found in the ELF."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from verif.image import PF_W, PF_X, Image

ERET, WFI = 0xD69F03E0, 0xD503207F
# Offsets from VBAR_EL2 (D1.3.1) of exceptions from lower levels; True: synchronous.
VECTORS = {0x400: True, 0x480: False, 0x500: False, 0x580: False,
           0x600: True, 0x680: False, 0x700: False, 0x780: False}
# `mrs xt, <counter>` less xt
COUNTERS = {0xD53BE020: "sys.cntpct_el0", 0xD53BE040: "sys.cntvct_el0"}
# `ldr wt, [xn]`: bits 31:10 (C6.2.167), as mmio_read32 has it
LOAD32, LOAD32_MASK = 0xB9400000, 0xFFFFFC00
UART_READERS = ("hc_console_write", "console_interrupt", "uart_tx_full", "uart_rx_empty",
                "uart_get")
INTERRUPTS = ("timer_interrupt", "console_interrupt", "irq_timer")
# What these read of the GIC is not shown to a debugger: no replay goes on from there.
NOT_REPLAYED = ("irq_forward", "vgic_list", "vgic_leave", "vgic_enter")
PANIC = "panic"


class Kind(Enum):
    """What a stop means."""

    SYNC = auto()       # a vector: hypercall or trap
    ASYNC = auto()      # a vector: interrupt or SError
    LEAVE = auto()      # about to `eret`
    IDLE = auto()       # about to wait
    WOKEN = auto()      # after the wait
    COUNTER = auto()    # about to read a counter
    LOAD = auto()       # about to load 32 bits, perhaps from the UART
    CALL = auto()       # a function begins


@dataclass(frozen=True)
class Point:
    """`what` names the counter or the function; `target` and `base` are the numbers of the
    registers of a load."""

    kind: Kind
    what: str = ""
    target: int = 0
    base: int = 0


def _text(image: Image, around: int) -> range:
    """Addresses of the instructions of the segment that holds one of them."""
    for segment in image.segments:
        if segment.flags & PF_X and not segment.flags & PF_W and segment.holds(around, 4):
            return range(segment.base, segment.base + len(segment.data) & ~3, 4)
    raise ValueError(f"no text at {around:#x}")


def _reads(image: Image, text: range) -> dict[int, Point]:
    found = {}
    for address in text:
        word = image.word(address)
        if word & ~31 in COUNTERS:
            found[address] = Point(Kind.COUNTER, COUNTERS[word & ~31], word & 31)
    for name in UART_READERS:
        function = image.symbols.get(name)
        for offset in range(0, function.size if function else 0, 4):
            word = image.word(function.address + offset)
            if word & LOAD32_MASK == LOAD32:
                found[function.address + offset] = Point(Kind.LOAD, name, word & 31,
                                                         word >> 5 & 31)
    return found


def find(image: Image) -> dict[int, Point]:
    """Every address at which to stop. ValueError if something expected is not there."""
    vectors = image.function("el2_vectors").address
    text = _text(image, vectors)
    points = {vectors + at: Point(Kind.SYNC if sync else Kind.ASYNC)
              for at, sync in VECTORS.items()}
    points |= {a: Point(Kind.LEAVE) for a in text if image.word(a) == ERET}
    idle = image.function("vectors_idle").address
    wait = next(a for a in text if a >= idle and image.word(a) == WFI)
    points |= {wait: Point(Kind.IDLE), wait + 4: Point(Kind.WOKEN)}
    points |= _reads(image, text)
    for name in (*INTERRUPTS, *NOT_REPLAYED, PANIC):
        address = image.function(name).address
        if address in points:
            raise ValueError(f"{name} begins with a read")
        points[address] = Point(Kind.CALL, name)
    if not {*COUNTERS.values(), *INTERRUPTS} <= {p.what for p in points.values()}:
        raise ValueError("a counter is never read")
    return points
