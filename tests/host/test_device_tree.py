#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""boot_dt.c and boot_ram.c under sanitizers: real trees, those with every kind of
memory, and ten thousand damaged ones.

FUZZ_SEED and FUZZ_COUNT choose others.
"""

import os
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from harness import Suite, main  # noqa: E402

import mutate_tree  # noqa: E402
from driver import running  # noqa: E402
from trees import KERNEL_BYTES, PAGE, Found, Spans, ask, driver, of_qemu, of_source  # noqa: E402

suite = Suite("host/device-tree", serial=True)
HI6220 = HERE / "hi6220.dts"
ZCU102 = HERE.parent.parent / "tools/boards/zcu102.dts"
VIRT = "virt,virtualization=on,dtb-randomness=off"
# Where the tree is put, where the kernel is, for trees with RAM at 1 GiB and at 0.
AT_1G = (0x4800_0000, 0x4020_0000)
AT_0 = (0x0A00_0000, 0x0760_0000)


def boots(tree: bytes, where: tuple[int, int]) -> Found:
    with running(driver()) as process:
        found = ask(process, tree, *where)
    assert isinstance(found, Found), found
    sound(found, where[1])
    return found


def overlaps(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def extents(spans: Spans) -> Spans:
    """(address, size) as (first byte, end)."""
    return [(start, start + size) for start, size in spans if size]


def sound(found: Found, kernel: int) -> None:
    """No byte of free memory is used twice, is not in a bank, or is somebody's."""
    free, banks = found.free, extents(found.spans["bank"])
    assert all(a[1] <= b[0] for a, b in zip(free, free[1:])), f"overlap: {free}"
    taken = [*extents(found.spans["reserved"]), *extents(found.spans["initrd"]),
             (kernel, kernel + KERNEL_BYTES), (found.numbers["base"], found.numbers["base"] + PAGE)]
    for span in free:
        assert not [t for t in taken if overlaps(span, t)], (span, taken)
        at = span[0]
        while at < span[1]:
            ends = [end for start, end in banks if start <= at < end]
            assert ends, f"{at:#x} is no RAM: {banks}"
            at = max(ends)


def source(text: str) -> bytes:
    """A tree from source that is a change of hi6220.dts."""
    path = driver().parent / f"changed-{abs(hash(text)):x}.dts"
    path.write_text(text)
    return of_source(path)


def changed(*pairs: tuple[str, str]) -> bytes:
    text = HI6220.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return source(text)


# ---- HiKey ---------------------------------------------------------------------------------


@suite.matrix(kernel=[0x20_0000, 0x0760_0000, 0x2220_0000])
def hikey(kernel: int) -> None:
    """The real addresses, wherever the loader has put the kernel."""
    found = boots(of_source(HI6220), (0x0A00_0000, kernel))
    assert found.numbers == {"uart": 0xF711_3000, "uart_intid": 32 + 39, "uart_kind": 0,
                             "timer_intid": 16 + 10, "gic": 2, "base": 0}, found.numbers
    assert found.spans["gicd"] == [(0xF680_1000, 0x1000)], found
    assert found.spans["gicc"] == [(0xF680_2000, 0x2000)], found


def hikey_reserved() -> bytes:
    """One bank, and the holes reserved in both ways that there are."""
    text = re.sub(r"reg = <0 0x0+ 0 0x05e00000>.*?;", "reg = <0 0 0 0x40000000>;",
                  HI6220.read_text(), flags=re.S)
    text = text.replace("/memreserve/", "/memreserve/ 0x05f01000 0x1000;\n"
                        "/memreserve/ 0x6dff800 0x10;\n/memreserve/")
    nodes = "".join(f"\t\thole@{at:x} {{ reg = <0 {at:#x} 0 {size:#x}>; }};\n"
                    for at, size in ((0x0740_F000, 0x1000),))
    return source(text.replace("\t\tramoops@", nodes + "\t\tramoops@"))


