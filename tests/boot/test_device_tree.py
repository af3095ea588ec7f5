#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots with device trees that QEMU does not make: what is missing is named,
what is merely unusual is coped with.

QEMU mends a device tree that it is given with a kernel. So a few instructions
take the place of the boot loader here, and kernel, archive and tree are put in
memory as they are.
"""

import os
import random
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "host")]

from harness import BUILD, Suite, main, output  # noqa: E402
from qemu import PROMPT, Guest, Machine, expect_failure  # noqa: E402

import mutate_tree  # noqa: E402

suite = Suite("boot/device-tree")
WORK = BUILD / "test-files"
RAM = 0x4000_0000
ENTRY = RAM + 0x1F_0000  # QEMU keeps its own tree in the first MiB
UART, PSCI, GIC, TIMER = "/pl011@9000000", "/psci", "/intc@8000000", "/timer"
MEMORY = "/memory@40000000"


@dataclass(frozen=True)
class Placement:
    """Physical addresses; x0 at entry is `tree` unless said otherwise."""

    kernel: int = RAM + 0x20_0000
    tree: int = RAM + 0x800_0000
    initrd: int = RAM + 0x810_0000
    x0: int | None = None


@dataclass(frozen=True)
class Tree:
    """A device tree in a file, and what can be done to it."""

    path: Path

    def put(self, node: str, name: str, *cells: int) -> None:
        output("fdtput", "-t", "x", self.path, node, name, *(f"{cell:x}" for cell in cells))

    def text(self, node: str, name: str, *values: str) -> None:
        output("fdtput", "-t", "s", self.path, node, name, *values)

    def remove(self, node: str) -> None:
        output("fdtput", "-r", self.path, node)

    def drop(self, node: str, name: str) -> None:
        output("fdtput", "-d", self.path, node, name)

    def make(self, node: str) -> None:
        output("fdtput", "-c", self.path, node)


def machine(name: str, edit: Callable[[Tree], None], where: Placement, gic: str) -> Machine:
    """QEMU with everything in place, from the tree of a plain machine, edited."""
    WORK.mkdir(parents=True, exist_ok=True)
    stem = WORK / f"tree-{name.replace(' ', '-')}"
    tree, entry = stem.with_suffix(".dtb"), stem.with_suffix(".bin")
    subprocess.run(["qemu-system-aarch64", "-machine",
                    f"virt,virtualization=on,gic-version={gic},dumpdtb={tree}",
                    "-cpu", "cortex-a57", "-m", "512M", "-nodefaults", "-display", "none"],
                   check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)
    initrd = BUILD / "initrd.cpio"
    chosen = Tree(tree)
    chosen.put("/chosen", "linux,initrd-start", where.initrd)
    chosen.put("/chosen", "linux,initrd-end", where.initrd + initrd.stat().st_size)
    edit(chosen)
    x0 = where.tree if where.x0 is None else where.x0
    # ldr x0, =x0; ldr x1, =kernel; br x1
    entry.write_bytes(struct.pack("<6I2Q", 0x580000C0, 0x580000E1, 0xD61F0020, 0, 0, 0, x0,
                                  where.kernel))
    loaders = ((entry, ENTRY, ",cpu-num=0"), (BUILD / "hv8.img", where.kernel, ""),
               (tree, where.tree, ""), (initrd, where.initrd, ""))
    extra: list[str] = []
    for path, address, more in loaders:
        extra += ["-device", f"loader,file={path},addr={address:#x},force-raw=on{more}"]
    return Machine(f"tree {name}", gic=gic, kernel=None, initrd=None, extra=tuple(extra))


def nothing(tree: Tree) -> None:
    """No change."""


def fails(name: str, pattern: str, edit: Callable[[Tree], None] = nothing, ends: bool = True,
          where: Placement = Placement(), gic: str = "3") -> None:
    expect_failure(machine(name, edit, where, gic), pattern, ends)


def boots(name: str, edit: Callable[[Tree], None] = nothing, where: Placement = Placement(),
          gic: str = "3") -> str:
    with Guest(machine(name, edit, where, gic)) as guest:
        banner = guest.prompt()
        guest.halt()
        return banner


# ---- what is missing ------------------------------------------------------------------


@suite.test
def no_device_tree() -> None:
    fails("none", "no device tree", where=Placement(x0=0), ends=False)


@suite.test
def no_valid_device_tree() -> None:
    fails("not valid", "no valid device tree", where=Placement(x0=RAM + 0x20_0000), ends=False)


@suite.test
def kernel_at_an_odd_address() -> None:
    fails("odd address", "2 MiB", where=Placement(kernel=RAM + 0x20_1000))


@suite.test
def no_psci() -> None:
    fails("no psci", "no PSCI", lambda tree: tree.remove(PSCI), ends=False)


@suite.test
def old_psci() -> None:
    fails("old psci", "PSCI", lambda tree: tree.text(PSCI, "compatible", "arm,psci"), ends=False)


@suite.test
def psci_by_hvc() -> None:
    fails("psci by hvc", "PSCI.*SMC", lambda tree: tree.text(PSCI, "method", "hvc"), ends=False)


@suite.test
def no_uart() -> None:
    fails("no uart", "no UART", lambda tree: tree.remove(UART), ends=False)


@suite.test
def disabled_uart() -> None:
    fails("disabled uart", "no UART", lambda tree: tree.text(UART, "status", "disabled"),
          ends=False)


@suite.test
def uart_without_interrupt() -> None:
    fails("uart interrupt", "interrupt.*UART|UART.*interrupt",
          lambda tree: tree.drop(UART, "interrupts"))


@suite.test
def no_interrupt_controller() -> None:
    fails("no gic", "interrupt controller", lambda tree: tree.remove(GIC))


@suite.matrix(gic=["2", "3"])
def interrupt_controller_without_registers(gic: str) -> None:
    fails(f"gic{gic} registers", f"GICv{gic}", lambda tree: tree.drop(GIC, "reg"), gic=gic)


@suite.test
def no_timer() -> None:
    fails("no timer", "timer", lambda tree: tree.remove(TIMER))


@suite.test
def no_memory() -> None:
    fails("no memory", "no memory", lambda tree: tree.remove(MEMORY))


@suite.test
def too_little_memory() -> None:
    def edit(tree: Tree) -> None:
        """The kernel and a few pages."""
        size = struct.unpack_from("<Q", (BUILD / "hv8.img").read_bytes(), 16)[0]
        tree.put(MEMORY, "reg", 0, Placement().kernel, 0, size + 0x8000)

    fails("too little", "not enough memory", edit)


@suite.test
def kernel_outside_memory() -> None:
    fails("kernel outside", "memory", lambda tree: tree.put(MEMORY, "reg", 0, RAM + 0x400_0000,
                                                            0, 0x1000_0000))


@suite.test
def initrd_backwards() -> None:
    fails("initrd backwards", "initrd", lambda tree: tree.put("/chosen", "linux,initrd-end", RAM))


@suite.test
def initrd_too_large() -> None:
    fails("initrd large", "initrd is too large",
          lambda tree: tree.put("/chosen", "linux,initrd-end", 0xC000_0000))


@suite.test
def initrd_where_nothing_is() -> None:
    def edit(tree: Tree) -> None:
        tree.put("/chosen", "linux,initrd-start", 0x3000_0000)
        tree.put("/chosen", "linux,initrd-end", 0x3000_1000)

    fails("initrd nowhere", "initrd|exception", edit)


# ---- what is unusual --------------------------------------------------------------------


@suite.matrix(gic=["2", "3"])
def plain(gic: str) -> None:
    boots(f"plain gic{gic}", gic=gic)


@suite.matrix(megabytes=[2, 34, 256])
def kernel_anywhere(megabytes: int) -> None:
    boots(f"kernel at {megabytes}", where=Placement(kernel=RAM + megabytes * 0x10_0000))


@suite.matrix(offset=[4, 0x14, 0xFFC])
def initrd_in_the_middle_of_a_page(offset: int) -> None:
    boots(f"initrd offset {offset}", where=replace(Placement(), initrd=RAM + 0x810_0000 + offset))


@suite.test
def tree_behind_the_initrd_and_odd() -> None:
    boots("tree behind", where=Placement(tree=RAM + 0x1000_0008, initrd=RAM + 0xC00_0000))


@suite.test
def initrd_addresses_of_eight_bytes() -> None:
    def edit(tree: Tree) -> None:
        start = Placement().initrd
        tree.put("/chosen", "linux,initrd-start", 0, start)
        tree.put("/chosen", "linux,initrd-end", 0,
                 start + (BUILD / "initrd.cpio").stat().st_size)

    boots("eight bytes", edit)


@suite.test
def memory_with_holes() -> None:
    """Banks in one node and in two, as HiKey has them."""

    def edit(tree: Tree) -> None:
        tree.put(MEMORY, "reg", 0, RAM, 0, 0x5E0_0000, 0, RAM + 0x5F0_0000, 0, 0x1000,
                 0, RAM + 0x5F0_2000, 0, 0x60F_E000)
        tree.make("/memory@50000000")
        tree.text("/memory@50000000", "device_type", "memory")
        tree.put("/memory@50000000", "reg", 0, RAM + 0x1000_0000, 0, 0x1000_0000)

    boots("holes", edit, where=Placement(tree=RAM + 0x800_0000, initrd=RAM + 0x810_0000))


@suite.test
def reserved_memory() -> None:
    def edit(tree: Tree) -> None:
        tree.make("/reserved-memory")
        tree.put("/reserved-memory", "#address-cells", 2)
        tree.put("/reserved-memory", "#size-cells", 2)
        tree.put("/reserved-memory", "ranges")
        tree.make("/reserved-memory/firmware@44000000")
        tree.put("/reserved-memory/firmware@44000000", "reg", 0, RAM + 0x400_0000, 0, 0x200_0000)

    less = boots("reserved", edit)
    assert "500 MiB" not in less, less


@suite.test
def no_stdout_path() -> None:
    boots("no stdout", lambda tree: tree.drop("/chosen", "stdout-path"))


# ---- the virtual CPU interface of a GICv2 ------------------------------------------------

# What processes would map as theirs: address and size, in cells.
VIRTUAL = {
    "not at a page": (0, 0x804_0800, 0, 0x2000), "of one page": (0, 0x804_0000, 0, 0x1000),
    "in memory": (0, RAM + 0x1000, 0, 0x2000), "the distributor": (0, 0x800_0000, 0, 0x2000),
    "beyond 48 bits": (0x1_0000, 0, 0, 0x2000),
}


@suite.matrix(gicv=[*VIRTUAL])
def virtual_interface(gicv: str) -> None:
    others = (0, 0x800_0000, 0, 0x1_0000, 0, 0x801_0000, 0, 0x1_0000, 0, 0x803_0000, 0, 0x1_0000)
    fails(f"gicv {gicv}", "virtual CPU interface cannot be",
          lambda tree: tree.put(GIC, "reg", *others, *VIRTUAL[gicv]), gic="2")


# ---- devices for processes --------------------------------------------------------------

CLOCK, BUS = "/pl031@9010000", "/bus@9010000"


def moved(*reg: int) -> Callable[[Tree], None]:
    return lambda tree: tree.put(CLOCK, "reg", *reg)


def behind(kind: str, *reg: int) -> Callable[[Tree], None]:
    """The clock on a bus whose addresses begin at 0x100."""
    def edit(tree: Tree) -> None:
        tree.remove(CLOCK)
        tree.make(BUS)
        tree.text(BUS, "compatible", kind)
        tree.put(BUS, "#address-cells", 1)
        tree.put(BUS, "#size-cells", 1)
        tree.put(BUS, "ranges", 0x100, 0, 0x901_0000, 0x1000)
        tree.make(f"{BUS}/clock")
        tree.text(f"{BUS}/clock", "compatible", "arm,pl031")
        tree.put(f"{BUS}/clock", "reg", *reg)
    return edit


def neighbour(tree: Tree) -> None:
    """Nobody knows what it can do, in the clock's page."""
    tree.make("/thing@9010800")
    tree.text("/thing@9010800", "compatible", "acme,thing")
    tree.text("/thing@9010800", "status", "disabled")
    tree.put("/thing@9010800", "reg", 0, 0x901_0800, 0, 0x100)


