#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kernel/boot_cpio.c on this machine: right answers, and no byte read outside."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from driver import Driver, compile_driver, running  # noqa: E402
from harness import BUILD, Suite, main, output  # noqa: E402

suite = Suite("host/cpio", serial=True)
FUZZ = settings(max_examples=1000, deadline=None, database=None,
                suppress_health_check=list(HealthCheck))


class Status(IntEnum):
    OK = 0
    EMPTY = 1
    COMPRESSED = 2
    MAGIC = 3
    NUMBER = 4
    NAME = 5
    TRUNCATED = 6
    ABSENT = 7


@dataclass(frozen=True)
class Answer:
    status: Status
    offset: int
    size: int


@dataclass(frozen=True)
class Entry:
    name: bytes
    data: bytes
    mode: int = 0o100644


def pack(entries: list[Entry], trailer: bool = True) -> bytes:
    """An archive in the format newc, written from cpio(5)."""
    result = b""
    for e in [*entries, *([Entry(b"TRAILER!!!", b"", 0)] if trailer else [])]:
        fields = [0, e.mode, 0, 0, 1, 0, len(e.data), 0, 0, 0, 0, len(e.name) + 1, 0]
        result += b"070701" + b"".join(b"%08X" % field for field in fields) + e.name + b"\0"
        result += b"\0" * (-len(result) % 4) + e.data
        result += b"\0" * (-len(result) % 4)
    return result


def find(driver: Driver, archive: bytes) -> Answer:
    status, offset, size, total = (int(word) for word in driver.ask(archive).split())
    assert sum(archive[offset:offset + size]) == total
    assert offset + size <= len(archive)
    return Answer(Status(status), offset, size)


def build() -> Path:
    return compile_driver("cpio_driver", ("kernel/boot_cpio.c",))


NAMES = st.sampled_from([b"init", b"./init", b"/init", b"sh", b"init2", b"ini", b"bin/init", b".",
                         b"./", b"/", b"a" * 300])
MODES = st.sampled_from([0o100644, 0o100755, 0o040755, 0o120777, 0])
ENTRIES = st.lists(st.builds(Entry, NAMES, st.binary(max_size=70), MODES), max_size=6)


def expected(entries: list[Entry]) -> bytes | None:
    for e in entries:
        if e.name in (b"init", b"./init", b"/init") and e.mode & 0o170000 == 0o100000:
            return e.data
    return None


@suite.test
def finds_the_first_regular_file_of_that_name() -> None:
    with running(build()) as driver:
        @FUZZ
        @given(ENTRIES)
        def check(entries: list[Entry]) -> None:
            archive = pack(entries)
            answer = find(driver, archive)
            data = expected(entries)
            if not entries:
                assert answer.status == Status.EMPTY
            elif data is None:
                assert answer.status == Status.ABSENT
            else:
                assert answer.status == Status.OK
                assert archive[answer.offset:answer.offset + answer.size] == data

        check()


@suite.test
def every_truncation_is_seen() -> None:
    archive = pack([Entry(b"sh", b"x" * 33), Entry(b"init", b"12345"), Entry(b"motd", b"")])
    end = archive.rindex(b"TRAILER!!!") + len(b"TRAILER!!!\0")
    with running(build()) as driver:
        for size in range(len(archive)):
            status = find(driver, archive[:size]).status
            if size == 0:
                assert status == Status.EMPTY
            elif size < end:
                assert status == Status.TRUNCATED, (size, status)


@suite.test
def mutations_stay_inside() -> None:
    archive = pack([Entry(b"sh", b"x" * 33), Entry(b"init", b"12345"), Entry(b"motd", b"")])
    edits = st.lists(st.tuples(st.integers(0, len(archive) - 1), st.integers(0, 255)), min_size=1,
                     max_size=8)
    with running(build()) as driver:
        @FUZZ
        @given(edits, st.integers(0, len(archive)))
        def check(changes: list[tuple[int, int]], size: int) -> None:
            data = bytearray(archive)
            for where, value in changes:
                data[where] = value
            find(driver, bytes(data[:size]))

        check()


@suite.test
def hostile_sizes_stay_inside() -> None:
    """Any value in the two fields that move the reader, at any position."""
    archive = pack([Entry(b"init", b"12345"), Entry(b"sh", b"x" * 33)])
    numbers = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 300),
                        st.integers(2**32 - 300, 2**32 - 1))
    with running(build()) as driver:
        @FUZZ
        @given(numbers, numbers, st.sampled_from([0, archive.index(b"070701", 6)]))
        def check(file_size: int, name_size: int, header: int) -> None:
            data = bytearray(archive)
            data[header + 54:header + 62] = b"%08x" % file_size
            data[header + 94:header + 102] = b"%08x" % name_size
            find(driver, bytes(data))

        check()


@suite.test
def any_bytes_stay_inside() -> None:
    with running(build()) as driver:
        @FUZZ
        @given(st.one_of(st.binary(max_size=400),
                         st.binary(max_size=200).map(lambda b: b"070701" + b)))
        def check(data: bytes) -> None:
            find(driver, data)

        check()


@suite.test
def says_what_is_wrong() -> None:
    sound = pack([Entry(b"init", b"12345"), Entry(b"sh", b"x")])
    second = sound.index(b"070701", 6)
    cases = {
        Status.EMPTY: b"",
        Status.COMPRESSED: b"\x1f\x8b\x08" + b"\0" * 200,
        Status.MAGIC: b"\0" * 512,
        Status.NUMBER: sound[:20] + b"xyz" + sound[23:],
        Status.NAME: sound[:114] + b"x" + sound[115:],
        Status.TRUNCATED: pack([Entry(b"init", b"12345")], trailer=False),
        Status.ABSENT: pack([Entry(b"sh", b"x")]),
    }
    with running(build()) as driver:
        for status, archive in cases.items():
            assert find(driver, archive).status == status, status.name
        damaged = sound[:second] + b"070707" + sound[second + 6:]
        assert find(driver, damaged).status == Status.MAGIC


@suite.test
def reads_what_cpio_writes() -> None:
    with running(build()) as driver, tempfile.TemporaryDirectory() as name:
        for file, data in (("aaa", b"no"), ("init", b"yes" * 1000), ("zzz", b"no")):
            (Path(name) / file).write_bytes(data)
        archive = subprocess.run("find . | cpio -o -H newc 2>/dev/null", shell=True, cwd=name,
                                 check=True, stdout=subprocess.PIPE).stdout
        answer = find(driver, archive)
        assert answer.status == Status.OK
        assert archive[answer.offset:answer.offset + answer.size] == b"yes" * 1000


@suite.test
def reads_the_initrd_of_this_build() -> None:
    archive = (BUILD / "initrd.cpio").read_bytes()
    with running(build()) as driver:
        answer = find(driver, archive)
    assert answer.status == Status.OK
    assert archive[answer.offset:answer.offset + 4] == b"\x7fELF"
    names = output("bash", "-c", f"cpio -it --quiet < {BUILD / 'initrd.cpio'}").split()
    assert names == sorted(names) and {"init", "sh", "usertests", "motd"} <= set(names)


if __name__ == "__main__":
    sys.exit(main([suite]))
