# SPDX-License-Identifier: MIT
"""What the interrupt controller and the UART hold when the first process is entered, and which
other devices processes may have (T4).

Exactly four interrupts are enabled: the EL2 physical timer, the EL1 virtual timer and the
maintenance interrupt, which are PPIs 26, 27 and 25 of every Arm server (and of QEMU's machines),
and the UART. With the boot option uart=process that is a device like others: its line is masked.
All other shared interrupts that a device has are lines for processes, and masked. Where the
devices are is a machine's memory map, whose device tree boot reads. References: IHI 0048B
(GICv2), IHI 0069H (GICv3), DDI 0183G (PL011), UG1085 and UG1087 (Zynq UltraScale+), AM011 (Versal).
"""

from __future__ import annotations

from dataclasses import dataclass

MAINTENANCE, TIMER, VIRTUAL_TIMER = 25, 26, 27      # INTIDs
NO_INTID = 1020             # the first that is no interrupt (IHI 0048B, 3.2.5)


@dataclass(frozen=True)
class Board:
    """A machine that QEMU has. Addresses are physical: where RAM begins, and of the registers that
    the kernel uses (gicc and gich with GICv2, gicr with GICv3). `serial` is the UART's INTID,
    `levels` and `edges` are those of the lines of devices; there are 32 * (it_lines + 1) INTIDs, as
    GICD_TYPER.ITLinesNumber says. `is_secure`: the GIC has two security states, and does not tell
    the non-secure one which interrupts are in its group (IHI 0069H, GICD_IGROUPR<n>).
    `gives_uart`: the UART is for processes."""

    gic: int
    ram: int
    gicd: int
    uart: int
    serial: int
    levels: tuple[int, ...]
    edges: tuple[int, ...]
    it_lines: int
    gicc: int = 0
    gich: int = 0
    gicr: int = 0
    is_cadence: bool = False
    is_secure: bool = False
    gives_uart: bool = False

    @property
    def lines(self) -> tuple[int, ...]:
        """INTIDs of all lines of devices."""
        return self.levels + self.edges + ((self.serial,) if self.gives_uart else ())


def _virt(gic: int, it_lines: int) -> Board:
    """RTC, GPIO; virtio by edges (SPI 16 to 47)."""
    return Board(gic, 0x4000_0000, 0x800_0000, 0x900_0000, 33, (34, 39), tuple(range(48, 80)),
                 it_lines, gicc=0x801_0000, gich=0x803_0000, gicr=0x80A_0000)


# Of xlnx-versal-virt: UART 1, GEM 0 and 1, the eight channels of ADMA, BBRAM, SD 0 and 1, eFUSE,
# both of the RTC; virtio by edges (SPI 111 to 118). USB is behind what is no simple bus.
_VERSAL = Board(3, 0, 0xF900_0000, 0xFF00_0000, 50,
                (51, 88, 90, *range(92, 100), 153, 158, 160, 171, 174, 175), tuple(range(143, 151)),
                it_lines=5, gicr=0xF908_0000, is_secure=True)
# Of xlnx-zcu102 what its device tree names: SPI 0 and 1, UART 1, CAN 0 and 1, both of the RTC, the
# timers' twelve, SD 0 and 1, GEM 0 to 3, SATA. The pages of the GIC's interface are 64 KiB apart,
# each of them sixteen times: the last time of the first is beside the second.
_ZCU102 = Board(2, 0, 0xF901_0000, 0xFF00_0000, 53,
                (51, 52, 54, 55, 56, 58, 59, *range(68, 82), 89, 91, 93, 95, 165), (), it_lines=5,
                gicc=0xF902_F000, gich=0xF904_0000, is_cadence=True)
# By name and version of the GIC. QEMU's GICv3 calls its own INTIDs 32 fewer than they are.
BOARDS = {("virt", 2): _virt(2, 8), ("virt", 3): _virt(3, 7), ("versal", 3): _VERSAL,
          ("zcu102", 2): _ZCU102}

SGI_FRAME = 0x1_0000        # of a redistributor: INTIDs 0 to 31
CTLR, TYPER, IGROUPR, ISENABLER, IPRIORITYR = 0, 4, 0x80, 0x100, 0x400
ICFGR, IROUTER = 0xC00, 0x6000
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


