# SPDX-License-Identifier: MIT
"""What saves queries and must never decide one: hypotheses that are used when they are needed,
states in which terms differed, names for what is read of devices (pytest)."""
import sys
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL  # noqa: E402

from verif.devices import GICH, IS_GICV2, IS_OTHER, observed  # noqa: E402
from verif.errors import ImageError  # noqa: E402
from verif.flags import fresh  # noqa: E402
from verif.lazily import Lazily  # noqa: E402
from verif.lin import Lin, const  # noqa: E402
from verif.machine import Path as MachinePath  # noqa: E402
from verif.memory import Memory  # noqa: E402
from verif.naming import Names  # noqa: E402
from verif.solve import Solver  # noqa: E402

ELSR, ELRSR = z3.BitVec("vgic.elrsr", 64), "ich_elrsr_el2"
X, Y = z3.BitVecs("x y", 64)


# ---- hypotheses ----

def chain(length: int) -> tuple[z3.BoolRef, ...]:
    """v0 <= v1 <= v2 and so on."""
    v = [z3.BitVec(f"v{n}", 64) for n in range(length + 1)]
    return tuple(z3.ULE(a, b) for a, b in zip(v, v[1:]))


@pytest.mark.parametrize("missing", [None, 0, 7, 19])
def test_it_follows_from_all_and_from_none_less(tmp_path: Path, missing: int | None) -> None:
    links = chain(20)
    known = tuple(link for n, link in enumerate(links) if n != missing)
    given = (z3.BitVec("v0", 64) == 5, X == 1)
    solver = Solver((X != Y, *known), tmp_path)
    needed = solver.core(given, z3.UGE(z3.BitVec("v20", 64), 5), "chain")
    assert solver.is_refuted == (missing is not None)
    assert needed == (None if missing is not None else given[:1])


def test_a_hypothesis_about_a_name_comes_with_what_it_names(tmp_path: Path) -> None:
    names = Names(is_sweeping=False)
    label = names.name("sum", X + Y + (X & Y) + (X | Y))
    assert not label.eq(X) and label.num_args() == 0
    known = (label == 0, Y == 0)
    assert Solver(known, tmp_path, names).core((), X << 1 == 0, "named") == ()
    other = Solver((label != 0, Y == 0), tmp_path, names)
    assert other.core((), X << 1 == 0, "other") is None and other.is_refuted


def test_what_one_goal_supposed_the_next_does_not(tmp_path: Path) -> None:
    """A solver that is kept has hypotheses, and neither earlier paths nor earlier goals."""
    kept = Lazily(z3.SolverFor("QF_UFBV"), Names(), [])
    solver = Solver(chain(3), tmp_path)
    low, high = z3.BitVec("v0", 64), z3.BitVec("v3", 64)
    assert solver.core((low == 5,), z3.UGE(high, 5), "first", kept=kept) == (low == 5,)
    assert solver.core((low == 4,), z3.UGE(high, 5), "second", kept=kept) is None
    assert solver.is_refuted
    assert solver.core((), low == 5, "third", kept=kept) is None
    assert solver.core((X == 1, low == 6), z3.UGE(high, 5), "fourth", kept=kept) == (low == 6,)
    more = Solver((z3.ULE(high, X),), tmp_path)
    assert more.core((low == 5,), z3.UGE(X, 5), "more", kept=kept) == (low == 5,)
    assert Solver((), tmp_path).core((low == 5,), z3.UGE(high, 5), "new") is None


# ---- equal terms ----

def test_states_that_were_found_say_only_no() -> None:
    names = Names()
    assert not names.are_equal(X + Y, X - Y) and len(names.states) == 1
    assert not names.are_equal(X * Y + X, X * Y - X)
    assert names.are_equal(X + Y - (X & Y), X | Y)
    assert names.are_equal((X ^ Y) + 2 * (X & Y), X + Y)
    value = X + Y + (X & Y) + (X | Y)
    named = names.name("sum", value)
    assert names.are_equal(named, value)
    assert all(state.of(named) == state.of(value) for state in names.states)


def test_a_state_is_what_its_model_says() -> None:
    """Of constants, of functions, and of names by what they stand for."""
    function = z3.Function("table", z3.BitVecSort(64), z3.BitVecSort(64))
    names, solver = Names(), z3.SolverFor("QF_UFBV")
    solver.add(X == 5, function(X) == 7, function(z3.BitVecVal(6, 64)) == 8)
    assert solver.check() == z3.sat
    state = names.state(solver.model())
    named = names.name("sum", X + function(X) + (X & Y) * function(X + 1))
    assert not named.eq(X) and named.num_args() == 0
    both = state.of(Y)[0] & 5
    assert state.of(named) == (12 + 8 * both,)
    assert state.of(z3.And(X == 5, function(X + 1) == 8)) == (1,)


# ---- what is read of devices ----

def machine(*given: z3.BoolRef) -> MachinePath:
    """A path with that condition."""
    path = MachinePath(KERNEL.world(), 0, [const(0)] * 32, fresh("nzcv"), Memory(), [], {})
    for term in given:
        path.assume(term)
    return path


def elsr(path: MachinePath) -> Lin:
    """GICH_ELSR0 (IHI 0048B, 5.3.7)."""
    return path.load(const(GICH + 0x30), 4)


def is_named(value: Lin) -> bool:
    """Is it vgic.elrsr, or a part of it?"""
    return "vgic.elrsr" in value.z.sexpr()


def test_only_the_interface_that_the_core_has_is_named() -> None:
    assert is_named(elsr(machine(IS_GICV2))) and is_named(machine(IS_OTHER).get_system(ELRSR))
    for path in (machine(), machine(IS_OTHER)):
        assert not is_named(elsr(path))
    for path in (machine(), machine(IS_GICV2)):
        assert not is_named(path.get_system(ELRSR))


def test_of_a_register_that_is_read_twice_the_second_is_another_value() -> None:
    path = machine(IS_GICV2)
    assert is_named(elsr(path)) and not is_named(elsr(path))
    with pytest.raises(ImageError):
        observed(path.events)
    path = machine()
    first, second = path.get_system("cntpct_el0"), path.get_system("cntpct_el0")
    assert not first.same(second)
    with pytest.raises(ImageError):
        observed(path.events)


def test_a_word_of_gicv2_is_32_bits_of_the_name() -> None:
    path = machine(IS_GICV2)
    value = elsr(path).z
    solver = z3.Solver()
    solver.add(IS_GICV2, *observed(path.events), z3.Or(value != ELSR, z3.UGE(ELSR, 1 << 32)))
    assert solver.check() == z3.unsat
