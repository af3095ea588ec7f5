# SPDX-License-Identifier: MIT
"""Values, memory, contracts and the solver (pytest)."""
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL  # noqa: E402

from verif import contracts, leaves, solve  # noqa: E402
from verif.errors import VerifError  # noqa: E402
from verif.explore import standard_start  # noqa: E402
from verif.flags import fresh  # noqa: E402
from verif.image import PF_X  # noqa: E402
from verif.lin import bv, lift, symbol, trailing_facts  # noqa: E402
from verif.machine import Path as MachinePath  # noqa: E402
from verif.memory import (CellWrite, Memory, PageCopy, PageZero, Update, base_read,  # noqa: E402
                          read)
from verif.solve import Solver  # noqa: E402
from verif.target import Target  # noqa: E402

PAGES = KERNEL.layout.families["pages"]
A, B, C, I = z3.BitVecs("a b c i", 64)
NOP = 0xD503201F


def is_valid(term: z3.BoolRef) -> bool:
    """Does the formula hold for all values?"""
    solver = z3.Solver()
    solver.add(z3.Not(term))
    return solver.check() == z3.unsat


# ---- values ----

def test_linear_forms_cancel() -> None:
    x, y = symbol("x"), symbol("y")
    form = (x.scaled(8) + y).plus(3) - x.scaled(8)
    assert form.same(y.plus(3))
    assert (x.scaled(1 << 63) + x.scaled(1 << 63)).is_const
    assert not x.same(y) and not x.same(x.plus(1)) and not x.same(x.scaled(3))


def test_lift_keeps_the_value() -> None:
    x, y = z3.BitVecs("x y", 64)
    for term in (5 * x + (y << 4) - 7, x * y + 3 * (x + y), -(x - 2 * y), ~x + 1, (x + y) * 12):
        assert is_valid(lift(term).z == term)


def test_trailing_zeros_are_clz_of_rbit() -> None:
    """The facts used of CLZ(RBIT(x)) hold of the real function: lowest set bit, 64 for 0."""
    x = z3.BitVec("x", 64)
    count: z3.BitVecRef = bv(64)
    for bit in reversed(range(64)):
        count = z3.If(z3.Extract(bit, bit, x) == 1, bv(bit), count)
    assert is_valid(trailing_facts(x, count))


# ---- memory ----

def after(*updates: Update) -> z3.BitVecRef:
    """Word i of page c after the updates."""
    return read(PAGES, updates, (C, I))


def test_a_write_changes_its_cell_only() -> None:
    expected = z3.If(z3.And(C == A, I == 3), bv(9), base_read(PAGES, (C, I)))
    assert is_valid(after(CellWrite((A, bv(3)), bv(9))) == expected)


def test_the_last_write_counts() -> None:
    both = after(CellWrite((A, I), bv(1)), CellWrite((B, I), bv(2)))
    expected = z3.If(C == B, bv(2), z3.If(C == A, bv(1), base_read(PAGES, (C, I))))
    assert is_valid(both == expected)
    assert not is_valid(
        both == z3.If(C == A, bv(1), z3.If(C == B, bv(2), base_read(PAGES, (C, I)))))


def test_zeroing_a_block() -> None:
    inside = z3.And(C == A, z3.UGE(I, 8), z3.ULT(I, 16))
    assert is_valid(after(PageZero(A, 8, 8)) == z3.If(inside, bv(0), base_read(PAGES, (C, I))))


def test_a_copy_is_of_what_was_there() -> None:
    """What is written to the source afterwards is not copied, what came before is."""
    older = (CellWrite((A, bv(3)), bv(9)),)
    copied = after(*older, PageCopy(B, A, older), CellWrite((A, bv(4)), bv(8)))
    source = z3.If(I == 3, bv(9), base_read(PAGES, (A, I)))
    in_a = z3.If(I == 4, bv(8), source)
    expected = z3.If(C == B, source, z3.If(C == A, in_a, base_read(PAGES, (C, I))))
    assert is_valid(z3.Implies(A != B, copied == expected))


