# SPDX-License-Identifier: MIT
"""The linked ELF: segments, symbols, words. Nothing here knows the kernel."""
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from .errors import ImageError, UnmappedError

PF_X, PF_W = 1, 2
# Symbols of the linker script around what boot unmaps at its end.
BOOT = ("__boot_text_start", "__boot_data_end")


@dataclass(frozen=True)
class Segment:
    """A PT_LOAD segment: addresses in bytes, `data` shorter than `size` if the rest is zero."""

    base: int
    size: int
    data: bytes
    flags: int

    def holds(self, address: int, size: int) -> bool:
        """Do `size` bytes at `address` lie within the initialised part?"""
        return self.base <= address and address + size <= self.base + len(self.data)


@dataclass(frozen=True)
class Symbol:
    """A function or object symbol."""

    name: str
    address: int
    size: int
    is_function: bool


@dataclass(frozen=True)
class Image:
    """An executable AArch64 ELF file."""

    path: Path
    sha256: str
    segments: tuple[Segment, ...]
    symbols: dict[str, Symbol]
    markers: dict[str, int]

    def _require_mapped(self, address: int, size: int) -> None:
        first, end = (self.markers.get(name, 0) for name in BOOT)
        if first < address + size and address < end:
            raise UnmappedError(
                f"{address:#x} is in the boot section, which is not mapped any more")

    def is_code(self, address: int) -> bool:
        """Is there an instruction, mapped or not?"""
        return any(seg.holds(address, 4) and seg.flags & PF_X and not seg.flags & PF_W
                   for seg in self.segments)

    def word(self, address: int) -> int:
        """The 32-bit instruction at `address`; UnmappedError in the boot section, ImageError
        outside executable segments."""
        self._require_mapped(address, 4)
        for seg in self.segments:
            if seg.holds(address, 4) and seg.flags & PF_X and not seg.flags & PF_W:
                return int(struct.unpack_from("<I", seg.data, address - seg.base)[0])
        raise ImageError(f"instruction fetch from {address:#x}, which is no executable word")

    def constant(self, address: int, size: int) -> int | None:
        """Little-endian value of `size` bytes of read-only data, or None; UnmappedError in the
        boot section."""
        self._require_mapped(address, size)
        for seg in self.segments:
            if seg.holds(address, size) and not seg.flags & PF_W:
                at = address - seg.base
                return int.from_bytes(seg.data[at:at + size], "little")
        return None

    def function(self, name: str) -> Symbol:
        """The function symbol of that name; ImageError if there is none."""
        symbol = self.symbols.get(name)
        if symbol is None or not symbol.is_function:
            raise ImageError(f"no function {name} in {self.path}")
        return symbol

    def function_at(self, address: int) -> str:
        """`name+offset` of the function that holds `address`, for messages."""
        for symbol in self.symbols.values():
            if symbol.is_function and symbol.address <= address < symbol.address + symbol.size:
                return f"{symbol.name}+{address - symbol.address:#x}"
        return f"{address:#x}"


def _symbols(elf: ELFFile) -> tuple[dict[str, Symbol], dict[str, int]]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        raise ImageError("no symbol table")
    named: dict[str, Symbol] = {}
    markers: dict[str, int] = {}
    for entry in table.iter_symbols():
        kind = entry["st_info"]["type"]
        if kind in ("STT_FUNC", "STT_OBJECT"):
            named[entry.name] = Symbol(entry.name, entry["st_value"], entry["st_size"],
                                       kind == "STT_FUNC")
        elif kind == "STT_NOTYPE" and entry.name:
            markers[entry.name] = entry["st_value"]
    return named, markers


def load(path: Path) -> Image:
    """Reads `path`; ImageError if it is not a static little-endian AArch64 executable."""
    raw = path.read_bytes()
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        if elf.get_machine_arch() != "AArch64" or not elf.little_endian \
                or elf["e_type"] != "ET_EXEC":
            raise ImageError(f"{path} is not a static AArch64 executable")
        segments = tuple(Segment(s["p_vaddr"], s["p_memsz"], s.data(), s["p_flags"])
                         for s in elf.iter_segments() if s["p_type"] == "PT_LOAD")
        named, markers = _symbols(elf)
    return Image(path, hashlib.sha256(raw).hexdigest(), segments, named, markers)
