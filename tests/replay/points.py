# SPDX-License-Identifier: MIT
"""Where the machine is stopped: the ways into EL2, the ways out, and the instructions by which
the kernel reads what no memory holds, or writes it. Found in the ELF."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from verif.devices import COUNTERS, V3_LISTS, V3_READS, V3_WRITES
from verif.image import PF_W, PF_X, Image
from verif.isa.system import REGISTERS, system_register

ERET, WFI = 0xD69F03E0, 0xD503207F
# Offsets from VBAR_EL2 (D1.3.1) of exceptions from lower levels; True: synchronous.
VECTORS = {0x400: True, 0x480: False, 0x500: False, 0x580: False,
           0x600: True, 0x680: False, 0x700: False, 0x780: False}
# `ldr wt, [xn]` and `str wt, [xn]`: bits 31:10 (C6.2.167, C6.2.327), as mmio_read32 has it
LOAD32, STORE32, ACCESS32_MASK = 0xB9400000, 0xB9000000, 0xFFFFFC00
IAR = "gic.iar"
Cell = tuple[str, tuple[int, ...]]
# What the specification calls what registers say, and what is written there.
READS: dict[str, Cell] = {
    **{register: (name, ()) for register, name in {**COUNTERS, **V3_READS}.items()},
    **{register: ("vgic.lr", (k,)) for register, k in V3_LISTS.items()}, "icc_iar1_el1": (IAR, ())}
WRITES: dict[str, Cell] = {
    **{register: (name, ()) for register, name in V3_WRITES.items()},
    **{register: ("vgic_lr", (k,)) for register, k in V3_LISTS.items()}}


class Kind(Enum):
    """What a stop means."""

    SYNC = auto()       # a vector: hypercall or trap
    ASYNC = auto()      # a vector: interrupt or SError
    LEAVE = auto()      # about to `eret`
    IDLE = auto()       # about to wait
    WOKEN = auto()      # after the wait
    READ = auto()       # about to read a register
    WRITE = auto()      # about to write one
    LOAD = auto()       # about to load 32 bits, perhaps from a device
    STORE = auto()      # about to store 32 bits, perhaps to a device
    PANIC = auto()      # the kernel gives up


@dataclass(frozen=True)
class Point:
    """`cell` is what is read or written of the registers; `target` and `base` are the numbers of
    the instruction's general registers."""

    kind: Kind
    cell: Cell = ("", ())
    target: int = 0
    base: int = 0


def _text(image: Image, around: int) -> range:
    """Addresses of the instructions of the segment that holds one of them."""
    for segment in image.segments:
        if segment.flags & PF_X and not segment.flags & PF_W and segment.holds(around, 4):
            return range(segment.base, segment.base + len(segment.data) & ~3, 4)
    raise ValueError(f"no text at {around:#x}")


def _access(word: int) -> Point | None:
    """What an instruction reads or writes that is of interest."""
    if word & ACCESS32_MASK in (LOAD32, STORE32):
        kind = Kind.LOAD if word & ACCESS32_MASK == LOAD32 else Kind.STORE
        return Point(kind, target=word & 31, base=word >> 5 & 31)
    if not system_register.matches(word):
        return None
    f = system_register.split(word)
    name = REGISTERS.get((2 + f["o0"], f["op1"], f["CRn"], f["CRm"], f["op2"]), "")
    kind, cells = (Kind.READ, READS) if f["L"] else (Kind.WRITE, WRITES)
    return Point(kind, cells[name], f["Rt"]) if name in cells else None


def find(image: Image) -> dict[int, Point]:
    """Every address at which to stop. ValueError if something expected is not there."""
    vectors = image.function("el2_vectors").address
    text = _text(image, vectors)
    found = ((address, _access(image.word(address))) for address in text)
    points = {address: point for address, point in found if point is not None}
    missing = {*READS.values(), *WRITES.values()} - {p.cell for p in points.values()}
    if missing:
        raise ValueError(f"never read or written: {missing}")
    points |= {vectors + at: Point(Kind.SYNC if sync else Kind.ASYNC)
               for at, sync in VECTORS.items()}
    points |= {a: Point(Kind.LEAVE) for a in text if image.word(a) == ERET}
    idle = image.function("vectors_idle").address
    wait = next(a for a in text if a >= idle and image.word(a) == WFI)
    points |= {wait: Point(Kind.IDLE), wait + 4: Point(Kind.WOKEN)}
    return points | {image.function("panic").address: Point(Kind.PANIC)}
