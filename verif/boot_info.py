# SPDX-License-Identifier: MIT
"""T4 of `bootinfo`, by which boot tells processes what it has found: it is true."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from spec import descriptor as d
from spec.registers import Facts

from .arrays import Array
from .boot_map import Problem
from .boot_state import PAGE, WORD, DumpState
from .target import Target

PLACE = "include/uapi/tables.h"
MAGIC = int.from_bytes(b"ollehhv8", "little")
VERSION = 1
# Where a process sees the kernel's tables: level-0 entry 510 (docs/design.md), then by offset.
VIEW = d.VIEW_INDEX << 39
DEVICE_TREE, INITRD = VIEW + 0x300_0000, VIEW + 0x400_0000
MOST_TREE = 8 << 20         # bytes that the view has room for
FDT_MAGIC = 0xD00DFEED      # of a flattened device tree, big-endian; then its size


def seen(state: DumpState, root: int, va: int, size: int) -> bytes:
    """What a process with its level-0 table in page `root` reads there; short if it faults."""
    found = b""
    while len(found) < size:
        table, entry, here = root, 0, va + len(found)
        for shift in (39, 30, 21, 12):
            entry = state.get("pages", table, here >> shift & 511)
            table = d.page_at(state, entry)
            if not entry & d.VALID:
                return found
        at = (entry & d.ADDRESS) - state.ram_base + here % PAGE
        found += state.dump.ram[at:at + min(PAGE - here % PAGE, size - len(found))]
    return found


def _values(state: DumpState, f: Facts, initrd: Path) -> dict[str, int]:
    """Fields that have one right value."""
    return {"magic": MAGIC, "version": VERSION, "ram_base": state.get("machine.pages_pa"),
            "ram_pages": state.page_count, "gic_version": f.gic, "cpu_count": f.cores,
            "midr": f.ids["MIDR_EL1"], "cntfrq": f.ids["CNTFRQ_EL0"],
            "initrd_size": initrd.stat().st_size,
            "uart_pa": f.board.uart if f.board.gives_uart else 0,
            "uart_kind": int(f.board.gives_uart and f.board.is_cadence),
            "uart_intid": f.board.serial if f.board.gives_uart else 0}


def _largest_free_run(state: DumpState) -> tuple[int, int]:
    """First page and end of the longest run of free pages."""
    kinds: Array = state.get("page_descs.type", np.arange(state.c.HV_NPAGE, dtype=np.uint64))
    padded = np.concatenate(([False], kinds == state.c.HV_PAGE_FREE, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    first, end = edges[::2], edges[1::2]
    longest = int(np.argmax(end - first))
    return int(first[longest]), int(end[longest])


def problems(target: Target, state: DumpState, f: Facts, initrd: Path) -> Iterator[Problem]:
    """All that is not true in it."""
    expected = _values(state, f, initrd)
    expected["free_first"], expected["free_end"] = _largest_free_run(state)
    for name, value in expected.items():
        actual = state.get(f"bootinfo.{name}")
        if actual != value:
            yield Problem(f"bootinfo.{name} differs from what is true",
                          (("actual", str(actual)), ("expected", str(value))), PLACE)
    if state.get("bootinfo.boot_time") > f.ids["CNTPCT_EL0"]:
        yield Problem("bootinfo.boot_time is in the future", (), PLACE)
    if state.get("bootinfo.klog_bytes") > target.layout.families["bootinfo.klog"].dims[0].count:
        yield Problem("bootinfo.klog_bytes is more than there is", (), PLACE)
    yield from _shown(state, initrd)


def device_tree(state: DumpState) -> bytes:
    """The device tree as the first process sees it."""
    root = state.get("procs.root", state.c.HV_INIT_PID)
    return seen(state, root, DEVICE_TREE + state.get("bootinfo.dtb_offset") % PAGE,
                min(state.get("bootinfo.dtb_size"), MOST_TREE))


def _shown(state: DumpState, initrd: Path) -> Iterator[Problem]:
    """The view shows the archive and the device tree where bootinfo says."""
    root = state.get("procs.root", state.c.HV_INIT_PID)
    content = initrd.read_bytes()
    at = INITRD + state.get("bootinfo.initrd_offset") % PAGE
    if state.get("bootinfo.initrd_offset") >= PAGE or \
            seen(state, root, at, len(content)) != content:
        yield Problem("bootinfo.initrd_offset: the view shows another archive there", (), PLACE)
    at = DEVICE_TREE + state.get("bootinfo.dtb_offset") % PAGE
    head = seen(state, root, at, WORD)
    size = state.get("bootinfo.dtb_size")
    if state.get("bootinfo.dtb_offset") >= PAGE or size >> 32 or \
            head != (FDT_MAGIC << 32 | size).to_bytes(WORD, "big"):
        yield Problem("bootinfo.dtb_offset, dtb_size: the view shows no such device tree there",
                      (), PLACE)
