# SPDX-License-Identifier: MIT
"""What an instruction may do to the machine: the only thing that semantics see."""
from typing import Protocol

import z3

from ..flags import Bool, Flags
from ..lin import Lin


class Cpu(Protocol):
    """One core at the instruction at `pc`. Register number 31 is XZR or SP, by method."""

    pc: int
    flags: Flags

    def get(self, number: int, width: int = 64) -> Lin:
        """X or W register; 31 reads as zero. A W value is zero-extended."""

    def put(self, number: int, value: Lin, width: int = 64) -> None:
        """Writes X or W (bits 63:32 become zero); 31 is discarded."""

    def get_sp(self, number: int, width: int = 64) -> Lin:
        """As get, but 31 is SP."""

    def put_sp(self, number: int, value: Lin, width: int = 64) -> None:
        """As put, but 31 is SP."""

    def get_q(self, number: int) -> tuple[Lin, Lin]:
        """The low and high 64 bits of a SIMD register."""

    def put_q(self, number: int, low: Lin, high: Lin) -> None:
        """Writes a SIMD register."""

    def trailing_zeros(self, value: z3.BitVecRef) -> Lin:
        """CLZ of the bit reversal of `value`, bv64."""

    def load(self, address: Lin, size: int) -> Lin:
        """`size` bytes (1, 2, 4, 8) little-endian, zero-extended."""

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """The low `size` bytes of `value`."""

    def load_exclusive(self, address: Lin, size: int) -> Lin:
        """As load, and the address is marked for store_exclusive (B2.9)."""

    def store_exclusive(self, address: Lin, value: Lin, size: int) -> Lin:
        """As store if the result, 0 or 1, is 0; else nothing is written."""

    def branch(self, target: int) -> None:
        """Continues at `target`."""

    def branch_if(self, condition: Bool, target: int) -> None:
        """Continues at `target` if the condition holds, else behind this instruction."""

    def branch_register(self, target: Lin) -> None:
        """Continues at an address from a register."""

    def call(self, target: Lin) -> None:
        """As branch_register, with X30 = address of the next instruction."""

    def get_system(self, name: str) -> Lin:
        """Reads a system register."""

    def put_system(self, name: str, value: Lin) -> None:
        """Writes a system register."""

    def event(self, kind: str, operand: Lin | None = None) -> None:
        """Barrier, maintenance operation or the like, in program order."""

    def exception(self, kind: str, immediate: int) -> None:
        """SVC, HVC, SMC, BRK, HLT, UDF, ERET."""
