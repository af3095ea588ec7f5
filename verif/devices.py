# SPDX-License-Identifier: MIT
"""Device registers in the EL2 address space. Boot maps them as Device-nGnRE.

Trusted: that boot maps these windows and nothing of the kernel's state there
(checked against the image: they overlap no segment and no object).
"""
from collections.abc import Callable, Set
from typing import TypeVar

import z3
from spec.transitions.direct import MORE
from spec.transitions.entry import DIRECT

from .errors import ImageError
from .layout import Layout
from .lin import bv
from .world import Event, Window

DEVICE_BASE = 0x400080000000
WINDOWS = (
    Window("uart", DEVICE_BASE, 0x1000),
    Window("gicd", DEVICE_BASE + 0x10000, 0x10000),
    Window("gicc", DEVICE_BASE + 0x20000, 0x2000),
    Window("gich", DEVICE_BASE + 0x30000, 0x1000),
    Window("gicr", DEVICE_BASE + 0x100000, 0x100000),
)


def windows(layout: Layout) -> tuple[Window, ...]:
    """The windows; ImageError if one overlaps an object of the kernel."""
    for window in WINDOWS:
        for item in layout.objects:
            if window.base < item.base + item.size and item.base < window.base + window.size:
                raise ImageError(f"{window.name} overlaps {item.name}")
    return WINDOWS


GICD, GICC, GICH = DEVICE_BASE + 0x10000, DEVICE_BASE + 0x20000, DEVICE_BASE + 0x30000
GICC_IAR = GICC + 0x0C
# What GICv2 (IHI 0048B, 4.4 and 5.3) and GICv3 (IHI 0069H, 12.2 and 12.4) write.
V2_WRITES = {GICD + 0xF00: "gic_sgi", GICC + 0x10: "gic_drop",
             GICC + 0x1000: "gic_deactivate", GICH: "vgic_hcr", GICH + 0x08: "vgic_vmcr",
             GICH + 0xF0: "vgic_apr"}
V3_WRITES = {"icc_eoir1_el1": "gic_drop", "icc_dir_el1": "gic_deactivate",
             "icc_sgi1r_el1": "gic_sgi",
             "ich_hcr_el2": "vgic_hcr", "ich_vmcr_el2": "vgic_vmcr", "ich_ap1r0_el2": "vgic_apr"}
V2_READS = {GICH + 0x08: "vgic.vmcr", GICH + 0xF0: "vgic.apr", GICH + 0x30: "vgic.elrsr"}
V3_READS = {"ich_vmcr_el2": "vgic.vmcr", "ich_ap1r0_el2": "vgic.apr", "ich_elrsr_el2": "vgic.elrsr"}
GICH_LR, LISTS = GICH + 0x100, 4
V3_LISTS = {f"ich_lr{k}_el2": k for k in range(LISTS)}
COUNTERS = {"cntpct_el0": "sys.cntpct_el0", "cntvct_el0": "sys.cntvct_el0"}
# The interface of the other version says nothing of interrupts, and ends none.
IS_GICV2 = z3.simplify(z3.BitVec("machine.gic_version", 64) == bv(2))
IS_OTHER = z3.simplify(z3.Not(IS_GICV2))
NO_INTERRUPT = z3.BitVec("gic.none", 64)
# So do the registers of the other kind of UART: each access counts for its own kind alone.
IS_CADENCE = z3.BitVec("machine.uart_kind", 64) == bv(1)
NOTHING = z3.BitVec("uart.none", 64)
PL011_FR, PL011_DR, PL011_IMSC = DEVICE_BASE + 0x18, DEVICE_BASE, DEVICE_BASE + 0x38
CADENCE_SR, CADENCE_FIFO, CADENCE_ISR = (DEVICE_BASE + at for at in (0x2C, 0x30, 0x14))
CADENCE_IER, CADENCE_IDR = DEVICE_BASE + 0x08, DEVICE_BASE + 0x0C
# Of a status register: is it a Cadence's, and which bits say what.
UART_STATUS = {PL011_FR: (False, (("uart.tx_full", 5), ("uart.rx_empty", 4))),
               CADENCE_SR: (True, (("uart.tx_full", 4), ("uart.rx_empty", 1)))}
