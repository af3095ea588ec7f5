# SPDX-License-Identifier: MIT
"""Loads and stores (DDI 0487J.a, C4.1.94). Little-endian, address from Xn or SP."""
import z3

from ..lin import Lin, const, extend, low32, signed
from .cpu import Cpu
from .dpreg import extend_register
from .encoding import Encoding, Fields, encoding, unallocated


def _transfer(cpu: Cpu, f: Fields, address: Lin) -> None:
    """One register by size and opc: a store, a load, or a sign-extending load."""
    size = 1 << f["size"]
    if f["opc"] == 0:
        cpu.store(address, cpu.get(f["Rt"]), size)
        return
    if f["opc"] == 2 and f["size"] == 3 or f["opc"] == 3 and f["size"] >= 2:
        raise unallocated("prefetch or unallocated load")
    value = cpu.load(address, size)
    if f["opc"] >= 2:
        value = extend(z3.Extract(8 * size - 1, 0, value.z), True)
        if f["opc"] == 3:
            value = low32(value)
    cpu.put(f["Rt"], value)


@encoding("C4.1.94.31 Load/store register (unsigned immediate)",
          "size:2 111001 opc:2 imm12:12 Rn:5 Rt:5")
def register_unsigned(cpu: Cpu, f: Fields) -> None:
    """LDR, STR and narrower, at Xn + imm12 * size."""
    _transfer(cpu, f, cpu.get_sp(f["Rn"]).plus(f["imm12"] << f["size"]))


@encoding("C4.1.94.25 Load/store register (unscaled immediate)",
          "size:2 111000 opc:2 0 imm9:9 00 Rn:5 Rt:5")
def register_unscaled(cpu: Cpu, f: Fields) -> None:
    """LDUR, STUR and narrower."""
    _transfer(cpu, f, cpu.get_sp(f["Rn"]).plus(signed(f["imm9"], 9)))


@encoding("C4.1.94.26 Load/store register (immediate post-indexed)",
          "size:2 111000 opc:2 0 imm9:9 01 Rn:5 Rt:5")
def register_post(cpu: Cpu, f: Fields) -> None:
    """LDR, STR and narrower at Xn, then Xn += imm9."""
    _check_writeback(f)
    base = cpu.get_sp(f["Rn"])
    _transfer(cpu, f, base)
    cpu.put_sp(f["Rn"], base.plus(signed(f["imm9"], 9)))


@encoding("C4.1.94.28 Load/store register (immediate pre-indexed)",
          "size:2 111000 opc:2 0 imm9:9 11 Rn:5 Rt:5")
def register_pre(cpu: Cpu, f: Fields) -> None:
    """LDR, STR and narrower at Xn + imm9, which Xn becomes."""
    _check_writeback(f)
    address = cpu.get_sp(f["Rn"]).plus(signed(f["imm9"], 9))
    _transfer(cpu, f, address)
    cpu.put_sp(f["Rn"], address)


def _check_writeback(f: Fields) -> None:
    if f["Rn"] == f["Rt"] and f["Rn"] != 31:
        raise unallocated("write-back of the transferred register")


