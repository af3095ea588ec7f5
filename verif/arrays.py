# SPDX-License-Identifier: MIT
"""Words and truths by the million: the operations of spec/words.py on numpy arrays.

An invariant written for Z3 terms and for ints says the same of an array of indices, and so
can be evaluated at every index of a dump. A word is an int or an array of uint64, a truth a
bool or an array of bool; arrays that meet have the same length.
"""
from dataclasses import dataclass
from typing import Any

import numpy as np
from spec.words import MASK, WIDTH, Common, IntOps

Array = np.ndarray[Any, Any]
Word = Any
Truth = Any

INTS = IntOps()


def is_plain(*values: Any) -> bool:
    """No array among them."""
    return not any(isinstance(value, np.ndarray) for value in values)


def words(x: Word) -> Any:
    """An array as it is; an int as one word that arrays can be computed with."""
    return x if isinstance(x, np.ndarray) else np.uint64(x & MASK)


@dataclass(frozen=True)
class ArrayOps(Common):
    """As `Ops`, but without `ctz`, which no invariant uses."""

    def word(self, x: Word) -> Word:
        return x if isinstance(x, np.ndarray) else x & MASK

    def ult(self, a: Word, b: Word) -> Truth:
        return INTS.ult(a, b) if is_plain(a, b) else words(a) < words(b)

    def add(self, a: Word, b: Word) -> Word:
        return INTS.add(a, b) if is_plain(a, b) else words(a) + words(b)

    def sub(self, a: Word, b: Word) -> Word:
        return INTS.sub(a, b) if is_plain(a, b) else words(a) - words(b)

    def shl(self, a: Word, n: Word) -> Word:
        """C leaves a shift by 64 and more open; here it is 0."""
        if is_plain(a, n):
            return INTS.shl(a, n)
        return np.where(words(n) < WIDTH, words(a) << (words(n) & np.uint64(63)), np.uint64(0))

    def shr(self, a: Word, n: Word) -> Word:
        if is_plain(a, n):
            return INTS.shr(a, n)
        return np.where(words(n) < WIDTH, words(a) >> (words(n) & np.uint64(63)), np.uint64(0))

    def inv(self, a: Word) -> Word:
        return INTS.inv(a) if is_plain(a) else ~a

    def ite(self, test: Truth, a: Word, b: Word) -> Word:
        if is_plain(test):
            return a if test else b
        return np.where(test, words(a), words(b))

    def and_(self, *truths: Truth) -> Truth:
        result: Truth = True
        for truth in truths:
            if is_plain(truth) and not truth:
                return False
            result = truth if result is True else result if is_plain(truth) else result & truth
        return result

    def or_(self, *truths: Truth) -> Truth:
        return self.not_(self.and_(*(self.not_(truth) for truth in truths)))

    def not_(self, truth: Truth) -> Truth:
        return not truth if is_plain(truth) else ~truth

    def known(self, truth: Truth) -> bool | None:
        return bool(truth) if is_plain(truth) else None


def where_false(truth: Truth) -> Array:
    """Positions of an array of truths that are false; of a plain one [0] or none."""
    return np.flatnonzero(~np.atleast_1d(np.asarray(truth, dtype=bool)))
