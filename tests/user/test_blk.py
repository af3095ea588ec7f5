#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The disk's driver is a process: what it writes is on the disk, and its death harms nobody.

    HV8_DISK_MIB=64 HV8_DISK_KILLS=1000 tests/user/test_blk.py

takes a larger disk and more deaths; HV8_DISK_SEED chooses the patterns and the moments."""

import os
import random
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("user/blk")

MIB = int(os.environ.get("HV8_DISK_MIB", "8"))
KILLS = int(os.environ.get("HV8_DISK_KILLS", "50"))
SEED = int(os.environ.get("HV8_DISK_SEED") or random.randrange(1 << 24))
MODERN = ("-global", "virtio-mmio.force-legacy=false")
MASK = (1 << 64) - 1
LIMIT = 600


def mixed(value: int) -> int:
    """The finaliser of splitmix64, as in user/apps/blk."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def pattern(seed: int, first: int, count: int) -> bytes:
    """`count` words of 64 bits from word `first` of the disk on."""
    return struct.pack(f"<{count}Q", *(mixed(seed << 40 ^ i) for i in range(first, first + count)))


def check_image(disk: Path, seed: int) -> None:
    """Every word of the image is the pattern's."""
    step = 1 << 16
    with disk.open("rb") as stream:
        for at in range(0, disk.stat().st_size, step):
            same = stream.read(step) == pattern(seed, at // 8, step // 8)
            assert same, f"{disk}: not the pattern of seed {seed} in the {step} bytes from {at}"


@contextmanager
def image(mib: int) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        with disk.open("wb") as stream:
            stream.truncate(mib << 20)
        yield disk


@contextmanager
def session(name: str, disk: Path, *extra: str, gic: str = "3", drive: str = "") -> Iterator[Guest]:
    words = ("-append", "dma=on", "-drive", f"file={disk},format=raw,if=none,id=d0{drive}",
             "-device", "virtio-blk-device,drive=d0", *extra)
    with Guest(Machine(f"blk {name}", gic=gic, extra=words), timeout=90) as guest:
        guest.prompt()
        yield guest
        guest.halt()


def blk(guest: Guest, words: str) -> str:
    """Runs blk, which must end with 0; what it printed."""
    text = guest.shell(f"blk {words}", LIMIT)
    assert guest.shell("echo $?") == "0\n", text
    return text


def holdings(guest: Guest) -> str:
    """Who has which device, and what each process has: pages apart, which wander to init."""
    rows = [line.split() for line in guest.shell("ps").splitlines()[1:]]
    total = sum(int(row[-5 - 4 * ("(DMA:" in row)]) for row in rows)
    return guest.shell("lsdev") + guest.shell("ps | wc -l") + str(total)


@suite.matrix(gic=["2", "3"], version=["legacy", "1.0 or later"])
def what_is_written_is_there_after_a_boot(gic: str, version: str) -> None:
    extra = () if version == "legacy" else MODERN
    name = f"integrity gic={gic} {version}"
    print(f"     {name}: seed {SEED}, {MIB} MiB", flush=True)
    with image(MIB) as disk:
        with session(name, disk, *extra, gic=gic) as guest:
            assert f"{MIB * 2048} sectors of 512 bytes, read and write, virtio {version}" in \
                blk(guest, "info")
            text = blk(guest, f"test {SEED}")
            assert "blk: errors: all as expected" in text, text
        check_image(disk, SEED)
        with disk.open("r+b") as stream:
            for at in range(0, MIB << 20, 1 << 16):
                stream.write(pattern(SEED + 1, at // 8, 1 << 13))
        with session(f"{name} again", disk, *extra, gic=gic) as guest:
            text = blk(guest, f"check {SEED + 1}")
    requests, interrupts = re.findall(r"(\d+) requests, (\d+) interrupts", text)[-1]
    print(f"     {name}: {requests} requests of at most 4 KiB, {interrupts} interrupts", flush=True)
    assert int(requests) == MIB * 256, text
    assert 0 < int(interrupts) <= int(requests) + 1, text


@suite.test
def a_wrong_word_is_found() -> None:
    with image(1) as disk:
        with session("wrong word", disk) as guest:
            blk(guest, f"fill {SEED}")
        with disk.open("r+b") as stream:
            stream.seek(700001)
            byte = stream.read(1)[0]
            stream.seek(700001)
            stream.write(bytes([byte ^ 1]))
        with session("wrong word again", disk) as guest:
            text = guest.shell(f"blk check {SEED}")
            assert "1 pages are not what was written" in text, text
            assert guest.shell("echo $?") == "1\n"


@suite.test
def sectors_from_and_to_pipes() -> None:
    with image(1) as disk:
        with session("pipes", disk) as guest:
            text = guest.shell("cat motd")
            assert guest.shell("cat motd | blk write 5") == ""
            assert text.splitlines()[0] in guest.shell("blk read 5 | head -n 1")
            assert guest.shell("blk read 0 9 | wc -c").split() == [str(9 * 512)]
            assert "EINVAL" in guest.shell("blk read 2048")
        assert disk.read_bytes()[5 * 512:].startswith(text.encode())


@suite.test
def a_read_only_disk_stays_as_it_is() -> None:
    with image(1) as disk:
        disk.write_bytes(pattern(1, 0, 1 << 17))
        with session("read-only", disk, drive=",readonly=on") as guest:
            assert "read-only" in blk(guest, "info")
            assert "all as expected" in blk(guest, "errors")
            assert "the disk is read-only" in guest.shell("blk fill 9")
            blk(guest, "check 1")
        check_image(disk, 1)


@suite.matrix(gic=["2", "3"])
def nothing_is_lost_when_servers_die(gic: str) -> None:
    print(f"     storm gic={gic}: seed {SEED}, {KILLS} kills", flush=True)
    with image(8) as disk, session(f"storm gic={gic}", disk, gic=gic) as guest:
        blk(guest, "info")
        before = holdings(guest)
        text = blk(guest, f"storm {KILLS} {SEED}")
        assert "storm: nothing is lost" in text, text
        servers, broken = re.findall(r"(\d+) servers, \d+ requests, (\d+) broken off, 0 wrong", text)[0]
        assert int(servers) == KILLS + 1 and int(broken) > 0, text
        assert holdings(guest) == before


@suite.test
def crashed_servers_are_replaced() -> None:
    """Each dies in its 700th request, of 2048 and then of 4096."""
    with image(8) as disk:
        with session("crash", disk) as guest:
            before = holdings(guest)
            text = blk(guest, f"-c 700 test {SEED}")
            assert text.count("blk: blkd died of signal") >= 4096 // 700, text
            assert holdings(guest) == before
            text = guest.shell(f"blk -c 2 fill {SEED}", LIMIT)  # it gets nowhere, and gives up
            assert guest.shell("echo $?") == "1\n", text
            assert holdings(guest) == before
            blk(guest, f"fill {SEED}")
        check_image(disk, SEED)


@suite.test
def the_break_key_under_load() -> None:
    """Supervisor, server and clients end in any order; the next ones have the disk."""
    with image(8) as disk, session("break", disk) as guest:
        for _ in range(5):
            guest.type(f"blk storm 100000 {SEED}\r")
            guest.expect("kills")
            guest.silence(0.5)
            guest.type("\x03")
            guest.prompt()
            assert "all as expected" in blk(guest, "errors")


@suite.test
def says_what_is_missing() -> None:
    with Guest(Machine("blk without"), timeout=90) as guest:
        guest.prompt()
        assert "no disk, or it is not this process's" in guest.shell("blk info")
        assert guest.shell("blkd") == "blkd: it was given no virtio disk\n"
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
