# SPDX-License-Identifier: MIT
"""What the kernel has to do with a process's own affairs, in instructions that it executes.

The guest's `bench watch` sets its virtual timer and makes system calls from its EL0, again and
again. It is stopped where each thing begins, and followed to its end one instruction at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gdbstub import Counter, StubError, stopped
from program import Program, ProgramError

MAGIC = 0x62656E63685F6D61      # BENCH_MAGIC of user/apps/bench/bench.h
KEYS = b"bench watch\nhalt\n"
EL2_IRQ = 0x480                 # offsets of vectors: from a lower level, AArch64
EL1_IRQ = 0x080                 # from the program, on SP_EL0
EL1_SVC = 0x400
EOI = 0xD518CC20                # msr ICC_EOIR1_EL1, x0: the register is in the low five bits
REGISTER = 0x1F
ROUNDS = 5                      # of each, and the smallest counts: a tick may fall into one
LIMIT = 10000                   # steps, far above any count here
OTHERS = 100                    # stops for another reason: an address of another program's, a tick
PC = 32


@dataclass(frozen=True)
class Places:
    """Addresses in the kernel (`kernel_irq`) and in the program."""

    kernel_irq: int
    mark: int
    vectors: int
    handler: int
    end: int

    def is_kernel(self, pc: int) -> bool:
        """The kernel's addresses are in the 4 GiB of its vectors; no program's are."""
        return pc >> 32 == self.kernel_irq >> 32


def _find_end(program: Program) -> int:
    """Address of the instruction by which gic_end() ends an interrupt."""
    start, words = program.function("gic_end")
    found = [i for i, word in enumerate(words) if word & ~REGISTER == EOI]
    if len(found) != 1:
        raise ProgramError("gic_end() does not end an interrupt by one instruction")
    return start + 4 * found[0]


def places(kernel: Program, program: Program) -> Places:
    return Places(kernel.address("el2_vectors") + EL2_IRQ, program.address("bench_mark"),
                  program.address("hv_vectors"), program.address("bench_timer_handler"),
                  _find_end(program))


@dataclass(frozen=True)
class Watch:
    """A machine that runs from one place to the next."""

    counter: Counter
    at: Places

    def run_to(self, *addresses: int) -> int:
        """Runs to one of them; which."""
        for address in addresses:
            if self.counter.ask(f"Z1,{address:x},4") != "OK":
                raise StubError(f"no breakpoint at {address:#x}")
        self.counter.go()
        for address in addresses:
            self.counter.ask(f"z1,{address:x},4")
        return self.counter.register(PC)

    def step(self) -> int:
        self.counter.go("s")
        return self.counter.register(PC)

    def steps(self, ends: Callable[[int], bool]) -> int:
        """Single steps until the PC is where it `ends`: how many."""
        for count in range(1, LIMIT):
            if ends(self.step()):
                return count
        raise StubError(f"no end of it in {LIMIT} steps")

    def run_to_mark(self) -> int:
        """Returns the address of the `svc` at EL0."""
        for _ in range(OTHERS):
            self.run_to(self.at.mark)
            if self.counter.register(0) == MAGIC:
                return self.counter.register(1)
            self.step()
        raise StubError("bench does not come to its mark")

    def interrupt(self) -> dict[str, int]:
        """A timer interrupt: the kernel's part, to its `eret`, and all to the handler. What the
        kernel takes for itself, its tick, does not lead to the process's vector."""
        own = self.at.vectors + EL1_IRQ
        for _ in range(OTHERS):
            self.run_to(self.at.kernel_irq)
            kernel = self.steps(lambda pc: not self.at.is_kernel(pc))
            if self.counter.register(PC) == own or self.run_to(self.at.kernel_irq, own) == own:
                return {"irq_kernel": kernel,
                        "irq": kernel + self.steps(lambda pc: pc == self.at.handler)}
        raise StubError("the process gets no interrupt")

    def alone(self, first: int, second: int) -> int:
        """Instructions of the kernel's between two that follow one another."""
        self.run_to(first)
        return self.steps(lambda pc: pc == second) - 1


def own_counts(machine: list[str], kernel: Path, program: Path) -> dict[str, int]:
    """Rows of the benchmark, by their keys."""
    at = places(Program(kernel), Program(program))
    best: dict[str, int] = {}
    with stopped([*machine, "-icount", "shift=0"], 60, KEYS) as counter:
        watch = Watch(counter, at)
        svc = watch.run_to_mark()
        for _ in range(ROUNDS):
            seen = watch.interrupt()
            seen["irq_end_kernel"] = watch.alone(at.end, at.end + 4)
            seen["el0_kernel"] = watch.alone(svc, at.vectors + EL1_SVC)
            best = {key: min(value, best.get(key, value)) for key, value in seen.items()}
    return best
