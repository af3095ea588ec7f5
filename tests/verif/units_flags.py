# SPDX-License-Identifier: MIT
"""NZCV and the sixteen conditions (pytest) against AddWithCarry (DDI 0487J.a, J1.3) and C1.2.4.

Each way of keeping flags is compared with the manual's definition: by Z3 for
all operands of 8, 32 and 64 bits, and on plain numbers for all of 4 bits.
"""
import sys
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from verif.errors import UnmodelledError  # noqa: E402
from verif.flags import (AddFlags, ChoiceFlags, Flags, LogicFlags, PlainFlags,  # noqa: E402
                         SubFlags, as_term, fresh, holds, immediate, known)
from verif.lin import bv, const, extend, symbol  # noqa: E402

CODES = range(16)
KINDS = {"sub": SubFlags, "add": AddFlags}


def condition(n: bool, z: bool, c: bool, v: bool, code: int) -> bool:
    """ConditionHolds of C1.2.4, on numbers."""
    if code >= 14:
        return True
    result = (z, c, n, v, c and not z, n == v, n == v and not z)[code >> 1]
    return result != bool(code & 1)


def add_with_carry(x: int, y: int, carry: int, width: int) -> tuple[bool, bool, bool, bool]:
    """N, Z, C, V of AddWithCarry (J1.3), on numbers of `width` bits."""
    def as_signed(value: int) -> int:
        return value - (1 << width) if value >> (width - 1) else value

    result = (x + y + carry) & ((1 << width) - 1)
    return (bool(result >> (width - 1)), result == 0, result != x + y + carry,
            as_signed(result) != as_signed(x) + as_signed(y) + carry)


def symbolic_add(x: z3.BitVecRef, y: z3.BitVecRef, carry: int) -> tuple[z3.BoolRef, ...]:
    """The same as Z3 terms."""
    width = x.size()
    result = x + y + bv(carry, width)
    unsigned_sum = z3.ZeroExt(2, x) + z3.ZeroExt(2, y) + bv(carry, width + 2)
    signed_sum = z3.SignExt(2, x) + z3.SignExt(2, y) + bv(carry, width + 2)
    return (result < 0, result == 0, z3.ZeroExt(2, result) != unsigned_sum,
            z3.SignExt(2, result) != signed_sum)


def symbolic_condition(flags: tuple[z3.BoolRef, ...], code: int) -> z3.BoolRef:
    """ConditionHolds by its truth table, which the function on numbers gives."""
    rows = []
    for nzcv in range(16):
        values = [bool(nzcv >> i & 1) for i in (3, 2, 1, 0)]
        if condition(*values, code):
            rows.append(z3.And(*[flag == value for flag, value in zip(flags, values)]))
    return z3.Or(*rows)


def is_valid(term: z3.BoolRef) -> bool:
    """Does the formula hold for all values?"""
    solver = z3.Solver()
    solver.add(z3.Not(term))
    return solver.check() == z3.unsat


def agree(flags: Flags, expected: tuple[z3.BoolRef, ...], code: int) -> bool:
    """Is the condition what the manual says, whatever the operands?"""
    return is_valid(as_term(holds(flags, code)) == symbolic_condition(expected, code))


@pytest.mark.parametrize("width", [8, 32, 64])
@pytest.mark.parametrize("kind", ["sub", "add"])
def test_sums_for_all_operands(kind: str, width: int) -> None:
    left, right = symbol("a"), symbol("b")
    x, y = z3.Extract(width - 1, 0, left.z), z3.Extract(width - 1, 0, right.z)
    manual = symbolic_add(x, ~y, 1) if kind == "sub" else symbolic_add(x, y, 0)
    for code in CODES:
        assert agree(KINDS[kind](left, right, width), manual, code), code


@pytest.mark.parametrize("kind", ["sub", "add"])
def test_sums_on_numbers(kind: str) -> None:
    """Every pair of 4 bits, the sign extended, so that high bits are set in places, too."""
    for a in range(16):
        for b in range(16):
            flags = KINDS[kind](const(a - 16 if a & 8 else a), const(b), 4)
            manual = add_with_carry(a, b ^ 15, 1, 4) if kind == "sub" \
                else add_with_carry(a, b, 0, 4)
            assert [holds(flags, code) for code in CODES] == [condition(*manual, code)
                                                              for code in CODES], (a, b)
            assert known(flags) == sum(flag << (3 - i) for i, flag in enumerate(manual)), (a, b)


@pytest.mark.parametrize("width", [32, 64])
def test_sums_with_constants(width: int) -> None:
    """One operand known, as most comparisons are; both of the same form."""
    left = symbol("a")
    for value in (0, 1, (1 << (width - 1)) - 1, 1 << (width - 1), (1 << width) - 1):
        x, y = z3.Extract(width - 1, 0, left.z), bv(value, width)
        for code in CODES:
            assert agree(SubFlags(left, const(value), width), symbolic_add(x, ~y, 1), code)
            assert agree(AddFlags(left, const(value), width), symbolic_add(x, y, 0), code)
    near = SubFlags(left.plus(3), left, width)
    x, y = z3.Extract(width - 1, 0, left.plus(3).z), z3.Extract(width - 1, 0, left.z)
    assert all(agree(near, symbolic_add(x, ~y, 1), code) for code in CODES)
    assert holds(SubFlags(left.plus(3), left, 64), 0) is False


def test_logical_results() -> None:
    result = z3.BitVec("r", 32)
    clear = z3.BoolVal(False)
    assert all(agree(LogicFlags(result), (result < 0, result == 0, clear, clear), code)
               for code in CODES)


def test_given_flags() -> None:
    free = fresh("f")
    terms = tuple(as_term(flag) for flag in (free.n, free.z, free.c, free.v))
    assert all(agree(free, terms, code) for code in CODES)
    for nzcv in range(16):
        values = [bool(nzcv >> i & 1) for i in (3, 2, 1, 0)]
        assert [holds(immediate(nzcv), code) for code in CODES] == [condition(*values, code)
                                                                   for code in CODES]
        assert known(immediate(nzcv)) == nzcv
    assert known(free) is None


def test_conditional_comparison() -> None:
    """CCMP: the flags of the comparison if the condition held, else the constant."""
    which, a, b = z3.Bool("which"), symbol("a"), symbol("b")
    chosen = ChoiceFlags(which, SubFlags(a, b, 64), immediate(0b0110))
    compared = symbolic_add(a.z, ~b.z, 1)
    constant = (False, True, True, False)
    merged = tuple(z3.If(which, flag, z3.BoolVal(value)) for flag, value in zip(compared, constant))
    assert all(agree(chosen, merged, code) for code in CODES)


def test_sums_of_narrow_values_keep_their_width() -> None:
    """A comparison of W registers does not see bits 63:32."""
    low = extend(z3.Extract(31, 0, symbol("a").z))
    assert is_valid(as_term(holds(SubFlags(low, const(0), 32), 4))
                    == as_term(holds(SubFlags(symbol("a"), const(0), 32), 4)))


@pytest.mark.parametrize("code", [-1, 16])
def test_no_other_condition(code: int) -> None:
    with pytest.raises(UnmodelledError, match=str(code)):
        holds(PlainFlags(True, True, True, True), code)
