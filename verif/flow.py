# SPDX-License-Identifier: MIT
"""The control flow within functions: in which order to visit addresses, and where paths meet."""
from dataclasses import dataclass, field

from .errors import UndecodedError
from .image import Image, Symbol
from .isa.decode import Instruction, decode
from .lin import signed

CONDITIONAL = {"branch_condition": "imm19", "compare_branch": "imm19", "test_branch": "imm14"}
STOPS = frozenset({"exception_return", "undefined"})


def successors(pc: int, instruction: Instruction) -> tuple[int, ...]:
    """Where control may go within the function; a call comes back behind itself."""
    name, f = instruction.encoding.name, instruction.fields
    if name in CONDITIONAL:
        offset = CONDITIONAL[name]
        return pc + 4, pc + 4 * signed(f[offset], int(offset[3:]))
    if name == "branch_immediate" and not f["op"]:
        return (pc + 4 * signed(f["imm26"], 26),)
    if name in STOPS or name == "branch_register" and f["opc"] != 1:
        return ()
    return (pc + 4,)


@dataclass(frozen=True)
class Body:
    """One function: its addresses numbered in reverse postorder, and where edges meet."""

    numbers: dict[int, int]
    joins: frozenset[int]


@dataclass
class Flow:
    """Bodies of the functions of an image, made when asked for."""

    image: Image
    decoded: dict[int, Instruction] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)
    owners: dict[int, Symbol | None] = field(default_factory=dict)

    def instruction(self, pc: int) -> Instruction:
        """The decoded word at `pc`; UndecodedError, which names the function."""
        found = self.decoded.get(pc)
        if found is None:
            try:
                found = decode(self.image.word(pc), pc)
            except UndecodedError as error:
                raise UndecodedError(f"{error}, {self.image.function_at(pc)}") from error
            self.decoded[pc] = found
        return found

    def owner(self, pc: int) -> Symbol | None:
        """The function that holds `pc`."""
        if pc not in self.owners:
            self.owners[pc] = next((s for s in self.image.symbols.values() if s.is_function
                                    and s.address <= pc < s.address + s.size), None)
        return self.owners[pc]

    def body(self, symbol: Symbol) -> Body:
        """The flow of one function from its first word."""
        if symbol.name not in self.bodies:
            self.bodies[symbol.name] = self._read(symbol)
        return self.bodies[symbol.name]

    def number(self, pc: int) -> int:
        """Place of `pc` in the order of its function; 0 outside functions."""
        symbol = self.owner(pc)
        return 0 if symbol is None else self.body(symbol).numbers.get(pc, 0)

    def is_join(self, pc: int) -> bool:
        """Do several edges lead there?"""
        symbol = self.owner(pc)
        return symbol is not None and pc in self.body(symbol).joins

    def _read(self, symbol: Symbol) -> Body:
        inside = range(symbol.address, symbol.address + symbol.size)
        order: list[int] = []
        edges: dict[int, int] = {}
        seen: set[int] = set()
        work = [(symbol.address, False)]
        while work:
            pc, is_left = work.pop()
            if is_left:
                order.append(pc)
                continue
            if pc in seen:
                continue
            seen.add(pc)
            work.append((pc, True))
            for after in successors(pc, self.instruction(pc)):
                if after in inside:
                    edges[after] = edges.get(after, 0) + 1
                    work.append((after, False))
        order.reverse()
        return Body({pc: number for number, pc in enumerate(order)},
                    frozenset(pc for pc, count in edges.items() if count > 1))
