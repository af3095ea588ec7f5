# SPDX-License-Identifier: MIT
"""What the interrupt controller and the UART hold when the first process is entered, and which
other devices processes may have (T4).

Exactly four interrupts are enabled: the EL2 physical timer, the EL1 virtual timer and the
maintenance interrupt, which are PPIs 26, 27 and 25 of every Arm server (and of QEMU's `virt`), and
the UART. All other shared interrupts that a device has are lines for processes, and masked. Where
the devices are is that machine's memory map, whose device tree boot reads. References: IHI 0048B
(GICv2), IHI 0069H (GICv3), DDI 0183G (PL011).
"""

from __future__ import annotations

from dataclasses import dataclass

GICD, GICC, GICH, GICR, UART = 0x800_0000, 0x801_0000, 0x803_0000, 0x80A_0000, 0x900_0000
SGI_FRAME = 0x1_0000        # of a redistributor: INTIDs 0 to 31
MAINTENANCE, TIMER, VIRTUAL_TIMER, SERIAL = 25, 26, 27, 33      # INTIDs; the UART's is SPI 1
# RTC, GPIO; virtio by edges (SPI 16 to 47)
LEVELS, EDGES = (34, 39), tuple(range(48, 80))
# ITLinesNumber: 32 * (it + 1) INTIDs. QEMU's GICv3 calls its own 32 fewer than it has.
LINES = {2: 8, 3: 7}
CTLR, TYPER, IGROUPR, ISENABLER, IPRIORITYR, ICFGR, IROUTER = 0, 4, 0x80, 0x100, 0x400, 0xC00, 0x6000
PRIORITY = 0xA0             # of all; PMR lets through what is below 0xf0
NO_SGI = 0xFFFF_0000        # GICv2: SGIs are always enabled (4.3.5), nobody sends one


@dataclass(frozen=True)
class Device:
    """(Register & mask) == value; `size` in bytes, `address` physical."""

    name: str
    address: int
    value: int
    mask: int = 0xFFFF_FFFF
    size: int = 4

    def holds(self, actual: int) -> bool:
        """Is this the required value?"""
        return (actual ^ self.value) & self.mask == 0


def _bit(intid: int) -> int:
    return 1 << intid % 32


SGI = 0         # that cores send each other
PRIVATE = _bit(MAINTENANCE) | _bit(TIMER) | _bit(VIRTUAL_TIMER)


def _distributor(lines: int) -> tuple[Device, ...]:
    """Shared interrupts: the UART's alone is enabled, of the one priority."""
    enabled = tuple(Device(f"GICD_ISENABLER{n}", GICD + ISENABLER + 4 * n,
                           _bit(SERIAL) if n == SERIAL // 32 else 0)
                    for n in range(1, lines + 1))
    return enabled + tuple(_configured(n) for n in range(2, 5)) + (
        Device("GICD_TYPER", GICD + TYPER, lines, 31),
        Device("GICD_IPRIORITYR of the UART", GICD + IPRIORITYR + SERIAL, PRIORITY, 0xFF, 1))


def _configured(register: int) -> Device:
    """Of the interrupts that a device has: an edge or a level."""
    of = {n: 2 << n % 16 * 2 for n in (SERIAL, *LEVELS, *EDGES) if n // 16 == register}
    return Device(f"GICD_ICFGR{register}", GICD + ICFGR + 4 * register,
                  sum(bit for n, bit in of.items() if n in EDGES), sum(of.values()))


def _gicv2() -> tuple[Device, ...]:
    """Forwarded by distributor and interface; EOImode 1; group 0, which is all there is; the
    virtual interface is off."""
    return _distributor(LINES[2]) + (
        Device("GICD_ISENABLER0", GICD + ISENABLER, PRIVATE, NO_SGI),
        Device("GICD_IPRIORITYR of the timer", GICD + IPRIORITYR + TIMER, PRIORITY, 0xFF, 1),
        Device("GICD_CTLR", GICD + CTLR, 1, 3),
        Device("GICC_CTLR", GICC, 1 | 1 << 9, 1 | 1 << 9),
        Device("GICH_HCR", GICH, 0),
        Device("GICC_PMR", GICC + 4, 0xF0, 0xFF))


def _gicv3() -> tuple[Device, ...]:
    """Affinity routing, group 1; the redistributor is awake and forwards what is private, and what
    other cores send."""
    sgi = GICR + SGI_FRAME
    return _distributor(LINES[3]) + (
        Device("GICD_CTLR", GICD + CTLR, 1 << 4 | 1 << 1, 1 << 4 | 1 << 1),
        Device("GICD_IGROUPR of the UART", GICD + IGROUPR + SERIAL // 32 * 4, _bit(SERIAL),
               _bit(SERIAL)),
        *(Device(f"GICD_IROUTER{n}", GICD + IROUTER + 8 * n, 0, (1 << 64) - 1, 8)
          for n in (SERIAL, *LEVELS, *EDGES)),
        Device("GICR_WAKER", GICR + 0x14, 0, 1 << 1 | 1 << 2),
        Device("GICR_ISENABLER0", sgi + ISENABLER, PRIVATE | _bit(SGI)),
        Device("GICR_IGROUPR0", sgi + IGROUPR, PRIVATE, PRIVATE),
        Device("GICR_IPRIORITYR of the timer", sgi + IPRIORITYR + TIMER, PRIORITY, 0xFF, 1))


# On: UARTEN, TXE, RXE; interrupts on receive and its time-out alone; no DMA.
_UART = (Device("UARTCR", UART + 0x30, 0x301, 0x301), Device("UARTIMSC", UART + 0x38, 0x50),
         Device("UARTDMACR", UART + 0x48, 0))


def devices(gic: int) -> tuple[Device, ...]:
    """All that is required of a machine with GICv`gic`."""
    return (_gicv2() if gic == 2 else _gicv3()) + _UART


def frames(gic: int) -> dict[str, tuple[int, int]]:
    """Physical address and size in bytes of what EL2 may have mapped of each device."""
    found = {"uart": (UART, 0x1000), "gicd": (GICD, 0x1_0000 if gic == 3 else 0x1000)}
    return found | ({"gicr": (GICR, 0x10_0000)} if gic == 3 else
                    {"gicc": (GICC, 0x2000), "gich": (GICH, 0x1000)})


# ---- devices for processes ----------------------------------------------------------------

DMA = 1                     # of devices.flags
MOST_PAGES = 16             # of one region: larger ones are windows of PCIe, and flash
# By `compatible`: has no way to memory of its own. All others may do DMA.
PLAIN = frozenset({"arm,pl011", "arm,pl031", "arm,pl061", "arm,sp804", "arm,sp805"})
# Properties of what may all the same.
REACHES_MEMORY = frozenset({"dmas", "dma-coherent", "dma-ranges", "iommus", "iommu-map",
                            "memory-region"})


GICV2 = frozenset({"arm,gic-400", "arm,cortex-a15-gic"})


def is_gics(compatible: tuple[str, ...]) -> bool:
    """A part of the interrupt controller: GICv2, GICv3, its ITS or frames for MSI."""
    return any(name.startswith("arm,gic") or name == "arm,cortex-a15-gic" for name in compatible)
