#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says how large the kernel is once boot is over, and fails if too large.

Counted are the text and read-only data that stay: everything allocated, not
writable and with contents in the ELF, behind the boot section.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

LIMIT = 40 * 1024
LAYOUT = Path(__file__).resolve().parent.parent / "kernel/layout.h"


@dataclass(frozen=True)
class Sizes:
    """Bytes."""

    boot: int
    text: int
    rodata: int
    data: int
    bss: int

    @property
    def resident(self) -> int:
        return self.text + self.rodata


def constant(name: str) -> int:
    match = re.search(rf"^#define\s+{name}\s+(\w+)", LAYOUT.read_text(), re.M)
    if match is None:
        raise ValueError(f"{name} is not in {LAYOUT}")
    return int(match.group(1), 0)


def measure(path: Path) -> Sizes:
    boot_end = constant("KERNEL_VA") + constant("BOOT_SIZE")
    boot = text = rodata = data = bss = 0
    with path.open("rb") as stream:
        for section in ELFFile(stream).iter_sections():
            flags, size = section["sh_flags"], section["sh_size"]
            if not flags & SH_FLAGS.SHF_ALLOC:
                continue
            if section["sh_addr"] < boot_end:
                boot += size if section["sh_type"] != "SHT_NOBITS" else 0
            elif flags & SH_FLAGS.SHF_EXECINSTR:
                text += size
            elif section["sh_type"] == "SHT_NOBITS":
                bss += size
            elif flags & SH_FLAGS.SHF_WRITE:
                data += size
            else:
                rodata += size
    return Sizes(boot, text, rodata, data, bss)


def main() -> int:
    sizes = measure(Path(sys.argv[1]))
    print(f"boot section (gone before the first process)  {sizes.boot:9} bytes")
    print(f"text                                          {sizes.text:9} bytes")
    print(f"read-only data                                {sizes.rodata:9} bytes")
    print(f"data                                          {sizes.data:9} bytes")
    print(f"zeroed (tables, stacks, the pages' window)    {sizes.bss:9} bytes")
    print(f"text and read-only data: {sizes.resident} of at most {LIMIT} bytes")
    return 0 if sizes.resident <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
