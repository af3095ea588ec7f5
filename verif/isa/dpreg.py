# SPDX-License-Identifier: MIT
"""Data processing, register (DDI 0487J.a, C4.1.95)."""
from dataclasses import replace

import z3

from ..flags import AddFlags, ChoiceFlags, Flags, LogicFlags, SubFlags, holds, immediate
from ..lin import Lin, bits, bv, const, extend, lift, low32, select
from .cpu import Cpu
from .dpimm import logic
from .encoding import Encoding, Fields, encoding, unallocated


def extend_register(value: Lin, option: int, amount: int) -> Lin:
    """ExtendReg (J1.3): UXTB..SXTX by `option`, then a shift left by `amount`; bv64."""
    size = 8 << (option & 3)
    if size == 64:
        result = value
    else:
        result = extend(z3.Extract(size - 1, 0, value.z), bool(option & 4))
    return result.scaled(1 << amount)


def _shifted(cpu: Cpu, f: Fields, width: int) -> Lin:
    """ShiftReg (J1.3): Rm shifted by the constant imm6, at `width` bits."""
    amount = f["imm6"]
    if amount >= width:
        raise unallocated("shift amount of a 32-bit operand")
    value = cpu.get(f["Rm"], width)
    if amount == 0:
        return value
    if f["shift"] == 0:
        return value.scaled(1 << amount) if width == 64 else low32(value.scaled(1 << amount))
    term = bits(value, width)
    shift = (None, z3.LShR, lambda a, b: a >> b, z3.RotateRight)[f["shift"]]
    return extend(shift(term, bv(amount, width)) if f["shift"] != 3
                  else z3.RotateRight(term, amount))


@encoding("C4.1.95.5 Logical (shifted register)",
          "sf:1 opc:2 01010 shift:2 N:1 Rm:5 imm6:6 Rn:5 Rd:5")
def logical_shifted(cpu: Cpu, f: Fields) -> None:
    """AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS (shifted register)."""
    width = 64 if f["sf"] else 32
    right = _shifted(cpu, f, width)
    if f["N"]:
        right = const(~right.const) if right.is_const else lift(~right.z)
        if width == 32:
            right = low32(right)
    result = logic(f["opc"], cpu.get(f["Rn"], width), right)
    if f["opc"] == 3:
        cpu.flags = LogicFlags(bits(result, width))
    cpu.put(f["Rd"], result, width)


def _add_sub(cpu: Cpu, f: Fields, left: Lin, right: Lin, width: int) -> Lin:
    if f["S"]:
        cpu.flags = (SubFlags if f["op"] else AddFlags)(left, right, width)
    return left - right if f["op"] else left + right


@encoding("C4.1.95.6 Add/subtract (shifted register)",
          "sf:1 op:1 S:1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5")
def add_sub_shifted(cpu: Cpu, f: Fields) -> None:
    """ADD, ADDS, SUB, SUBS (shifted register)."""
    width = 64 if f["sf"] else 32
    if f["shift"] == 3:
        raise unallocated("add with ROR")
    right = _shifted(cpu, f, width)
    cpu.put(f["Rd"], _add_sub(cpu, f, cpu.get(f["Rn"], width), right, width), width)


@encoding("C4.1.95.7 Add/subtract (extended register)",
          "sf:1 op:1 S:1 01011001 Rm:5 option:3 imm3:3 Rn:5 Rd:5")
def add_sub_extended(cpu: Cpu, f: Fields) -> None:
    """ADD, ADDS, SUB, SUBS (extended register)."""
    width = 64 if f["sf"] else 32
    if f["imm3"] > 4:
        raise unallocated("extension shifted by more than 4")
    right = extend_register(cpu.get(f["Rm"]), f["option"], f["imm3"])
    if width == 32:
        right = low32(right)
    result = _add_sub(cpu, f, cpu.get_sp(f["Rn"], width), right, width)
    if f["S"]:
        cpu.put(f["Rd"], result, width)
    else:
        cpu.put_sp(f["Rd"], result, width)


def _compare_if(cpu: Cpu, f: Fields, right: Lin, width: int) -> None:
    condition = holds(cpu.flags, f["cond"])
    compared: Flags = (SubFlags if f["op"] else AddFlags)(cpu.get(f["Rn"], width), right, width)
    otherwise = immediate(f["nzcv"])
    if isinstance(condition, bool):
        cpu.flags = compared if condition else otherwise
    else:
        cpu.flags = ChoiceFlags(condition, compared, otherwise)


@encoding("C4.1.95.11 Conditional compare (register)",
          "sf:1 op:1 1 11010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4")
def compare_register(cpu: Cpu, f: Fields) -> None:
    """CCMN, CCMP (register)."""
    width = 64 if f["sf"] else 32
    _compare_if(cpu, f, cpu.get(f["Rm"], width), width)


@encoding("C4.1.95.12 Conditional compare (immediate)",
          "sf:1 op:1 1 11010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4")
def compare_immediate(cpu: Cpu, f: Fields) -> None:
    """CCMN, CCMP (immediate)."""
    _compare_if(cpu, f, const(f["imm5"]), 64 if f["sf"] else 32)


