#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""T4: real dumps pass, and each thing that is damaged in one is noticed and named.

SEED=n repeats a run: which indices and bits are damaged.
"""

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import dumps  # noqa: E402
from dumps import changed, dump, entry, kernel, symbol, word, wrong  # noqa: E402
from harness import ROOT, Suite, main  # noqa: E402
from mutation.mutant import stamp  # noqa: E402
from spec.descriptor import PXN, UXN  # noqa: E402
from spec.devices import BOARDS, devices  # noqa: E402
from spec.kernel_map import DEVICE, RIGHTS, XN  # noqa: E402
from spec.registers import OF_OTHERS, REQUIRED  # noqa: E402
from verif import boot, target  # noqa: E402
from verif.boot_machine import FEW, MACHINES, Dump, Machine  # noqa: E402
from verif.boot_state import physical  # noqa: E402
from verif.errors import BootError  # noqa: E402
from verif.image import PF_W  # noqa: E402

suite = Suite("verif/boot", serial=True)

NOP, PAGE = 0xD503201F, 4096
TABLES = ("machine", "console", "timer_tree", "bootinfo", "sched", "files", "handles", "devices",
          "irqs", "irq_line", "page_descs", "procs")
# Any value up to a bound is as good: damaged in the highest bit.
BOUNDED = ("bootinfo.boot_time", "bootinfo.klog_bytes")


def rng() -> random.Random:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    return random.Random(seed)


# One of each other board.
OTHERS = tuple(m for m in MACHINES if m.board != "virt" and m.ram == 256)
BY_NAME = {m.name: m for m in (*FEW, *OTHERS)}


@suite.matrix(machine=list(BY_NAME))
def a_real_dump_passes(machine: str) -> None:
    found = wrong(dump(BY_NAME[machine]))
    assert found == [], found


@suite.test
def machines_are_those_that_are_supported() -> None:
    """Each of tests/boot, which boots them to the shell."""
    assert set(FEW) < set(MACHINES) and len(set(MACHINES)) == len(MACHINES)
    text, boards = ((ROOT / "tests/boot" / name).read_text()
                    for name in ("test_boot.py", "test_boards.py"))
    for m in MACHINES:
        assert f'"{m.cpu}"' in text, m
        assert m.board == "virt" or f'"{m.board}": (' in boards, m
    assert {m.board for m in MACHINES} == {board for board, _ in BOARDS}


@suite.matrix(machine=list(BY_NAME))
def each_required_register(machine: str) -> None:
    """One of the bits that are required, the other way round."""
    r, one = rng(), dump(BY_NAME[machine])
    tried = [required for required in REQUIRED if required.name in one.registers]
    assert len(tried) > 80
    for required in tried:
        bit = 1 << r.choice([n for n in range(64) if required.mask >> n & 1])
        registers = one.registers | {required.name: one.registers[required.name] ^ bit}
        found = [p.what for p in checked(replace(one, registers=registers)).registers()]
        assert any(what.startswith(f"{required.name} differs") for what in found), \
            (required.name, bit, found)


@suite.test
def each_register_of_another_core() -> None:
    """The same of the last of four cores."""
    r, one = rng(), dump(FEW[1])
    assert len(one.others) == FEW[1].cores - 1 == 3
    *first, last = one.others
    tried = [required for required in OF_OTHERS if required.name in last]
    assert len(tried) > 40
    for required in tried:
        bit = 1 << r.choice([n for n in range(64) if required.mask >> n & 1])
        others = (*first, last | {required.name: last[required.name] ^ bit})
        found = [p.what for p in checked(replace(one, others=others)).registers()]
        assert any(what.startswith(f"core 3: {required.name} differs") for what in found), \
            (required.name, bit, found)


def checked(one: Dump, of: target.Target | None = None) -> boot.Check:
    """What `boot.check` looks at, part by part; `of` is the kernel, if it is another one."""
    return boot.Check(boot.premises.constants(kernel()), of or kernel(), one,
                      dumps.files().initrd, boot.entry_if_ready(dumps.files()))


def is_wrong(one: Dump) -> bool:
    """Does T4 say anything of it? It stops at the first thing."""
    try:
        return next(checked(one).problems(), None) is not None
    except BootError:
        return True


@suite.test
def a_register_is_part_of_the_whole() -> None:
    one = dump(FEW[0])
    found = wrong(replace(one, registers=one.registers | {"HCR_EL2": 1 << 31}))
    assert found[0].startswith("HCR_EL2 differs"), found


@suite.matrix(machine=list(BY_NAME))
def each_device_register(machine: str) -> None:
    r, one = rng(), dump(BY_NAME[machine])
    required = devices(one.machine.where)
    assert set(one.devices) == {device.name for device in required}
    for device in required:
        bit = 1 << r.choice([n for n in range(8 * device.size) if device.mask >> n & 1])
        damaged = replace(one, devices=one.devices | {device.name: one.devices[device.name] ^ bit})
        found = [p.what for p in checked(damaged).devices()]
        assert found == [f"{device.name} differs from what is required"], (device.name, bit, found)
    mask = "UARTIMR" if one.machine.where.is_cadence else "UARTIMSC"
    damaged = replace(one, devices=one.devices | {mask: int(one.machine.gives_uart)})
    assert wrong(damaged) == [f"{mask} differs from what is required"]


@suite.matrix(table=TABLES)
def each_field_of_each_table(table: str) -> None:
    """One bit of each field, at some index, makes T4 red, by a statement that names it or uses
    it. Every object of the kernel's state but stacks and translation tables is one of TABLES."""
    objects = {item.name: item for item in kernel().layout.objects}
    assert {"machine", "procs"} < set(objects) - {"cpu_stacks", "el2_tables", "pages"} <= \
        set(TABLES) | set(boots_own(objects)), sorted(objects)
    r, one = rng(), dump(FEW[1])
    for family in (f for f in objects[table].families if f.width == 8):
        key, address = dumps.random_field(family, r)
        bit = 63 if family.name in BOUNDED else r.randrange(64)
        with changed(one, address, word(one, address) ^ 1 << bit):
            assert is_wrong(one), f"{family.name}{key} bit {bit}"


