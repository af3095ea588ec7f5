#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The EFI loader under sanitizers and a firmware that is made up: what it gives the kernel,
what it does when the memory map changes under it, and that it gives everything back."""

import hashlib
import os
import random
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from harness import Suite, main  # noqa: E402

from driver import compile_driver, running  # noqa: E402
from trees import Spans, of_source  # noqa: E402

suite = Suite("host/loader", serial=True)
SOURCES = tuple(f"bootloader/{name}.c" for name in ("config", "console", "kernel", "main", "memory",
                                                    "sha256", "tree", "volume"))
NO_FILE = (1 << 64) - 1
MIB = 1 << 20
END = 1 << 48
LOAD_ERROR, UNSUPPORTED = 0x8000_0000_0000_0001, 0x8000_0000_0000_0003


def driver() -> Path:
    return compile_driver("efi_driver", (*SOURCES, "-lfdt"),
                          ("-Ibootloader", "-no-pie", "-Wl,-Ttext-segment=0x60000000"))


def kernel(image_size: int = 11 * MIB, size: int = 5000) -> bytes:
    """An arm64 Image that does nothing."""
    head = struct.pack("<IIQQQ", 0, 0, 0, image_size, 0xA) + bytes(24) + b"ARM\x64" + bytes(4)
    return head + random.Random(1).randbytes(size - len(head))


KERNEL, INITRD = kernel(), random.Random(2).randbytes(123_457)
TREE = of_source(HERE / "hi6220.dts")


def config(*more: str) -> bytes:
    lines = ["kernel = /hv8/hv8.img", f"kernel-sha256 = {hashlib.sha256(KERNEL).hexdigest()}",
             "initrd=\\hv8\\initrd.cpio",
             f"  initrd-sha256={hashlib.sha256(INITRD).hexdigest()}  ", "",
             "# words", "args = a=b  c", *more]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Script:
    """struct script of efi_driver.c, and the files; None is no file."""

    el: int = 2
    stale: int = 0
    short_reads: int = 0
    lost_bytes: int = 0
    no_pages: int = 0
    firmware_tree: int = 1
    files: tuple[bytes | None, ...] = (KERNEL, INITRD, config(), TREE)

    def packed(self) -> bytes:
        sizes = [NO_FILE if data is None else len(data) for data in self.files]
        return struct.pack("<6Q4Q", self.el, self.stale, self.short_reads, self.lost_bytes,
                           self.no_pages, self.firmware_tree, *sizes) \
            + b"".join(data or b"" for data in self.files)


def with_file(number: int, data: bytes | None, script: Script = Script()) -> Script:
    files = list(script.files)
    files[number] = data
    return replace(script, files=tuple(files))


def started(script: Script) -> tuple[list[str], list[str]]:
    """The loader's lines, and the words of how it ended."""
    with running(driver()) as process:
        *lines, last = process.ask(script.packed()).rstrip("\n").split("|")
    assert not last.startswith("DIED"), (lines, last)
    assert all(line.startswith("hv8 loader: ") for line in lines), lines
    return [line.removeprefix("hv8 loader: ") for line in lines], last.split(" ", 8)


def spans(word: str) -> Spans:
    numbers = [int(n) for n in word.partition("=")[2].split(",") if n]
    return sorted(zip(numbers[::2], numbers[1::2]))


def enters(script: Script) -> list[str]:
    """The words of a start that succeeds, which is sound."""
    lines, words = started(script)
    assert words[0] == "ENTER", (lines, words)
    begin, tree, start, stop = (int(word, 16) for word in words[1:5])
    assert begin == start and begin % (2 * MIB) == 0 and begin < tree < stop
    free, taken = spans(words[6]), [(pa, pa + size) for pa, size in spans(words[7])]
    # Every address is either the kernel's to use, or reserved; both only by the tree's own entry.
    edges = sorted({0, END, *(at for span in free + taken for at in span)})
    for low, high in zip(edges, edges[1:]):
        is_free = any(a <= low and high <= b for a, b in free)
        is_taken = any(a <= low and high <= b for a, b in taken)
        own = (0x05E0_0000, 0x05F0_0000)
        assert is_free != is_taken or own[0] <= low < own[1], (hex(low), hex(high), words)
    assert any(a <= begin and stop <= b for a, b in free), "what is loaded is in free memory"
    assert lines[-1] == "leaving the firmware for the kernel", lines
    return words


def refuses(script: Script, line: str, status: int = LOAD_ERROR) -> None:
    lines, words = started(script)
    assert words == ["RETURN", f"{status:#x}", "0", "0"], (lines, words)
    said = lines[-2] if lines[-1] == "nothing was started" else lines[-1]
    assert line in said, (line, lines)


@suite.test
def starts_the_kernel() -> None:
    assert enters(Script())[8] == "args=a=b  c"
    assert enters(Script())[1] == "0x40200000", "the lowest place"


@suite.matrix(bytes_at_once=[1000, 4096])
def reads_in_pieces(bytes_at_once: int) -> None:
    enters(Script(short_reads=bytes_at_once))


