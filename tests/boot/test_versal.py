#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""QEMU's xlnx-versal-virt: RAM at 0, as HiKey has it, another UART and GIC address."""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, Suite, main, output  # noqa: E402
from qemu import ONE_THREAD, Guest, Machine  # noqa: E402

suite = Suite("boot/versal")
BOARD = "xlnx-versal-virt"
FREE = re.compile(r"RAM (\d+) MiB at 0x0, (\d+) MiB of it free")
# What HiKey's device tree leaves out or reserves, OP-TEE's memory last.
HIKEY_HOLES = ((0x05E0_0000, 0x10_0000), (0x05F0_1000, 0x1000), (0x06DF_F000, 0x1000),
               (0x0740_F000, 0x1000), (0x21F0_0000, 0x10_0000), (0x3E00_0000, 0x200_0000))
MIB = 1 << 20


def free(banner: str) -> tuple[int, int]:
    """MiB of RAM, and of those free for init."""
    found = FREE.search(banner)
    assert found, banner
    return int(found[1]), int(found[2])


@suite.test
def usertests_pass() -> None:
    with Guest(Machine("versal usertests", board=BOARD, mem="1G", extra=ONE_THREAD)) as guest:
        assert free(guest.prompt())[0] == 1024
        said = guest.shell("usertests", timeout=1200)
        assert re.search(r"^usertests: \d{3,} passed, 0 failed$", said, re.M), said[-3000:]
        guest.halt()


def tree_with(name: str, holes: tuple[tuple[int, int], ...]) -> Path:
    """QEMU's tree, with reservations."""
    tree = BUILD / "test-files" / f"versal-{name}.dtb"
    tree.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["qemu-system-aarch64", "-machine", f"{BOARD},dumpdtb={tree}", "-m", "1G", "-nodefaults",
                    "-audiodev", "none,id=none", "-display", "none"],
                   check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)
    output("fdtput", "-cp", tree, "/reserved-memory")
    for cells in ("#address-cells", "#size-cells"):
        output("fdtput", "-t", "x", tree, "/reserved-memory", cells, "2")
    for at, size in holes:
        node = f"/reserved-memory/hole@{at:x}"
        output("fdtput", "-cp", tree, node)
        output("fdtput", "-t", "x", tree, node, "reg", "0", f"{at:x}", "0", f"{size:x}")
    return tree


@suite.test
def holes_of_hikey_are_not_used() -> None:
    """Less is free by just as much as they take."""
    seen = []
    for name, holes in (("plain", ()), ("hikey", HIKEY_HOLES)):
        extra = ("-dtb", str(tree_with(name, holes)))
        with Guest(Machine(f"versal holes {name}", board=BOARD, mem="1G", extra=extra)) as guest:
            seen.append(free(guest.prompt())[1])
            guest.halt()
    less = sum(size for _, size in HIKEY_HOLES) // MIB
    assert less <= seen[0] - seen[1] <= less + 1, seen


if __name__ == "__main__":
    sys.exit(main([suite]))