def boots_own(objects: dict[str, object]) -> list[str]:
    """Objects of the boot section."""
    begin = kernel().image.markers["__text_start"]
    return [name for name in objects if kernel().image.symbols[name].address < begin]


# ---- translation tables ------------------------------------------------------------------


@contextmanager
def entry_changed(one: Dump, root: int, va: int, level: int, value: int) -> Iterator[int]:
    """The entry that translates `va` at this level has another value; `value` & 1 must be set
    for a change, and is XORed if it is negative."""
    address = entry(one, root, va, level)
    with changed(one, address, value if value >= 0 else word(one, address) ^ -value):
        yield address


def kernel_va(name: str) -> int:
    image = kernel().image
    return image.symbols[name].address if name in image.symbols else image.markers[name]


# name: (what is walked, level, bits that are turned round, a part of what T4 says)
EL2_DAMAGE = {
    "text writable": ("hc_self", 3, 1 << 7, "has not the rights of text"),
    "text not executable": ("hc_self", 3, XN, "has not the rights of text"),
    "constants executable": ("hypercall_table", 3, XN, "has not the rights of constants"),
    "data executable": ("procs", 3, XN, "has not the rights of data"),
    "data elsewhere": ("procs", 3, 1 << 40, "another physical address"),
    "data not mapped": ("procs", 3, 1, "not all of it is mapped"),
    "a table with hierarchical bits": ("procs", 2, 1 << 61, "is below a table with more bits"),
}


@suite.matrix(damage=list(EL2_DAMAGE))
def el2_tables(damage: str) -> None:
    name, level, bits, said = EL2_DAMAGE[damage]
    one = dump(FEW[1])
    with entry_changed(one, one.registers["TTBR0_EL2"], kernel_va(name), level, -bits):
        found = wrong(one)
    assert any(said in what for what in found), found


@suite.test
def boot_section_mapped_again() -> None:
    """By the table that it was mapped by, which is still in RAM."""
    one, root = dump(FEW[1]), dump(FEW[1]).registers["TTBR0_EL2"]
    assert word(one, entry(one, root, kernel_va("__boot_text_start"), 2)) == 0
    with entry_changed(one, root, kernel_va("__boot_text_start"), 2, symbol("boot_tables") | 3):
        found = wrong(one)
    assert any("lies in no area" in what for what in found), found


@suite.test
def text_mapped_again_for_writing() -> None:
    """Where pages[] would have the kernel's image."""
    one, root = dump(FEW[1]), dump(FEW[1]).registers["TTBR0_EL2"]
    block = physical(kernel().image, kernel_va("__text_start"), one.kernel_pa) & ~0x1F_FFFF
    va = kernel_va("pages") + block - word(one, symbol("machine"))
    with entry_changed(one, root, va, 2, block | RIGHTS["data"]):
        found = wrong(one)
    assert any("mapped twice" in what for what in found), found
    assert any("can be written elsewhere" in what for what in found), found


@suite.test
def device_as_memory() -> None:
    window = next(w for w in target.devices.WINDOWS if w.name == "uart")
    one = dump(FEW[0])
    with entry_changed(one, one.registers["TTBR0_EL2"], window.base, 3, -DEVICE):
        found = wrong(one)
    assert any("has not the rights of devices" in what for what in found), found