def _distributor(b: Board) -> tuple[Device, ...]:
    """Shared interrupts: the kernel's UART's alone is enabled, of the one priority."""
    enabled = tuple(Device(f"GICD_ISENABLER{n}", b.gicd + ISENABLER + 4 * n,
                           _bit(b.serial) if n == b.serial // 32 and not b.gives_uart else 0)
                    for n in range(1, b.it_lines + 1))
    registers = sorted({n // 16 for n in (b.serial, *b.lines)})
    return enabled + tuple(_configured(b, n) for n in registers) + (
        Device("GICD_TYPER", b.gicd + TYPER, b.it_lines, 31),
        Device("GICD_IPRIORITYR of the UART", b.gicd + IPRIORITYR + b.serial, PRIORITY, 0xFF, 1))


def _configured(b: Board, register: int) -> Device:
    """Of the interrupts that a device has: an edge or a level."""
    of = {n: 2 << n % 16 * 2 for n in (b.serial, *b.lines) if n // 16 == register}
    return Device(f"GICD_ICFGR{register}", b.gicd + ICFGR + 4 * register,
                  sum(bit for n, bit in of.items() if n in b.edges), sum(of.values()))


def _gicv2(b: Board) -> tuple[Device, ...]:
    """Forwarded by distributor and interface; EOImode 1; group 0, which is all there is; the
    virtual interface is off."""
    return _distributor(b) + (
        Device("GICD_ISENABLER0", b.gicd + ISENABLER, PRIVATE, NO_SGI),
        Device("GICD_IPRIORITYR of the timer", b.gicd + IPRIORITYR + TIMER, PRIORITY, 0xFF, 1),
        Device("GICD_CTLR", b.gicd + CTLR, 1, 3),
        Device("GICC_CTLR", b.gicc, 1 | 1 << 9, 1 | 1 << 9),
        Device("GICH_HCR", b.gich, 0),
        Device("GICC_PMR", b.gicc + 4, 0xF0, 0xFF))


def _gicv3(b: Board) -> tuple[Device, ...]:
    """Affinity routing, group 1; the redistributor is awake and forwards what is private,
    and what other cores send."""
    sgi = b.gicr + SGI_FRAME
    return _distributor(b) + (
        Device("GICD_CTLR", b.gicd + CTLR, 1 << 4 | 1 << 1, 1 << 4 | 1 << 1),
        *(Device(f"GICD_IROUTER{n}", b.gicd + IROUTER + 8 * n, 0, (1 << 64) - 1, 8)
          for n in sorted({b.serial, *b.lines})),
        Device("GICR_WAKER", b.gicr + 0x14, 0, 1 << 1 | 1 << 2),
        Device("GICR_ISENABLER0", sgi + ISENABLER, PRIVATE | _bit(SGI)),
        Device("GICR_IPRIORITYR of the timer", sgi + IPRIORITYR + TIMER, PRIORITY, 0xFF, 1)) + (
            () if b.is_secure else (
                Device("GICD_IGROUPR of the UART", b.gicd + IGROUPR + b.serial // 32 * 4,
                       _bit(b.serial), _bit(b.serial)),
                Device("GICR_IGROUPR0", sgi + IGROUPR, PRIVATE, PRIVATE)))


def _uart(b: Board) -> tuple[Device, ...]:
    """On, for sending and receiving; interrupts on receive (PL011: and its time-out) alone; a PL011
    does no DMA. Cadence: CR, IMR, the receiver's trigger level, and MR: no parity, 8 bits. One that
    is for a process has no interrupts."""
    if b.is_cadence:
        return (Device("UARTCR", b.uart, 0x14, 0x3C),
                Device("UARTIMR", b.uart + 0x10, int(not b.gives_uart), 0x1FFF),
                Device("UARTRXWM", b.uart + 0x20, 1, 0x3F),
                Device("UARTMR", b.uart + 4, 0x20, 0x3FE))
    return (Device("UARTCR", b.uart + 0x30, 0x301, 0x301),
            Device("UARTIMSC", b.uart + 0x38, 0 if b.gives_uart else 0x50),
            Device("UARTDMACR", b.uart + 0x48, 0))


def devices(b: Board) -> tuple[Device, ...]:
    """All that is required of a machine."""
    return (_gicv2(b) if b.gic == 2 else _gicv3(b)) + _uart(b)


def frames(b: Board) -> dict[str, tuple[int, int]]:
    """Physical address and size in bytes of what EL2 may have mapped of each device."""
    found = {"uart": (b.uart, 0x1000), "gicd": (b.gicd, 0x1_0000 if b.gic == 3 else 0x1000)}
    return found | ({"gicr": (b.gicr, 0x10_0000)} if b.gic == 3 else
                    {"gicc": (b.gicc, 0x2000), "gich": (b.gich, 0x1000)})


# ---- devices for processes ----------------------------------------------------------------

DMA = 1                     # of devices.flags
MOST_PAGES = 16             # of one region: larger ones are windows of PCIe, and flash
# By `compatible`: has no way to memory of its own. All others may do DMA.
PLAIN = frozenset({"arm,pl011", "arm,pl031", "arm,pl061", "arm,sp804", "arm,sp805",
                   "cdns,uart-r1p12", "cdns,ttc"})
# What the kernel may have as its console.
UARTS = frozenset({"arm,pl011", "cdns,uart-r1p12", "xlnx,xuartps"})
# Properties of what may all the same.
REACHES_MEMORY = frozenset({"dmas", "dma-coherent", "dma-ranges", "iommus", "iommu-map",
                            "memory-region"})


GICV2 = frozenset({"arm,gic-400", "arm,cortex-a15-gic"})


def is_gics(compatible: tuple[str, ...]) -> bool:
    """A part of the interrupt controller: GICv2, GICv3, its ITS or frames for MSI."""
    return any(name.startswith("arm,gic") or name == "arm,cortex-a15-gic" for name in compatible)
