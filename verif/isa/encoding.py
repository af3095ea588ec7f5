# SPDX-License-Identifier: MIT
"""An encoding class: its 32 bits as the manual draws them, and what it does."""
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UnallocatedError
from .cpu import Cpu

Fields = dict[str, int]


@dataclass(frozen=True)
class Field:
    """A named field: `width` bits from bit `low` up."""

    name: str
    low: int
    width: int


@dataclass(frozen=True)
class Encoding:
    """One class of C4.1: pattern, meaning and where the manual says so."""

    name: str
    section: str
    mask: int
    value: int
    fields: tuple[Field, ...]
    run: Callable[[Cpu, Fields], None]

    def matches(self, word: int) -> bool:
        """Do the fixed bits of the class equal those of `word` (32 bits)?"""
        return word & self.mask == self.value

    def split(self, word: int) -> Fields:
        """The fields of `word`."""
        return {f.name: (word >> f.low) & ((1 << f.width) - 1) for f in self.fields}

    def join(self, fields: Fields) -> int:
        """The word with these fields: the inverse of split."""
        word = self.value
        for field in self.fields:
            word |= fields[field.name] << field.low
        return word


def _parse(pattern: str) -> tuple[int, int, tuple[Field, ...]]:
    mask = value = 0
    fields = []
    low = 32
    for token in pattern.split():
        if ":" in token:
            name, width = token.split(":")
            low -= int(width)
            fields.append(Field(name, low, int(width)))
        else:
            low -= len(token)
            mask |= ((1 << len(token)) - 1) << low
            value |= int(token, 2) << low
    if low != 0:
        raise ValueError(f"pattern of {32 - low} bits: {pattern}")
    return mask, value, tuple(fields)


def encoding(section: str, pattern: str) -> Callable[[Callable[[Cpu, Fields], None]], Encoding]:
    """Makes an Encoding of a semantic function.

    `pattern`, from bit 31 down: literal bits, and `name:width` for fields.
    """
    mask, value, fields = _parse(pattern)

    def wrap(run: Callable[[Cpu, Fields], None]) -> Encoding:
        return Encoding(run.__name__, section, mask, value, fields, run)

    return wrap


def unallocated(reason: str) -> UnallocatedError:
    """The error of a word whose fields the class leaves unallocated."""
    return UnallocatedError(reason)