@encoding("C4.1.95.13 Conditional select", "sf:1 op:1 0 11010100 Rm:5 cond:4 0 o2:1 Rn:5 Rd:5")
def conditional_select(cpu: Cpu, f: Fields) -> None:
    """CSEL, CSINC, CSINV, CSNEG."""
    width = 64 if f["sf"] else 32
    other = cpu.get(f["Rm"], width)
    if f["op"]:
        other = const(-1) - other
    if f["o2"]:
        other = other.plus(1)
    if width == 32:
        other = low32(other)
    cpu.put(f["Rd"], select(holds(cpu.flags, f["cond"]), cpu.get(f["Rn"], width), other), width)


@encoding("C4.1.95.14 Data-processing (3 source)",
          "sf:1 00 11011 op31:3 Rm:5 o0:1 Ra:5 Rn:5 Rd:5")
def three_source(cpu: Cpu, f: Fields) -> None:
    """MADD, MSUB, SMADDL, SMSUBL, SMULH, UMADDL, UMSUBL, UMULH."""
    kind = f["op31"]
    if kind in (2, 6):
        if not f["sf"] or f["o0"]:
            raise unallocated("multiply high")
        wide = z3.SignExt if kind == 2 else z3.ZeroExt
        product = wide(64, cpu.get(f["Rn"]).z) * wide(64, cpu.get(f["Rm"]).z)
        cpu.put(f["Rd"], lift(z3.Extract(127, 64, product)))
        return
    if kind not in (0, 1, 5) or (kind and not f["sf"]):
        raise unallocated("multiply")
    width = 64 if f["sf"] else 32
    left, right = cpu.get(f["Rn"], width), cpu.get(f["Rm"], width)
    if kind:
        left, right = (extend(bits(v, 32), kind == 1) for v in (left, right))
    product = _product(left, right)
    addend = cpu.get(f["Ra"], width)
    cpu.put(f["Rd"], addend - product if f["o0"] else addend + product, width)


def _product(left: Lin, right: Lin) -> Lin:
    if left.is_const:
        return right.scaled(left.const)
    if right.is_const:
        return left.scaled(right.const)
    return lift(left.z * right.z)


@encoding("C4.1.95.2 Data-processing (2 source)", "sf:1 0 0 11010110 Rm:5 opcode:6 Rn:5 Rd:5")
def two_source(cpu: Cpu, f: Fields) -> None:
    """LSLV, LSRV, ASRV, RORV, UDIV. Shift amounts are modulo the width."""
    width = 64 if f["sf"] else 32
    left, right = bits(cpu.get(f["Rn"], width), width), bits(cpu.get(f["Rm"], width), width)
    amount = right & bv(width - 1, width)
    if f["opcode"] == 2:
        quotient = z3.If(right == 0, bv(0, width), z3.UDiv(left, right))
        cpu.put(f["Rd"], extend(quotient), width)
        return
    if not 8 <= f["opcode"] <= 11:
        raise unallocated("two-source operation that is not modelled")
    back = (bv(0, width) - amount) & bv(width - 1, width)
    result = (lambda: left << amount, lambda: z3.LShR(left, amount), lambda: left >> amount,
              lambda: z3.LShR(left, amount) | (left << back))[f["opcode"] - 8]()
    cpu.put(f["Rd"], extend(result), width)


@encoding("C4.1.95.3 Data-processing (1 source)", "sf:1 1 0 11010110 00000 opcode:6 Rn:5 Rd:5")
def one_source(cpu: Cpu, f: Fields) -> None:
    """RBIT, REV16, REV (32-bit: opcode 2), REV32, REV (64-bit: opcode 3), CLZ, CLS."""
    width = 64 if f["sf"] else 32
    source = cpu.get(f["Rn"], width)
    value = bits(source, width)
    if f["opcode"] == 4 and source.mirror is not None:
        cpu.put(f["Rd"], cpu.trailing_zeros(source.mirror))
        return
    if f["opcode"] == 0:
        result = z3.Concat(*[z3.Extract(i, i, value) for i in range(width)])
    elif f["opcode"] == 4:
        result = _leading_zeros(value, width)
    elif f["opcode"] == 3 and f["sf"] or f["opcode"] == 2 and not f["sf"]:
        result = z3.Concat(*[z3.Extract(i + 7, i, value) for i in range(0, width, 8)])
    else:
        raise unallocated("one-source operation that is not modelled")
    answer = extend(result)
    if f["opcode"] == 0 and width == 64 and not answer.is_const:
        answer = replace(answer, mirror=value)
    cpu.put(f["Rd"], answer, width)


def _leading_zeros(value: z3.BitVecRef, width: int) -> z3.BitVecRef:
    """CountLeadingZeroBits (J1.3) as a binary search: each step halves the window."""
    count = bv(0, width)
    rest = value
    step = width // 2
    while step:
        empty = z3.Extract(width - 1, width - step, rest) == 0
        rest = z3.If(empty, rest << bv(step, width), rest)
        count = count + z3.If(empty, bv(step, width), bv(0, width))
        step //= 2
    last = z3.Extract(width - 1, width - 1, rest) == 0
    return count + z3.If(last, bv(1, width), bv(0, width))


ENCODINGS: tuple[Encoding, ...] = (
    logical_shifted, add_sub_shifted, add_sub_extended, compare_register, compare_immediate,
    conditional_select, three_source, two_source, one_source)
