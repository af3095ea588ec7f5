# SPDX-License-Identifier: MIT
"""Data processing, immediate (DDI 0487J.a, C4.1.93)."""
import z3

from ..flags import AddFlags, LogicFlags, SubFlags
from ..lin import Lin, bits, bv, const, extend, lift, signed
from .cpu import Cpu
from .encoding import Encoding, Fields, encoding, unallocated


def logic(opc: int, left: Lin, right: Lin) -> Lin:
    """AND, ORR, EOR, ANDS by the two bits of opc; bv64."""
    if left.is_const and right.is_const:
        a, b = left.const, right.const
        return const((a & b, a | b, a ^ b, a & b)[opc])
    if opc == 1 and right.is_const and right.const == 0:
        return left
    if opc == 1 and left.is_const and left.const == 0:
        return right
    a, b = left.z, right.z
    return lift((a & b, a | b, a ^ b, a & b)[opc])


def bit_mask(n: int, imms: int, immr: int, width: int) -> tuple[int, int]:
    """DecodeBitMasks (shared/functions, J1.3.3): wmask, tmask of `width` bits."""
    length = ((n << 6) | (~imms & 0x3F)).bit_length() - 1
    if length < 1 or (1 << length) > width:
        raise unallocated("bit mask of no element size")
    size = 1 << length
    s, r = imms & (size - 1), immr & (size - 1)
    ones = (1 << (s + 1)) - 1
    element = ((ones >> r) | (ones << (size - r))) & ((1 << size) - 1)
    distance = (s - r) & (size - 1)
    top = (1 << (distance + 1)) - 1
    wmask = tmask = 0
    for at in range(0, width, size):
        wmask |= element << at
        tmask |= top << at
    return wmask, tmask


@encoding("C4.1.93.1 PC-rel. addressing", "op:1 immlo:2 10000 immhi:19 Rd:5")
def pc_relative(cpu: Cpu, f: Fields) -> None:
    """ADR, ADRP."""
    offset = signed(f["immhi"] << 2 | f["immlo"], 21)
    base = cpu.pc & ~0xFFF if f["op"] else cpu.pc
    cpu.put(f["Rd"], const(base + (offset << 12 if f["op"] else offset)))


@encoding("C4.1.93.2 Add/subtract (immediate)", "sf:1 op:1 S:1 100010 sh:1 imm12:12 Rn:5 Rd:5")
def add_sub_immediate(cpu: Cpu, f: Fields) -> None:
    """ADD, ADDS, SUB, SUBS (immediate)."""
    width = 64 if f["sf"] else 32
    left = cpu.get_sp(f["Rn"], width)
    right = const(f["imm12"] << 12 if f["sh"] else f["imm12"])
    result = left - right if f["op"] else left + right
    if f["S"]:
        cpu.flags = (SubFlags if f["op"] else AddFlags)(left, right, width)
        cpu.put(f["Rd"], result, width)
    else:
        cpu.put_sp(f["Rd"], result, width)


@encoding("C4.1.93.4 Logical (immediate)", "sf:1 opc:2 100100 N:1 immr:6 imms:6 Rn:5 Rd:5")
def logical_immediate(cpu: Cpu, f: Fields) -> None:
    """AND, ORR, EOR, ANDS (immediate)."""
    width = 64 if f["sf"] else 32
    if not f["sf"] and f["N"]:
        raise unallocated("32-bit logical immediate with N")
    _check_not_all_ones(f, width)
    mask, _ = bit_mask(f["N"], f["imms"], f["immr"], width)
    result = logic(f["opc"], cpu.get(f["Rn"], width), const(mask))
    if f["opc"] == 3:
        cpu.flags = LogicFlags(bits(result, width))
        cpu.put(f["Rd"], result, width)
    else:
        cpu.put_sp(f["Rd"], result, width)


def _check_not_all_ones(f: Fields, width: int) -> None:
    length = ((f["N"] << 6) | (~f["imms"] & 0x3F)).bit_length() - 1
    if length < 1 or (f["imms"] & ((1 << length) - 1)) == (1 << length) - 1:
        raise unallocated(f"{width}-bit logical immediate of all ones")


@encoding("C4.1.93.5 Move wide (immediate)", "sf:1 opc:2 100101 hw:2 imm16:16 Rd:5")
def move_wide(cpu: Cpu, f: Fields) -> None:
    """MOVN, MOVZ, MOVK."""
    width = 64 if f["sf"] else 32
    if f["opc"] == 1 or (not f["sf"] and f["hw"] > 1):
        raise unallocated("move wide")
    at = f["hw"] * 16
    value = f["imm16"] << at
    if f["opc"] == 0:
        result = const(~value)
    elif f["opc"] == 2:
        result = const(value)
    else:
        kept = logic(0, cpu.get(f["Rd"], width), const(~(0xFFFF << at)))
        result = logic(1, kept, const(value))
    cpu.put(f["Rd"], result, width)


@encoding("C4.1.93.6 Bitfield", "sf:1 opc:2 100110 N:1 immr:6 imms:6 Rn:5 Rd:5")
def bitfield(cpu: Cpu, f: Fields) -> None:
    """SBFM, BFM, UBFM and their aliases (shifts, extensions, field moves)."""
    width = 64 if f["sf"] else 32
    low, high = f["immr"], f["imms"]
    if f["opc"] == 3 or f["N"] != f["sf"] or low >= width or high >= width:
        raise unallocated("bitfield")
    source = cpu.get(f["Rn"], width)
    if f["opc"] == 2 and high + 1 == low:
        cpu.put(f["Rd"], source.scaled(1 << (width - low)), width)  # LSL
        return
    size = high - low + 1 if high >= low else high + 1
    start = low if high >= low else 0
    at = 0 if high >= low else width - low
    part = z3.Extract(start + size - 1, start, source.z)
    if f["opc"] == 1:
        hole = ((1 << size) - 1) << at
        kept = logic(0, cpu.get(f["Rd"], width), const(~hole))
        cpu.put(f["Rd"], logic(1, kept, extend(part).scaled(1 << at)), width)
    else:
        cpu.put(f["Rd"], extend(part, f["opc"] == 0).scaled(1 << at), width)


@encoding("C4.1.93.7 Extract", "sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5")
def extract(cpu: Cpu, f: Fields) -> None:
    """EXTR, ROR (immediate)."""
    width = 64 if f["sf"] else 32
    if f["N"] != f["sf"] or f["imms"] >= width:
        raise unallocated("extract")
    high, low = bits(cpu.get(f["Rn"], width), width), bits(cpu.get(f["Rm"], width), width)
    amount = f["imms"]
    whole = z3.LShR(z3.Concat(high, low), bv(amount, 2 * width))
    cpu.put(f["Rd"], extend(z3.Extract(width - 1, 0, whole)), width)


ENCODINGS: tuple[Encoding, ...] = (
    pc_relative, add_sub_immediate, logical_immediate, move_wide, bitfield, extract)
