# SPDX-License-Identifier: MIT
"""The hash that a kernel prints when it boots, and that it must hold to be proved.

It is the SHA-256 of the ELF file with the bytes of `boot_kernel_hash` as zeros. Written apart
from tools/stamp.py, which puts it there.
"""
import hashlib
from pathlib import Path

from elftools.elf.elffile import ELFFile

from .errors import ImageError

SYMBOL = "boot_kernel_hash"
SIZE = hashlib.sha256().digest_size


def kernel_hash(path: Path) -> str:
    """64 hexadecimal digits; ImageError unless the file holds the hash that it has."""
    raw = bytearray(path.read_bytes())
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        table = elf.get_section_by_name(".symtab")
        found = table.get_symbol_by_name(SYMBOL) if table else None
        if not found or len(found) != 1 or found[0]["st_size"] != SIZE:
            raise ImageError(f"{path} has no {SYMBOL} of {SIZE} bytes")
        offsets = list(elf.address_offsets(found[0]["st_value"], SIZE))
    if len(offsets) != 1:
        raise ImageError(f"{SYMBOL} of {path} is not in the file")
    at = offsets[0]
    held = bytes(raw[at:at + SIZE])
    raw[at:at + SIZE] = bytes(SIZE)
    own = hashlib.sha256(raw).digest()
    if held != own:
        raise ImageError(
            f"{path} holds the hash {held.hex()[:16]}, but its own is {own.hex()[:16]}")
    return own.hex()
