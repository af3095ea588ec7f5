#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The EFI loader under EDK2 and U-Boot: boots, and what is wrong is named and
left to the firmware."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import firmware  # noqa: E402
from firmware import FIRMWARE, LEAVING, Disk  # noqa: E402
from harness import BUILD, Suite, main  # noqa: E402
from qemu import Guest  # noqa: E402

suite = Suite("boot/efi")
CONFIG = "hv8/hv8.cfg"


# ---- boots ---------------------------------------------------------------------------


def boot(name: str, disk: Path, gic: str, cpu: str) -> str:
    """From reset to the shell and off; what the loader said."""
    machine = firmware.machine(f"efi {name} gic={gic}", FIRMWARE[name], [disk], gic, cpu=cpu)
    with Guest(machine) as guest:
        guest.expect(LEAVING)
        said = guest.before
        banner = guest.prompt()
        assert f"GICv{gic}" in banner, banner
        # What the loader reserves is about memory: processes have devices all the same.
        assert re.search(r"\n?hv8: [1-9]\d* pages of device registers", banner), banner
        assert "init" in guest.shell("ps")
        guest.halt()
        return said


def test_boot(name: str, gic: str, cpu: str) -> None:
    options = ("--dtb", firmware.tree_of(gic, cpu=cpu)) if FIRMWARE[name].acpi else ()
    said = boot(name, firmware.image(f"boot {name} {gic}", *options), gic, cpu)
    for word in ("kernel", "initrd", *(["dtb"] if FIRMWARE[name].acpi else [])):
        assert [line for line in said.splitlines() if line.startswith(f"hv8 loader: {word} ")
                and line.endswith("SHA-256 as it should be")], said
    assert ("device tree of the firmware" in said) != FIRMWARE[name].acpi, said
    assert "EL2" in said, said


for _name, _gic, _cpu in (("EDK2 with ACPI", "3", "cortex-a57"), ("EDK2", "2", "cortex-a53"),
                          ("U-Boot", "3", "max")):
    suite.add(f"boots {_name} gic={_gic}",
              lambda name=_name, gic=_gic, cpu=_cpu: test_boot(name, gic, cpu))


@suite.test
def memory_that_firmware_keeps_is_not_used() -> None:
    """EDK2's map: less is free than without firmware, and the loader's own memory is free."""
    def free(banner: str) -> int:
        return int(banner.split(" MiB of it free")[0].rsplit(" ", 1)[1])

    with Guest(firmware.machine("efi memory", FIRMWARE["EDK2"], [firmware.good()])) as guest:
        with_firmware = free(guest.prompt())
    # Its runtime services take some MiB; an eighth of all would be a mistake.
    assert 448 < with_firmware < 496, with_firmware


# ---- what is wrong ------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What is done to a good disk, and what the loader says of it."""

    name: str
    line: str
    damage: Callable[[Disk], None]


def _config(old: bytes, new: bytes) -> Callable[[Disk], None]:
    def damage(disk: Disk) -> None:
        text = disk.read(CONFIG)
        assert old in text, text
        disk.put(CONFIG, text.replace(old, new))

    return damage


def _kernel(data: Callable[[], bytes]) -> Callable[[Disk], None]:
    def damage(disk: Disk) -> None:
        disk.put("hv8/hv8.img", data())

    return damage