UART_DATA = {PL011_DR: False, CADENCE_FIFO: True}
# Of the receive interrupt: is it a Cadence's; what each value does. IMSC masks RX and RT together.
UART_RX_IRQ = {PL011_IMSC: ("uart_rx_irq", False, {0x50: 1, 0: 0}),
               CADENCE_IER: ("uart_rx_irq", True, {1: 1}),
               CADENCE_IDR: ("uart_rx_irq", True, {1: 0}),
               CADENCE_ISR: ("uart_rx_irq_clear", True, {1: 1})}
# PSCI (DEN 0022E), 5.10 and 5.11
FIRMWARE = {0x84000008: "system_off", 0x84000009: "system_reset"}
Operands = tuple[z3.BitVecRef, ...]
K = TypeVar("K", str, int)


def list_register(number: int) -> z3.BitVecRef:
    """vgic.lr of the specification: what a list register is read as."""
    sort = z3.BitVecSort(64)
    return z3.Function("vgic.lr", sort, sort)(bv(number))


def _name_in(known: dict[K, str], at: K) -> z3.BitVecRef | None:
    return z3.BitVec(known[at], 64) if at in known else None


def register_name(register: str, given: Set[int]) -> z3.BitVecRef | None:
    """What the specification calls what is read of a register, if the path condition, of which
    `given` are the terms, says that it means this: `observed` says the same of any value."""
    if register in COUNTERS:
        return _name_in(COUNTERS, register)
    if IS_OTHER.get_id() not in given:
        return None
    return list_register(V3_LISTS[register]) if register in V3_LISTS \
        else _name_in(V3_READS, register)