def test_reads_of_the_start_are_noted() -> None:
    seen: list[str] = []
    memory = Memory()
    memory.add(PAGES, CellWrite((A, bv(3)), bv(9)))
    memory.read(PAGES, (A, bv(3)), lambda name, _: seen.append(name))
    assert seen == []
    memory.read(PAGES, (A, bv(4)), lambda name, _: seen.append(name))
    assert seen == ["pages"]


def test_a_fork_is_independent() -> None:
    memory = Memory()
    other = memory.fork()
    other.add(PAGES, PageZero(A, 0, 512))
    assert memory.updates == {}


# ---- the leaf routines ----

def called(name: str) -> MachinePath:
    """A path after the contract of that leaf."""
    world = KERNEL.world()
    start = standard_start(KERNEL.image.function(name).address, {})
    path = MachinePath(world, start.address, list(start.regs), fresh("nzcv"), Memory(), [], {})
    leaf = next(leaf for leaf in contracts.LEAVES if leaf.name == name)
    contracts.apply(leaf, KERNEL.layout, 100, path)
    return path


@pytest.mark.parametrize("leaf", contracts.LEAVES, ids=lambda leaf: leaf.name)
def test_contract(leaf: contracts.Leaf) -> None:
    """Bounds are asked for each page, only the listed registers are lost, cells are as said."""
    path = called(leaf.name)
    x = [z3.BitVec(f"x{i}", 64) for i in range(32)]
    limit = PAGES.dims[0].count
    kinds = [item.kind for item in path.world.obligations]
    assert kinds == ["in bounds", "mapped"] * leaf.pages
    for number in range(leaf.pages):
        assert is_valid(path.world.obligations[2 * number].goal == z3.ULT(x[number], limit))
    start = standard_start(0, {})
    kept = {i for i in range(32) if path.regs[i].same(start.regs[i])}
    assert kept == set(range(32)) - set(leaf.lost) and path.flags != fresh("nzcv")
    now, old = path.memory.read(PAGES, (C, I)), base_read(PAGES, (C, I))
    expected = {"page_zero": z3.If(C == x[0], bv(0), old), "page_sync": old,
                "page_copy": z3.If(C == x[0], base_read(PAGES, (x[1], I)), old)}[leaf.name]
    assert is_valid(now == expected) and path.count == 100


def without(name: str, ordinal: int) -> Target:
    """The kernel with a NOP in place of the `ordinal`-th instruction of a function."""
    at = KERNEL.image.function(name).address + 4 * ordinal
    segments = []
    for seg in KERNEL.image.segments:
        if seg.flags & PF_X and seg.holds(at, 4):
            low = at - seg.base
            seg = replace(seg, data=seg.data[:low] + NOP.to_bytes(4, "little") + seg.data[low + 4:])
        segments.append(seg)
    return replace(KERNEL, image=replace(KERNEL.image, segments=tuple(segments)))


@pytest.mark.parametrize("ordinal", [7, 14])
def test_page_copy_is_not_proved_without_one_of_its_instructions(ordinal: int,
                                                                 tmp_path: Path) -> None:
    """A load and a store."""
    leaf = next(leaf for leaf in contracts.LEAVES if leaf.name == "page_copy")
    try:
        row, _ = leaves.prove_leaf(without("page_copy", ordinal), leaf, tmp_path)
    except VerifError:
        return
    assert not row.passed


def test_page_copy_is_proved(tmp_path: Path) -> None:
    leaf = next(leaf for leaf in contracts.LEAVES if leaf.name == "page_copy")
    row, cost = leaves.prove_leaf(KERNEL, leaf, tmp_path)
    assert row.passed and cost > 512


# ---- the solver ----

def test_solver_says_unsat_only(tmp_path: Path) -> None:
    x = z3.BitVec("x", 64)
    solver = Solver((z3.ULT(x, 4),), tmp_path)
    assert solver.prove((), z3.ULT(x, 5), "yes").status == "proved"
    verdict = solver.prove((x != 0,), z3.UGT(x, 1), "no")
    assert verdict.status == "refuted" and verdict.model is not None
    assert verdict.model[x].as_long() == 1


