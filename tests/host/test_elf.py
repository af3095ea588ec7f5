#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kernel/boot_elf.c on this machine: right answers, and no byte read outside."""

import struct
import sys
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from driver import Driver, compile_driver, running  # noqa: E402
from harness import BUILD, Suite, main  # noqa: E402

suite = Suite("host/elf", serial=True)
FUZZ = settings(max_examples=1000, deadline=None, database=None,
                suppress_health_check=list(HealthCheck))
VA_FIRST, VA_END = 0x10000, 0xFF0000000000  # as in elf_driver.c


class Status(IntEnum):
    OK = 0
    SHORT = 1
    MAGIC = 2
    CLASS = 3
    ENDIAN = 4
    MACHINE = 5
    PIE = 6
    TYPE = 7
    DYNAMIC = 8
    PHDRS = 9
    NO_LOAD = 10
    SEGMENT_FILE = 11
    SEGMENT_SIZE = 12
    SEGMENT_ADDRESS = 13
    ENTRY = 14


@dataclass(frozen=True)
class Segment:
    va: int
    data: bytes
    extra: int = 0  # bytes in memory beyond those of the file
    flags: int = 5
    type: int = 1


@dataclass(frozen=True)
class Program:
    segments: tuple[Segment, ...]
    entry: int
    elf_class: int = 2
    order: int = 1
    machine: int = 183
    type: int = 2
    phentsize: int = 56

    def bytes(self) -> bytes:
        """The file: header, program headers, data one after the other."""
        offset = 64 + 56 * len(self.segments)
        header = (b"\x7fELF" + bytes([self.elf_class, self.order, 1]) + b"\0" * 9
                  + struct.pack("<HHIQQQIHHHHHH", self.type, self.machine, 1, self.entry, 64, 0, 0,
                                64, self.phentsize, len(self.segments), 64, 0, 0))
        body = b""
        for s in self.segments:
            size = len(s.data)
            header += struct.pack("<IIQQQQQQ", s.type, s.flags, offset + len(body), s.va, s.va,
                                  size, size + s.extra, 4096)
            body += s.data
        return header + body


SOUND = Program((Segment(0x10000, b"x" * 40), Segment(0x20000, b"data", 100, 6)), 0x10010)


def build() -> Path:
    return compile_driver("elf_driver", ("kernel/boot_elf.c",))


def ask(driver: Driver, data: bytes) -> list[int]:
    return [int(word) for word in driver.ask(data).split()]


@suite.test
def reads_sound_programs() -> None:
    segments = st.lists(st.builds(Segment, st.integers(VA_FIRST, VA_END - 10000),
                                  st.binary(max_size=60), st.integers(0, 5000),
                                  st.sampled_from([4, 5, 6])), min_size=1, max_size=5)
    with running(build()) as driver:
        @FUZZ
        @given(segments, st.integers(0, 4))
        def check(found: list[Segment], which: int) -> None:
            start = found[which % len(found)]
            program = Program(tuple(found), start.va & ~3)
            answer = ask(driver, program.bytes())
            loaded = [s for s in found if s.data or s.extra]
            inside = any(s.flags & 1 and s.va <= program.entry < s.va + len(s.data) + s.extra
                         for s in loaded)
            if not loaded:
                assert answer == [Status.NO_LOAD]
            elif not inside:
                assert answer == [Status.ENTRY]
            else:
                want = [Status.OK, program.entry]
                for s in loaded:
                    flags = (s.flags & 2) + (s.flags & 1)
                    want += [s.va, len(s.data) + s.extra, len(s.data), flags, sum(s.data)]
                assert answer == want

        check()