@suite.test
def tree_from_the_volume() -> None:
    enters(Script(firmware_tree=0, files=(KERNEL, INITRD, config("dtb = /hv8/machine.dtb"), TREE)))


@suite.matrix(stale=[1, 2, 15])
def map_that_changes(stale: int) -> None:
    """The tree has the map that was agreed on at last; enters() compares them."""
    words = enters(Script(stale=stale))
    assert int(words[5]) > stale


@suite.test
def map_that_never_stays() -> None:
    lines, words = started(Script(stale=1000))
    assert words == ["RESET"] and lines[-1] == "leaving the firmware for the kernel", (lines, words)


@suite.test
def without_configuration() -> None:
    lines, words = started(with_file(2, None))
    assert words[0] == "ENTER" and "the usual names, and no checksums" in lines[1], lines


REFUSED = {
    "EL1": (Script(el=1), "the firmware does not run at EL2", UNSUPPORTED),
    "no kernel": (with_file(0, None), "no kernel: ", LOAD_ERROR),
    "empty kernel": (with_file(0, b""), "is empty", LOAD_ERROR),
    "short kernel": (with_file(0, KERNEL[:63]), "shorter than its header", LOAD_ERROR),
    "no Image": (with_file(0, bytes(5000)), "is no arm64 Image", LOAD_ERROR),
    "longer than its header": (with_file(0, kernel(4999)), "longer than its header says",
                               LOAD_ERROR),
    "big-endian": (with_file(0, KERNEL[:24] + b"\x0b" + KERNEL[25:]), "is big-endian", LOAD_ERROR),
    "not anywhere": (with_file(0, KERNEL[:24] + b"\x02" + KERNEL[25:]), "any multiple of 2 MiB",
                     LOAD_ERROR),
    "text offset": (with_file(0, KERNEL[:8] + b"\x01" + KERNEL[9:]), "any multiple of 2 MiB",
                    LOAD_ERROR),
    "too large": (with_file(0, kernel(200 * MIB)),
                  "in one piece, and the largest free one has 73728 KiB", LOAD_ERROR),
    "far too large": (with_file(0, kernel(NO_FILE)), "more than there can be", LOAD_ERROR),
    "damaged kernel": (with_file(0, KERNEL[:-1] + b"?"), "the kernel \\hv8\\hv8.img is damaged",
                       LOAD_ERROR),
    "damaged initrd": (with_file(1, b"?" + INITRD[1:]), "the initrd \\hv8\\initrd.cpio is damaged",
                       LOAD_ERROR),
    "no initrd": (with_file(1, None), "no initrd: ", LOAD_ERROR),
    "no memory": (Script(no_pages=1), "the firmware gives no ", LOAD_ERROR),
    "lost bytes": (Script(lost_bytes=300), "cannot be read: ", LOAD_ERROR),
    "damaged firmware tree": (with_file(3, TREE[:200] + bytes(len(TREE) - 200)),
                              "the firmware's device tree is damaged", LOAD_ERROR),
    "no tree": (Script(firmware_tree=0), "no device tree: the firmware offers none", LOAD_ERROR),
    "no tree file": (Script(firmware_tree=0,
                            files=(KERNEL, INITRD, config("dtb=\\hv8\\machine.dtb"), None)),
                     "no dtb: ", LOAD_ERROR),
    "tree is cut": (Script(firmware_tree=0,
                           files=(KERNEL, INITRD, config("dtb=\\hv8\\machine.dtb"), TREE[:-8])),
                    "is no device tree, or is damaged", LOAD_ERROR),
}


@suite.matrix(fault=list(REFUSED))
def is_refused(fault: str) -> None:
    refuses(*REFUSED[fault])


@suite.matrix(line=["kernel", "colour = red", "kernel = ", "kernel-sha256 = 12",
                    "initrd-sha256 = " + "G" * 64, "dtb-from = luck", "args = \x01",
                    "kernel = " + "x" * 128, "args = " + "x" * 512])
def line_of_the_configuration(line: str) -> None:
    refuses(with_file(2, config(line)), "\\hv8\\hv8.cfg, line 8: ")


@suite.test
def any_configuration_is_read_safely() -> None:
    rng = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    with running(driver()) as process:
        for _ in range(300):
            data = bytearray(config())
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            script = with_file(2, bytes(data[:rng.randrange(1, len(data) + 1)]))
            last = process.ask(script.packed()).split("|")[-1]
            assert last.startswith(("ENTER", f"RETURN {LOAD_ERROR:#x} 0 0")), (last, bytes(data))


@suite.matrix(size=[0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 4096])
def checksums_of_every_length(size: int) -> None:
    data = KERNEL if size == 0 else INITRD[:size]
    enters(replace(with_file(1, data), files=(KERNEL, data, config().replace(
        hashlib.sha256(INITRD).hexdigest().encode(), hashlib.sha256(data).hexdigest().encode()),
        TREE)))


if __name__ == "__main__":
    sys.exit(main([suite]))
