# SPDX-License-Identifier: MIT
"""Random hypercalls, interrupts and traps: invariants, isolation, and failures without effect.

HV8_SPEC_STEPS sets the number of steps of the long run, HV8_SPEC_SEED the seed of all of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import z3  # noqa: E402
from hypothesis import given, seed as seeded, settings, strategies  # noqa: E402

from callers import Caller  # noqa: E402
from checker import Checker  # noqa: E402
from machine import Machine, boot, small_limits  # noqa: E402
from spec import hypercalls  # noqa: E402
from spec.isolation import memory_is_isolated, waiting_is_authorised  # noqa: E402
from spec.state import SymbolicState  # noqa: E402

STEPS = int(os.environ.get("HV8_SPEC_STEPS", "20000"))
SEED = int(os.environ.get("HV8_SPEC_SEED", "1"))
LIFE = 500          # steps until a machine is booted anew
SHORT = 300         # steps of a run that is checked after each of them
FAILING = 1000      # failing calls wanted
FAILING_LIFE, FAILING_LIVES = 3000, 40


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


@seeded(SEED)
@settings(max_examples=12, deadline=None, database=None)
@given(strategies.integers(0, 2 ** 32))
def test_every_step(seed: int) -> None:
    """Every invariant after every single step."""
    life(seed, SHORT, 1)


def test_long_run() -> None:
    """Many lives; invariants after each eighth step. The seed is printed on failure."""
    for n in range(STEPS // LIFE):
        life(SEED * 10_000 + n, LIFE, 8)


def can_fail(name: str) -> bool:
    """Has the hypercall a case with an error?"""
    call = hypercalls()[name]
    args = tuple(z3.BitVec(p, 64) for p in call.parameters)
    cases = call.symbolic(small_limits(), SymbolicState(), args, ghosts=False)
    return any(case.errno is not None for case in cases)


def failing_calls(seed: int) -> list[str]:
    """One machine from boot; the calls that failed, each without a write."""
    machine = Machine(small_limits())
    caller = Caller(machine, seed)
    caller.warm_up()
    failed = []
    for _ in range(FAILING_LIFE):
        if caller.is_stuck():
            break
        if machine.current != 0:
            name, args = caller.random_call()
            trial = machine.state.copy()
            trial.writes = set()
            if machine.specs[name].run(machine.c, trial, args).case.startswith("error"):
                assert trial.writes == set(), (seed, name, args)
                failed.append(name)
                continue
        caller.step()
    return failed


def test_failed_call_changes_nothing() -> None:
    """No write comes before the last guard: as many lives as it takes until every hypercall
    that can fail has failed, and there were FAILING of them in all."""
    missing = {name for name in hypercalls() if can_fail(name)}
    failed = 0
    for n in range(FAILING_LIVES):
        names = failing_calls(SEED * 10_000 + n)
        failed += len(names)
        missing -= set(names)
        if failed > FAILING and not missing:
            return
    raise AssertionError(f"{failed} failing calls in {FAILING_LIVES} lives, none of {missing}")


def test_witness_is_what_boot_has() -> None:
    """Every invariant holds at boot, at every index."""
    c = small_limits()
    assert Checker(c, boot(c)).check_all() == []
