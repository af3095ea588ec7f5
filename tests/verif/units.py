# SPDX-License-Identifier: MIT
"""Unit tests of the verifier (pytest)."""
import sys
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from verif import flags, target  # noqa: E402
from verif.errors import StuckPath, UndecodedError, UnmodelledError  # noqa: E402
from verif.explore import Explorer, standard_start  # noqa: E402
from verif.isa.decode import GROUPS, decode  # noqa: E402
from verif.layout import Layout, recover  # noqa: E402
from verif.lin import bv, const, lift, symbol, trailing_facts  # noqa: E402
from verif.memory import CellWrite, PageCopy, PageZero, base_read, read  # noqa: E402
from verif.solve import Solver  # noqa: E402

KERNEL = target.load(ROOT / "build" / "hv8.elf")


def is_valid(term: z3.BoolRef) -> bool:
    """Does the formula hold for all values?"""
    solver = z3.Solver()
    solver.add(z3.Not(term))
    return solver.check() == z3.unsat


def layout() -> Layout:
    """The kernel's."""
    return KERNEL.layout


def test_linear_forms_cancel() -> None:
    x, y = symbol("x"), symbol("y")
    form = (x.scaled(8) + y).plus(3) - x.scaled(8)
    assert form.same(y.plus(3))
    assert (x.scaled(1 << 63) + x.scaled(1 << 63)).is_const


def test_lift_keeps_the_value() -> None:
    x, y = z3.BitVecs("x y", 64)
    term = 5 * x + (y << 4) - 7
    assert is_valid(lift(term).z == term)


def test_trailing_zeros_are_clz_of_rbit() -> None:
    """The facts used of CLZ(RBIT(x)) hold of the real function: lowest set bit, 64 for 0."""
    x = z3.BitVec("x", 64)
    count: z3.BitVecRef = bv(64)
    for bit in reversed(range(64)):
        count = z3.If(z3.Extract(bit, bit, x) == 1, bv(bit), count)
    assert is_valid(trailing_facts(x, count))


def test_flags_of_a_comparison() -> None:
    a, b = symbol("a"), symbol("b")
    compared = flags.SubFlags(a, b, 64)
    assert is_valid(flags.holds(compared, 2) == z3.UGE(a.z, b.z))
    assert is_valid(flags.holds(compared, 9) == z3.ULE(a.z, b.z))
    assert is_valid(flags.holds(compared, 11) == (a.z < b.z))


def test_each_class_re_encodes() -> None:
    for encoding in (e for group in GROUPS for e in group):
        fields = {f.name: (0x15A5A5A5 >> f.low) & ((1 << f.width) - 1) for f in encoding.fields}
        word = encoding.join(fields)
        assert encoding.split(word) == fields
        assert encoding.matches(word)


def test_no_two_classes_overlap() -> None:
    every = [e for group in GROUPS for e in group]
    for at, left in enumerate(every):
        for right in every[at + 1:]:
            common = left.mask & right.mask
            overlaps = left.value & common == right.value & common
            assert not overlaps or {left.name, right.name} <= {
                "branch_register", "exception_return"}, (left.name, right.name)


@pytest.mark.parametrize("word", [0x1E602820, 0x08DFFC00, 0xF8200020])
def test_unknown_words_are_named(word: int) -> None:
    with pytest.raises(UndecodedError, match=f"{word:#010x}"):
        decode(word, 0x1000)


def test_unmodelled_system_register_is_named() -> None:
    instruction = decode(0xD5384000, 0x1000)  # mrs x0, spsr_el1
    assert instruction.encoding.name == "system_register"
    unknown = decode(0xD5380000, 0x1000)  # mrs x0, midr_el1
    with pytest.raises(UnmodelledError, match="S3_0_C0_C0_0"):
        unknown.encoding.run(_Nobody(), unknown.fields)


class _Nobody:
    """A core at an address, without registers."""

    pc = 0x1000


def test_every_word_of_text_decodes() -> None:
    start, end = KERNEL.image.markers["__text_start"], KERNEL.image.markers["__text_end"]
    for address in range(start, end, 4):
        decode(KERNEL.image.word(address), address)


def test_address_recovery() -> None:
    pid, word = symbol("pid"), symbol("word")
    family = layout().families["procs.callers.word"]
    address = const(family.base + family.offset) + pid.scaled(256) + word.scaled(8)
    place = recover(layout(), address)
    assert place.family.name == "procs.callers.word"
    assert place.indices[0].same(pid) and place.indices[1].same(word)


def test_address_without_object_is_stuck() -> None:
    with pytest.raises(StuckPath):
        recover(layout(), symbol("anything"))
    with pytest.raises(StuckPath):
        recover(layout(), const(layout().families["procs.state"].base) + symbol("x").scaled(12))


def test_memory_updates() -> None:
    family = layout().families["pages"]
    a, b, i = z3.BitVecs("a b i", 64)
    updates = (PageZero(a, 0, 512), CellWrite((a, bv(3)), bv(9)))
    assert is_valid(read(family, updates, (a, bv(3))) == 9)
    assert is_valid(read(family, updates, (a, bv(4))) == 0)
    copied = updates + (PageCopy(b, a, updates),)
    assert is_valid(read(family, copied, (b, i)) == z3.If(i == 3, bv(9), bv(0)))
    other = read(family, copied, (z3.BitVec("c", 64), i))
    assert not is_valid(other == 0)
    assert is_valid(z3.Implies(z3.And(b != z3.BitVec("c", 64), a != z3.BitVec("c", 64)),
                               other == base_read(family, (z3.BitVec("c", 64), i))))


def test_page_zero_alone_is_one_path() -> None:
    world = KERNEL.world(64)
    start = standard_start(KERNEL.image.function("page_zero").address, {})
    found = Explorer(world, {}, loops_allowed=True).run(start)
    assert len(found.ended) == 1 and not found.stuck


def test_a_loop_outside_the_leaves_is_refused() -> None:
    start = standard_start(KERNEL.image.function("page_zero").address, {})
    with pytest.raises(UnmodelledError, match="loop"):
        Explorer(KERNEL.world(64), {}).run(start)


def test_solver_says_unsat_only(tmp_path: Path) -> None:
    x = z3.BitVec("x", 64)
    solver = Solver((z3.ULT(x, 4),), tmp_path)
    assert solver.prove((), z3.ULT(x, 5), "yes").status == "proved"
    verdict = solver.prove((x != 0,), z3.UGT(x, 1), "no")
    assert verdict.status == "refuted" and verdict.query is not None and verdict.query.exists()


def test_solver_keeps_prefixes_apart(tmp_path: Path) -> None:
    x = z3.BitVec("x", 64)
    solver = Solver((), tmp_path)
    assert solver.prove((x == 1, x != 2), x == 1, "a").status == "proved"
    assert solver.prove((x == 2,), x == 1, "b").status == "refuted"
    assert solver.prove((x == 1,), x == 1, "c").status == "proved"