def _flipped(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


def _tree(disk: Disk, tree: bytes) -> None:
    disk.put("hv8/machine.dtb", tree)
    disk.put(CONFIG, b"dtb = /hv8/machine.dtb\ndtb-from = file\n")


def _no_config_nor_kernel(disk: Disk) -> None:
    disk.remove(CONFIG)
    disk.remove("hv8/hv8.img")


FAULTS = (
    Fault("no kernel", "no kernel: .*hv8.img cannot be opened", lambda d: d.remove("hv8/hv8.img")),
    Fault("no config nor kernel", "no .*hv8.cfg: the usual names", _no_config_nor_kernel),
    Fault("no initrd", "no initrd: .*initrd.cpio cannot be opened",
          lambda d: d.remove("hv8/initrd.cpio")),
    Fault("empty initrd", "initrd .* is empty", lambda d: d.put("hv8/initrd.cpio", b"")),
    Fault("kernel is text", "is no arm64 Image", _kernel(lambda: b"no kernel " * 20)),
    Fault("kernel is short", "shorter than its header", _kernel(lambda: b"ARM\x64" * 15)),
    Fault("kernel is longer", "longer than its header",
          _kernel(lambda: firmware.kernel_that_wants(4096))),
    Fault("kernel too large",
          "out of memory: .* need \\d+ KiB in one piece, and the largest free one has",
          _kernel(lambda: firmware.kernel_that_wants(1 << 32))),
    Fault("kernel too large for any", "more than there can be",
          _kernel(lambda: firmware.kernel_that_wants((1 << 64) - 1))),
    Fault("kernel damaged", "kernel .* is damaged", _kernel(lambda: _flipped(BUILD / "hv8.img"))),
    Fault("initrd damaged", "initrd .* is damaged",
          lambda d: d.put("hv8/initrd.cpio", _flipped(BUILD / "initrd.cpio"))),
    Fault("kernel is a folder", "kernel .* (is no file|cannot be opened)",
          _config(rb"kernel = \hv8\hv8.img", rb"kernel = \EFI")),
    Fault("unknown key", "hv8.cfg, line 2: this key is not known",
          _config(b"kernel =", b"kernal =")),
    Fault("large config", "hv8.cfg is too large: 5000 bytes", lambda d: d.put(CONFIG, b"#" * 5000)),
    Fault("damaged tree", "is no device tree, or is damaged",
          lambda d: _tree(d, b"\xd0\x0d\xfe\xed" * 30)),
    Fault("no tree", "no dtb: .*machine.dtb cannot be opened",
          lambda d: d.put(CONFIG, b"dtb = \\hv8\\machine.dtb\ndtb-from = file\n")),
)


@suite.test
def each_fault_is_named_and_the_firmware_goes_on() -> None:
    """One U-Boot starts the loader from a disk for each, and at last from a good one."""
    disks = []
    for fault in FAULTS:
        disk = firmware.disk(f"fault {fault.name}")
        fault.damage(disk)
        disks.append(disk.path)
    disks.append(firmware.good())
    with Guest(firmware.machine("efi faults", FIRMWARE["U-Boot"], disks)) as guest:
        guest.expect("Hit any key to stop autoboot")
        guest.type(" ")
        guest.expect("=> ")
        guest.type("virtio scan\r")
        guest.expect("=> ")
        # U-Boot numbers disks from the last one, in hexadecimal.
        for fault, number in zip([*FAULTS, None], reversed(range(len(disks)))):
            guest.type(f"load virtio {number:x}:1 ${{kernel_addr_r}} EFI/BOOT/BOOTAA64.EFI && "
                       "bootefi ${kernel_addr_r} ${fdtcontroladdr}\r")
            if fault is None:
                break
            guest.expect(f"hv8 loader: [^\\r\\n]*{fault.line}")
            guest.expect("hv8 loader: nothing was started")
            guest.expect("\n=> ")
        guest.prompt()
        guest.halt()


@suite.matrix(name=["EDK2", "U-Boot"])
def firmware_at_el1(name: str) -> None:
    machine = firmware.machine(f"efi el1 {name}", FIRMWARE[name], [firmware.good()],
                               virtualization=False)
    with Guest(machine) as guest:
        guest.expect("hv8 loader: the firmware does not run at EL2")
        guest.expect("BdsDxe: failed to start" if name == "EDK2" else "Application failed")


@suite.test
def acpi_without_a_tree() -> None:
    machine = firmware.machine("efi no tree", FIRMWARE["EDK2 with ACPI"], [firmware.good()])
    with Guest(machine) as guest:
        guest.expect("hv8 loader: no device tree: the firmware offers none")
        guest.expect("BdsDxe: failed to start")


@suite.test
def not_enough_memory() -> None:
    """Less than kernel, initrd and U-Boot take: it says so and goes on."""
    disk = firmware.disk("little memory")
    disk.put("hv8/hv8.img", firmware.kernel_that_wants(60 << 20))
    disk.put(CONFIG, b"# no checksums\n")
    machine = firmware.machine("efi little memory", FIRMWARE["U-Boot"], [disk.path], mem="64M")
    with Guest(machine) as guest:
        guest.expect("hv8 loader: out of memory: ")
        guest.expect("Application failed")


if __name__ == "__main__":
    sys.exit(main([suite]))
