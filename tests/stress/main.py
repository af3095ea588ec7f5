#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots hv8 on several cores, keeps them busy, stops them at random, and looks at every invariant
of spec/, at isolation, and at who waits for a core.

    tests/stress/main.py --minutes 30 --cpus 8 --seed 1

A seed says what is typed and how long the machine runs between two stops; where it stops depends on
the host as well. Ends with a line "N stops on M cores: K instances hold", or with what does not.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from replay import guest as replay_guest  # noqa: E402
from stress.snapshot import Moment, Stops, after_release, called, dump, is_free  # noqa: E402
from verif import target  # noqa: E402
from verif.boot_machine import Machine  # noqa: E402
from verif.premises import constants  # noqa: E402

BUILD = replay_guest.BUILD
RAM = 128               # MiB
LINES = 100_000
LONGEST = 2.0           # seconds between two stops
PARTS = ("affinity", "kill_", "ipc_", "fork", "set_", "preempt", "exhaust", "irq_", "errors_")


class Broken(Exception):
    """What does not hold."""


def script(seed: int) -> list[str]:
    """What is typed, one line at each prompt."""
    pick = random.Random(seed)

    def line() -> str:
        return pick.choice((f"fuzz {pick.randrange(1 << 30)} {pick.randrange(2000, 40000)}",
                            f"ipcstorm {pick.randrange(2, 16)} {pick.randrange(50, 2000)}",
                            f"usertests {pick.choice(PARTS)}", "ps", "ps | grep a | wc"))
    return [line() for _ in range(LINES)]


def limits(kernel: target.Target) -> SimpleNamespace:
    """The kernel's constants, with as many pages as there is RAM; behind it no page has a type."""
    return SimpleNamespace(**{**vars(constants(kernel)), "HV_NPAGE": RAM << 20 >> 12})


def what_is_wrong(moment: Moment) -> list[str]:
    """In words."""
    return [f"{problem.what}: " + ", ".join(f"{name} {value}" for name, value in problem.values)
            for problem in moment.problems()]


def what_failed(text: bytes) -> list[str]:
    """Lines of the console in which a program, or the kernel, says so."""
    return [line.decode(errors="replace").strip() for line in text.splitlines()
            if b"FAIL" in line or b"panic" in line]


def run(cpus: int, gic: int, seed: int, goes_on: Callable[[int], bool],
        watch: Callable[[Moment], None] | None = None) -> tuple[int, int]:
    """Stops as long as `goes_on`, which is told how often it has been; number of stops, and of
    instances that held. Broken at the first that does not. `watch` sees each moment before it is
    judged."""
    kernel = target.load(BUILD / "hv8.elf")
    machine, pick = Machine(gic=gic, ram=RAM, cores=cpus), random.Random(~seed)
    like = replay_guest.Machine(gic=str(gic), ram=RAM << 20, cpus=cpus)
    stops = instances = 0
    with replay_guest.Guest(like, script(seed), Stops) as guest:
        guest.gdb.run(lambda: guest.typist.wait(120))
        while goes_on(stops):
            seconds = pick.random() ** 2 * LONGEST
            guest.gdb.run(lambda: time.sleep(seconds))
            core = guest.gdb.run_to(after_release(kernel))
            while not is_free(kernel, machine, guest.ram):
                guest.gdb.step()    # else it would stop where it is
                core = guest.gdb.run_to(after_release(kernel))
            moment = Moment(limits(kernel), kernel, dump(guest.gdb, machine, guest.ram),
                            BUILD / "initrd.cpio", 0, calls=called(guest.gdb, machine))
            if watch is not None:
                watch(moment)
            wrong = [*what_is_wrong(moment), *what_failed(guest.typist.text)]
            stops, instances = stops + 1, instances + moment.instances
            if wrong:
                said = guest.typist.text[-600:].decode(errors="replace")
                raise Broken("\n".join([f"seed {seed}, {cpus} cores, stop {stops}, "
                                        f"seen from core {core}:",
                                        *wrong, "the last words of the console:", said]))
    return stops, instances


def main() -> int:
    """Command line; exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--gic", type=int, choices=(2, 3), default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(f"stress: seed {chosen.seed}, {chosen.cpus} cores, GICv{chosen.gic}", flush=True)
    end = time.monotonic() + 60 * chosen.minutes

    def goes_on(stops: int) -> bool:
        if stops and stops % 100 == 0:
            print(f"  {stops} stops", flush=True)
        return time.monotonic() < end
    try:
        stops, instances = run(chosen.cpus, chosen.gic, chosen.seed, goes_on)
    except Broken as broken:
        print(broken)
        return 1
    print(f"{stops} stops on {chosen.cpus} cores: {instances} instances hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
