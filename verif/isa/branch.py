# SPDX-License-Identifier: MIT
"""Branches and exception generation (DDI 0487J.a, C4.1.92)."""
import z3

from ..flags import fold, holds, negate
from ..lin import bits, const, signed
from .cpu import Cpu
from .encoding import Encoding, Fields, encoding, unallocated


@encoding("C4.1.92.13 Unconditional branch (immediate)", "op:1 00101 imm26:26")
def branch_immediate(cpu: Cpu, f: Fields) -> None:
    """B, BL."""
    target = cpu.pc + signed(f["imm26"], 26) * 4
    if f["op"]:
        cpu.call(const(target))
    else:
        cpu.branch(target)


@encoding("C4.1.92.1 Conditional branch (immediate)", "0101010 0 imm19:19 0 cond:4")
def branch_condition(cpu: Cpu, f: Fields) -> None:
    """B.cond."""
    cpu.branch_if(holds(cpu.flags, f["cond"]), cpu.pc + signed(f["imm19"], 19) * 4)


@encoding("C4.1.92.14 Compare and branch (immediate)", "sf:1 011010 op:1 imm19:19 Rt:5")
def compare_branch(cpu: Cpu, f: Fields) -> None:
    """CBZ, CBNZ."""
    value = cpu.get(f["Rt"], 64 if f["sf"] else 32)
    is_zero = value.const == 0 if value.is_const else fold(bits(value, 64 if f["sf"] else 32) == 0)
    cpu.branch_if(negate(is_zero) if f["op"] else is_zero, cpu.pc + signed(f["imm19"], 19) * 4)


@encoding("C4.1.92.15 Test and branch (immediate)", "b5:1 011011 op:1 b40:5 imm14:14 Rt:5")
def test_branch(cpu: Cpu, f: Fields) -> None:
    """TBZ, TBNZ."""
    at = f["b5"] << 5 | f["b40"]
    is_clear = fold(z3.Extract(at, at, cpu.get(f["Rt"]).z) == 0)
    cpu.branch_if(negate(is_clear) if f["op"] else is_clear, cpu.pc + signed(f["imm14"], 14) * 4)


@encoding("C4.1.92.12 Unconditional branch (register)", "1101011 0 0 opc:2 11111 000000 Rn:5 00000")
def branch_register(cpu: Cpu, f: Fields) -> None:
    """BR, BLR, RET."""
    if f["opc"] == 3:
        raise unallocated("branch to register")
    if f["opc"] == 1:
        cpu.call(cpu.get(f["Rn"]))
    else:
        cpu.branch_register(cpu.get(f["Rn"]))


@encoding("C4.1.92.12 Unconditional branch (register)", "1101011 0 100 11111 000000 11111 00000")
def exception_return(cpu: Cpu, f: Fields) -> None:
    """ERET."""
    cpu.exception("eret", len(f))


@encoding("C4.1.92.3 Exception generation", "11010100 opc:3 imm16:16 op2:3 LL:2")
def exception_generation(cpu: Cpu, f: Fields) -> None:
    """SVC, HVC, SMC, BRK, HLT."""
    kinds = {(0, 1): "svc", (0, 2): "hvc", (0, 3): "smc", (1, 0): "brk", (2, 0): "hlt"}
    kind = kinds.get((f["opc"], f["LL"]))
    if kind is None or f["op2"]:
        raise unallocated("exception generation")
    cpu.exception(kind, f["imm16"])


@encoding("C4.1.1 Reserved: UDF", "0000000000000000 imm16:16")
def undefined(cpu: Cpu, f: Fields) -> None:
    """UDF: permanently undefined."""
    cpu.exception("udf", f["imm16"])


ENCODINGS: tuple[Encoding, ...] = (
    branch_immediate, branch_condition, compare_branch, test_branch, branch_register,
    exception_return, exception_generation, undefined)
