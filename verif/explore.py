# SPDX-License-Identifier: MIT
"""All paths of a routine: decode, run, split on branches, follow calls, stop at the return."""
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from .errors import StuckPath, UnmodelledError, VerifError
from .flags import as_term, fresh, negate
from .flow import Flow
from .isa import ldst
from .lin import Lin, bv, lift, symbol
from .machine import STACK_TOP, Path
from .memory import Memory
from .merge import lost_in, merge_all, shape
from .naming import parts_of
from .world import Frame, World

MAX_PATHS = 4000
MAX_INSTRUCTIONS = 4000
PAIRS = (ldst.pair_offset, ldst.pair_post, ldst.pair_pre, ldst.pair_simd)

Contract = Callable[[Path], None]


@dataclass(frozen=True)
class Start:
    """The registers at entry: by number, those of the procedure call standard by default."""

    address: int
    regs: tuple[Lin, ...]
    system: dict[str, Lin]
    stack: tuple[tuple[tuple[int, int], Lin], ...] = ()
    given: tuple[z3.BoolRef, ...] = ()


@dataclass(frozen=True)
class Exploration:
    """What was found: paths that ended, and paths that are stuck and must be dead."""

    world: World
    start: Start
    ended: tuple[Path, ...]
    stuck: tuple[tuple[Path, str], ...]


