# SPDX-License-Identifier: MIT
"""Several cores in step: each executes one instruction after the other cores have executed one.

So many cores as there are do the guest's `throughput` at one speed, whatever the host has, and
wait for each other where they have to: for the lock. An instruction is one unit of time, which no
real core's are; no interrupt comes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gdbstub import Counter, StubError, stopped
from program import Program, ProgramError, conditional

MAGIC = 0x7468726F75676870      # MARK_MAGIC of user/apps/throughput.c
MARK = "throughput_mark"
# Of each kind of the guest's, in its order: the function whose first branch back ends an operation.
KINDS = {"own loop": "run_loop", "null hypercall": "run_null", "call and reply": "run_calls"}
KEYS = "throughput 0.001\nhalt\n"
WARM, COUNTED = 2, 6            # operations of each core
LIMIT = 100000                  # steps of each core for that
OTHERS = 1000                   # stops at the mark's address in another program
THREAD = re.compile(r"thread:([0-9a-f]+)")
PC = 32


@dataclass(frozen=True)
class Row:
    """`per_core`: instructions that an operation of each core took, its waits included."""

    kind: str
    per_core: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Operations of all cores in the time of one instruction."""
        return sum(1 / one for one in self.per_core)


@dataclass(frozen=True)
class Places:
    mark: int
    ends: dict[str, int]        # of an operation, by its kind


def _first_branch_back(program: Program, name: str) -> int:
    """The address of its first conditional branch with a negative distance."""
    start, words = program.function(name)
    for i, word in enumerate(words):
        if (conditional(word) or 0) < 0:
            return start + 4 * i
    raise ProgramError(f"{name} has no loop")


def places(program: Program) -> Places:
    return Places(program.address(MARK), {kind: _first_branch_back(program, name)
                                          for kind, name in KINDS.items()})


@dataclass(frozen=True)
class Cores:
    """A stopped machine with `count` cores, which QEMU's stub numbers from 1."""

    counter: Counter
    count: int

    def _resume(self, actions: str) -> int:
        """Until something stops: the core that it is, which registers are then read of."""
        stop = self.counter.ask(f"vCont;{actions}")
        found = THREAD.search(stop)
        if not stop.startswith("T05") or found is None:
            raise StubError(f"stopped otherwise than by a breakpoint or a step: {stop}")
        return int(found.group(1), 16)

    def step(self, core: int) -> int:
        """One instruction of that core and of no other: its PC."""
        self._resume(f"s:{core:x}")
        return self.counter.register(PC)

    def gather(self, mark: int, number: int) -> None:
        """Runs until the first `number` cores are at the mark; who is there waits."""
        held: set[int] = set()
        for _ in range(OTHERS):
            if self.counter.ask(f"Z1,{mark:x},4") != "OK":
                raise StubError(f"no breakpoint at {mark:#x}")
            core = self._resume(";".join(f"c:{core:x}" for core in range(1, self.count + 1)
                                         if core not in held))
            self.counter.ask(f"z1,{mark:x},4")
            if self.counter.register(0) == MAGIC:
                held.add(core)
            else:
                self.step(core)
            if held == set(range(1, number + 1)):
                return
        raise StubError(f"{number} workers do not come to their mark, but those of {held}")

    def measure(self, kind: str, end: int, number: int) -> Row:
        """The first `number` cores in step, until each has done what is counted."""
        passes: dict[int, list[int]] = {core: [] for core in range(1, number + 1)}
        for cycle in range(LIMIT):
            for core, seen in passes.items():
                if self.step(core) == end:
                    seen.append(cycle)
            if all(len(seen) > WARM + COUNTED for seen in passes.values()):
                return Row(kind, tuple((seen[-1] - seen[WARM]) / (len(seen) - 1 - WARM)
                                       for seen in passes.values()))
        raise StubError(f"{kind}: not done after {LIMIT} steps of {number} cores")


def rows(machine: list[str], cores: int, program: Path) -> Iterator[Row]:
    """Of each kind, for 1 to `cores` cores; `machine` is without -smp and -accel."""
    at = places(Program(program))
    argv = [*machine, "-smp", str(cores), "-accel", "tcg,thread=single"]
    with stopped(argv, 300, KEYS.encode()) as counter:
        machine_cores = Cores(counter, cores)
        for kind, end in at.ends.items():
            for number in range(1, cores + 1):
                machine_cores.gather(at.mark, number)
                yield machine_cores.measure(kind, end, number)


def table(found: list[Row]) -> str:
    """The ratio is to the row of one core of the same kind."""
    lines = [f"{'operation':16} {'cores':>5} {'instructions each':>18} {'ratio':>7}"]
    one: dict[str, float] = {}
    for row in found:
        one.setdefault(row.kind, row.rate)
        each = sum(row.per_core) / len(row.per_core)
        lines.append(f"{row.kind:16} {len(row.per_core):5} {each:18.1f} "
                     f"{row.rate / one[row.kind]:7.2f}")
    return "\n".join(lines)
