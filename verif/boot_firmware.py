# SPDX-License-Identifier: MIT
"""Machines that firmware boots from a disk, by the EFI loader: how QEMU starts them, and where
in RAM the kernel then is.
"""
import mmap
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import BootError
from .image import PF_W, Image

ROOT = Path(__file__).resolve().parent.parent
ALIGN = 2 << 20             # an Image that may be anywhere is at a multiple of this
LOADER = "BOOTAA64.EFI"     # beside the kernel's image
EDK2 = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
U_BOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"


@dataclass(frozen=True)
class Firmware:
    """A file for QEMU's -bios, what to add to -machine, and whether it gives no device tree."""

    path: str
    machine: str = ""
    needs_tree: bool = False


FIRMWARE = {"EDK2": Firmware(EDK2, ",acpi=off"), "U-Boot": Firmware(U_BOOT),
            "EDK2 with ACPI": Firmware(EDK2, ",acpi=on", needs_tree=True)}


def _run(*words: str | Path) -> None:
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise BootError(f"{words[0]}: {done.stdout.decode(errors='replace').strip()}")


def start(firmware: Firmware, qemu: list[str], machine: str, flat: Path, initrd: Path,
          folder: Path) -> list[str]:
    """Words for QEMU that start `flat` from a disk in `folder`; `qemu` and `machine` are those
    that the machine has without. BootError if there is no loader or no firmware."""
    loader = flat.with_name(LOADER)
    for path in (loader, Path(firmware.path)):
        if not path.is_file():
            raise BootError(f"no {path}: run make efi-image and tools/setup.sh test")
    tree: list[str | Path] = []
    if firmware.needs_tree:
        tree = ["--dtb", folder / "machine.dtb"]
        _run(*qemu, "-machine", f"{machine},dumpdtb={tree[1]}", "-display", "none")
    disk = folder / "disk.img"
    _run("/usr/bin/python3", ROOT / "tools/efi_image.py", "--out", disk, "--loader", loader,
         "--kernel", flat, "--initrd", initrd, *tree)
    return ["-bios", firmware.path, "-drive", f"file={disk},format=raw,if=none,id=disk",
            "-device", "virtio-blk-device,drive=disk"]


def kernel_at(ram: mmap.mmap, image: Image) -> int:
    """Where in RAM the kernel begins, in bytes from its start: the one place where all of its text
    and constants are. BootError if there is none, or another."""
    begin = image.markers["__kernel_start"]
    stay = [(s.base - begin, s.data) for s in image.segments
            if s.base >= image.markers["__text_start"] and not s.flags & PF_W]
    found = [at for at in range(0, len(ram), ALIGN)
             if all(ram[at + offset:at + offset + len(data)] == data for offset, data in stay)]
    if len(found) != 1:
        raise BootError(f"the kernel's text is at {len(found)} places in RAM")
    return found[0]
