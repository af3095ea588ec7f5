# SPDX-License-Identifier: MIT
"""A linked program, the kernel's or a process's: where its functions are, and their code."""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile


class ProgramError(Exception):
    """The program has not what is looked for."""


@dataclass(frozen=True)
class Program:
    path: Path

    @cached_property
    def _elf(self) -> ELFFile:
        return ELFFile(BytesIO(self.path.read_bytes()))

    @property
    def entry(self) -> int:
        return self._elf["e_entry"]

    def _symbol(self, name: str) -> tuple[int, int]:
        found = self._elf.get_section_by_name(".symtab").get_symbol_by_name(name)
        if not found:
            raise ProgramError(f"{self.path} has no {name}")
        return found[0]["st_value"], found[0]["st_size"]

    def address(self, name: str) -> int:
        """Of a symbol."""
        return self._symbol(name)[0]

    def words(self, address: int, count: int) -> list[int]:
        """So many instructions from an address on."""
        for segment in self._elf.iter_segments("PT_LOAD"):
            at = address - segment["p_vaddr"]
            if 0 <= at and at + 4 * count <= segment["p_filesz"]:
                data = segment.data()[at:at + 4 * count]
                return [int.from_bytes(data[i:i + 4], "little") for i in range(0, 4 * count, 4)]
        raise ProgramError(f"{self.path} has no {count} words at {address:#x}")

    def function(self, name: str) -> tuple[int, list[int]]:
        """Its address, and its instructions."""
        address, size = self._symbol(name)
        return address, self.words(address, size // 4)


def distance(word: int, low: int, bits: int) -> int:
    """Bytes that a branch goes: a signed field of `bits` bits from `low` on counts words."""
    value = word >> low & (1 << bits) - 1
    return 4 * (value - (value >> bits - 1 << bits))


def conditional(word: int) -> int | None:
    """Bytes that it goes, if it is b.cond, cbz or cbnz (C4.1.65)."""
    if word & 0xFF000010 == 0x54000000 or word & 0x7E000000 == 0x34000000:
        return distance(word, 5, 19)
    return None
