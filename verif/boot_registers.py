# SPDX-License-Identifier: MIT
"""System registers of a stopped machine, read and written as software at EL2 does it: `mrs` or
`msr` is put where the machine stands, and stepped over by QEMU's gdb stub."""
from types import TracebackType

from spec.devices import Board
from spec.registers import IDENTITY, REQUIRED, Encoding, Facts, Required

from .errors import BootError
from .gdb import Gdb

X0 = 0
TRIES = 100


def move(encoding: Encoding, is_read: bool) -> int:
    """The instruction word of `mrs x0, ...` (C6.2.228) or of `msr ..., x0` (C6.2.230)."""
    op0, op1, crn, crm, op2 = encoding
    return (0xD510_0000 | is_read << 21 | (op0 & 1) << 19 | op1 << 16 | crn << 12 | crm << 8
            | op2 << 5 | X0)


class Registers:
    """Of the core that stands at `pc`. Leaving the `with` block puts back the instruction that
    is there, PC and x0."""

    def __init__(self, gdb: Gdb, pc: int) -> None:
        self.gdb, self.pc = gdb, pc

    def __enter__(self) -> "Registers":
        self.x0, self.word = self.gdb.read()[0].x[X0], self.gdb.peek(self.pc, 4)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.gdb.poke(self.pc, self.word)
            self.gdb.set_general(X0, self.x0)

    def _do(self, name: str, word: int) -> int:
        """x0 afterwards. A busy host may stop QEMU before the instruction: it is tried again."""
        self.gdb.poke(self.pc, word.to_bytes(4, "little"))
        for _ in range(TRIES):
            self.gdb.step()
            core = self.gdb.read()[0]
            if core.pc != self.pc:
                break
        if core.pc != self.pc + 4:
            raise BootError(f"this core has no {name}: PC is {core.pc:#x}, after {self.pc:#x}")
        self.gdb.set_pc(self.pc)
        return core.x[X0]

    def read(self, name: str, encoding: Encoding) -> int:
        """BootError if the instruction is not defined there."""
        return self._do(name, move(encoding, True))

    def write(self, name: str, encoding: Encoding, value: int) -> None:
        """The same."""
        self.gdb.set_general(X0, value)
        self._do(name, move(encoding, False))


def identity(gdb: Gdb, pc: int, board: Board) -> Facts:
    """What the core has; of the rest nothing."""
    with Registers(gdb, pc) as registers:
        ids = {name: registers.read(name, encoding) for name, encoding in IDENTITY.items()}
    return Facts(ids, board, {}, 0, 0, 0, 0, 0, 0, 0, 0, 1)


def required(gdb: Gdb, pc: int, facts: Facts,
             wanted: tuple[Required, ...] = REQUIRED) -> dict[str, int]:
    """Each required register that the core has, by name."""
    with Registers(gdb, pc) as registers:
        return {r.name: registers.read(r.name, r.encoding) for r in wanted
                if r.encoding is not None and r.exists(facts)}