@dataclass
class Explorer:
    """Runs one routine. `contracts` replace calls of the leaves by what is proved of them.

    Paths are advanced in the order of the code, so that those which part and meet again meet
    in time to be merged; not where loops are allowed.
    """

    world: World
    contracts: dict[int, Contract]
    loops_allowed: bool = False
    apart: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.flow = Flow(self.world.image)

    def run(self, start: Start) -> Exploration:
        """Explores from `start` until X30 of the start is returned to, or ERET."""
        while True:
            found = self._run(start)
            wanted = lost_in(found.ended, found.stuck, self.world.obligations)
            if wanted <= self.apart:
                return found
            self.apart |= wanted
            self.world.forget()

    def _run(self, start: Start) -> Exploration:
        first = Path(self.world, start.address, list(start.regs), fresh("nzcv"), Memory(),
                     [(fp_word(2 + 2 * i), fp_word(3 + 2 * i)) for i in range(32)],
                     {"fpcr": fp_word(0), "fpsr": fp_word(1), **start.system})
        first.stack.update(start.stack)
        for term in start.given:
            first.assume(term)
        first.frames.append(Frame(start.regs[30], set()))
        work: list[tuple[tuple[int, ...], int, Path]] = []
        ended: list[Path] = []
        stuck: list[tuple[Path, str]] = []
        found = [first]
        pushed = 0
        while found or work:
            for path in found:
                pushed += 1
                heapq.heappush(work, (self._place(path), pushed, path))
            path = self._take(work)
            try:
                found = self._advance(path)
            except StuckPath as reason:
                found = self._told_apart(path, reason.address)
                if not found:
                    stuck.append((path, f"{reason} ({self.world.image.function_at(path.pc)})"))
                continue
            if path.finished:
                ended.append(path)
            if len(work) + len(ended) > MAX_PATHS:
                raise UnmodelledError(f"more than {MAX_PATHS} paths")
        return Exploration(self.world, start, tuple(self._merged(ended)), tuple(stuck))

    def _place(self, path: Path) -> tuple[int, ...]:
        """Where it is in the order of the code; the paths of a loop in that of their age."""
        if self.loops_allowed:
            return ()
        return (*path.frames[-1].marks, self.flow.number(path.pc))

    def _take(self, work: list[tuple[tuple[int, ...], int, Path]]) -> Path:
        """The first path, merged with those that are at the same place in the same shape."""
        place, _, path = heapq.heappop(work)
        if self.loops_allowed or path.pc in self.apart:
            return path
        others = []
        while work and work[0][0] == place:
            others.append(heapq.heappop(work))
        if not others:
            return path
        alike, own = [path], shape(path)
        for entry in others:
            if shape(entry[2]) == own:
                alike.append(entry[2])
            else:
                heapq.heappush(work, entry)
        return merge_all(self.world, alike)

    def _merged(self, ended: list[Path]) -> list[Path]:
        """Paths that end alike are one, but for the value of X0."""
        groups: dict[object, list[Path]] = {}
        for path in ended:
            groups.setdefault(id(path) if self.loops_allowed else shape(path)[1:], []).append(path)
        return [merge_all(self.world, group) for group in groups.values()]

    def _advance(self, path: Path) -> list[Path]:
        """Runs until the path ends (nothing is left), splits (both halves) or may meet another."""
        while True:
            contract = self.contracts.get(path.pc)
            depth = len(path.frames)
            if path.cut is not None:
                path.finish(path.cut)
            elif contract is not None:
                path.next = None
                contract(path)
                if path.next is None:
                    path.branch_register(path.regs[30])
            else:
                self._step(path)
                if path.split is not None:
                    return [self._split(path), path]
            if path.finished:
                return []
            before, path.pc = path.pc, path.pc + 4 if path.next is None else path.next
            self._mark(path, before, len(path.frames) - depth)
            if not self.loops_allowed and (path.next is not None or self.flow.is_join(path.pc)):
                return [path]

    def _mark(self, path: Path, before: int, deeper: int) -> None:
        """Notes the place of a call, or of a jump to another function, in the frame."""
        if path.next is None or deeper < 0:
            return
        if deeper == 0 and self.flow.owner(before) is self.flow.owner(path.pc):
            return
        frame = path.frames[-1]
        outer = path.frames[-2] if deeper else frame
        path.frames[-1] = Frame(frame.back, frame.visited,
                                (*outer.marks, self.flow.number(before)))

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
            found = self.flow.instruction(path.pc)
            found.encoding.run(path, found.fields)
        except StuckPath:
            raise
        except (VerifError, z3.Z3Exception) as error:
            named = type(error) if isinstance(error, VerifError) else VerifError
            word = self.world.image.word(path.pc)
            raise named(f"{error} (word {word:#010x} at {path.pc:#x}, "
                        f"{self.world.image.function_at(path.pc)})") from error

    def _told_apart(self, path: Path, address: z3.BitVecRef | None) -> list[Path]:
        """The path as two before its instruction, if the address that it is stuck at is a choice
        of two numbers: each has one. Not of a pair, which may have done half of its work."""
        choice = None if address is None else number_choice(address)
        if choice is None or self.flow.instruction(path.pc).encoding in PAIRS:
            return []
        path.frames[-1].visited.discard(path.pc)
        path.count -= 1
        other = path.fork()
        condition, *numbers = choice.children()
        for one, truth, number in zip((path, other), (condition, negate(condition)), numbers):
            one.assume(as_term(truth))
            for at, reg in enumerate(one.regs):
                known = z3.substitute(reg.z, (choice, number))
                if not known.eq(reg.z):
                    one.regs[at] = lift(known)
        return [path, other]

    def _split(self, path: Path) -> Path:
        raw, target = path.split or (z3.BoolVal(True), path.pc)
        condition = self.world.symbols.truth(as_term(raw))
        other = path.fork()
        other.assume(negate(condition))
        other.decisions.append((path.pc, False))
        other.pc += 4
        path.assume(as_term(condition))
        path.decisions.append((path.pc, True))
        path.pc, path.split, path.next = target, None, None
        return other


def number_choice(term: z3.BitVecRef) -> z3.BitVecRef | None:
    """An if-then-else of two numbers within the term."""
    return next((part for part in parts_of(term) if z3.is_app_of(part, z3.Z3_OP_ITE)
                 and all(map(z3.is_bv_value, part.children()[1:]))), None)


def fp_word(number: int) -> Lin:
    """Word `number` of FPCR, FPSR and both halves of Q0..Q31 at entry: sys.fp of the spec."""
    sort = z3.BitVecSort(64)
    return lift(z3.Function("sys.fp", sort, sort)(bv(number)))


def standard_start(address: int, system: dict[str, Lin]) -> Start:
    """X0..X30 free, SP the symbolic top of a stack."""
    regs = tuple(symbol(f"x{i}") for i in range(31)) + (symbol(STACK_TOP),)
    return Start(address, regs, system)
