#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same image on other machines than virt, with RAM at 0 as HiKey has it: xlnx-versal-virt
(GICv3) and xlnx-zcu102 (GICv2 with its pages sixteen times over, a Cadence UART, a device tree of
ours)."""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, Suite, main, output  # noqa: E402
from qemu import ONE_THREAD, Guest, Machine, all_passed  # noqa: E402

suite = Suite("boot/boards")
VERSAL = "xlnx-versal-virt"
ZCU102 = ("-dtb", str(BUILD / "zcu102.dtb"))
# Name: QEMU's machine, what else it is given, and what the kernel says of it.
BOARDS = {"versal": (VERSAL, (),
                     "on Cortex-A72.*GICv3 at 0xf9000000.*; PL011 at 0xff000000, interrupt 50"),
          "zcu102": ("xlnx-zcu102,virtualization=on", ZCU102,
                     "on Cortex-A53.*GICv2 at 0xf9010000.*; "
                     "Cadence UART at 0xff000000, interrupt 53")}
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


def machine(name: str, log: str, mem: str = "1G") -> Machine:
    board, extra, _ = BOARDS[name]
    return Machine(f"{name} {log}", board=board, mem=mem, extra=(*extra, *ONE_THREAD))


@suite.matrix(board=list(BOARDS))
def usertests_pass(board: str) -> None:
    with Guest(machine(board, "usertests", "512M"), timeout=240) as guest:
        banner = guest.prompt()
        assert re.search(BOARDS[board][2], banner, re.S), banner
        assert all_passed(guest.shell("usertests", timeout=1200)) >= 100
        guest.halt()


@suite.matrix(board=list(BOARDS), mem=["128M", "1G", "2G"])
def boots_and_halts(board: str, mem: str) -> None:
    with Guest(machine(board, f"memory {mem}", mem)) as guest:
        assert free(guest.prompt())[0] == min(1024, {"128M": 128}.get(mem, 1024))
        guest.halt()


@suite.matrix(board=list(BOARDS))
def keys_are_not_lost(board: str) -> None:
    """More than the receiver and the kernel's ring hold, while nobody reads; and the break key."""
    words = " ".join(f"{n:04}" for n in range(40))
    with Guest(machine(board, "keys")) as guest:
        guest.prompt()
        guest.type("sleep 1\r")
        guest.type(f"echo {words}\r")
        guest.expect(f"\n{words}\r")
        guest.prompt()
        guest.type("cat\r\x03")
        guest.prompt()
        guest.halt()


def tree_with(name: str, holes: tuple[tuple[int, int], ...]) -> Path:
    """QEMU's tree, with reservations."""
    tree = BUILD / "test-files" / f"versal-{name}.dtb"
    tree.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["qemu-system-aarch64", "-machine", f"{VERSAL},dumpdtb={tree}", "-m", "1G",
                    "-nodefaults", "-audiodev", "none,id=none", "-display", "none"],
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
        with Guest(Machine(f"versal holes {name}", board=VERSAL, mem="1G", extra=extra)) as guest:
            seen.append(free(guest.prompt())[1])
            guest.halt()
    less = sum(size for _, size in HIKEY_HOLES) // MIB
    assert less <= seen[0] - seen[1] <= less + 1, seen


if __name__ == "__main__":
    sys.exit(main([suite]))
