#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares the verifier's instruction semantics with qemu-aarch64, one instruction at a time.

    compare.py --count 1000000 --seed 1

Random instructions of every encoding class that EL0 can run, each on many
random states; then each instruction word of the kernel's text. The semantics
run on numbers for every state and on terms, which Z3 then evaluates, for
every fourth. Says what of the text was not compared and why. Exit status 0 if
nothing differs and nothing of the text was left out without a reason.
"""
import argparse
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from model import Disagreement, Formula, on_numbers, on_terms  # noqa: E402
from plants import PLANTS  # noqa: E402
from reach import Text, excuse, text_of  # noqa: E402
from states import (NOP, STATE, Machine, State, fields, marking, obstacle, prepared,  # noqa: E402
                    unpack, values)

from verif.errors import UnallocatedError, UnmodelledError  # noqa: E402
from verif.isa.decode import GROUPS, Instruction, decode  # noqa: E402
from verif.isa.encoding import Encoding  # noqa: E402

CC = "aarch64-linux-gnu-gcc"
FLAGS = ("-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-static", "-fno-pic",
         "-no-pie", "-fno-stack-protector", "-mgeneral-regs-only", "-march=armv8-a")
MACHINE = ("qemu-aarch64", "-cpu", "cortex-a53")
STATES_EACH = 32            # so that no pipe fills up
TERMS_EACH = 4              # every fourth state
SHOWN = 10
NEVER_AT_EL0 = frozenset({"exception_generation", "exception_return", "undefined"})


@dataclass
class Runner:
    """The independent machine, running."""

    process: subprocess.Popen[bytes]
    machine: Machine

    def run(self, word: int, states: list[State], before: int = NOP) -> list[State]:
        """The states after the instruction `before` and then `word`; at most STATES_EACH."""
        assert self.process.stdin is not None and self.process.stdout is not None
        request = (word | before << 32).to_bytes(8, "little") + len(states).to_bytes(8, "little")
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
    process = subprocess.Popen([*MACHINE, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    header = process.stdout.read(16)
    return Runner(process, Machine(int.from_bytes(header[:8], "little"),
                                   int.from_bytes(header[8:], "little")))


def differences(wanted: State, found: State) -> str:
    """The components in which two states differ."""
    lines = []
    for name, left in vars(wanted).items():
        right = getattr(found, name)
        if left != right and name in ("regs", "quads"):
            lines += [f"{name[0]}{i}: model {a:#x}, machine {b:#x}"
                      for i, (a, b) in enumerate(zip(left, right)) if a != b]
        elif left != right:
            show = bytes.hex if name == "memory" else hex
            lines.append(f"{name}: model {show(left)}, machine {show(right)}")
    return "; ".join(lines)


@dataclass
class Comparison:
    """The count of what was compared, by encoding class, and of mismatches."""

    runner: Runner
    rng: random.Random
    planted: dict[str, Encoding]
    steps: Counter[str] = field(default_factory=Counter)
    by_terms: int = 0
    wrong: int = 0
    words: set[int] = field(default_factory=set)

    def decoded(self, word: int) -> Instruction:
        """As the verifier decodes it at the slot, a planted rule excepted."""
        found = decode(word, self.runner.machine.slot)
        return Instruction(self.planted.get(found.encoding.name, found.encoding), found.fields)

    def draw(self, encoding: Encoding) -> tuple[int, Instruction]:
        """A word of that class which the semantics take."""
        machine = self.runner.machine
        while True:
            chosen = fields(self.rng, encoding)
            if obstacle(encoding, chosen):
                continue
            word = encoding.join(chosen)
            instruction = self.decoded(word)
            try:
                on_terms(machine, instruction)
            except (UnallocatedError, UnmodelledError):
                continue
            return word, instruction

    def compare(self, word: int, instruction: Instruction, count: int) -> None:
        """Runs one word on `count` random states, at most STATES_EACH; an exclusive store half
        of the time behind an exclusive load, so that it succeeds, and half without, so that it
        fails."""
        machine, pool = self.runner.machine, values(self.rng)
        formula = on_terms(machine, instruction)
        marks = marking(instruction)
        for some, first in ((count, NOP),) if marks is None else (
                (count // 2, marks), (count - count // 2, NOP)):
            before = [prepared(self.rng, pool, machine, instruction.encoding, instruction.fields)
                      for _ in range(some)]
            after = self.runner.run(word, before, first)
            for number, (old, new) in enumerate(zip(before, after)):
                self.check(word, instruction, None, old, new, first == NOP)
                if number % TERMS_EACH == 0:
                    self.check(word, instruction, formula, old, new, first == NOP)
                    self.by_terms += 1
        self.steps[instruction.encoding.name] += count
        self.words.add(word)

    def check(self, word: int, instruction: Instruction, formula: Formula | None, old: State,
              new: State, fails: bool) -> None:
        """One state, on numbers or by the formula. `fails`: an exclusive store."""
        machine = self.runner.machine
        try:
            wanted = (on_numbers(machine, instruction, old, fails) if formula is None
                      else formula.after(machine, old, fails))
        except Disagreement as error:
            text = str(error)
        else:
            if wanted == new:
                return
            text = differences(wanted, new)
        self.wrong += 1
        if self.wrong <= SHOWN:
            way = "numbers" if formula is None else "terms"
            print(f"{instruction.encoding.name} {word:#010x} on {way}: {text}\n  before {old}")

    def random_words(self, classes: Iterable[Encoding], count: int) -> None:
        """Every class in turn, until there are `count` steps."""
        classes = tuple(classes)
        while self.steps.total() < count:
            for encoding in classes:
                self.compare(*self.draw(encoding), STATES_EACH)

    def text(self, text: Text, count: int) -> dict[str, Counter[str]]:
        """Each word of the text on `count` states. Reasons by class for the words that were
        not compared, and how many they are."""
        left_out: dict[str, Counter[str]] = {}
        for word in sorted(text.words):
            instruction = self.decoded(word)
            name = instruction.encoding.name
            reason = excuse(instruction) or obstacle(instruction.encoding, instruction.fields)
            if reason:
                left_out.setdefault(name, Counter())[reason] += 1
            else:
                self.compare(word, instruction, count)
        return left_out


def report(comparison: Comparison, text: Text, left_out: dict[str, Counter[str]]) -> int:
    """Prints a line for each class; how many of the classes that the text uses lack words."""
    missing = 0
    used = text.by_class()
    print(f"  {'class':22}{'steps':>9}{'in text':>9}{'distinct':>9}{'compared':>9}")
    for name in sorted({*used, *comparison.steps}):
        words = used.get(name, Counter())
        compared = len(comparison.words & words.keys())
        print(f"  {name:22}{comparison.steps[name]:9}{words.total():9}{len(words):9}{compared:9}")
        for reason, number in sorted(left_out.get(name, {}).items()):
            print(f"      {number} not: {reason}")
        if compared + left_out.get(name, Counter()).total() != len(words):
            print(f"      {len(words)} words, not all compared")
            missing += 1
    print(f"{len(comparison.words & text.words.keys())} of the {len(text.words)} distinct words "
          "of the kernel's text were compared")
    return missing


def main() -> int:
    """See the text above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=4, help="states for each word of the text")
    parser.add_argument("--plant", choices=PLANTS, help="make one rule wrong")
    parser.add_argument("--elf", type=Path, default=ROOT / "build" / "hv8.elf")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "isa")
    options = parser.parse_args()
    classes = [e for group in GROUPS for e in group if e.name not in NEVER_AT_EL0]
    planted = {}
    if options.plant:
        wrong = PLANTS[options.plant].planted()
        classes, planted = [wrong], {wrong.name: wrong}
    comparison = Comparison(start(options.out), random.Random(options.seed), planted)
    comparison.random_words(classes, options.count)
    missing = 0
    if not planted:
        text = text_of(options.elf)
        missing = report(comparison, text, comparison.text(text, options.each))
    print(f"seed {options.seed}: {comparison.steps.total()} steps, of which "
          f"{comparison.by_terms} also on terms, {comparison.wrong} mismatches")
    return 1 if comparison.wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main())
