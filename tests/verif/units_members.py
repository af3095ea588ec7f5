# SPDX-License-Identifier: MIT
"""Sets without their words: what stands for a bit, and for who follows, is true of it (pytest)."""
import random
import sys
from itertools import permutations
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL  # noqa: E402
from spec import progress, sets  # noqa: E402
from spec.words import IntOps  # noqa: E402

from verif import premises, steps  # noqa: E402
from verif.lin import bv  # noqa: E402
from verif.members import MemberNames, MemberOps, lemmas  # noqa: E402

CONSTANTS = premises.constants(KERNEL)
A, B, C, P, Q = z3.BitVecs("a b c p q", 64)
TEST = z3.Bool("test")


def is_valid(*given: z3.BoolRef, goal: z3.BoolRef) -> bool:
    """Does the goal follow for all values?"""
    solver = z3.Solver()
    solver.add(*given, z3.Not(goal))
    return solver.check() == z3.unsat


def word(random_: random.Random, depth: int) -> z3.BitVecRef:
    """A bv64 of all operations that have a rule, and of some that have none."""
    if depth == 0:
        return random_.choice([A, B, bv(0), bv(1), ~bv(0), bv(random_.getrandbits(64)), A + B])
    one, other = word(random_, depth - 1), word(random_, depth - 1)
    by = random_.choice([P & 63, bv(random_.randrange(70)), C])
    return random_.choice([
        one & other, one | other, ~one, z3.If(TEST, one, other), one ^ other, bv(1) << by,
        ~bv(0) << by, one << by, one << (P & 63) << bv(1), z3.LShR(one, by),
        z3.Concat(z3.Extract(40, 0, one), z3.Extract(63, 41, other))])


@pytest.mark.parametrize("seed", range(40))
def test_a_bit_is_that_of_the_word(seed: int) -> None:
    names, random_ = MemberNames(), random.Random(seed)
    some = word(random_, 3)
    if seed % 2:
        some = names.name("word", some | names.name("inner", word(random_, 2)))
    at = random_.choice([P & 63, bv(random_.randrange(64)), z3.ZeroExt(58, z3.Extract(5, 0, A))])
    found = names.bit(some, at)
    real = z3.LShR(some, at) & 1 == 1
    given = (*names.meanings((found,)), *names.defining((found, real)).values())
    assert is_valid(*given, goal=found == real), f"seed {seed}: bit {at} of {some} as {found}"


def test_facts_are_lemmas() -> None:
    claims = list(lemmas(CONSTANTS))
    assert len(claims) == 4
    for claim in claims:
        assert is_valid(*claim.given, goal=claim.goal), claim.name
        assert not is_valid(goal=claim.goal), f"{claim.name} says nothing"


@pytest.mark.parametrize("which, name", [
    ("after", "facts of nobody between"), ("other", "facts of following"),
    ("places", "facts of places")])
def test_a_wrong_function_is_noticed(which: str, name: str, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Row T3 of the steps names the fact that is not true."""
    right, far = sets.first_after, progress.places_from
    if which == "after":
        monkeypatch.setattr(sets, "first_after", lambda o, a, b, pid: right(o, a, b, pid & 63))
    elif which == "other":
        monkeypatch.setattr(sets, "first_after", lambda o, a, b, pid: right(o, a, a, pid))
    else:
        monkeypatch.setattr(progress, "places_from",
                            lambda o, count, turn, pid: far(o, count, turn, pid & 63))
    row = steps.prove(CONSTANTS, tmp_path)
    assert any(name in failure.what for failure in row.failures), row.failures


def test_facts_on_numbers() -> None:
    """The functions of the specification are what their facts say, on ints."""
    o, random_ = IntOps(), random.Random(1)
    for _ in range(2000):
        some = {random_.randrange(128) for _ in range(random_.choice([0, 1, 2, 5, 60]))}
        pid = random_.randrange(128)
        words = [sum(1 << (x & 63) for x in some if x >> 6 == w)
                 for w in (pid >> 6, 1 - (pid >> 6))]
        found = sets.first_after(o, *words, pid)
        order = sorted(some, key=lambda x: (x - pid - 1) % 128)
        assert found == (order[0] if order else 0), (some, pid)
    for turn, other in permutations(range(1, 128, 7), 2):
        for pid in range(1, 128, 5):
            far, near = (progress.places_from(o, 128, at, pid) for at in (turn, other))
            assert (far < near) == progress.fewer_places(o, turn, other, pid), (turn, other, pid)


def test_what_facts_do_not_show_is_shown_by_meanings(tmp_path: Path) -> None:
    """A bit that only arithmetic on the word can tell."""
    names = MemberNames()
    subject_ops = MemberOps(names)
    goal = z3.Not(subject_ops.bit(bv(6) * (A & 1), bv(3) & P))
    given = P == 0
    facts = names.defining((goal,)).values()
    assert not is_valid(given, *facts, goal=goal)
    assert is_valid(given, *facts, *names.meanings((goal,)), goal=goal)
    far = names.call("places", A, (A, Q))
    assert not is_valid(goal=far == A)
    assert is_valid(*names.meanings((far,)), goal=far == A)


def test_meanings_of_what_names_hide() -> None:
    """A function in the equation of a name has its meaning too."""
    names = MemberNames()
    far = names.call("places", A, (A, Q))
    named = names.name("far", (far ^ Q) * C + far)
    goal = named == (A ^ Q) * C + A
    facts = names.defining((goal,)).values()
    assert "places" not in str(named) and not is_valid(*facts, goal=goal)
    assert is_valid(*facts, *names.meanings((goal,)), goal=goal)
