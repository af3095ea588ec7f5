#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the image of a disk from which UEFI firmware starts hv8: GPT with one FAT volume.

Usage: efi_image.py --out FILE --loader BOOTAA64.EFI --kernel hv8.img --initrd initrd.cpio
                    [--dtb FILE [--dtb-from file]] [--args TEXT] [--config FILE] [--size MIB]

The volume holds EFI/BOOT/BOOTAA64.EFI, and in hv8/ the kernel, the initrd, the device tree if
one is given, and hv8.cfg with the SHA-256 of each; --config puts another hv8.cfg there. The
same files give the same bytes: no time, no chance. mtools writes the FAT volume, so that no
privilege is needed.
"""
import argparse
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MIB = 1 << 20
FIRST = 2048                # sector of the volume: 1 MiB, as is usual
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
# A FAT32 volume has at least 65525 clusters; here each is a sector.
SMALLEST, DEFAULT, LARGEST = 40, 64, 2048
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
NAMESPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
FOLDERS = ("EFI", "EFI/BOOT", "hv8")


class ImageError(Exception):
    """The image cannot be made; the text says why."""


@dataclass(frozen=True)
class Content:
    """What goes into the volume: path there, and bytes."""

    path: str
    data: bytes


def config(kernel: bytes, initrd: bytes, dtb: bytes | None, args: str, dtb_from: str) -> bytes:
    """The text of hv8.cfg; docs/boards.md has its format."""
    lines = ["# Which files the loader loads, and their SHA-256.",
             "kernel = \\hv8\\hv8.img", f"kernel-sha256 = {hashlib.sha256(kernel).hexdigest()}",
             "initrd = \\hv8\\initrd.cpio", f"initrd-sha256 = {hashlib.sha256(initrd).hexdigest()}"]
    if dtb is not None:
        lines += ["dtb = \\hv8\\machine.dtb", f"dtb-sha256 = {hashlib.sha256(dtb).hexdigest()}",
                  f"dtb-from = {dtb_from}"]
    if args:
        lines.append(f"args = {args}")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _mtools(*words: str) -> None:
    """Without the configuration of the host, and with one time for all files."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "MTOOLSRC": os.devnull, "TZ": "UTC",
           "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "315532800"}
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    if done.returncode != 0:
        raise ImageError(f"{words[0]} failed: {done.stdout.decode(errors='replace').strip()}")


def _free_bytes(volume: Path) -> int:
    """What an empty FAT32 volume has room for, as its FSInfo sector says, and the root
    directory's cluster is already taken from it."""
    with volume.open("rb") as file:
        file.seek(SECTOR + 488)
        return struct.unpack("<I", file.read(4))[0] * SECTOR


def _needed(contents: list[Content]) -> int:
    """Bytes of clusters for files and their folders."""
    sectors = sum(-(-len(c.data) // SECTOR) for c in contents) + len(FOLDERS)
    return sectors * SECTOR


def _volume(path: Path, sectors: int, contents: list[Content]) -> None:
    """Makes a FAT32 volume of so many sectors that holds `contents`."""
    if shutil.which("mformat") is None:
        raise ImageError("mtools is not installed: run tools/setup.sh efi")
    digest = hashlib.sha256(b"".join(hashlib.sha256(c.data).digest() for c in contents)).hexdigest()
    with path.open("wb") as file:
        file.truncate(sectors * SECTOR)
    _mtools("mformat", "-i", str(path), "-F", "-c", "1", "-v", "HV8", "-N", digest[:8],
            "-T", str(sectors), "-h", "16", "-s", "63", "-H", str(FIRST), "::")
    needed, free = _needed(contents), _free_bytes(path)
    if needed > free:
        raise ImageError(f"the volume is full: the files need {needed >> 10} KiB, and it has room "
                         f"for {free >> 10} KiB; give a larger SIZE (in MiB)")
    _mtools("mmd", "-i", str(path), *(f"::{folder}" for folder in FOLDERS))
    with tempfile.TemporaryDirectory(prefix="hv8-image-") as folder:
        for number, content in enumerate(contents):
            source = Path(folder) / str(number)
            source.write_bytes(content.data)
            _mtools("mcopy", "-i", str(path), str(source), f"::{content.path}")


def _protective_mbr(sectors: int) -> bytes:
    """UEFI 2.10, 5.2.3."""
    entry = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, sectors - 1)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def _header(own: int, other: int, table: int, sectors: int, disk: uuid.UUID,
            entries: bytes) -> bytes:
    """One of the two GPT headers (5.3.2); places in sectors."""
    def packed(crc: int) -> bytes:
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, own, other,
                           TABLE_SECTORS + 2, sectors - TABLE_SECTORS - 2, disk.bytes_le, table,
                           ENTRIES, ENTRY_BYTES, zlib.crc32(entries))

    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")


def build(out: Path, contents: list[Content], size: int) -> None:
    """Writes the image of `size` MiB to `out`. ImageError if it cannot be."""
    if not SMALLEST <= size <= LARGEST:
        raise ImageError(f"SIZE={size}: {SMALLEST} to {LARGEST} MiB")
    sectors = size * MIB // SECTOR
    last = sectors - FIRST - 1  # ends at a whole MiB, too
    volume = out.with_name(out.name + ".volume")
    try:
        _volume(volume, last - FIRST + 1, contents)
        data = volume.read_bytes()
    finally:
        volume.unlink(missing_ok=True)
    disk = uuid.uuid5(NAMESPACE, hashlib.sha256(data).hexdigest())
    entry = struct.pack("<16s16sQQQ72s", ESP.bytes_le, uuid.uuid5(disk, "hv8").bytes_le, FIRST,
                        last, 0, "hv8".encode("utf-16-le"))
    entries = entry.ljust(ENTRIES * ENTRY_BYTES, b"\0")
    new = out.with_name(out.name + ".new")
    with new.open("wb") as file:
        file.write(_protective_mbr(sectors)
                   + _header(1, sectors - 1, 2, sectors, disk, entries) + entries)
        for at in range(0, len(data), MIB):     # holes where nothing is
            if any(data[at:at + MIB]):
                file.seek(FIRST * SECTOR + at)
                file.write(data[at:at + MIB])
        backup = sectors - TABLE_SECTORS - 1
        file.seek(backup * SECTOR)
        file.write(entries + _header(sectors - 1, 1, backup, sectors, disk, entries))
    new.replace(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("out", "loader", "kernel", "initrd"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("dtb", "config"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--dtb-from", choices=("firmware", "file"), default="firmware")
    parser.add_argument("--args", default="")
    parser.add_argument("--size", type=int, default=DEFAULT)
    options = parser.parse_args()
    try:
        kernel, initrd = options.kernel.read_bytes(), options.initrd.read_bytes()
        dtb = options.dtb.read_bytes() if options.dtb else None
        text = options.config.read_bytes() if options.config else \
            config(kernel, initrd, dtb, options.args, options.dtb_from)
        contents = [Content("EFI/BOOT/BOOTAA64.EFI", options.loader.read_bytes()),
                    Content("hv8/hv8.cfg", text), Content("hv8/hv8.img", kernel),
                    Content("hv8/initrd.cpio", initrd)]
        if dtb is not None:
            contents.append(Content("hv8/machine.dtb", dtb))
        build(options.out, contents, options.size)
    except (OSError, ImageError, subprocess.TimeoutExpired) as error:
        print(f"efi_image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
