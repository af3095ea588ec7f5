# SPDX-License-Identifier: MIT
"""Terms on samples: the values that Z3 works out; and terms that become one by what is equal."""
import os
import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1])]

import z3  # noqa: E402
from verif import sample  # noqa: E402
from verif.lin import bv  # noqa: E402
from verif.naming import Names  # noqa: E402
from verif.refine import difference  # noqa: E402

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
SORT = z3.BitVecSort(64)
TABLE = z3.Function("table", SORT, SORT)
X, Y, Z = z3.BitVecs("x y z", 64)
UNARY = (lambda a: -a, lambda a: ~a, lambda a: z3.ZeroExt(32, z3.Extract(40, 9, a)),
         lambda a: z3.SignExt(56, z3.Extract(20, 13, a)), TABLE)
BINARY = (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a & b,
          lambda a, b: a | b, lambda a, b: a ^ b, lambda a, b: a << (b & 127),
          lambda a, b: z3.LShR(a, b & 127),
          lambda a, b: z3.Concat(z3.Extract(31, 0, a), z3.Extract(63, 32, b)))
TRUTHS = (lambda a, b: a == b, z3.ULT, z3.ULE, z3.UGT, z3.UGE, lambda a, b: a < b,
          lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b,
          lambda a, b: z3.Not(a == b), lambda a, b: z3.Implies(z3.ULT(a, b), a < b),
          lambda a, b: z3.And(a != 0, b != 0, z3.BoolVal(True)), lambda a, b: z3.Or(a < 0, b < 0))


def some_terms(r: random.Random, count: int) -> list[z3.ExprRef]:
    """Words and truths, each of words before it."""
    words: list[z3.ExprRef] = [X, Y, Z, bv(0), bv(1), bv(r.getrandbits(64))]
    truths: list[z3.ExprRef] = []
    while len(truths) < count:
        a, b = r.choices(words, k=2)
        truths.append(r.choice(TRUTHS)(a, b))
        words += [r.choice(UNARY)(a), r.choice(BINARY)(a, b), z3.If(r.choice(truths), a, b)]
    return words + truths


def number(term: z3.ExprRef) -> int:
    """Of a word or a truth that is known."""
    return term.as_long() if z3.is_bv_value(term) else int(z3.is_true(term))


def test_samples_are_what_z3_works_out() -> None:
    """In a state that is a model of Z3, and in drawn ones, put into the terms."""
    r = random.Random(SEED)
    terms = some_terms(r, 200)
    known = {t.decl().kind() for t in terms}
    assert len(known) > 20, f"SEED={SEED}: {known}"
    solver = z3.Solver()
    solver.add(TABLE(X) == Y + 1, z3.UGT(X, 1 << 40), Z == r.getrandbits(64))
    assert solver.check() == z3.sat
    model = solver.model()
    state = sample.state_of(model, lambda _: None)
    for term in terms:
        assert state.of(term) == (number(model.eval(term, True)),), f"SEED={SEED}: {term}"
    drawn = sample.Samples()
    free = [term for term in terms if "table" not in term.sexpr()]
    assert len(free) > 50, f"SEED={SEED}"
    for term in free:
        values = drawn.of(term)
        for n in (0, 5, sample.STATES - 1):
            put = [(one, bv(drawn.of(one)[n])) for one in (X, Y, Z)]
            assert number(z3.simplify(z3.substitute(term, *put))) == values[n], \
                f"SEED={SEED}: {term}"


def test_a_function_has_one_value_at_equal_arguments() -> None:
    drawn = sample.Samples()
    assert drawn.of(TABLE(X + Y)) == drawn.of(TABLE(Y + X)) != drawn.of(TABLE(X))


def test_what_is_not_known_has_no_values() -> None:
    unknown = z3.URem(X, Y)
    assert sample.Samples().of(unknown + 1) is None


def test_a_name_has_the_values_of_what_it_stands_for() -> None:
    names = Names()
    value = TABLE(X) * 3 + z3.If(Y == 0, Z, X) * TABLE(Z)
    name = names.name("value", value)
    assert not name.eq(value) and z3.is_const(name)
    solver = z3.Solver()
    assert solver.check() == z3.sat
    state = names.state(solver.model())
    assert state.of(name) == state.of(z3.simplify(value)) is not None
    assert names.samples.of(name) == names.samples.of(z3.simplify(value)) is not None


@pytest.mark.parametrize("alike, expected", [([], False), ([(Z, Y)], True), ([(Z, X)], False)])
def test_terms_become_one_by_what_is_equal(alike: list[tuple[z3.ExprRef, z3.ExprRef]],
                                           expected: bool) -> None:
    """Also where they are names: what these stand for is looked at."""
    names = Names(is_sweeping=False)
    pair = [names.name("n", TABLE(a * 3 + X) ^ (a << 5) | 77) for a in (Y, Z)]
    assert all(map(z3.is_const, pair)) and not pair[0].eq(pair[1])
    assert names.become_one(*pair, alike) is expected
    assert names.become_one(TABLE(Y), TABLE(Z), alike) is expected


@pytest.mark.parametrize("one, other, expected", [
    (TABLE(X), TABLE(Y), (X, Y)), (X + bv(3), Y + bv(3), (X, Y)), (X & Y, Y & X, None),
    (TABLE(X), X + Y, None), (X, Y, None), (bv(1), bv(2), None)])
def test_the_only_difference_is_found(one: z3.ExprRef, other: z3.ExprRef,
                                      expected: tuple[z3.ExprRef, z3.ExprRef] | None) -> None:
    found = difference(one, other)
    assert (found is None) == (expected is None)
    assert found is None or all(a.eq(b) for a, b in zip(found, expected))
