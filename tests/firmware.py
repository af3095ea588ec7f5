# SPDX-License-Identifier: MIT
"""Machines that firmware starts, and disks for it, whole and damaged."""

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import BUILD, ROOT, output, replaced
from qemu import Machine

WORK = BUILD / "test-files" / "efi"
EDK2 = Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
UBOOT = Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
VOLUME = 1 << 20            # where the volume of a disk begins
LOADER = BUILD / "BOOTAA64.EFI"
LEAVING = "hv8 loader: leaving the firmware for the kernel"


@dataclass(frozen=True)
class Firmware:
    """`acpi`: whether it offers ACPI tables, and so no device tree."""

    name: str
    path: Path
    acpi: bool = False


FIRMWARE = {"EDK2 with ACPI": Firmware("EDK2 with ACPI", EDK2, acpi=True),
            "EDK2": Firmware("EDK2", EDK2), "U-Boot": Firmware("U-Boot", UBOOT)}


def machine(log: str, firmware: Firmware, disks: list[Path], gic: str = "3", mem: str = "512M",
            cpu: str = "cortex-a57", virtualization: bool = True) -> Machine:
    """QEMU with nothing but firmware and disks; `log` names the transcript."""
    extra = ["-bios", str(firmware.path)]
    if firmware.path == EDK2:
        extra += ["-machine", f"acpi={'on' if firmware.acpi else 'off'}"]
    for number, disk in enumerate(disks):
        extra += ["-drive", f"file={disk},format=raw,if=none,id=disk{number},snapshot=on",
                  "-device", f"virtio-blk-device,drive=disk{number}"]
    return Machine(log, cpu=cpu, gic=gic, mem=mem, virtualization=virtualization, kernel=None,
                   initrd=None, extra=tuple(extra))


def tree_of(gic: str, mem: str = "512M", cpu: str = "cortex-a57") -> Path:
    """The device tree that QEMU makes for such a machine."""
    path = WORK / f"virt-gic{gic}-{mem}-{cpu}.dtb"
    with replaced(path) as made:
        output("qemu-system-aarch64", "-machine",
               f"virt,virtualization=on,gic-version={gic},dtb-randomness=off,dumpdtb={made}",
               "-cpu", cpu, "-m", mem, "-nodefaults", "-display", "none")
    return path


def image(name: str, *options: str | Path, kernel: Path = BUILD / "hv8.img",
          initrd: Path = BUILD / "initrd.cpio") -> Path:
    """A disk made by tools/efi_image.py."""
    path = WORK / f"{name.replace(' ', '-')}.img"
    with replaced(path) as made:
        output(ROOT / "tools/efi_image.py", "--out", made, "--loader", LOADER, "--kernel", kernel,
               "--initrd", initrd, *options)
    return path


@dataclass(frozen=True)
class Disk:
    """A copy of a good disk, and what can be done to its volume."""

    path: Path

    def _mtools(self, *words: str | Path) -> None:
        environment = {"PATH": os.environ["PATH"], "MTOOLSRC": os.devnull}
        argv = [str(word) for word in (words[0], "-i", f"{self.path}@@{VOLUME}", *words[1:])]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                       env=environment)

    def put(self, name: str, data: bytes) -> None:
        source = self.path.with_suffix(".part")
        source.write_bytes(data)
        self._mtools("mcopy", "-o", source, f"::{name}")

    def remove(self, name: str) -> None:
        self._mtools("mdel", f"::{name}")

    def read(self, name: str) -> bytes:
        target = self.path.with_suffix(".part")
        self._mtools("mcopy", "-n", "-o", f"::{name}", target)
        return target.read_bytes()


@cache
def good() -> Path:
    """A disk with everything on it but a device tree, of a small size."""
    return image("good", "--size", "40")


def disk(name: str) -> Disk:
    """A copy of good() to be damaged."""
    target = WORK / f"{name.replace(' ', '-')}.img"
    shutil.copy(good(), target)
    return Disk(target)


def kernel_that_wants(size: int) -> bytes:
    """The kernel, with another image_size in its header."""
    data = bytearray((BUILD / "hv8.img").read_bytes())
    struct.pack_into("<Q", data, 16, size)
    return bytes(data)