@suite.test
def says_what_is_wrong() -> None:
    whole = SOUND.bytes()
    first, second = SOUND.segments
    outside = replace(SOUND, segments=(replace(first, va=VA_END - 8), second))
    below = replace(SOUND, segments=(replace(first, va=VA_FIRST - 4096), second), entry=VA_FIRST)
    dynamic = replace(SOUND, segments=(*SOUND.segments, Segment(0x30000, b"", 0, 4, 2)))
    interp = replace(SOUND, segments=(Segment(0x30000, b"/lib/ld", 0, 4, 3), *SOUND.segments))
    shrunk = bytearray(whole)
    struct.pack_into("<Q", shrunk, 64 + 40, 39)  # p_memsz below p_filesz
    far = bytearray(whole)
    struct.pack_into("<Q", far, 32, 2**64 - 8)  # e_phoff
    cases = [
        (b"", Status.SHORT), (whole[:63], Status.SHORT), (b"x" * 64, Status.MAGIC),
        (replace(SOUND, elf_class=1).bytes(), Status.CLASS),
        (replace(SOUND, order=2).bytes(), Status.ENDIAN),
        (replace(SOUND, machine=62).bytes(), Status.MACHINE),
        (replace(SOUND, type=3).bytes(), Status.PIE),
        (replace(SOUND, type=1).bytes(), Status.TYPE),
        (replace(SOUND, phentsize=32).bytes(), Status.PHDRS),
        (replace(SOUND, segments=()).bytes(), Status.PHDRS),
        (bytes(far), Status.PHDRS), (whole[:100], Status.PHDRS),
        (dynamic.bytes(), Status.DYNAMIC), (interp.bytes(), Status.DYNAMIC),
        (whole[:-1], Status.SEGMENT_FILE), (bytes(shrunk), Status.SEGMENT_SIZE),
        (outside.bytes(), Status.SEGMENT_ADDRESS), (below.bytes(), Status.SEGMENT_ADDRESS),
        (replace(SOUND, entry=0x20000).bytes(), Status.ENTRY),
        (replace(SOUND, entry=0x10012).bytes(), Status.ENTRY),
        (replace(SOUND, segments=(replace(first, type=4),)).bytes(), Status.NO_LOAD),
        (whole, Status.OK),
    ]
    with running(build()) as driver:
        for data, status in cases:
            answer = ask(driver, data)[0]
            assert answer == status, f"{Status(answer).name} instead of {status.name}"


@suite.test
def every_truncation_is_seen() -> None:
    whole = SOUND.bytes()
    with running(build()) as driver:
        for size in range(len(whole)):
            assert ask(driver, whole[:size])[0] != Status.OK, size


@suite.test
def mutations_stay_inside() -> None:
    """Whatever is in the headers, what is accepted lies in the file."""
    whole = SOUND.bytes()
    words = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 500),
                      st.integers(2**64 - 500, 2**64 - 1))
    edits = st.lists(st.tuples(st.integers(2, 21), words), min_size=1, max_size=4)
    with running(build()) as driver:
        @FUZZ
        @given(edits, st.integers(0, len(whole)))
        def check(changes: list[tuple[int, int]], size: int) -> None:
            data = bytearray(whole)
            for where, value in changes:
                struct.pack_into("<Q", data, 8 * where, value)
            ask(driver, bytes(data[:size] if size % 3 == 0 else data))

        check()


@suite.test
def any_bytes_stay_inside() -> None:
    head = SOUND.bytes()[:64]
    with running(build()) as driver:
        @FUZZ
        @given(st.one_of(st.binary(max_size=200), st.binary(max_size=250).map(lambda b: head + b)))
        def check(data: bytes) -> None:
            ask(driver, data)

        check()


@suite.test
def accepts_every_program_of_this_build() -> None:
    programs = sorted((BUILD / "initrd").iterdir())
    elves = [path for path in programs if path.read_bytes()[:4] == b"\x7fELF"]
    assert elves, "no programs are built"
    with running(build()) as driver:
        for path in elves:
            answer = ask(driver, path.read_bytes())
            assert answer[0] == Status.OK, f"{path.name}: {Status(answer[0]).name}"


if __name__ == "__main__":
    sys.exit(main([suite]))
