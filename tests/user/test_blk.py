#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The disks' drivers are servers: what they write is on the disk, and their death harms nobody.

    HV8_DISK_MIB=64 HV8_DISK_KILLS=1000 tests/user/test_blk.py

takes a larger disk and more deaths; HV8_DISK_SEED chooses the patterns and the moments."""

import os
import random
import re
import socket
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
    with Guest(Machine(f"blk {name}", gic=gic, extra=words), timeout=300) as guest:
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
    return f"{guest.shell('lsdev')}{len(rows)} processes, {total} pages"


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
            text = guest.shell(f"blk check {SEED}", LIMIT)
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
        servers, broken = re.findall(
            r"(\d+) servers, \d+ requests, (\d+) broken off, 0 wrong", text)[0]
        assert int(servers) == KILLS + 1 and int(broken) > 0, text
        assert holdings(guest) == before


def crash_at(guest: Guest, number: int) -> None:
    """From now on every server of disk0 crashes in its number-th request; 0: none does."""
    guest.shell("service stop disk0")
    assert guest.shell(f"service start disk0 {number}") == ""


def server(guest: Guest, name: str) -> tuple[str, int]:
    """State of the server of a disk, and how often it was started."""
    text = guest.shell("service")
    match = re.search(rf"^{name} +\d+  (\w+) +(\d+)", text, re.M)
    assert match, text
    return match[1], int(match[2])


@suite.test
def crashed_servers_are_replaced() -> None:
    """Each dies in its 700th request, of 4096; then in its second, and that is too often."""
    with image(8) as disk:
        with session("crash", disk) as guest:
            blk(guest, "info")
            before = holdings(guest)
            crash_at(guest, 700)
            first = server(guest, "disk0")[1]
            blk(guest, f"test {SEED}")
            state, starts = server(guest, "disk0")
            assert state == "up" and starts - first >= 4096 // 700, (state, starts)
            assert holdings(guest) == before
            crash_at(guest, 2)
            guest.shell(f"blk fill {SEED}", LIMIT)
            assert guest.shell("echo $?") == "1\n"
            assert server(guest, "disk0")[0] == "failed"
            assert "its server has failed" in guest.shell("blk info")
            crash_at(guest, 0)
            assert holdings(guest) == before
            blk(guest, f"fill {SEED}")
        check_image(disk, SEED)


def drives(disks: list[Path], slots: tuple[int, ...]) -> tuple[str, ...]:
    """Each disk at a slot for virtio devices, of which eight are in a page."""
    words: list[str] = []
    for n, (disk, slot) in enumerate(zip(disks, slots)):
        words += ["-drive", f"file={disk},format=raw,if=none,id=e{n}",
                  "-device", f"virtio-blk-device,drive=e{n},bus=virtio-mmio-bus.{slot}"]
    return tuple(words)


@suite.matrix(gic=["2", "3"])
def several_disks_at_a_time(gic: str) -> None:
    """Two of four are in one page and have one server; all are written at a time, by clients that
    do not know of each other, and one server is killed meanwhile."""
    with image(2) as a, image(1) as b, image(2) as c, image(1) as d:
        with session(f"several gic={gic}", d, *drives([a, b, c], (3, 5, 10)), gic=gic) as guest:
            for n, mib in enumerate((2, 1, 2, 1)):
                assert f"{mib * 2048} sectors" in blk(guest, f"-d disk{n} info")
            assert "no such disk" in guest.shell("blk -d disk4 info")
            assert re.search(r"^disk0 +\d+  up +1  and the next 1$", guest.shell("service"), re.M)
            before = holdings(guest)
            for n in range(4):
                guest.shell(f"blk -d disk{n} fill {SEED + n} &")
            guest.shell("blk -d disk1 read 0 | wc -c")
            for _ in range(5):
                guest.shell("service kill disk1")
            text = guest.shell("wait", LIMIT)
            assert "WRONG" not in text, text
            assert server(guest, "disk0") == ("up", 6)
            assert server(guest, "disk2") == server(guest, "disk3") == ("up", 1)
            for n in range(4):
                blk(guest, f"-d disk{n} check {SEED + n}")
            assert holdings(guest) == before
        for n, disk in enumerate((a, b, c, d)):
            check_image(disk, SEED + n)


@suite.test
def many_clients_have_one_server() -> None:
    """More of them than a device takes requests."""
    with image(4) as disk:
        with session("many", disk) as guest:
            blk(guest, "info")
            before = holdings(guest)
            for n in range(8):
                guest.shell(f"blk fill {SEED} &")   # four clients each
            guest.shell("wait", LIMIT)
            blk(guest, f"check {SEED}")
            assert server(guest, "disk0") == ("up", 1)
            assert holdings(guest) == before
        check_image(disk, SEED)


def status_of_device(folder: Path) -> int:
    """VIRTIO_STATUS of the device in the last slot, as the machine has it (QEMU's monitor)."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(folder / "monitor"))
        stream = monitor.makefile("rw")
        for words in ('{"execute": "qmp_capabilities"}', '{"execute": "human-monitor-command", '
                      '"arguments": {"command-line": "xp /1wx 0x0a003e70"}}'):
            stream.write(words + "\n")
            stream.flush()
        for line in stream:
            match = re.search(r"0a003e70: 0x([0-9a-f]{8})", line)
            if match:
                return int(match[1], 16)
    raise AssertionError("the monitor says nothing")


@suite.test
def the_device_of_a_dead_server_is_quiet() -> None:
    with TemporaryDirectory() as folder, image(8) as disk, \
            session("quiet", disk, "-qmp", f"unix:{folder}/monitor,server=on,wait=off") as guest:
        for _ in range(3):
            guest.shell(f"blk fill {SEED} &")
            blk(guest, "info")
            assert status_of_device(Path(folder)) & 4   # it works
            # its clients would start it again, were they still there
            guest.shell("kill %1; service stop disk0")
            assert server(guest, "disk0")[0] == "down"
            assert status_of_device(Path(folder)) == 0
            guest.shell("wait")


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
    with Guest(Machine("blk without"), timeout=300) as guest:
        guest.prompt()
        assert "disk0: there is no such disk" in guest.shell("blk info")
        assert guest.shell("blkd") == "blkd: it was given no virtio disk\n"
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
