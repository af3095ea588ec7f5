# SPDX-License-Identifier: MIT
"""Word to encoding class: exactly one match, and the fields re-encode to the word."""
from dataclasses import dataclass

from ..errors import undecoded
from . import branch, dpimm, dpreg, ldst, system
from .encoding import Encoding, Fields

GROUPS: tuple[tuple[Encoding, ...], ...] = (
    dpimm.ENCODINGS, dpreg.ENCODINGS, ldst.ENCODINGS, branch.ENCODINGS, system.ENCODINGS)


@dataclass(frozen=True)
class Instruction:
    """A decoded word."""

    encoding: Encoding
    fields: Fields


def decode(word: int, address: int) -> Instruction:
    """Decodes the 32-bit `word` at `address`; UndecodedError unless exactly one class matches."""
    found = [e for group in GROUPS for e in group if e.matches(word)]
    if len(found) != 1:
        raise undecoded(address, word, len(found))
    fields = found[0].split(word)
    if found[0].join(fields) != word:
        raise undecoded(address, word, 0)
    return Instruction(found[0], fields)
