#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes into a linked kernel the hash that it prints when it boots, or shows it.

Usage: stamp.py [--show] ELF

The hash is the SHA-256 of the whole file, debug information included, with the 32 bytes of
`boot_kernel_hash` taken as zeros, since no file can hold its own hash. --show prints the
hash that the file holds, and fails if it is not the file's. Imports nothing but Python's own
library: `make run` needs it where nothing else is installed. verif/stamped.py says
the same again for the verifier.
"""
import argparse
import hashlib
import struct
import sys
from pathlib import Path

SYMBOL = b"boot_kernel_hash"
SIZE = 32
SHT_SYMTAB, SHT_NOBITS = 2, 8


class StampError(Exception):
    """The file is no kernel, or holds the hash of another."""


def _sections(elf: bytes) -> list[tuple[int, ...]]:
    """Each as Elf64_Shdr has it: name, type, flags, addr, offset, size, link, ..."""
    if elf[:6] != b"\x7fELF\x02\x01" or len(elf) < 64:
        raise StampError("no little-endian ELF file of 64 bits")
    begin, = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    if begin + size * count > len(elf):
        raise StampError("the ELF file is cut off")
    return [struct.unpack_from("<IIQQQQIIQQ", elf, begin + size * i) for i in range(count)]


def place(elf: bytes) -> int:
    """Where the hash lies, in bytes from the start of the file."""
    sections = _sections(elf)
    for table in (s for s in sections if s[1] == SHT_SYMTAB):
        names = sections[table[6]][4]
        for at in range(table[4], table[4] + table[5], 24):
            name, _, _, index, value, size = struct.unpack_from("<IBBHQQ", elf, at)
            if elf[names + name:names + name + len(SYMBOL) + 1] != SYMBOL + b"\0":
                continue
            home = sections[index]
            if size != SIZE or home[1] == SHT_NOBITS \
                    or not home[3] <= value <= home[3] + home[5] - SIZE:
                raise StampError(f"{SYMBOL.decode()} is not {SIZE} bytes of the file")
            return home[4] + value - home[3]
    raise StampError(f"no {SYMBOL.decode()}")


def digest(elf: bytes) -> bytes:
    """The hash of a kernel, whatever hash it holds; 32 bytes."""
    at = place(elf)
    return hashlib.sha256(elf[:at] + bytes(SIZE) + elf[at + SIZE:]).digest()


def stamped(elf: bytes) -> bytes:
    """The same file, with its hash in it."""
    at = place(elf)
    return elf[:at] + digest(elf) + elf[at + SIZE:]


def checked(elf: bytes) -> str:
    """The hash in 64 hexadecimal digits; StampError if the file holds another."""
    at, found = place(elf), digest(elf)
    if elf[at:at + SIZE] != found:
        raise StampError(
            f"holds the hash {elf[at:at + SIZE].hex()[:16]}, but its own is {found.hex()[:16]}")
    return found.hex()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("elf", type=Path)
    options = parser.parse_args()
    try:
        if options.show:
            print(checked(options.elf.read_bytes()))
        else:
            options.elf.write_bytes(stamped(options.elf.read_bytes()))
    except (OSError, StampError, struct.error) as error:
        print(f"stamp: {options.elf}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
