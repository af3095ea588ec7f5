# SPDX-License-Identifier: MIT
"""Device registers in the EL2 address space. Boot maps them as Device-nGnRE.

Trusted: that boot maps these windows and nothing of the kernel's state there
(checked against the image: they overlap no segment and no object).
"""
from collections.abc import Callable

import z3

from .errors import ImageError
from .layout import Layout
from .lin import bv
from .world import Event, Window

DEVICE_BASE = 0x400080000000
WINDOWS = (
    Window("uart", DEVICE_BASE, 0x1000),
    Window("gicd", DEVICE_BASE + 0x10000, 0x10000),
    Window("gicc", DEVICE_BASE + 0x20000, 0x2000),
    Window("gicr", DEVICE_BASE + 0x100000, 0x100000),
)


def windows(layout: Layout) -> tuple[Window, ...]:
    """The windows; ImageError if one overlaps an object of the kernel."""
    for window in WINDOWS:
        for item in layout.objects:
            if window.base < item.base + item.size and item.base < window.base + window.size:
                raise ImageError(f"{window.name} overlaps {item.name}")
    return WINDOWS


GICC_IAR, GICC_EOIR = DEVICE_BASE + 0x2000C, DEVICE_BASE + 0x20010
# The interface of the other version says nothing of interrupts, and ends none.
IS_GICV2 = z3.BitVec("machine.gic_version", 64) == bv(2)
NO_INTERRUPT = z3.BitVec("gic.none", 64)
UART_FR, UART_DR, UART_IMSC = DEVICE_BASE + 0x18, DEVICE_BASE, DEVICE_BASE + 0x38
IMSC_VALUES = {0x50: "uart_rx_irq_enable", 0: "uart_rx_irq_disable"}
# PSCI (DEN 0022E), 5.10 and 5.11
FIRMWARE = {0x84000008: "system_off", 0x84000009: "system_reset"}


def observed(events: list[Event]) -> tuple[z3.BoolRef, ...]:
    """What the first read of UARTFR (DDI 0183G, 3.3.3) and of UARTDR says of uart.* of the spec."""
    terms: list[z3.BoolRef] = []
    seen: set[int] = set()
    kinds: set[str] = set()
    for event in events:
        if event.kind in READ_ONCE:
            if event.kind in kinds:
                raise ImageError(f"{event.kind} is done twice on a path")
            kinds.add(event.kind)
            terms.append(READ_ONCE[event.kind](event))
        if event.kind != "mmio read32":
            continue
        address, value = event.operands[0].as_long(), event.operands[1]
        if address in seen:
            raise ImageError(f"device register {address:#x} is read twice on a path")
        seen.add(address)
        if address == UART_FR:
            for name, bit in (("uart.tx_full", 5), ("uart.rx_empty", 4)):
                is_set = z3.Extract(bit, bit, value) == 1
                terms.append(z3.BitVec(name, 64) == z3.If(is_set, bv(1), bv(0)))
        elif address == UART_DR:
            terms.append(z3.BitVec("uart.rx_byte", 64) == value & bv(0xFF))
        elif address == GICC_IAR:
            terms.append(z3.Implies(IS_GICV2, z3.BitVec("gic.intid", 64) == value & bv(0x3FF)))
    return tuple(terms)


# What is read once on a path, and what the specification calls it. INTID: ICC_IAR1_EL1[23:0]
# (IHI 0069H, 12.2.14), GICC_IAR[9:0] (IHI 0048B, 4.4.4).
READ_ONCE: dict[str, Callable[[Event], z3.BoolRef]] = {
    "mrs cntpct_el0": lambda e: z3.BitVec("sys.cntpct_el0", 64) == e.operands[0],
    "mrs cntvct_el0": lambda e: z3.BitVec("sys.cntvct_el0", 64) == e.operands[0],
    "mrs icc_iar1_el1": lambda e: z3.Implies(
        z3.Not(IS_GICV2), z3.BitVec("gic.intid", 64) == e.operands[0] & bv(0xFFFFFF)),
    "at s1e1r": lambda e: z3.BitVec("sys.at_par", 64) == e.operands[1],
}


AS_THEY_ARE = {"page_sync": "page_sync", "dc civac": "dc_civac",
               "wfi": "wait", "hypercall": "hypercall",
               "trap_sync": "trap_sync", "trap_irq": "trap_irq", "trap_stop": "trap_stop",
               "panic": "panic"}


def outside(events: list[Event]) -> list[tuple[str, tuple[z3.BitVecRef, ...]]]:
    """What the outside sees, in order, under the names of the specification.

    A TLBI by ASID is given by its operand (ASID in bits 63:48, the rest 0), a DC by its address.
    """
    found: list[tuple[str, tuple[z3.BitVecRef, ...]]] = []
    for event in events:
        if event.kind.startswith("mmio write"):
            found.append(_device_write(event))
        elif event.kind == "smc #0":
            found.append((FIRMWARE.get(_number(event.operands[0]), "unknown firmware call"), ()))
        elif event.kind == "tlbi aside1is":
            found.append(("tlbi_asid", (event.operands[0],)))
        elif event.kind == "eret #0":
            found.append(("eret", ()))
        elif event.kind == "at s1e1r":
            found.append(("at_s1e1r", event.operands[:1]))
        elif event.kind == "msr icc_eoir1_el1":
            found.append(("gic_eoi", (z3.If(IS_GICV2, NO_INTERRUPT, event.operands[0]),)))
        elif event.kind in AS_THEY_ARE:
            found.append((AS_THEY_ARE[event.kind], event.operands))
    return found


def _number(term: z3.BitVecRef) -> int:
    return int(term.as_long()) if z3.is_bv_value(term) else -1


def _device_write(event: Event) -> tuple[str, tuple[z3.BitVecRef, ...]]:
    """PL011: DR (3.3.1) takes a byte; IMSC (3.3.10) masks, RX and RT on or all off."""
    address, value = _number(event.operands[0]), event.operands[1]
    if event.kind == "mmio write32" and address == UART_DR:
        return "uart_put", (value,)
    if event.kind == "mmio write32" and address == GICC_EOIR:
        return "gic_eoi", (z3.If(IS_GICV2, value, NO_INTERRUPT),)
    if event.kind == "mmio write32" and address == UART_IMSC and _number(value) in IMSC_VALUES:
        return IMSC_VALUES[_number(value)], ()
    return f"unknown {event.kind} at {address:#x}", ()
