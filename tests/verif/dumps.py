# SPDX-License-Identifier: MIT
"""Dumps of real machines for tests of T4, and ways to damage them."""

import random
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from spec.descriptor import ADDRESS, TABLE_OR_PAGE  # noqa: E402
from verif import boot, target  # noqa: E402
from verif.boot_machine import FEW, KERNEL_OFFSET, Dump, Machine  # noqa: E402
from verif.boot_machine import boot as start  # noqa: E402
from verif.boot_state import physical  # noqa: E402
from verif.layout import Family  # noqa: E402

ELF = ROOT / "build" / "hv8.elf"
# Of QEMU's virt, and of the kernel there: what FEW is made of.
RAM_BASE = FEW[0].where.ram
KERNEL_PA = RAM_BASE + KERNEL_OFFSET


@cache
def kernel() -> target.Target:
    return target.load(ELF)


@cache
def files() -> boot.Files:
    return boot.files(kernel(), None)


@cache
def dump(machine: Machine) -> Dump:
    return start(machine, files().image, files().flat, files().initrd)


def wrong(one: Dump) -> list[str]:
    """What T4 says of the dump."""
    return [problem.what for problem in boot.check(kernel(), files(), one)[0]]


def word(one: Dump, address: int) -> int:
    """The word at a physical address."""
    return int(struct.unpack_from("<Q", one.ram, address - RAM_BASE)[0])


@contextmanager
def changed(one: Dump, address: int, value: int) -> Iterator[None]:
    """Another word at a physical address, for a while."""
    before = word(one, address)
    struct.pack_into("<Q", one.ram, address - RAM_BASE, value)
    try:
        yield
    finally:
        struct.pack_into("<Q", one.ram, address - RAM_BASE, before)


def symbol(name: str) -> int:
    """Physical address of a symbol of the kernel."""
    image = kernel().image
    address = image.symbols[name].address if name in image.symbols else image.markers[name]
    return physical(image, address, KERNEL_PA)


def field(family: Family, key: tuple[int, ...]) -> int:
    """Physical address of a field at these indices."""
    at = sum(dim.stride * index for dim, index in zip(family.dims, key))
    return physical(kernel().image, family.base + family.offset, KERNEL_PA) + at


def random_field(family: Family, r: random.Random) -> tuple[tuple[int, ...], int]:
    """Indices, and the physical address."""
    key = tuple(r.randrange(dim.count) for dim in family.dims)
    return key, field(family, key)


def entry(one: Dump, root: int, va: int, level: int) -> int:
    """Physical address of the entry of this level on the walk of `va` from a table."""
    table = root & ADDRESS
    for at in range(level):
        found = word(one, table + 8 * (va >> (39 - 9 * at) & 511))
        assert found & 1 and found & TABLE_OR_PAGE, f"{va:#x} is not walked to level {level}"
        table = found & ADDRESS
    return table + 8 * (va >> (39 - 9 * level) & 511)