def device_name(address: z3.BitVecRef, given: Set[int]) -> z3.BitVecRef | None:
    """The same of 32 bits at an address; of what is called so, these are the low ones."""
    at = _number(address)
    if IS_GICV2.get_id() not in given:
        return None
    if at - GICH_LR in range(0, 4 * LISTS, 4):
        return list_register((at - GICH_LR) // 4)
    return _name_in(V2_READS, at)


def observed(events: list[Event]) -> tuple[z3.BoolRef, ...]:
    """What the specification calls what is read of devices, of the timer and of PAR_EL1; each
    may be read once on a path, and of a Cadence UART nothing before its interrupt is cleared: the
    interrupt of a byte that comes between would be lost."""
    terms: list[z3.BoolRef] = []
    seen: set[object] = set()
    for event in events:
        if _clears_uart(event) and seen & {CADENCE_SR, CADENCE_FIFO}:
            raise ImageError("the UART's interrupt is cleared after its receiver was looked at")
        is_device = event.kind.startswith("mmio read")
        register: object = _number(event.operands[0]) if is_device else event.kind
        found = _device_read(event) if is_device else _read_once(event)
        if found is None:
            continue
        if register in seen:
            raise ImageError(f"{event.kind} {register} is done twice on a path")
        seen.add(register)
        terms += found
    return tuple(terms)


def _clears_uart(event: Event) -> bool:
    return event.kind.startswith("mmio write") and _number(event.operands[0]) == CADENCE_ISR


def _device_read(event: Event) -> list[z3.BoolRef]:
    """UARTFR (DDI 0183G, 3.3.3) or SR (UG1087), UARTDR or FIFO, GICC_IAR[12:0] (IHI 0048B, 4.4.4),
    GICH_*."""
    address, value = _number(event.operands[0]), event.operands[1]
    if address in UART_STATUS:
        is_cadence, bits = UART_STATUS[address]
        return [z3.Implies(IS_CADENCE == is_cadence, z3.BitVec(name, 64) == z3.If(
            z3.Extract(bit, bit, value) == 1, bv(1), bv(0))) for name, bit in bits]
    if address in UART_DATA:
        return [z3.Implies(IS_CADENCE == UART_DATA[address],
                           z3.BitVec("uart.rx_byte", 64) == value & bv(0xFF))]
    if address == GICC_IAR:
        return [z3.Implies(IS_GICV2, z3.BitVec("gic.iar", 64) == value & bv(0x1FFF))]
    if address in V2_READS:
        return [z3.Implies(IS_GICV2, z3.BitVec(V2_READS[address], 64) == value)]
    if address - GICH_LR in range(0, 4 * LISTS, 4):
        return [z3.Implies(IS_GICV2, list_register((address - GICH_LR) // 4) == value)]
    return []


def _is(name: str) -> Callable[[Event], z3.BoolRef]:
    return lambda event: z3.BitVec(name, 64) == event.operands[0]


# What is read once on a path, and what the specification calls it. INTID: ICC_IAR1_EL1[23:0]
# (IHI 0069H, 12.2.14).
READ_ONCE: dict[str, Callable[[Event], z3.BoolRef]] = {
    **{f"mrs {register}": _is(name) for register, name in COUNTERS.items()},
    "mrs icc_iar1_el1": lambda e: z3.Implies(
        z3.Not(IS_GICV2), z3.BitVec("gic.iar", 64) == e.operands[0] & bv(0xFFFFFF)),
    "at s1e1r": lambda e: z3.BitVec("sys.at_par", 64) == e.operands[1],
}


def _read_once(event: Event) -> list[z3.BoolRef] | None:
    register = event.kind.removeprefix("mrs ")
    if event.kind in READ_ONCE:
        return [READ_ONCE[event.kind](event)]
    if event.kind == register or register not in {**V3_READS, **V3_LISTS}:
        return None
    name = z3.BitVec(V3_READS[register], 64) if register in V3_READS else \
        list_register(V3_LISTS[register])
    return [z3.Implies(z3.Not(IS_GICV2), name == event.operands[0])]


AS_THEY_ARE = frozenset({
    "page_sync", "hypercall", *DIRECT, MORE, "trap_sync", "trap_irq", "trap_stop", "trap_doomed",
    "sched_kick", "lock_take", "lock_drop", "leave_irq", "leave_idle", "vgic_leave", "vgic_enter",
    "panic"})
RENAMED = {"dc civac": "dc_civac", "wfi": "wait"}


def outside(events: list[Event]) -> list[tuple[str, Operands]]:
    """What the outside sees, in order, under the names of the specification.

    A TLBI by ASID is given by its operand (ASID in bits 63:48, the rest 0), a DC by its address.
    """
    found: list[tuple[str, Operands]] = []
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
        elif event.kind.startswith("msr ") and event.kind[4:] in {**V3_WRITES, **V3_LISTS}:
            found.append(_interface_write(event.kind[4:], event.operands[0]))
        elif event.kind in AS_THEY_ARE or event.kind in RENAMED:
            found.append((RENAMED.get(event.kind, event.kind), event.operands))
    return found


def _number(term: z3.BitVecRef) -> int:
    return int(term.as_long()) if z3.is_bv_value(term) else -1


def _interface_write(register: str, value: z3.BitVecRef) -> tuple[str, Operands]:
    """GICv3: ICC_*, ICH_*."""
    kept = z3.If(IS_GICV2, NO_INTERRUPT, value)
    if register in V3_LISTS:
        return "vgic_lr", (bv(V3_LISTS[register]), kept)
    return V3_WRITES[register], (kept,)


def _device_write(event: Event) -> tuple[str, Operands]:
    """UARTs: DR (DDI 0183G, 3.3.1) or FIFO (UG1087) takes a byte; IMSC (3.3.10), or IER and IDR,
    mask; ISR is cleared. The GIC's distributor is given by offset, list registers of GICv2 by
    number."""
    address, value, base = event.operands
    at, offset = _number(address), _number(base)
    kept = z3.If(IS_GICV2, value, NO_INTERRUPT)
    if event.kind != "mmio write32":
        return f"unknown {event.kind} at {address}", ()
    if at in UART_DATA:
        return "uart_put", (z3.If(IS_CADENCE == UART_DATA[at], value, NOTHING),)
    if at in UART_RX_IRQ:
        name, is_cadence, meanings = UART_RX_IRQ[at]
        found = NOTHING
        for written, meaning in meanings.items():
            found = z3.If(value == bv(written), bv(meaning), found)
        return name, (z3.If(IS_CADENCE == is_cadence, found, NOTHING),)
    if at in V2_WRITES:
        return V2_WRITES[at], (kept,)
    if GICD <= offset < GICC:
        return "gicd", (address - bv(GICD), value)
    if GICH_LR <= offset < GICH_LR + 4 * LISTS:
        return "vgic_lr", (z3.LShR(address - bv(GICH_LR), 2), kept)
    return f"unknown {event.kind} at {address}", ()
