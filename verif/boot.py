# SPDX-License-Identifier: MIT
"""T4 (boot): a machine is booted from the very image, and its state at the first `eret` is
looked at: no solver, and nothing is unknown. A machine that does not come so far fails."""
import hashlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import boot_firmware, premises
from .boot_check import Check
from .boot_machine import FEW, MACHINES, QEMU, ZCU102_TREE, Dump, Machine, boot
from .boot_map import Problem
from .errors import BootError
from .image import Image
from .result import Failure, Row, row
from .target import Target

SOURCE = "kernel/boot_main.c"


@dataclass(frozen=True)
class Files:
    """What boots: the ELF that was proved, the image made of it, and the initrd."""

    image: Image
    flat: Path
    initrd: Path


def files(target: Target, initrd: Path | None) -> Files:
    """The image is beside the ELF; the initrd too, unless another is named."""
    elf = target.image.path
    return Files(target.image, elf.with_suffix(".img"), initrd or elf.with_name("initrd.cpio"))


def machines(is_asked_for: bool) -> tuple[Machine, ...]:
    """All of them if T4 is asked for, else a few."""
    return MACHINES if is_asked_for else FEW


def _is_flat(image: Image, flat: bytes) -> bool:
    """Every byte of the ELF is where the loader will look for it."""
    base = image.markers["__kernel_start"]
    return all(flat[s.base - base:s.base - base + len(s.data)] == s.data
               for s in image.segments)


def entry_of_init(archive: bytes) -> int:
    """The entry point of the program `init` in an archive (cpio, newc: fourteen numbers of eight
    hex digits behind the magic; name and data begin at multiples of 4). BootError if none."""
    at = 0
    while archive[at:at + 6] == b"070701":
        numbers = [int(archive[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        size, name_size = numbers[6], numbers[11]
        name = archive[at + 110:at + 110 + name_size - 1]
        data = -(-(at + 110 + name_size) // 4) * 4
        if name == b"init":
            return int.from_bytes(archive[data + 24:data + 32], "little")   # e_entry
        at = -(-(data + size) // 4) * 4
    raise BootError("the initrd has no program init")


def entry_if_ready(given: Files) -> int:
    """The entry point of init, if all files are there and belong together."""
    for path in (given.flat, given.initrd):
        if not path.is_file():
            raise BootError(f"no {path}: run make build")
    if not _is_flat(given.image, given.flat.read_bytes()):
        raise BootError(f"{given.flat} was not made of {given.image.path}")
    return entry_of_init(given.initrd.read_bytes())


def failures(problems: list[Problem]) -> list[Failure]:
    """As rows have them."""
    return [Failure(p.what, p.place, "", "refuted", p.values, "") for p in problems]


def check(target: Target, given: Files, dump: Dump) -> tuple[list[Problem], Check]:
    """What is wrong with a dump; an error of the walk is wrong as well."""
    one = Check(premises.constants(target), target, dump, given.initrd, entry_if_ready(given))
    try:
        return list(one.problems()), one
    except BootError as error:
        return [Problem(str(error))], one


def prove(target: Target, given: Files, machine: Machine) -> Row:
    """The row T4 of one machine."""
    begin = time.process_time()
    facts: dict[str, object] = {}
    try:
        entry_if_ready(given)
        dump = boot(machine, given.image, given.flat, given.initrd)
        found, one = check(target, given, dump)
        wrong = failures(found)
        facts = {"instances": one.instances, "registers": len(dump.registers),
                 "device registers": len(dump.devices)}
    except BootError as error:
        wrong = [Failure(f"BootError: {error}", SOURCE, "", "failed", (), "")]
    return row(f"boot {machine.name}", "T4", time.process_time() - begin, facts, wrong, (), SOURCE)


def _inputs(given: Files) -> Iterator[bytes]:
    yield given.image.sha256.encode()
    firmware = [Path(one.path) for one in boot_firmware.FIRMWARE.values()]
    for path in (given.flat, given.initrd, given.flat.with_name(boot_firmware.LOADER),
                 given.flat.with_name(ZCU102_TREE), *firmware,
                 boot_firmware.ROOT / "tools/efi_image.py"):
        yield path.read_bytes() if path.is_file() else b""
    try:
        yield subprocess.run([QEMU, "--version"], capture_output=True, check=True,
                             timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        yield b"no QEMU"


def digest(given: Files) -> bytes:
    """Hash of all that rows depend on besides the verifier and the specification."""
    found = hashlib.sha256()
    for part in _inputs(given):
        found.update(hashlib.sha256(part).digest())
    return found.digest()
