# SPDX-License-Identifier: MIT
"""Random hypercalls, interrupts and traps: invariants, isolation, and failures without effect.

HV8_SPEC_STEPS sets the number of steps of the long run, HV8_SPEC_SEED its seed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from hypothesis import given, settings, strategies  # noqa: E402

from callers import Caller  # noqa: E402
from checker import Checker  # noqa: E402
from machine import Machine, boot, small_limits  # noqa: E402
from spec.isolation import memory_is_isolated, waiting_is_authorised  # noqa: E402

STEPS = int(os.environ.get("HV8_SPEC_STEPS", "20000"))
SEED = int(os.environ.get("HV8_SPEC_SEED", "1"))
LIFE = 500          # steps until a machine is booted anew
SHORT = 300         # steps of a run that is checked after each of them


def is_isolated(caller: Caller) -> bool:
    """T5 on some walks of every process, the kernel's two entries favoured."""
    c, state, pick = caller.c, caller.m.state, caller.random.choice
    for pid in range(1, c.HV_NPROC):
        for _ in range(6):
            indices = tuple(pick((0, 1, 2, 510, 511, 511)) for _ in range(4))
            if not memory_is_isolated(c, state, pid, indices):
                return False
        if not all(waiting_is_authorised(c, state, pid, f) for f in range(c.HV_NFILE)):
            return False
    return True


def life(seed: int, steps: int, every: int) -> None:
    """One machine from boot; looks after each `every`-th step."""
    machine = Machine(small_limits())
    checker, caller = Checker(machine.c, machine.state), Caller(machine, seed)
    assert checker.check_all() == []
    caller.warm_up()
    done: list[str] = []
    for n in range(steps):
        done.append(f"{machine.current}: {caller.step()}")
        if n % every == every - 1:
            assert checker.check() == [], (seed, done[-16:])
        if n % 50 == 49:
            assert is_isolated(caller), (seed, done[-16:])
        if caller.is_stuck():
            return


@settings(max_examples=12, deadline=None)
@given(strategies.integers(0, 2 ** 32))
def test_every_step(seed: int) -> None:
    """Every invariant after every single step."""
    life(seed, SHORT, 1)


def test_long_run() -> None:
    """Many lives; invariants after each eighth step. The seed is printed on failure."""
    for n in range(STEPS // LIFE):
        life(SEED * 10_000 + n, LIFE, 8)


def test_failed_call_changes_nothing() -> None:
    """No write comes before the last guard."""
    machine = Machine(small_limits())
    caller = Caller(machine, SEED)
    caller.warm_up()
    failed = 0
    for _ in range(3000):
        name, args = caller.random_call()
        if machine.current == 0 or caller.succeeds(name, args):
            caller.step()
            continue
        machine.state.writes = set()
        assert machine.do(name, *args).case.startswith("error")
        assert machine.state.writes == set(), (name, args)
        failed += 1
    assert failed > 1000


def test_witness_is_what_boot_has() -> None:
    """Every invariant holds at boot, at every index."""
    c = small_limits()
    assert Checker(c, boot(c)).check_all() == []