@suite.matrix(holes=["between banks", "reserved"])
def hikey_uses_all_memory_but_the_holes(holes: str) -> None:
    tree = of_source(HI6220) if holes == "between banks" else hikey_reserved()
    at, kernel = AT_0
    free = boots(tree, AT_0).free
    holes = [(0x05E0_0000, 0x05F0_0000), (0x05F0_1000, 0x05F0_2000), (0x06DF_F000, 0x06E0_0000),
             (0x0740_F000, 0x0741_0000), (0x21F0_0000, 0x2200_0000), (0x3E00_0000, 0x4000_0000)]
    used = [(0, PAGE), (kernel, kernel + KERNEL_BYTES), (0x0B00_0000, 0x0B27_0000),
            (at, -(-(at + len(tree)) // PAGE) * PAGE)]
    expected, start = [], 0
    for hole in sorted(holes + used):
        if start < hole[0]:
            expected.append((start, hole[0]))
        start = hole[1]
    joined: Spans = []
    for span in free:
        if joined and joined[-1][1] == span[0]:
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    assert joined == expected, ([(hex(a), hex(b)) for a, b in joined],
                                [(hex(a), hex(b)) for a, b in expected])


@suite.test
def reservations_need_no_ranges() -> None:
    """They should have it; what is reserved is not used even so."""
    pair = ("#size-cells = <2>;\n\t\tranges;\n\n\t\tramoops@21f00000",
            "#size-cells = <2>;\n\n\t\tramoops@21f00000")
    found = boots(changed(pair, ("reg = <0 0x21f00000 0 0x00100000>",
                                 "reg = <0 0x23000000 0 0x1000>")), AT_0)
    assert (0x2300_0000, 0x1000) in found.spans["reserved"], found
    with running(driver()) as process:
        line = ask(process, changed(("reg = <0 0x21f00000 0 0x00100000>",
                                     "reg = <0x23000000>")), *AT_0)
    assert line == "the device tree reserves memory, but its reg cannot be read", line


# ---- others ------------------------------------------------------------------------------


@suite.matrix(gic=[2, 3], cpus=[1, 8])
def virt(gic: int, cpus: int) -> None:
    found = boots(of_qemu(f"{VIRT},gic-version={gic}", "-cpu", "cortex-a57", "-smp", str(cpus)),
                  AT_1G)
    assert found.numbers["uart"] == 0x0900_0000 and found.numbers["gic"] == gic, found
    assert found.numbers["base"] == 0x4000_0000, found
    assert found.cpus == list(range(cpus)), found


@suite.test
def versal() -> None:
    found = boots(of_qemu("xlnx-versal-virt"), AT_0)
    assert found.numbers["uart"] == 0xFF00_0000 and found.numbers["base"] == 0, found


def zcu102_tree(*pairs: tuple[str, str]) -> bytes:
    """That of the build, with the memory that QEMU would put into it, the initrd, and changes."""
    text = ZCU102.read_text()
    for old, new in (("reg = <0 0 0 0>;", "reg = <0 0 0 0x40000000>;"),
                     ("chosen {", "chosen {\n\t\tlinux,initrd-start = <0x0b000000>;\n"
                                  "\t\tlinux,initrd-end = <0x0b270000>;"), *pairs):
        assert old in text, old
        text = text.replace(old, new, 1)
    return source(text)


@suite.test
def zcu102() -> None:
    """A Cadence UART; CPU interfaces whose second page is 64 KiB after the first."""
    found = boots(zcu102_tree(), AT_0)
    assert found.numbers == {"uart": 0xFF00_0000, "uart_intid": 53, "uart_kind": 1,
                             "timer_intid": 26, "gic": 2, "base": 0}, found.numbers
    assert found.spans["gicc"] == [(0xF902_F000, 0x2000)], found.spans
    assert found.spans["gicv"] == [(0xF906_F000, 0x2000)], found.spans


@suite.matrix(chosen=["serial1", "serial0", "nothing"])
def the_uart_is_that_of_stdout_path(chosen: str) -> None:
    """Of either kind; without a path the first that is enabled."""
    pl011 = "compatible = \"arm,pl011\", \"arm,primecell\";\n\t\t\treg = <0 0xff010000"
    cadence = "compatible = \"cdns,uart-r1p12\", \"xlnx,xuartps\";\n\t\t\treg = <0 0xff010000"
    path = "" if chosen == "nothing" else f"stdout-path = \"{chosen}:115200n8\";"
    found = boots(zcu102_tree((cadence, pl011), ("stdout-path = \"serial0:115200n8\";", path)),
                  AT_0)
    expected = (0xFF01_0000, 0) if chosen == "serial1" else (0xFF00_0000, 1)
    assert (found.numbers["uart"], found.numbers["uart_kind"]) == expected, found.numbers


@suite.matrix(cells=["1 1", "1 2", "2 1"])
def any_cells(cells: str) -> None:
    """The same addresses, written with other numbers of cells under a bus."""
    found = boots(with_cells(cells), AT_0)
    assert found.numbers["uart"] == 0xF711_3000, found


@suite.test
def addresses_of_three_cells() -> None:
    """Those of a bus such as PCI are no numbers: what is on it is not used."""
    with running(driver()) as process:
        said = ask(process, with_cells("3 2"), *AT_0)
    assert isinstance(said, str) and "no UART" in said, said


def with_cells(cells: str) -> bytes:
    """HiKey's tree with the same addresses under its bus, written otherwise."""
    address, size = (int(n) for n in cells.split())

    def pair(at: int, length: int) -> str:
        return " ".join(["0"] * (address - 1) + [hex(at)] + ["0"] * (size - 1) + [hex(length)])

    return changed(
        ("\t\tcompatible = \"simple-bus\";\n\t\t#address-cells = <2>;\n"
         "\t\t#size-cells = <2>;\n\t\tranges;",
         f"\t\tcompatible = \"simple-bus\";\n\t\t#address-cells = <{address}>;\n"
         f"\t\t#size-cells = <{size}>;\n"
         f"\t\tranges = <{'0 ' * (address - 1)}0x1000 0 0xf7000000 {'0 ' * (size - 1)}0x2000000>;"),
        ("reg = <0 0xf8015000 0 0x1000>", f"reg = <{pair(0x101_6000, 0x1000)}>"),
        ("reg = <0 0xf7113000 0 0x1000>", f"reg = <{pair(0x11_4000, 0x1000)}>"))


@suite.test
def memory_in_several_nodes() -> None:
    found = boots(changed(("\tmemory@0 {", "\tmemory@80000000 {\n\t\tdevice_type = \"memory\";\n"
                           "\t\treg = <0 0x80000000 0 0x100000>, <1 0 1 0>;\n\t};\n"
                           "\tmemory@0 {")), AT_0)
    # Most of it is at 4 GiB, so that is where the tables begin.
    assert found.numbers["base"] == 1 << 32, found
    assert found.free == [((1 << 32) + PAGE, (1 << 32) + (1 << 30))], found


@suite.matrix(reg=["0 0x1000000 0xffffffff 0xffffffff", "0xffffffff 0xfffff000 0 0x1000",
                   "0xffffffff 0xffffffff 0xffffffff 0xffffffff", "0 0x800 0 0x1000"])
def banks_and_reservations_of_any_size(reg: str) -> None:
    """Nothing wraps: what is reserved is not used, what is no memory is none."""
    high = reg.startswith("0xffff")
    reserved = boots(changed(("reg = <0 0x21f00000 0 0x00100000>", f"reg = <{reg}>")), AT_0)
    limit = 1 << 48 if high else int(reg.split()[1], 16)
    assert reg.endswith("0 0x1000") or not [s for s in reserved.free if s[1] > limit], reserved.free
    bank = boots(changed(("reg = <0 0x00000000 0 0x05e00000>",
                          f"reg = <0 0 0 0x5e00000>, <{reg}>")), AT_0)
    assert all(end <= 1 << 48 for _, end in bank.free)


@suite.test
def optional_nodes_may_be_absent() -> None:
    text = HI6220.read_text()
    for node in ("aliases", "cpus", "reserved-memory"):
        text = re.sub(rf"\n\t{node} {{\n.*?\n\t}};\n", "\n", text, count=1, flags=re.S)
    text = text.replace("\t\tstdout-path = \"serial3:115200n8\";\n", "")
    text = text.replace("/memreserve/", "// ")
    found = boots(source(text), AT_0)
    assert found.numbers["uart"] == 0xF801_5000, "the first UART that there is"
    assert found.cpus == [0], "the core that boots is there in any case"


# ---- cores --------------------------------------------------------------------------------


CORE = ('cpu@{0} {{ compatible = "arm,cortex-a53"; device_type = "cpu"; reg = <0 0x{0:0>3}>;\n'
        '\t\t\tenable-method = "psci"; }};')
HIKEY_CORES = [0, 1, 2, 3, 0x100, 0x101, 0x102, 0x103]
# One core of HiKey written otherwise, and which affinities are left then.
CORES = {
    "as it is": ("", "", HIKEY_CORES),
    "disabled": ("reg = <0 0x002>;", 'reg = <0 0x002>; status = "disabled";',
                 [0, 1, 3, *HIKEY_CORES[4:]]),
    "okay": ("reg = <0 0x002>;", 'reg = <0 0x002>; status = "okay";', HIKEY_CORES),
    "spin table": (CORE.format("100"), CORE.format("100").replace("psci", "spin-table"),
                   [0, 1, 2, 3, 0x101, 0x102, 0x103]),
    "no method": (CORE.format("100"), CORE.format("100").replace('enable-method = "psci";', ""),
                  [0, 1, 2, 3, 0x101, 0x102, 0x103]),
    "no core": (CORE.format("3"), CORE.format("3").replace('"cpu"', '"cache"'),
                [0, 1, 2, *HIKEY_CORES[4:]]),
    "no address": ("reg = <0 0x003>;", "", [0, 1, 2, *HIKEY_CORES[4:]]),
    "twice": ("reg = <0 0x003>;", "reg = <0 0x002>;", [0, 1, 2, *HIKEY_CORES[4:]]),
    "affinity 3": ("reg = <0 0x103>;", "reg = <0x12 0x103>;", [*HIKEY_CORES[:7], 0x12_0000_0103]),
    "one too many": (CORE.format("103"), CORE.format("103") + CORE.format("104"), HIKEY_CORES),
    "boots last": (CORE.format("0"), "", HIKEY_CORES),
}


@suite.matrix(what=list(CORES))
def cores(what: str) -> None:
    """Which cores may run, in the order of the tree but for the one that boots."""
    old, new, expected = CORES[what]
    assert boots(changed((old, new)) if old else of_source(HI6220), AT_0).cpus == expected


@suite.test
def cores_of_one_cell() -> None:
    text = HI6220.read_text()
    start, end = text.index("cpus {"), text.index("};", text.index("cpu@103"))
    cpus = text[start:end].replace("#address-cells = <2>", "#address-cells = <1>")
    cpus = cpus.replace("reg = <0 ", "reg = <")
    assert boots(source(text[:start] + cpus + text[end:]), AT_0).cpus == HIKEY_CORES


@suite.matrix(what=["nodes", "properties", "levels"])
def larger_than_what_there_is_room_for(what: str) -> None:
    """Somewhat less is no reason to stop."""
    inside = {"nodes": lambda n: "".join(f"n{i} {{ }};\n" for i in range(n)),
              "properties": lambda n: "".join(f"p{i};\n" for i in range(n)),
              "levels": lambda n: "n {\n" * n + "};\n" * n}[what]
    least, most = {"nodes": (3900, 4096), "properties": (16000, 16384), "levels": (30, 31)}[what]
    with running(driver()) as process:
        found, said = (ask(process, changed(("\tchosen {",
                                             f"\tmany {{ {inside(n)} }};\n\tchosen {{")), *AT_0)
                       for n in (least, most))
    assert isinstance(found, Found), found
    assert isinstance(said, str), said
    assert re.match(r"the device tree (has more|is deeper) than \d+", said), said


# ---- damaged ----------------------------------------------------------------------------------


def check_damaged(seed: int, count: int, address: bool) -> tuple[int, set[str]]:
    """How many trees boot, and the lines in which the others end, without their numbers."""
    rng = random.Random(seed)
    virt_trees = [of_qemu(f"{VIRT},gic-version=2", "-cpu", "cortex-a57"),
                  of_qemu(f"{VIRT},gic-version=3", "-cpu", "max", "-smp", "4")]
    sources = [(of_source(HI6220), AT_0), (of_qemu("xlnx-versal-virt"), AT_0),
               *((tree, AT_1G) for tree in virt_trees)]
    booted: int = 0
    lines: set[str] = set()
    with running(driver(address)) as process:
        for number in range(count):
            tree, where = rng.choice(sources)
            damaged = mutate_tree.damaged(tree, rng)
            try:
                found = ask(process, damaged, *where)
                if isinstance(found, Found):
                    sound(found, where[1])
                    booted += 1
                else:
                    assert re.fullmatch(r"[ -~]{10,200}", found), found
                    lines.add(re.sub(r"0x[0-9a-f]+|\d+", "N", found))
            except AssertionError as error:
                path = driver().parent / f"damaged-{seed}-{number}.dtb"
                path.write_bytes(damaged)
                raise AssertionError(f"{path}: {error}") from None
    return booted, lines


@suite.matrix(sanitizer=["address", "none"])
def damaged_trees_end_in_a_boot_or_a_line(sanitizer: str) -> None:
    address = sanitizer == "address"
    seed = int(os.environ.get("FUZZ_SEED", "1")) + address
    count = int(os.environ.get("FUZZ_COUNT", "10000")) // (20 if address else 1)
    print(f"host/device-tree: seed {seed}, {count} trees", flush=True)
    booted, lines = check_damaged(seed, count, address)
    # Most kinds of damage are met, and many trees survive it: else this tests little.
    few = count < 500
    assert few or (len(lines) >= 8 and count // 20 < booted < count * 19 // 20), (booted, lines)


if __name__ == "__main__":
    sys.exit(main([suite]))
