# SPDX-License-Identifier: MIT
"""NZCV, kept as what set it, so that conditions become plain comparisons.

DDI 0487J.a, C1.2.4 (condition codes) and shared/functions/integer AddWithCarry.
"""
from dataclasses import dataclass

import z3

from .errors import UnmodelledError
from .lin import Lin, bits

Bool = bool | z3.BoolRef


def fold(term: Bool) -> Bool:
    """A Python bool if the term simplifies to one."""
    if isinstance(term, bool):
        return term
    term = z3.simplify(term)
    if z3.is_true(term):
        return True
    if z3.is_false(term):
        return False
    return term


def negate(term: Bool) -> Bool:
    """Not `term`."""
    return (not term) if isinstance(term, bool) else fold(z3.Not(term))


def both(left: Bool, right: Bool) -> Bool:
    """`left` and `right`."""
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    return fold(z3.And(left, right))


def as_term(term: Bool) -> z3.BoolRef:
    """The term as a Z3 Bool."""
    return z3.BoolVal(term) if isinstance(term, bool) else term


@dataclass(frozen=True)
class PlainFlags:
    """The four flags, each known or symbolic."""

    n: Bool
    z: Bool
    c: Bool
    v: Bool

    def base(self, code: int) -> Bool:
        """Condition code with bit 0 clear, halved: 0 EQ, 1 CS, 2 MI, 3 VS, 4 HI, 5 GE, 6 GT,
        7 AL."""
        if code == 4:
            return both(self.c, negate(self.z))
        ge = fold(as_term(self.n) == as_term(self.v))
        return (self.z, self.c, self.n, self.v, None, ge, both(ge, negate(self.z)), True)[code]


@dataclass(frozen=True)
class SubFlags:
    """Flags of left - right at `width` bits: C is NOT borrow."""

    left: Lin
    right: Lin
    width: int

    def base(self, code: int) -> Bool:
        """As in PlainFlags."""
        a, b = bits(self.left, self.width), bits(self.right, self.width)
        if code == 0 and self.width == 64:
            gap = self.left - self.right
            if gap.is_const:
                return gap.const == 0
        if code == 2:
            return fold(a - b < 0)
        if code == 3:
            return fold(z3.Extract(self.width - 1, self.width - 1, (a ^ b) & (a ^ (a - b))) == 1)
        return fold((lambda: a == b, lambda: z3.UGE(a, b), None, None, lambda: z3.UGT(a, b),
                     lambda: a >= b, lambda: a > b, lambda: z3.BoolVal(True))[code]())


@dataclass(frozen=True)
class AddFlags:
    """Flags of left + right at `width` bits."""

    left: Lin
    right: Lin
    width: int

    def base(self, code: int) -> Bool:
        """As in PlainFlags."""
        a, b = bits(self.left, self.width), bits(self.right, self.width)
        total = a + b
        sign = self.width - 1
        plain = PlainFlags(
            total < 0, total == 0, z3.ULT(total, a),
            z3.Extract(sign, sign, ~(a ^ b) & (a ^ total)) == 1)
        return fold(plain.base(code))


@dataclass(frozen=True)
class LogicFlags:
    """Flags of a logical result: C and V are clear."""

    result: z3.BitVecRef

    def base(self, code: int) -> Bool:
        """As in PlainFlags."""
        return fold(PlainFlags(self.result < 0, self.result == 0, False, False).base(code))


@dataclass(frozen=True)
class ChoiceFlags:
    """`yes` if the condition held, else `no` (CCMP, CCMN)."""

    condition: z3.BoolRef
    yes: "Flags"
    no: "Flags"

    def base(self, code: int) -> Bool:
        """As in PlainFlags."""
        yes, no = self.yes.base(code), self.no.base(code)
        return fold(z3.If(self.condition, as_term(yes), as_term(no)))


Flags = PlainFlags | SubFlags | AddFlags | LogicFlags | ChoiceFlags


def immediate(nzcv: int) -> PlainFlags:
    """Four known flags, N in bit 3."""
    return PlainFlags(bool(nzcv & 8), bool(nzcv & 4), bool(nzcv & 2), bool(nzcv & 1))


def fresh(name: str) -> PlainFlags:
    """Four free flags."""
    return PlainFlags(*(z3.Bool(f"{name}.{f}") for f in "nzcv"))


def holds(flags: Flags, code: int) -> Bool:
    """Does the 4-bit condition `code` hold (C1.2.4)? 14 and 15 are both AL."""
    if not 0 <= code < 16:
        raise UnmodelledError(f"condition {code}")
    result = flags.base(code >> 1)
    return negate(result) if code & 1 and code != 15 else result


def known(flags: Flags) -> int | None:
    """NZCV as a number of 4 bits if all are known, else None."""
    values = [flags.base(code) for code in (2, 0, 1, 3)]
    if not all(isinstance(v, bool) for v in values):
        return None
    return sum(bool(v) << (3 - i) for i, v in enumerate(values))


