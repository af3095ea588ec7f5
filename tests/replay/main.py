#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots hv8 in QEMU and compares it with the specification, hypercall by hypercall.

    tests/replay/main.py --count 100000 --seed 1

The shell runs some programs, then `fuzz`, which calls the kernel at random. Ends with the
cases that were met and a line "N hypercalls and M interrupts and traps as specified".
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from replay.compare import Mismatch  # noqa: E402
from replay.coverage import report  # noqa: E402
from replay.guest import BUILD, Guest, Machine  # noqa: E402
from replay.replayer import Replayer  # noqa: E402
from replay.truth import seed_ghosts, what_is_false  # noqa: E402
from verif import target  # noqa: E402
from spec.transition import Spec  # noqa: E402
from verif.premises import constants  # noqa: E402

WHOLE = 500         # after so many ways in all of RAM is compared
TRUTH = 10000       # after so many hypercalls the invariants are looked at
SHELL = ("ps", "cat planets.txt | grep a | wc", "ipcdemo", "fpdemo", "fault msr")
AFTER = ("usertests errors_", "usertests ipc_", "el0demo", "pgdemo")

Watcher = Callable[[Replayer], None]


def script(count: int, seed: int, only_fuzz: bool) -> list[str]:
    """What is typed; the last line goes on as long as is needed."""
    endless = f"fuzz {seed + 1} 1000000000"
    if only_fuzz:
        return [endless]
    return [*SHELL, f"fuzz {seed} {count // 2}", *AFTER, endless]


def check_truth(replayer: Replayer, seed: int) -> None:
    """Mismatch if an invariant does not hold."""
    wrong = what_is_false(replayer.state, seed)
    if wrong:
        raise Mismatch("\n".join(["invariants that do not hold:", *wrong[:40]]), [])


def run(count: int, seed: int, lines: list[str], machine: Machine = Machine(),
        watch: Watcher | None = None, instead: dict[str, Spec] | None = None) -> Replayer:
    """At least `count` hypercalls, if the lines give as many. Mismatch if one is not as
    specified. `watch` is called after each way out; `instead` are specifications to use
    instead of those that there are."""
    kernel = target.load(BUILD / "hv8.elf")
    with Guest(machine, lines) as guest:
        replayer = Replayer(guest, kernel, constants(kernel), WHOLE)
        replayer.specs |= instead or {}
        replayer.start()
        seed_ghosts(replayer.state)
        check_truth(replayer, seed)
        due = TRUTH
        while replayer.calls < count and not replayer.has_ended:
            replayer.step()
            if watch is not None:
                watch(replayer)
            if replayer.calls >= due:
                check_truth(replayer, seed + due)
                due += TRUTH
        check_truth(replayer, seed)
        check_written(replayer)
    return replayer


def check_written(replayer: Replayer) -> None:
    """What the UART has sent since the first eret is what the specification says."""
    typist, written = replayer.guest.typist, bytes(replayer.written)
    for _ in range(100):
        if typist.text.endswith(written):
            return
        time.sleep(0.1)
    raise Mismatch(f"the UART sent {bytes(typist.text[-200:])!r}, not {written[-200:]!r}", [])


class Progress:
    """A line for every ten thousand hypercalls."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, replayer: Replayer) -> None:
        if replayer.calls // TRUTH > self.shown:
            self.shown = replayer.calls // TRUTH
            print(f"{replayer.calls} hypercalls, {replayer.others} others", flush=True)


def main() -> int:
    """Exit status 0 if all was as specified."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100000, help="hypercalls")
    parser.add_argument("--seed", type=int, default=1, help="of fuzz and of what is sampled")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--gic", default="3")
    parser.add_argument("--fuzz", action="store_true", help="nothing but fuzz")
    options = parser.parse_args()
    begin = time.monotonic()
    print(f"seed {options.seed}")
    lines = script(options.count, options.seed, options.fuzz)
    try:
        done = run(options.count, options.seed, lines, Machine(options.cpu, options.gic),
                   Progress())
    except Mismatch as mismatch:
        print(f"seed {options.seed}: {mismatch}")
        print("not as specified")
        return 1
    print(report(done.c, done.cases))
    print(f"all of RAM compared {done.wholes} times; {time.monotonic() - begin:.0f} s")
    print(f"{done.calls} hypercalls and {done.others} interrupts and traps as specified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
