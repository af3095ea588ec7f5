# SPDX-License-Identifier: MIT
"""Arithmetic on 64-bit words, once on Z3 bit-vectors and once on Python ints.

A *word* is an unsigned 64-bit value (Z3 `bv64`, or an int in 0 .. 2**64 - 1), a *truth* is a
Z3 Bool or a Python bool. Python's ==, !=, & and | on words mean the same in both; every
operator whose meaning differs (order, wrap-around, shifts, logic) is a method here, and a
transition uses these alone. Literal ints may stand for words on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import z3

WIDTH = 64
MASK = (1 << WIDTH) - 1

Word = Any
Truth = Any


class Ops(Protocol):
    """What a transition may do with words (bv64) and truths."""

    def word(self, x: int) -> Word: ...
    def ult(self, a: Word, b: Word) -> Truth: ...
    def add(self, a: Word, b: Word) -> Word: ...
    def sub(self, a: Word, b: Word) -> Word: ...
    def shl(self, a: Word, n: Word) -> Word: ...
    def shr(self, a: Word, n: Word) -> Word: ...
    def inv(self, a: Word) -> Word: ...
    def ctz(self, a: Word) -> Word: ...
    def ite(self, test: Truth, a: Word, b: Word) -> Word: ...
    def by_facts(self, name: str, value: Word, *arguments: Word) -> Word: ...
    def and_(self, *truths: Truth) -> Truth: ...
    def or_(self, *truths: Truth) -> Truth: ...
    def not_(self, truth: Truth) -> Truth: ...
    def known(self, truth: Truth) -> bool | None: ...


class Common:
    """What both implementations derive from the primitives."""

    def ule(self, a: Word, b: Word) -> Truth:
        """a <= b, unsigned."""
        return self.not_(self.ult(b, a))

    def implies(self, a: Truth, b: Truth) -> Truth:
        """b holds wherever a does."""
        return self.or_(self.not_(a), b)

    def iff(self, a: Truth, b: Truth) -> Truth:
        """Both or neither."""
        return self.or_(self.and_(a, b), self.and_(self.not_(a), self.not_(b)))

    def among(self, a: Word, *values: Word) -> Truth:
        """a is one of the values."""
        return self.or_(*(a == value for value in values))

    def bit(self, a: Word, n: Word) -> Truth:
        """Bit n (0 .. 63) of a is 1."""
        return (self.shr(a, n) & 1) == 1

    def any_bit(self, a: Word, mask: Word) -> Truth:
        """Some bit of the mask is set in a."""
        return (a & mask) != 0

    def min(self, a: Word, b: Word) -> Word:
        """The smaller, unsigned."""
        return self.ite(self.ult(a, b), a, b)

    def by_facts(self, name: str, value: Word, *arguments: Word) -> Word:
        """The value; a proof may instead take any function of the arguments for which what is
        known under that name is true."""
        return value


@dataclass(frozen=True)
class IntOps(Common):
    """Words are Python ints in 0 .. 2**64 - 1."""

    def word(self, x: int) -> int:
        return x & MASK

    def ult(self, a: int, b: int) -> bool:
        return a < b

    def add(self, a: int, b: int) -> int:
        return (a + b) & MASK

    def sub(self, a: int, b: int) -> int:
        return (a - b) & MASK

    def shl(self, a: int, n: int) -> int:
        return (a << n) & MASK if n < WIDTH else 0

    def shr(self, a: int, n: int) -> int:
        return a >> n

    def inv(self, a: int) -> int:
        return a ^ MASK

    def ctz(self, a: int) -> int:
        """Number of zero bits below the lowest one; 64 for 0."""
        return (a & -a).bit_length() - 1 if a else WIDTH

    def ite(self, test: bool, a: int, b: int) -> int:
        return a if test else b

    def and_(self, *truths: bool) -> bool:
        return all(truths)

    def or_(self, *truths: bool) -> bool:
        return any(truths)

    def not_(self, truth: bool) -> bool:
        return not truth

    def known(self, truth: bool) -> bool:
        return truth


def same(a: Truth, b: Truth) -> bool:
    """The same text, of Z3 terms; no says nothing."""
    return isinstance(a, z3.ExprRef) and isinstance(b, z3.ExprRef) and a.eq(b)


@cache
def numeral(x: int) -> z3.BitVecNumRef:
    """bv64."""
    return z3.BitVecVal(x, WIDTH)


@dataclass(frozen=True)
class Z3Ops(Common):
    """Words are Z3 bv64 terms. What is already decided stays a Python bool."""

    def word(self, x: int | z3.BitVecRef) -> z3.BitVecRef:
        return numeral(x) if isinstance(x, int) else x

    def ult(self, a: Word, b: Word) -> Truth:
        if isinstance(a, int) and isinstance(b, int):
            return a & MASK < b & MASK
        return z3.ULT(self.word(a), self.word(b))

    def add(self, a: Word, b: Word) -> z3.BitVecRef:
        return self.word(a) + self.word(b)

    def sub(self, a: Word, b: Word) -> z3.BitVecRef:
        return self.word(a) - self.word(b)

    def shl(self, a: Word, n: Word) -> z3.BitVecRef:
        return self.word(a) << self.word(n)

    def shr(self, a: Word, n: Word) -> z3.BitVecRef:
        return z3.LShR(self.word(a), self.word(n))

    def inv(self, a: Word) -> z3.BitVecRef:
        return ~self.word(a)

    def ctz(self, a: z3.BitVecRef) -> z3.BitVecRef:
        """Number of zero bits below the lowest one; 64 for 0. Six halvings."""
        rest, count = self.word(a), self.word(0)
        for width in (32, 16, 8, 4, 2, 1):
            empty = z3.Extract(width - 1, 0, rest) == 0
            count = z3.If(empty, count + width, count)
            rest = z3.If(empty, z3.LShR(rest, width), rest)
        return z3.If(self.word(a) == 0, self.word(WIDTH), count)

    def ite(self, test: Truth, a: Word, b: Word) -> z3.BitVecRef:
        known = self.known(test)
        if known is not None:
            return self.word(a if known else b)
        return z3.If(test, self.word(a), self.word(b))

    def and_(self, *truths: Truth) -> Truth:
        open_ones = []
        for truth in truths:
            known = self.known(truth)
            if known is False:
                return False
            if known is None:
                open_ones.append(truth)
        if len(open_ones) > 1:
            return z3.And(*open_ones)
        return open_ones[0] if open_ones else True

    def or_(self, *truths: Truth) -> Truth:
        open_ones = []
        for truth in truths:
            known = self.known(truth)
            if known is True:
                return True
            if known is None:
                open_ones.append(truth)
        if len(open_ones) > 1:
            return z3.Or(*open_ones)
        return open_ones[0] if open_ones else False

    def not_(self, truth: Truth) -> Truth:
        known = self.known(truth)
        return z3.Not(truth) if known is None else not known

    def known(self, truth: Truth) -> bool | None:
        """The value, if it can be read off the term; None otherwise."""
        if isinstance(truth, bool):
            return truth
        if z3.is_true(truth):
            return True
        return False if z3.is_false(truth) else None