@suite.test
def other_text_in_ram() -> None:
    one = dump(FEW[0])
    with changed(one, symbol("hc_self") & ~7, 0):
        found = wrong(one)
    assert found == ["text or constants in RAM are not those of the ELF"], found


def first_leaf(one: Dump, level_0: int) -> int:
    """Address of the first valid level-3 entry below an entry of init's level-0 table."""
    def down(table: int, level: int) -> int:
        for at in (range(512) if level else (level_0,)):
            found = word(one, table + 8 * at)
            if found & 1:
                return table + 8 * at if level == 3 else down(found & 0xFFFF_FFFF_F000, level + 1)
        raise AssertionError("an empty table")
    return down(one.registers["TTBR0_EL1"] & 0xFFFF_FFFF_F000, 0)


@suite.test
def tables_of_the_first_process() -> None:
    """Its leaf at another page; of the view, a leaf that may be written, and one of a stack."""
    one = dump(FEW[1])
    own, view = first_leaf(one, 0), first_leaf(one, 510)
    with changed(one, own, word(one, own) ^ 1 << 20):
        found = wrong(one)
    assert "invariant entry_names_page does not hold" in found, found
    with changed(one, own, word(one, own) & ~0xFFFF_FFFF_F000 | symbol("procs")):
        found = wrong(one)
    assert "isolation of the memory of 1 does not hold" in found, found
    for value in (word(one, view) ^ 1 << 7, word(one, view) & ~PXN, word(one, view) & ~UXN):
        with changed(one, view, value):
            found = wrong(one)
        assert "isolation of the memory of 1 does not hold" in found, found
    with changed(one, view, word(one, view) & ~0xFFFF_FFFF_F000 | symbol("cpu_stacks")):
        found = wrong(one)
    assert "the view shows something else of the kernel" in found, found


# ---- machines that do not come so far, and kernels that boot wrongly --------------------------


@contextmanager
def patched(words: dict[int, int]) -> Iterator[tuple[target.Target, boot.Files]]:
    """The kernel with other instructions at these addresses, in the ELF and in the image."""
    with tempfile.TemporaryDirectory(prefix="hv8-boot-") as name:
        elf = Path(name) / "hv8.elf"
        right, flat = dumps.ELF.read_bytes(), bytearray(dumps.files().flat.read_bytes())
        raw = bytearray(right)
        image = kernel().image
        begin = image.markers["__kernel_start"]
        for address, instruction in words.items():
            segment = next(s for s in image.segments if s.holds(address, 4) and not s.flags & PF_W)
            at = address - segment.base
            where = right.index(segment.data[:at + 64]) + at
            raw[where:where + 4] = instruction.to_bytes(4, "little")
        elf.write_bytes(raw)
        stamp(elf)
        kernel_too = target.load(elf)
        for segment in kernel_too.image.segments:
            flat[segment.base - begin:segment.base - begin + len(segment.data)] = segment.data
        elf.with_suffix(".img").write_bytes(flat)
        yield kernel_too, boot.files(kernel_too, dumps.files().initrd)


def failures(kernel_too: target.Target, files: boot.Files) -> list[str]:
    """What the row T4 of one machine says."""
    found = boot.prove(kernel_too, files, Machine())
    assert not found.passed and found.theorem == "T4", found
    return [failure.what for failure in found.failures]


@suite.matrix(what=["boot section", "identity map"])
def kernel_that_leaves_boot_mapped(what: str) -> None:
    """leave_boot without the first or the second store."""
    at = kernel().image.function("leave_boot").address + (0 if what == "boot section" else 4)
    assert kernel().image.word(at) & 0xFFFF_FC1F == 0xF900_001F, "no store of xzr"
    with patched({at: NOP}) as (kernel_too, files):
        found = failures(kernel_too, files)
    assert any("lies in no area" in f for f in found), found


# Writes of boot that T4 does not miss, and why.
UNNOTICED = {
    "AFSR0_EL1": "constant in QEMU", "AFSR1_EL1": "likewise",
    "ACTLR_EL2": "QEMU's are constant", "AMAIR_EL1": "constant in QEMU", "ICC_SRE_EL2": "likewise",
    "TTBR0_EL1": "the first process's comes later", "CNTV_CTL_EL0": "the context's comes later",
    "CNTKCTL_EL1": "likewise",
    "HCRX_EL2": "has no bits in QEMU 7.2",
    "HFGRTR_EL2": "QEMU 7.2 has no FEAT_FGT", "HFGWTR_EL2": "likewise", "HFGITR_EL2": "likewise",
    "HDFGRTR_EL2": "likewise", "HDFGWTR_EL2": "likewise", "CNTPOFF_EL2": "nor FEAT_ECV",
    "VDISR_EL2": "the context's comes later",
}


