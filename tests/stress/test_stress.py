#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A few stops of several cores under load, and that a wrong state at a stop is seen.
`make stress` goes on for as long as one likes. HV8_STRESS_SEED is the seed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[n]) for n in (1, 2)]

from harness import Suite, main  # noqa: E402
from stress.main import Broken, run  # noqa: E402
from stress.snapshot import Moment  # noqa: E402

suite = Suite("stress/stress")
SEED = int(os.environ.get("HV8_STRESS_SEED", "1"))
STOPS = 6


@suite.matrix(gic=[3, 2])
def every_stop_is_in_order(gic: int) -> None:
    print(f"stress: seed {SEED}")
    stops, instances = run(4, gic, SEED, lambda stops: stops < STOPS)
    assert stops == STOPS and instances > 0, (stops, instances)


def _write(moment: Moment, name: str, key: tuple[int, ...], value: int) -> None:
    """Another value in the machine's RAM, for good: it does not go on."""
    place = moment.state.places[name]
    at = place.start + sum(index * stride for index, (stride, _) in zip(key, place.dims))
    moment.dump.ram[8 * at:8 * at + 8] = value.to_bytes(8, "little")


def _a_page_too_many(moment: Moment) -> None:
    _write(moment, "procs.pages_count", (1,), moment.reader.get("procs.pages_count", 1) + 1)


def _nowhere_to_run(moment: Moment) -> None:
    for core in range(moment.c.HV_NCPU):
        _write(moment, "sched.cpus.allowed.word", (core, 1), 0)


def _a_core_that_sleeps(moment: Moment) -> None:
    """Init, which waits, is ready, and so is the core that stands for all that wait."""
    _write(moment, "sched.ready.word", (0,), moment.reader.get("sched.ready.word", 0) | 2)
    _write(moment, "sched.idle", (), (1 << moment.c.HV_NCPU) - 1)
    moment.calls = (0,) * len(moment.calls)


@suite.matrix(fault=["a page too many", "nowhere to run", "a core that sleeps"])
def a_wrong_state_is_seen(fault: str) -> None:
    plant, what = {
        "a page too many": (_a_page_too_many, "invariant page_count_exact"),
        "nowhere to run": (_nowhere_to_run, "invariant some_core_is_allowed"),
        "a core that sleeps": (_a_core_that_sleeps, "and none is called")}[fault]
    expect_broken(plant, what)


def expect_broken(plant: Callable[[Moment], None], what: str) -> None:
    """The first stop does not hold, and that is among the reasons."""
    try:
        run(2, 3, SEED, lambda stops: stops < 1, plant)
    except Broken as broken:
        assert what in str(broken), broken
    else:
        raise AssertionError(f"nothing was noticed: {what}")


if __name__ == "__main__":
    sys.exit(main([suite]))