@encoding("C4.1.94.30 Load/store register (register offset)",
          "size:2 111000 opc:2 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
def register_offset(cpu: Cpu, f: Fields) -> None:
    """LDR, STR and narrower at Xn + extended Rm, shifted by the size if S."""
    if not f["option"] & 2:
        raise unallocated("register offset narrower than 32 bits")
    offset = extend_register(cpu.get(f["Rm"]), f["option"], f["size"] if f["S"] else 0)
    _transfer(cpu, f, cpu.get_sp(f["Rn"]) + offset)


def _check_unused(f: Fields, *names: str) -> None:
    """Fields of ones in what the manual writes as (1)."""
    if any(f[name] != 31 for name in names):
        raise unallocated("a bit that should be one")


@encoding("C4.1.94 Load/store exclusive register",
          "size:2 001000 0 L:1 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5")
def register_exclusive(cpu: Cpu, f: Fields) -> None:
    """LDXR, LDAXR, STXR, STLXR and narrower. An acquire is an event behind its load, a release
    one before its store."""
    address, size = cpu.get_sp(f["Rn"]), 1 << f["size"]
    _check_unused(f, "Rt2")
    if f["L"]:
        _check_unused(f, "Rs")
        cpu.put(f["Rt"], cpu.load_exclusive(address, size))
        if f["o0"]:
            cpu.event("acquire")
        return
    if f["Rs"] in (f["Rt"], f["Rn"]) and (f["Rs"] == f["Rt"] or f["Rs"] != 31):
        raise unallocated("the status goes to a register of the store")
    if f["o0"]:
        cpu.event("release")
    cpu.put(f["Rs"], cpu.store_exclusive(address, cpu.get(f["Rt"]), size))


@encoding("C4.1.94 Load/store ordered", "size:2 001000 1 L:1 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5")
def register_ordered(cpu: Cpu, f: Fields) -> None:
    """LDAR, STLR and narrower."""
    address, size = cpu.get_sp(f["Rn"]), 1 << f["size"]
    _check_unused(f, "Rs", "Rt2")
    if not f["o0"]:
        raise unallocated("LDLAR and STLLR are not modelled")
    if f["L"]:
        cpu.put(f["Rt"], cpu.load(address, size))
        cpu.event("acquire")
    else:
        cpu.event("release")
        cpu.store(address, cpu.get(f["Rt"]), size)


def _pair(cpu: Cpu, f: Fields, address: Lin) -> None:
    """LDP, STP of X or W registers: two accesses, each single-copy atomic."""
    if f["opc"] not in (0, 2):
        raise unallocated("LDPSW and the like are not modelled")
    size = 8 if f["opc"] == 2 else 4
    second = address.plus(size)
    if f["L"]:
        if f["Rt"] == f["Rt2"]:
            raise unallocated("load pair into one register")
        low, high = cpu.load(address, size), cpu.load(second, size)
        cpu.put(f["Rt"], low)
        cpu.put(f["Rt2"], high)
    else:
        low, high = cpu.get(f["Rt"]), cpu.get(f["Rt2"])
        cpu.store(address, low, size)
        cpu.store(second, high, size)


def _pair_offset(f: Fields) -> int:
    return signed(f["imm7"], 7) << (3 if f["opc"] == 2 else 2)


def _check_pair_writeback(f: Fields) -> None:
    if f["Rn"] != 31 and f["Rn"] in (f["Rt"], f["Rt2"]):
        raise unallocated("write-back of a transferred register")


@encoding("C4.1.94.23 Load/store register pair (offset)",
          "opc:2 101 0 010 L:1 imm7:7 Rt2:5 Rn:5 Rt:5")
def pair_offset(cpu: Cpu, f: Fields) -> None:
    """LDP, STP at Xn + imm7 * size."""
    _pair(cpu, f, cpu.get_sp(f["Rn"]).plus(_pair_offset(f)))


@encoding("C4.1.94.22 Load/store register pair (post-indexed)",
          "opc:2 101 0 001 L:1 imm7:7 Rt2:5 Rn:5 Rt:5")
def pair_post(cpu: Cpu, f: Fields) -> None:
    """LDP, STP at Xn, then Xn += imm7 * size."""
    _check_pair_writeback(f)
    base = cpu.get_sp(f["Rn"])
    _pair(cpu, f, base)
    cpu.put_sp(f["Rn"], base.plus(_pair_offset(f)))


@encoding("C4.1.94.24 Load/store register pair (pre-indexed)",
          "opc:2 101 0 011 L:1 imm7:7 Rt2:5 Rn:5 Rt:5")
def pair_pre(cpu: Cpu, f: Fields) -> None:
    """LDP, STP at Xn + imm7 * size, which Xn becomes."""
    _check_pair_writeback(f)
    address = cpu.get_sp(f["Rn"]).plus(_pair_offset(f))
    _pair(cpu, f, address)
    cpu.put_sp(f["Rn"], address)


@encoding("C4.1.94.23 Load/store register pair (offset), SIMD&FP, 128-bit",
          "10 101 1 010 L:1 imm7:7 Rt2:5 Rn:5 Rt:5")
def pair_simd(cpu: Cpu, f: Fields) -> None:
    """LDP, STP of Q registers: four words of 64 bits."""
    address = cpu.get_sp(f["Rn"]) + const(signed(f["imm7"], 7) * 16)
    for at, number in enumerate((f["Rt"], f["Rt2"])):
        low, high = address.plus(16 * at), address.plus(16 * at + 8)
        if f["L"]:
            cpu.put_q(number, cpu.load(low, 8), cpu.load(high, 8))
        else:
            words = cpu.get_q(number)
            cpu.store(low, words[0], 8)
            cpu.store(high, words[1], 8)


ENCODINGS: tuple[Encoding, ...] = (
    register_unsigned, register_unscaled, register_post, register_pre, register_offset,
    register_exclusive, register_ordered, pair_offset, pair_post, pair_pre, pair_simd)
