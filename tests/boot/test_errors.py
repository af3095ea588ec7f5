#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is missing or damaged is named in one clear line, and the machine stops."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, Suite, main  # noqa: E402
from qemu import Machine, expect_failure  # noqa: E402

suite = Suite("boot/errors")
WORK = BUILD / "test-files"


def fails(name: str, pattern: str, **options: object) -> None:
    machine = Machine(f"error {name}", **options)  # type: ignore[arg-type]
    expect_failure(machine, pattern)


def file(name: str, data: bytes) -> Path:
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / name
    path.write_bytes(data)
    return path


def archive(files: dict[str, bytes]) -> bytes:
    result = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        fields = [number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        result += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        result += b"\0" * (-len(result) % 4) + data
        result += b"\0" * (-len(result) % 4)
    return result


def initrd() -> bytes:
    return (BUILD / "initrd.cpio").read_bytes()


# ---- the machine -------------------------------------------------------------------


@suite.matrix(gic=["2", "3"])
def not_at_el2(gic: str) -> None:
    fails(f"not at EL2 gic={gic}", "not entered at EL2", virtualization=False, gic=gic)


@suite.test
def not_at_el2_on_max() -> None:
    fails("not at EL2 max", "not entered at EL2", virtualization=False, cpu="max")


# ---- the initrd ----------------------------------------------------------------------


@suite.test
def no_initrd() -> None:
    fails("no initrd", "no initrd", initrd=None)


@suite.test
def empty_initrd() -> None:
    # A file of no bytes is no initrd at all to QEMU.
    fails("empty initrd", "initrd", initrd=file("empty.cpio", b""))


@suite.test
def initrd_of_zeroes() -> None:
    fails("initrd of zeroes", "initrd", initrd=file("zeroes.cpio", b"\0" * 4096))


@suite.test
def initrd_with_no_file() -> None:
    fails("initrd with no file", "initrd.*empty", initrd=file("nothing.cpio", archive({})))


@suite.matrix(part=["in a header", "in the middle", "by one byte of the trailer"])
def truncated_initrd(part: str) -> None:
    data = initrd()
    trailer = data.rindex(b"TRAILER!!!") + len(b"TRAILER!!!")
    size = {"in a header": 50, "in the middle": len(data) // 2}.get(part, trailer)
    fails(f"truncated {part}", "initrd.*truncated",
          initrd=file(f"truncated-{part.replace(' ', '-')}.cpio", data[:size]))


@suite.test
def corrupt_initrd() -> None:
    data = initrd()
    second = 110 + int(data[94:102], 16)  # name of the first file, padded, and its content
    second += -second % 4 + int(data[54:62], 16)
    second += -second % 4
    assert data[second:second + 6] == b"070701"
    fails("corrupt initrd", "initrd.*corrupt",
          initrd=file("corrupt.cpio", data[:second] + b"garbage" + data[second + 7:]))


@suite.test
def compressed_initrd() -> None:
    gzip = shutil.which("gzip")
    assert gzip is not None
    data = subprocess.run([gzip, "-c"], input=initrd(), check=True, capture_output=True).stdout
    fails("compressed initrd", "initrd.*compressed", initrd=file("initrd.cpio.gz", data))


@suite.test
def no_init() -> None:
    fails("no init", "no program called init", initrd=file("noinit.cpio", archive({"sh": b"x"})))


@suite.test
def init_that_is_text() -> None:
    fails("init is text", "init.*ELF", initrd=file("text.cpio", archive({"init": b"#!" * 100})))


@suite.test
def init_of_another_machine() -> None:
    host = Path(sys.executable).resolve().read_bytes()[:8192]
    foreign = bytearray(host)
    foreign[18:20] = (62).to_bytes(2, "little")
    fails("init of another machine", "init.*another machine",
          initrd=file("foreign.cpio", archive({"init": bytes(foreign)})))


@suite.test
def truncated_init() -> None:
    program = (BUILD / "initrd" / "init").read_bytes()
    fails("truncated init", "init.*truncated",
          initrd=file("shortinit.cpio", archive({"init": program[:len(program) // 3]})))


@suite.test
def every_message_is_one_line() -> None:
    """The texts in the sources: no line break but at the end, no odd bytes."""
    sources = (Path(__file__).resolve().parents[2] / "kernel").glob("boot*.c")
    texts = [text for path in sources
             for text in re.findall(r'boot_fail\(\s*"((?:[^"\\]|\\.)*)"', path.read_text())]
    assert len(texts) > 10
    assert not [text for text in texts if "\\n" in text]


if __name__ == "__main__":
    sys.exit(main([suite]))
