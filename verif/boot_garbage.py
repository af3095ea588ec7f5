# SPDX-License-Identifier: MIT
"""What is unknown when the kernel is entered holds garbage, so that T4 notices what boot forgets
to write, and not only what it writes wrongly: RAM beyond the image, system registers whose
reset values the architecture does not give (D19.1.3), interrupts that firmware has enabled.
"""
import mmap

from spec.devices import Board, devices
from spec.registers import REQUIRED, Facts, Required

from .boot_registers import Registers, identity
from .gdb import Gdb

RAM_BYTES = 128 << 20       # from the start of RAM: all that boot writes lies there
BYTE = b"\xa5"
WORD = 0xA5A5_5A5A_A5A5_5A5B
# Known when the kernel is entered: Documentation/arm64/booting.rst says that the MMU is off, what
# PSTATE is, and that interrupts work; HCR_EL2.E2H would change the meaning of the others.
KNOWN = ("SCTLR_EL2", "HCR_EL2", "SPSR_EL2", "ELR_EL2", "CurrentEL", "SPSel", "DAIF")


def fill(ram: mmap.mmap) -> None:
    """Before QEMU loads anything into it."""
    size = min(RAM_BYTES, len(ram))
    ram[:size] = BYTE * size


def _is_unknown(r: Required, facts: Facts) -> bool:
    """ICC_SRE_EL2, which says how the interrupt controller is accessed, is firmware's."""
    return r.exists(facts) and r.name not in KNOWN and not r.name.startswith("ICC_SRE")


def spoil_registers(gdb: Gdb, board: Board) -> None:
    """Of a machine that stands before its first instruction."""
    pc = gdb.read()[0].pc
    facts = identity(gdb, pc, board)
    with Registers(gdb, pc) as registers:
        for r in REQUIRED:
            if r.encoding is not None and _is_unknown(r, facts):
                registers.write(r.name, r.encoding, WORD)


def spoil_devices(gdb: Gdb, board: Board) -> None:
    """All interrupts are enabled."""
    for device in devices(board):
        if "ISENABLER" in device.name:
            gdb.poke_physical(device.address, b"\xff" * device.size)
