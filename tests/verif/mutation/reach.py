# SPDX-License-Identifier: MIT
"""Which code each handler runs: from the ELF's own calls and branches."""
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile

from verif import target
from verif.image import Symbol
from verif.isa.decode import Instruction, decode
from verif.lin import signed
from verif.lock import WAITS_OF_COPIES
from verif.world import INLINE

from .mutant import stamp

LOCK = {"lock": ("lock_take", "lock_drop")}
COPIES = (*INLINE, *WAITS_OF_COPIES)      # of the lock; control goes on behind them
LEAVES = ("page_zero", "page_copy", "page_sync")
LOCAL = {"branch_condition": 19, "compare_branch": 19, "test_branch": 14}
NEVER_ON = ("exception_return", "undefined")


def jumps(found: Instruction, address: int) -> tuple[tuple[int, ...], bool]:
    """Where the instruction can go besides the next one, and whether it can go there."""
    name, fields = found.encoding.name, found.fields
    if name == "branch_immediate":
        return (address + 4 * signed(fields["imm26"], 26),), bool(fields["op"])
    if name in LOCAL:
        width = LOCAL[name]
        return (address + 4 * signed(fields[f"imm{width}"], width),), True
    if name == "branch_register":
        return (), fields["opc"] == 1
    return (), name not in NEVER_ON


@dataclass
class Code:
    """The handlers of one ELF, and what each runs."""

    kernel: target.Target
    decoded: dict[int, Instruction] = field(default_factory=dict)
    reached: dict[str, frozenset[int]] = field(default_factory=dict)

    def at(self, address: int) -> Instruction:
        """The decoded instruction."""
        if address not in self.decoded:
            self.decoded[address] = decode(self.kernel.image.word(address), address)
        return self.decoded[address]

    def reach(self, start: int) -> frozenset[int]:
        """Addresses of the instructions that can run from `start` on, calls included, but for
        those of the leaves."""
        apart = {self.kernel.image.function(name).address for name in LEAVES} - {start}
        seen: set[int] = set()
        work = [start]
        while work:
            address = work.pop()
            if address in seen or address in apart:
                continue
            seen.add(address)
            targets, goes_on = jumps(self.at(address), address)
            work += targets
            if goes_on:
                work.append(address + 4)
        return frozenset(seen)

    def subjects(self) -> dict[str, frozenset[int]]:
        """The same of every hypercall and trap, and of the three leaves and the lock, which are
        proved apart."""
        if not self.reached:
            starts = {c.name: c.address for c in (*self.kernel.hypercalls, *self.kernel.traps)}
            starts |= {n: self.kernel.image.function(n).address for n in LEAVES}
            self.reached.update({name: self.reach(start) for name, start in starts.items()})
            for name, routines in LOCK.items():
                self.reached[name] = frozenset().union(
                    *(self.reach(self.kernel.image.function(n).address) for n in routines),
                    *map(self._all_of, COPIES))
        return self.reached

    def _all_of(self, name: str) -> range:
        symbol = self.kernel.image.function(name)
        return range(symbol.address, symbol.address + symbol.size, 4)

    def functions(self) -> Iterator[Symbol]:
        """Every function symbol, by address."""
        found = (s for s in self.kernel.image.symbols.values() if s.is_function)
        return iter(sorted(found, key=lambda s: s.address))

    def shape(self, address: int) -> tuple[object, ...]:
        """The instruction, without what depends on where the linker put it."""
        found = self.at(address)
        if found.encoding.name == "branch_immediate":
            place = self.kernel.image.function_at(jumps(found, address)[0][0])
            return (place, found.fields["op"])
        if found.encoding.name == "pc_relative":
            page = (address >> 12) + signed(found.fields["immhi"] << 2 | found.fields["immlo"], 21)
            return (page, found.fields["Rd"])
        return (self.kernel.image.word(address),)

    def changed(self, other: "Code") -> frozenset[str]:
        """Subjects that run other instructions in the other ELF."""
        ours, theirs = self.subjects(), other.subjects()
        return frozenset(n for n in ours if self._shapes(ours[n]) != other._shapes(theirs[n]))

    def _shapes(self, reached: frozenset[int]) -> frozenset[tuple[str, tuple[object, ...]]]:
        names = self.kernel.image
        return frozenset((names.function_at(a), self.shape(a)) for a in reached)


def load(elf: Path) -> Code:
    """Reads the ELF; VerifError if it is none of a kernel."""
    return Code(target.load(elf))


def file_offset(elf: Path, address: int) -> int:
    """Where in the file the word at `address` is."""
    with elf.open("rb") as stream:
        for segment in ELFFile(stream).iter_segments():
            at = address - segment["p_vaddr"]
            if segment["p_type"] == "PT_LOAD" and 0 <= at < segment["p_filesz"]:
                return int(segment["p_offset"] + at)
    raise ValueError(f"{address:#x} is not in {elf}")


def patch(elf: Path, address: int, word: int) -> None:
    """Overwrites one instruction of the file, which is a kernel of its own then."""
    data = bytearray(elf.read_bytes())
    struct.pack_into("<I", data, file_offset(elf, address), word)
    elf.write_bytes(data)
    stamp(elf)
