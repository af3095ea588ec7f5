# SPDX-License-Identifier: MIT
"""T4 of the devices that boot hands out: those of the machine's device tree that processes may
have, no others, and all of them; none is memory, the kernel's or the interrupt controller's."""
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spec.devices import DMA, GICV2, MOST_PAGES, PLAIN, REACHES_MEMORY, UARTS, frames, is_gics
from spec.kernel_map import overlap

from .boot_info import device_tree
from .boot_map import Problem
from .boot_state import PAGE, DumpState
from .boot_walk import mappings
from .device_tree import Node, Region, nodes

PLACE = "spec/devices.py"
SCALARS = ("state", "owner", "pa", "flags", "node", "node_count")


@dataclass
class Device:
    """What the table is to say of a page of registers. `is_shared`: by all who have the
    virtual CPU interface."""

    flags: int
    node: int
    node_count: int = 0
    is_shared: bool = False


def _pages(region: Region) -> range:
    """Addresses of all pages that hold a byte of it."""
    pa, size = region
    return range(pa // PAGE * PAGE, pa + size if size else 0, PAGE)


def _uart(tree: list[Node]) -> Node | None:
    """The one that chosen/stdout-path names, else the first: the kernel's."""
    uarts = [n for n in tree if set(n.strings("compatible")) & UARTS and n.is_enabled]
    chosen, aliases = (next((n for n in tree if n.name == name), None)
                       for name in ("chosen", "aliases"))
    named = (chosen.strings("stdout-path") if chosen else ())[:1]
    wanted = named[0].partition(":")[0] if named else ""
    if aliases and wanted in aliases.properties:
        wanted = aliases.strings(wanted)[0]
    for uart in uarts:
        if wanted == "/".join(n.name for n in reversed(list(uart.line()))):
            return uart
    return uarts[0] if uarts else None


def _is_kernels(node: Node, uart: Node | None) -> bool:
    """Memory, reserved memory, the interrupt controller and what is below it, the kernel's UART."""
    above = node.above
    return (node is uart or "memory" in node.strings("device_type")
            or any(is_gics(n.strings("compatible")) for n in node.line())
            or (above is not None and above.name == "reserved-memory" and above.above is not None
                and above.above.above is None))


def _is_plain(node: Node) -> bool:
    return bool(set(node.strings("compatible")) & PLAIN) \
        and not set(node.properties) & REACHES_MEMORY


def _is_reached(node: Node) -> bool:
    """Enabled, and by nothing but simple buses."""
    buses = list(node.line())[1:-1]
    return node.is_enabled and all("simple-bus" in n.strings("compatible") for n in buses)


def _words(tree: list[Node]) -> list[str]:
    """Of bootargs."""
    return " ".join(w for n in tree if n.name == "chosen" for w in n.strings("bootargs")).split(" ")


def allows_dma(tree: list[Node]) -> bool:
    """What bootargs say."""
    return "dma=on" in _words(tree) and "dma=off" not in _words(tree)


def gives_uart(tree: list[Node]) -> bool:
    """What bootargs say."""
    return "uart=process" in _words(tree)


def handed_out(tree: list[Node]) -> dict[int, Device]:
    """By physical address."""
    uart, dma = None if gives_uart(tree) else _uart(tree), allows_dma(tree)
    found: dict[int, Device] = {}
    for node in tree:
        if _is_kernels(node, uart) or not _is_reached(node) or not (dma or _is_plain(node)):
            continue
        for region in node.regions():
            if len(_pages(region)) <= MOST_PAGES and region[0] + region[1] <= 1 << 48:
                for page in _pages(region):
                    found.setdefault(page, Device(0, node.offset)).node_count += 1
    for node in tree:
        for region in node.regions():
            for page in [p for p in found if overlap(p, PAGE, *region)]:
                if _is_kernels(node, uart) or not (dma or _is_plain(node)):
                    del found[page]
                elif not _is_plain(node):
                    found[page].flags |= DMA
    return found


def shared(tree: list[Node]) -> dict[int, Device]:
    """GICV of a GICv2: the first two pages of the fourth region of its node (binding arm,gic)."""
    found: dict[int, Device] = {}
    for node in tree:
        if set(node.strings("compatible")) & GICV2 and node.is_enabled:
            first, size = list(node.regions())[3]
            first += 15 * PAGE if size == 32 * PAGE else 0     # each of the two sixteen times
            found |= {first + at: Device(0, node.offset, 1, True) for at in (0, PAGE)}
    return found


def _kernels(state: DumpState) -> Iterator[tuple[str, Region]]:
    """What no process may ever have, whatever the device tree says. Of a UART that is a process's
    the kernel keeps its mapping, for panic."""
    board = state.dump.machine.where
    yield "memory", (state.ram_base, len(state.dump.ram))
    yield "a page that has a number", (state.get("machine.pages_pa"), state.c.HV_NPAGE * PAGE)
    for name, region in frames(board).items():
        if name != "uart" or not board.gives_uart:
            yield f"the kernel's {name}", region
    for m in mappings(state.ram, state.ram_base, state.dump.registers["TTBR0_EL2"]):
        if m.pa != board.uart or not board.gives_uart:
            yield "mapped by the kernel", (m.pa, m.size)


def _owned(state: DumpState) -> Iterator[dict[str, int]]:
    index = np.arange(state.c.HV_NDEVICE, dtype=np.uint64)
    columns = {name: state.get(f"devices.{name}", index) for name in SCALARS}
    for i in index:
        yield {name: int(column[i]) for name, column in columns.items()}


def problems(state: DumpState) -> Iterator[Problem]:
    """All that is wrong with devices[]."""
    c = state.c
    try:
        tree = nodes(device_tree(state))
    except (struct.error, ValueError, IndexError) as error:
        yield Problem(f"the device tree of bootinfo cannot be read: {error}", (), PLACE)
        return
    expected = handed_out(tree) | shared(tree)
    kernels = tuple(_kernels(state))
    machine = state.dump.machine
    if (allows_dma(tree), gives_uart(tree)) != (machine.dma, machine.gives_uart):
        yield Problem("bootargs of the device tree are not those that QEMU was given", (), PLACE)
    for number, row in enumerate(_owned(state)):
        if row["state"] == c.HV_DEVICE_NONE:
            if any(row.values()):
                yield Problem("what is no device is not all 0", (("device", str(number)),), PLACE)
            continue
        for what, region in kernels:
            if overlap(row["pa"], PAGE, *region):
                yield Problem(f"a device is {what}", (("pa", f"{row['pa']:#x}"),), PLACE)
        device = expected.pop(row["pa"], Device(-1, -1))
        wanted = {"state": c.HV_DEVICE_SHARED if device.is_shared else c.HV_DEVICE_UNMAPPED,
                  "owner": 0 if device.is_shared else c.HV_INIT_PID, "pa": row["pa"],
                  "flags": device.flags, "node": device.node, "node_count": device.node_count}
        if row != wanted:
            values = tuple((name, f"{row[name]:#x}, not {wanted[name]:#x}") for name in SCALARS
                           if row[name] != wanted[name])
            yield Problem("a device is not what the device tree says",
                          (("pa", f"{row['pa']:#x}"), *values), PLACE)
    for pa in expected:
        yield Problem("a device that processes may have is missing", (("pa", f"{pa:#x}"),), PLACE)
    count = state.get("procs.devices_count", c.HV_INIT_PID)
    owners = [row["owner"] for row in _owned(state)]
    if count != owners.count(c.HV_INIT_PID):
        yield Problem("devices_count of init is wrong", (("actual", str(count)),), PLACE)
