#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares the verifier's instruction semantics with qemu-aarch64, one instruction at a time.

    compare.py --count 1000000 --seed 1

Random instructions of every encoding class that EL0 can run, each on many
random states. Ends with a line for each class and "N steps, N mismatches";
exit status 0 if there is none.
"""
import argparse
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from model import Formula, Untestable, disagreement, on_numbers, on_terms  # noqa: E402
from states import (STATE, Machine, State, classes, fields, is_sensible, prepared,  # noqa: E402
                    unpack)

from verif.errors import UnallocatedError, UnmodelledError  # noqa: E402
from verif.isa.decode import Instruction, decode  # noqa: E402
from verif.isa.encoding import Encoding  # noqa: E402

CC = "aarch64-linux-gnu-gcc"
FLAGS = ("-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-static", "-fno-pic",
         "-no-pie", "-fno-stack-protector", "-mgeneral-regs-only", "-march=armv8-a")
STATES_EACH = 64
SHOWN = 10


@dataclass
class Runner:
    """The independent machine, running."""

    process: subprocess.Popen[bytes]
    machine: Machine

    def run(self, word: int, states: list[State]) -> list[State]:
        """The states after the instruction; at most 64, so that no pipe fills up."""
        assert self.process.stdin is not None and self.process.stdout is not None
        request = word.to_bytes(8, "little") + len(states).to_bytes(8, "little")
        self.process.stdin.write(request + b"".join(s.pack() for s in states))
        self.process.stdin.flush()
        data = self.process.stdout.read(len(states) * STATE.size)
        if len(data) != len(states) * STATE.size:
            raise RuntimeError(f"the machine died on {word:#010x}")
        return [unpack(data[i:i + STATE.size]) for i in range(0, len(data), STATE.size)]


def start(folder: Path) -> Runner:
    """Builds the program in `folder` and starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "runner"
    subprocess.run([CC, *FLAGS, "-c", "-o", folder / "runner_c.o", HERE / "runner.c"], check=True)
    subprocess.run([CC, "-march=armv8-a", "-c", "-o", folder / "runner_s.o", HERE / "runner.S"],
                   check=True)
    subprocess.run([CC, "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-o", program,
                    folder / "runner_c.o", folder / "runner_s.o"], check=True)
    process = subprocess.Popen(["qemu-aarch64", program], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdout is not None
    header = process.stdout.read(16)
    return Runner(process, Machine(int.from_bytes(header[:8], "little"),
                                   int.from_bytes(header[8:], "little")))


def draw(rng: random.Random, machine: Machine, encoding: Encoding) -> tuple[int, Instruction]:
    """A word of that class which the semantics take."""
    while True:
        chosen = fields(rng, encoding)
        if not is_sensible(encoding, chosen):
            continue
        word = encoding.join(chosen)
        instruction = decode(word, machine.slot)
        try:
            on_numbers(machine, instruction, prepared(rng, machine, encoding, chosen))
        except (UnallocatedError, UnmodelledError):
            continue
        return word, instruction


def problems(machine: Machine, instruction: Instruction, before: list[State],
             after: list[State]) -> list[str]:
    """Every disagreement, by numbers and by terms."""
    formula: Formula | None
    try:
        formula = on_terms(machine, instruction)
    except Untestable:
        formula = None
    found = []
    for old, new in zip(before, after):
        wanted = on_numbers(machine, instruction, old)
        if wanted != new:
            found.append(f"numbers:\n  before {old}\n  model  {wanted}\n  qemu   {new}")
        difference = None if formula is None else disagreement(machine, formula, old, new)
        if difference is not None:
            found.append(f"terms: {difference}\n  before {old}")
    return found


def compare(runner: Runner, rng: random.Random, count: int) -> tuple[Counter[str], int]:
    """Runs about `count` steps; steps by class, and the number of mismatches."""
    steps: Counter[str] = Counter()
    wrong = 0
    kinds = classes()
    while sum(steps.values()) < count:
        for encoding in kinds:
            word, instruction = draw(rng, runner.machine, encoding)
            before = [prepared(rng, runner.machine, encoding, instruction.fields)
                      for _ in range(STATES_EACH)]
            after = runner.run(word, before)
            found = problems(runner.machine, instruction, before, after)
            for text in found[:max(0, SHOWN - wrong)]:
                print(f"{encoding.name} {word:#010x}: {text}")
            wrong += len(found)
            steps[encoding.name] += STATES_EACH
    return steps, wrong


def main() -> int:
    """Exit status 0 if nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "isa")
    options = parser.parse_args()
    runner = start(options.out)
    steps, wrong = compare(runner, random.Random(options.seed), options.count)
    for name, number in sorted(steps.items()):
        print(f"  {name:22} {number:9}")
    print(f"seed {options.seed}: {sum(steps.values())} steps, {wrong} mismatches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
