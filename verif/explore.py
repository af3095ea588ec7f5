# SPDX-License-Identifier: MIT
"""All paths of a routine: decode, run, split on branches, follow calls, stop at the return."""
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from .errors import StuckPath, UnmodelledError, VerifError
from .flags import as_term, fresh, negate
from .isa.decode import Instruction, decode
from .lin import Lin, bv, lift, symbol
from .machine import STACK_TOP, Frame, Path, World
from .memory import Memory

MAX_PATHS = 4000
MAX_INSTRUCTIONS = 4000

Contract = Callable[[Path], None]


@dataclass(frozen=True)
class Start:
    """The registers at entry: by number, those of the procedure call standard by default."""

    address: int
    regs: tuple[Lin, ...]
    system: dict[str, Lin]


@dataclass(frozen=True)
class Exploration:
    """What was found: paths that ended, and paths that are stuck and must be dead."""

    world: World
    start: Start
    ended: tuple[Path, ...]
    stuck: tuple[tuple[Path, str], ...]


@dataclass
class Explorer:
    """Runs one routine. `contracts` replace calls of the leaves by what is proved of them."""

    world: World
    contracts: dict[int, Contract]
    loops_allowed: bool = False
    decoded: dict[int, Instruction] = field(default_factory=dict)

    def run(self, start: Start) -> Exploration:
        """Explores from `start` until X30 of the start is returned to, or ERET."""
        first = Path(self.world, start.address, list(start.regs), fresh("nzcv"), Memory(),
                     [(fp_word(2 + 2 * i), fp_word(3 + 2 * i)) for i in range(32)],
                     {"fpcr": fp_word(0), "fpsr": fp_word(1), **start.system})
        first.frames.append(Frame(start.regs[30], set()))
        work, ended, stuck = [first], [], []
        while work:
            path = work.pop()
            try:
                other = self._advance(path)
            except StuckPath as reason:
                stuck.append((path, f"{reason} ({self.world.image.function_at(path.pc)})"))
                continue
            if other is not None:
                work += [other, path]
            else:
                ended.append(path)
            if len(work) + len(ended) > MAX_PATHS:
                raise UnmodelledError(f"more than {MAX_PATHS} paths")
        return Exploration(self.world, start, tuple(ended), tuple(stuck))

    def _advance(self, path: Path) -> Path | None:
        """Runs until the path ends (None) or splits (the other half)."""
        while not path.finished:
            contract = self.contracts.get(path.pc)
            if contract is not None:
                contract(path)
                path.next = None
                path.branch_register(path.regs[30])
            else:
                self._step(path)
                if path.split is not None:
                    return self._split(path)
            path.pc = path.pc + 4 if path.next is None else path.next
        return None

    def _step(self, path: Path) -> None:
        visited = path.frames[-1].visited
        if path.pc in visited and not self.loops_allowed:
            raise UnmodelledError(f"loop at {self.world.image.function_at(path.pc)}")
        visited.add(path.pc)
        self.world.addresses.add(path.pc)
        path.count += 1
        if path.count > MAX_INSTRUCTIONS:
            raise UnmodelledError(f"more than {MAX_INSTRUCTIONS} instructions on a path, at "
                                  f"{self.world.image.function_at(path.pc)}")
        path.next, path.split = None, None
        try:
            found = self._decoded(path.pc)
            found.encoding.run(path, found.fields)
        except StuckPath:
            raise
        except (VerifError, z3.Z3Exception) as error:
            named = type(error) if isinstance(error, VerifError) else VerifError
            word = self.world.image.word(path.pc)
            raise named(f"{error} (word {word:#010x} at {path.pc:#x}, "
                        f"{self.world.image.function_at(path.pc)})") from error

    def _decoded(self, pc: int) -> Instruction:
        found = self.decoded.get(pc)
        if found is None:
            found = decode(self.world.image.word(pc), pc)
            self.decoded[pc] = found
        return found

    def _split(self, path: Path) -> Path:
        condition, target = path.split or (z3.BoolVal(True), path.pc)
        other = path.fork()
        other.assume(negate(condition))
        other.decisions.append((path.pc, False))
        other.pc += 4
        path.assume(as_term(condition))
        path.decisions.append((path.pc, True))
        path.pc, path.split, path.next = target, None, None
        return other


def fp_word(number: int) -> Lin:
    """Word `number` of FPCR, FPSR and both halves of Q0..Q31 at entry: sys.fp of the spec."""
    sort = z3.BitVecSort(64)
    return lift(z3.Function("sys.fp", sort, sort)(bv(number)))


def standard_start(address: int, system: dict[str, Lin]) -> Start:
    """X0..X30 free, SP the symbolic top of a stack."""
    regs = tuple(symbol(f"x{i}") for i in range(31)) + (symbol(STACK_TOP),)
    return Start(address, regs, system)
