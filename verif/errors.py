# SPDX-License-Identifier: MIT
"""Named reasons to stop. Each says what was met and where; none is a guess."""
from typing import Any


class VerifError(Exception):
    """Base of every error of the verifier; its class name is its name in the report."""


class ImageError(VerifError):
    """The ELF is not what the verifier expects."""


class UnmappedError(ImageError):
    """Code or a constant of the boot section, which is unmapped before a handler runs."""


class DwarfError(VerifError):
    """A DWARF tag or form that is not modelled, or layout that contradicts the symbols."""


class UndecodedError(VerifError):
    """A word that no encoding class, or more than one, matches."""


class UnallocatedError(VerifError):
    """A word of a known class whose fields the architecture leaves unallocated."""


class UnmodelledError(VerifError):
    """An instruction, register or access that is known but not modelled."""


class StuckPath(VerifError):
    """A path that cannot go on: safe only if the solver shows that it is dead. `address`, bv64,
    is where it wanted to go on, if nothing was done yet."""

    def __init__(self, text: str, address: Any = None) -> None:
        super().__init__(text)
        self.address = address


def undecoded(address: int, word: int, count: int) -> UndecodedError:
    """The error for `word` (32 bits) at `address` with `count` matching classes."""
    return UndecodedError(f"{count} encoding classes match word {word:#010x} at {address:#x}")


class BootError(VerifError):
    """A machine that cannot be started, or does not come to its first `eret`."""