def said(words: str) -> Callable[[Tree], None]:
    return lambda tree: tree.text("/chosen", "bootargs", words)


# How many pages are handed out; without a change the clock and the PL061.
HANDED_OUT: dict[str, tuple[int, Callable[[Tree], None]]] = {
    "disabled": (1, lambda tree: tree.text(CLOCK, "status", "disabled")),
    "with a DMA controller": (1, lambda tree: tree.put(CLOCK, "dmas", 1)),
    "of more than one page": (3, moved(0, 0x901_0000, 0, 0x1004)),
    "too large": (1, moved(0, 0x901_0000, 0, 0x2_0000)),
    "beside what is unknown": (1, neighbour),
    "in memory": (1, moved(0, RAM + 0x1000, 0, 0x1000)),
    "where page numbers are": (1, moved(0, RAM + 0x3000_0000, 0, 0x1000)),
    "in the interrupt controller": (1, moved(0, 0x80A_0000, 0, 0x1000)),
    "in the page of the UART": (1, moved(0, 0x900_0800, 0, 0x100)),
    "beyond 48 bits": (1, moved(0x1_0000, 0, 0, 0x1000)),
    "on a bus": (2, behind("simple-bus", 0x100, 0x1000)),
    "past the end of a bus": (1, behind("simple-bus", 0x900, 0x1000)),
    "on an unknown bus": (1, behind("acme,bus", 0x100, 0x1000)),
    "no option": (2, said("quiet xdma=on dma=one")),
    "the option": (7, said("quiet dma=on")),
    "both options": (2, said("dma=on dma=off")),
}


