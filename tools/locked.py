# SPDX-License-Identifier: MIT
"""What of an operation is under the kernel's lock, by single steps, and so how far several cores
can go beyond one: whatever is under the lock one core at a time does.

The guest's `bench` repeats each operation in a loop. It is stopped at the head of the loop, and
followed around it once. The lock is had when its next ticket is not the one that is served.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gdbstub import Counter, StubError, stopped
from own import EL1_IRQ, Watch, places
from program import Program, ProgramError, conditional

KEYS = b"bench\nhalt\n"
WATCH_KEYS = b"bench watch\nhalt\n"
# Rows of the benchmark, in the order in which they run: the function that repeats the operation.
LOOPS = {"null": "null_batch", "invalid": "invalid_batch", "trapped_read": "trapped_batch",
         "yield": "yield_batch", "call": "call_batch", "call_page": "page_batch",
         "alloc_frame": "alloc_batch", "protect_frame": "protect_batch", "free_frame": "free_batch",
         "fault_done": "handled_batch", "prot1": "prot1_batch", "fork": "fork_batch"}
ROUNDS = 2          # of each, and the shortest counts
LIMIT = 200000      # steps of one operation
OTHERS = 100        # stops at that address in another program
READ_COUNTER = 0xD53BE040       # mrs xN, cntvct_el0: N is in the low five bits
SP, PC = 31, 32


@dataclass(frozen=True)
class Share:
    """Instructions of one operation: in all, and those before which the core had the lock; how
    often it took it."""

    whole: int
    held: int
    taken: int

    @property
    def most(self) -> float | None:
        """So many times what one core does can any number do; None: the lock is no limit."""
        return self.whole / self.held if self.held else None


@dataclass(frozen=True)
class Loop:
    """Where a loop of the program begins, and the code there, by which the program is known."""

    head: int
    code: bytes


def _loop(program: Program, name: str) -> Loop:
    """The one that is timed: the last branch back between the first two readings of the counter."""
    start, words = program.function(name)
    readings = [i for i, word in enumerate(words) if word & ~0x1F == READ_COUNTER]
    for i in range(readings[1] if len(readings) > 1 else 0, 0, -1):
        head = i + (conditional(words[i]) or 0) // 4
        if readings[0] < head < i:
            code = b"".join(word.to_bytes(4, "little") for word in words[head:i + 1])
            return Loop(start + 4 * head, code)
    raise ProgramError(f"{name} has no loop between two readings of the counter")


@dataclass(frozen=True)
class Meter:
    """Follows a stopped machine that has one core."""

    watch: Watch
    lock: int

    @property
    def counter(self) -> Counter:
        return self.watch.counter

    def _has_lock(self) -> bool:
        word = self.counter.memory(self.lock, 4)
        if len(word) != 4:
            raise StubError("the lock cannot be read")
        return word[:2] != word[2:]

    def follow(self, ends: Callable[[int], bool]) -> Share:
        """Single steps until the PC is where it `ends`. Only the kernel can have the lock."""
        held = taken = 0
        had = False
        pc = self.counter.register(PC)
        for count in range(1, LIMIT):
            has = self.watch.at.is_kernel(pc) and self._has_lock()
            held += has
            taken += has and not had
            had = has
            pc = self.watch.step()
            if ends(pc):
                return Share(count, held, taken)
        raise StubError(f"no end of it in {LIMIT} steps")

    def run_to(self, loop: Loop) -> None:
        """To the head of a loop, in the program whose code it is."""
        for _ in range(OTHERS):
            self.watch.run_to(loop.head)
            if self.counter.memory(loop.head, len(loop.code)) == loop.code:
                return
            self.watch.step()
        raise StubError(f"bench does not come to {loop.head:#x}")

    def around(self, loop: Loop) -> Share:
        """Once around it, from its head: another process may have code at that address."""
        self.run_to(loop)
        stack = self.counter.register(SP)
        return self.follow(lambda pc: pc == loop.head and self.counter.register(SP) == stack)

    def interrupt(self) -> Share:
        """From the kernel's vector to the handler of the process's own timer."""
        own = self.watch.at.vectors + EL1_IRQ
        for _ in range(OTHERS):
            self.watch.run_to(self.watch.at.kernel_irq)
            kernel = self.follow(lambda pc: not self.watch.at.is_kernel(pc))
            if self.watch.run_to(self.watch.at.kernel_irq, own) == own:
                rest = self.follow(lambda pc: pc == self.watch.at.handler)
                return Share(kernel.whole + rest.whole, kernel.held, kernel.taken)
        raise StubError("the process gets no interrupt")


def _shortest(measure: Callable[[], Share]) -> Share:
    return min((measure() for _ in range(ROUNDS)), key=lambda share: share.whole)


def shares(machine: list[str], kernel: Path, program: Path) -> dict[str, Share]:
    """By the keys of the benchmark's rows."""
    own, bench = Program(kernel), Program(program)
    at, lock = places(own, bench), own.address("kernel_lock")
    loops = {key: _loop(bench, name) for key, name in LOOPS.items()}
    with stopped([*machine, "-icount", "shift=0"], 120, KEYS) as counter:
        meter = Meter(Watch(counter, at), lock)
        found = {key: _shortest(lambda loop=loop: meter.around(loop))
                 for key, loop in loops.items()}
    with stopped([*machine, "-icount", "shift=0"], 120, WATCH_KEYS) as counter:
        meter = Meter(Watch(counter, at), lock)
        meter.watch.run_to_mark()
        return found | {"irq": _shortest(meter.interrupt)}


def table(found: dict[str, Share], labels: dict[str, str]) -> str:
    """`labels` by the same keys."""
    width = max(len(labels[key]) for key in found)
    lines = ["", "Instructions of an operation, and those for which the core has the lock, which",
             "one core at a time can have; how often it takes it; and so many times what one",
             "core does can any number of cores do at most.", "",
             f"{'':{width}}{'in all':>8}{'locked':>8}{'times':>7}{'at most':>10}"]
    for key, share in found.items():
        most = "no limit" if share.most is None else f"{share.most:.2f}"
        lines.append(f"{labels[key]:{width}}{share.whole:8}{share.held:8}"
                     f"{share.taken:7}{most:>10}")
    return "\n".join(lines)
