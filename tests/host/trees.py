# SPDX-License-Identifier: MIT
"""Device trees of real machines, and boot's reading of them on this machine."""

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import BUILD, output

from driver import Driver, compile_driver

SOURCES = ("kernel/boot_dt.c", "kernel/boot_dt_tree.c", "kernel/boot_dt_cpu.c",
           "kernel/boot_ram.c")
KERNEL_BYTES = 0xB0_0000
PAGE = 4096
MOST = 8 << 20              # a longer tree is refused for what it says
WORK = BUILD / "host" / "trees"
Spans = list[tuple[int, int]]


@cache
def driver(address: bool = True) -> Path:
    """boot's files and Debian's libfdt. Without the address sanitizer it makes children much
    faster; what lies behind the tree cannot be read even so."""
    begin = 0x1000_0000
    # pages[] has no bytes here: boot only names it. The program itself is where no tree is put.
    symbols = ("pages=0", f"__kernel_start={begin:#x}", f"__kernel_end={begin + KERNEL_BYTES:#x}")
    flags = ["-no-pie", "-Wl,-Ttext-segment=0x60000000",
             *(f"-Wl,--defsym={symbol}" for symbol in symbols)]
    if not address:
        flags.append("-fno-sanitize=address")
    return compile_driver("dt_driver", (*SOURCES, "-lfdt"), tuple(flags),
                          "" if address else "-fast")


@dataclass(frozen=True)
class Found:
    """What boot has found, by the names of dt_driver.c; addresses in bytes."""

    numbers: dict[str, int]
    spans: dict[str, Spans]
    cpus: list[int]     # affinities; the core that boots, of affinity 0, first

    @property
    def free(self) -> Spans:
        """Free memory: first byte and end, in order."""
        base = self.numbers["base"]
        return sorted((base + a * PAGE, base + b * PAGE) for a, b in self.spans["free"] if a < b)


def parsed(answer: str) -> Found | str:
    """An answer of the driver: what was found, or the line that ends boot."""
    if answer.startswith("FAIL "):
        return answer[5:].rstrip("\n")
    assert answer.startswith("OK "), answer
    pairs = [word.split("=") for word in answer.split()[1:]]
    lists = {name: [int(n) for n in text.split(",") if n] for name, text in pairs}
    singles = ("uart", "uart_intid", "uart_kind", "timer_intid", "gic", "base")
    return Found({name: lists[name][0] for name in singles},
                 {name: list(zip(numbers[::2], numbers[1::2]))
                  for name, numbers in lists.items() if name not in (*singles, "cpus")},
                 lists["cpus"])


def ask(process: Driver, tree: bytes, at: int, kernel: int) -> Found | str:
    """Boots with `tree` so that the end of its last page is its own end; `at` is
    where it should be, roughly. If it says that it is longer than it is, zeros follow."""
    said, = struct.unpack_from(">I", tree, 4)
    if len(tree) < said <= MOST:
        tree = tree.ljust(said, b"\0")
    size = -(-len(tree) // 8) * 8
    place = -(-(at + size) // PAGE) * PAGE - size
    return parsed(process.ask(struct.pack("<QQ", place, kernel) + tree))


@cache
def of_qemu(machine: str, *options: str) -> bytes:
    """The tree that QEMU makes for a machine, without the room that it leaves in it."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / ("-".join([machine, *options]).replace("/", "_").replace(",", "-") + ".dtb")
    output("qemu-system-aarch64", "-M", f"{machine},dumpdtb={path}", *options, "-nodefaults",
           "-display", "none", "-audiodev", "none,id=none")
    # QEMU adds PSCI when it starts a kernel.
    output("fdtput", "-cp", path, "/psci")
    output("fdtput", "-t", "s", path, "/psci", "compatible", "arm,psci-1.0", "arm,psci-0.2")
    output("fdtput", "-t", "s", path, "/psci", "method", "smc")
    for name in ("linux,initrd-start", "linux,initrd-end"):
        address = 0x100_0000 if machine.startswith("xlnx") else 0x4900_0000
        output("fdtput", "-t", "x", path, "/chosen", name,
               f"{address + (0x27_0000 if name.endswith('end') else 0):x}")
    return packed(path)


def packed(path: Path) -> bytes:
    """A tree as small as it can be."""
    output("dtc", "-q", "-I", "dtb", "-O", "dtb", "-o", f"{path}.packed", path)
    return Path(f"{path}.packed").read_bytes()


@cache
def of_source(path: Path) -> bytes:
    """The tree of a .dts file."""
    WORK.mkdir(parents=True, exist_ok=True)
    target = WORK / f"{path.stem}.dtb"
    output("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", target, path)
    return target.read_bytes()