@suite.matrix(clock=[*HANDED_OUT])
def devices(clock: str) -> None:
    count, edit = HANDED_OUT[clock]
    banner = boots(f"clock {clock}", edit)
    assert f"hv8: {count} pages of device registers" in banner, banner
# ---- what is damaged: tests/host has ten thousand more ----------------------------------


@suite.test
def damaged_trees_end_in_a_boot_or_a_line() -> None:
    """On the machine itself. FUZZ_SEED and FUZZ_QEMU choose others, and how many."""
    seed, count = int(os.environ.get("FUZZ_SEED", "1")), int(os.environ.get("FUZZ_QEMU", "8"))
    print(f"boot/device-tree: FUZZ_SEED={seed} FUZZ_QEMU={count}", flush=True)
    for number in range(seed, seed + count):
        rng = random.Random(number)

        def damage(tree: Tree) -> None:
            packed = tree.path.with_suffix(".packed")
            output("dtc", "-q", "-I", "dtb", "-O", "dtb", "-o", packed, tree.path)
            tree.path.write_bytes(mutate_tree.damaged(packed.read_bytes(), rng))

        with Guest(machine(f"damaged {number}", damage, Placement(), rng.choice("23"))) as guest:
            # The line that ends a boot, as far as one can tell: PSCI may not be known to switch
            # off.
            guest.expect(f"{re.escape(PROMPT)}"
                         "|hv8: (?!version |RAM |GICv. at |initrd \\d)[^\\r\\n]+\\r")
            words = guest.before
        lines = [line for line in words.splitlines() if line]
        assert all(line.startswith(("hv8: ", "Welcome")) for line in lines), words


if __name__ == "__main__":
    sys.exit(main([suite]))