def test_an_open_query_is_kept_and_can_be_read_again(tmp_path: Path) -> None:
    x = z3.BitVec("x", 64)
    verdict = Solver((z3.ULT(x, 4),), tmp_path).prove((), x == 0, "open")
    assert verdict.query == tmp_path / "open.smt2"
    again = z3.Solver()
    again.from_string(verdict.query.read_text())
    assert again.check() == z3.sat


def hard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Solver, z3.BoolRef]:
    """A product of two primes, hardly any resources to find them, and that it is not theirs."""
    for resources in ("SLICE_RESOURCES", "STATE_RESOURCES", "LAST_RESOURCES"):
        monkeypatch.setattr(solve, resources, 1)
    x, y = z3.BitVecs("x y", 64)
    product = bv(4294967291 * 4294967279)
    small = (z3.ULT(x, 1 << 32), z3.ULT(y, 1 << 32), z3.UGT(x, 1), z3.UGT(y, 1))
    return Solver(small, tmp_path), x * y != product


def test_unknown_is_not_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver, goal = hard(tmp_path, monkeypatch)
    verdict = solver.prove((), goal, "hard")
    assert verdict.status == "unknown" and solver.fallbacks == 1
    assert verdict.query is not None and verdict.query.exists()


def test_unknown_is_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver, goal = hard(tmp_path, monkeypatch)
    assert not solver.is_possible((z3.Not(goal),), "hard", resources=1)
    x = z3.BitVec("x", 64)
    easy = Solver((z3.ULT(x, 4),), tmp_path)
    monkeypatch.undo()
    assert easy.is_possible((x == 3,), "3") and not easy.is_possible((x == 4,), "4")


def model_of(*terms: z3.BoolRef) -> z3.ModelRef:
    solver = z3.Solver()
    solver.add(*terms)
    assert solver.check() == z3.sat
    return solver.model()


def test_known_state_refutes_without_a_query(tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    solver, goal = hard(tmp_path, monkeypatch)
    x, y = z3.BitVecs("x y", 64)
    state = model_of(x == 4294967291, y == 4294967279)
    verdict = solver.prove((), goal, "hard", state=state)
    assert verdict.status == "refuted" and solver.fallbacks == 0
    assert verdict.query is not None and verdict.query.exists()
    assert solver.prove((), goal, "hard", state=model_of(x == 3, y == 5)).status == "unknown"


def test_known_state_has_places_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver, goal = hard(tmp_path, monkeypatch)
    x, y, at = z3.BitVecs("x y at", 64)
    state = model_of(x == 4294967291, y == 4294967279)
    name = solver.names.name("product", x * y * (x + y) + at * (x - y) + z3.LShR(x, at))
    value = (4294967291 * 4294967279 * (4294967291 + 4294967279) + 5 * 12
             + (4294967291 >> 5)) % (1 << 64)
    assert "#" in name.decl().name()
    missed = z3.Or(goal, name != value)
    assert solver.prove((), missed, "hard", state=state).status == "unknown"
    verdict = solver.prove((), missed, "hard", state=state, places=((), ((at, bv(5)),)))
    assert verdict.status == "refuted" and verdict.model is not None
    assert verdict.model.eval(name).as_long() == value and verdict.model.eval(at).as_long() == 5
    assert state.get_interp(at) is None


def test_solver_keeps_prefixes_apart(tmp_path: Path) -> None:
    x = z3.BitVec("x", 64)
    solver = Solver((), tmp_path)
    assert solver.prove((x == 1, x != 2), x == 1, "a").status == "proved"
    assert solver.prove((x == 2,), x == 1, "b").status == "refuted"
    assert solver.prove((x == 1,), x == 1, "c").status == "proved"
    assert solver.prove((), x == 1, "d").status == "refuted"