def written(function: str) -> dict[int, str]:
    """Address and register of each `msr REGISTER, xt` of a function of boot (C6.2.230)."""
    names = {r.encoding: r.name.partition(" ")[0] for r in REQUIRED if r.encoding is not None}
    symbol_of = kernel().image.function(function)
    found = {}
    for at in range(symbol_of.address, symbol_of.address + symbol_of.size, 4):
        segment = next(s for s in kernel().image.segments if s.holds(at, 4))
        w = int.from_bytes(segment.data[at - segment.base:][:4], "little")
        encoding = (2 + (w >> 19 & 1), w >> 16 & 7, w >> 12 & 15, w >> 8 & 15, w >> 5 & 7)
        if w & 0xFFF0_0000 == 0xD510_0000 and encoding in names:
            found[at] = names[encoding]
    return found


def unnoticed(writes: dict[int, str]) -> set[str]:
    """Registers of which T4 says nothing when boot leaves out these writes. If the machine does
    not come to its first `eret` without all of them, each is left out alone."""
    with patched(dict.fromkeys(writes, NOP)) as (kernel_too, files):
        try:
            without = dumps.start(FEW[1], files.image, files.flat, files.initrd)
            said = [problem.what for problem in checked(without, kernel_too).registers()]
        except BootError:
            return set() if len(writes) == 1 else \
                set().union(*(unnoticed({at: name}) for at, name in writes.items()))
    passed = {name for name in writes.values() if not any(f"{name} differs" in s for s in said)}
    assert not said or passed != set(writes.values()), (writes, said)
    return passed


@suite.test
def each_write_of_a_register_is_missed() -> None:
    """sysregs_start without some of its writes: red for each of these, or one of UNNOTICED."""
    assert not list(checked(dump(FEW[1])).registers())
    found = written("sysregs_start")
    assert len(found) > 30, found
    groups = [dict([*found.items()][n::8]) for n in range(8)]
    passed = set().union(*map(unnoticed, groups))
    print("not noticed:", *sorted(passed))
    assert passed <= set(UNNOTICED), passed - set(UNNOTICED)


@suite.test
def kernel_that_panics_in_boot() -> None:
    panic, at = (kernel().image.function(name).address for name in ("panic", "leave_boot"))
    branch = 0x14000000 | (panic - at) // 4 & 0x3FFFFFF
    with patched({at: branch}) as (kernel_too, files):
        found = failures(kernel_too, files)
    assert found == ["BootError: the kernel panics before its first eret"], found


@contextmanager
def initrd_with(old: bytes, new: bytes) -> Iterator[boot.Files]:
    """The files, with other bytes in the initrd."""
    content = dumps.files().initrd.read_bytes()
    assert content.count(old) >= 1 and len(old) == len(new)
    with tempfile.TemporaryDirectory(prefix="hv8-boot-") as name:
        initrd = Path(name) / "initrd.cpio"
        initrd.write_bytes(content.replace(old, new))
        yield replace(dumps.files(), initrd=initrd)


@suite.test
def initrd_without_init() -> None:
    with initrd_with(b"00000000init\0", b"00000000inix\0") as files:
        found = failures(kernel(), files)
    assert found == ["BootError: the initrd has no program init"], found


@suite.test
def boot_that_gives_up() -> None:
    """What it printed last is told."""
    with initrd_with(b"\x7fELF", b"\x7fELG") as files:
        found = failures(kernel(), files)
    assert len(found) == 1 and "does not reach its first eret" in found[0] \
        and "init in the initrd" in found[0], found


@suite.test
def image_of_another_kernel() -> None:
    with patched({kernel().image.function("hc_self").address: NOP}) as (_, files):
        found = failures(kernel(), replace(files, image=kernel().image))
    assert len(found) == 1 and "was not made of" in found[0], found


@suite.test
def no_image() -> None:
    found = failures(kernel(), replace(dumps.files(), flat=Path("/nonexistent/hv8.img")))
    assert found == ["BootError: no /nonexistent/hv8.img: run make build"], found


@suite.test
def no_qemu() -> None:
    path = os.environ["PATH"]
    os.environ["PATH"] = "/nonexistent"
    try:
        found = failures(kernel(), dumps.files())
    finally:
        os.environ["PATH"] = path
    assert found == ["BootError: no qemu-system-aarch64: nothing was booted"], found


@suite.test
def no_such_core() -> None:
    found = boot.prove(kernel(), dumps.files(), Machine("cortex-z80")).failures
    assert len(found) == 1 and "does not start" in found[0].what and "z80" in found[0].what, found


if __name__ == "__main__":
    sys.exit(main([suite]))
