# SPDX-License-Identifier: MIT
"""Terms read by their addresses: the same parts as those that Z3's binding shows."""
import os
import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1])]

import z3  # noqa: E402
from verif import binding, parts  # noqa: E402

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
TABLE = z3.Function("table", z3.BitVecSort(64), z3.BitVecSort(64))
WRAPPED = binding._wrapped    # what makes a Python object of a term, as the library has it
FLAG = z3.Function("flag", z3.BitVecSort(64), z3.BoolSort())


def terms(r: random.Random, count: int) -> list[z3.ExprRef]:
    """Each of some that came before, so much is shared."""
    made: list[z3.BitVecRef] = [*z3.BitVecs("x y z", 64), z3.BitVecVal(r.randrange(1 << 64), 64)]
    while len(made) < count:
        a, b, c = (r.choice(made[-20:]) for _ in range(3))
        made.append(r.choice((
            lambda: a + b, lambda: a & ~b, lambda: TABLE(a), lambda: z3.LShR(a, b),
            lambda: z3.If(z3.And(FLAG(a), b == c, z3.ULT(a, c)), b, c),
            lambda: z3.Concat(z3.Extract(31, 0, a), z3.Extract(63, 32, b))))())
    return made


def below(term: z3.ExprRef) -> dict[int, z3.ExprRef]:
    """The term and all below it, by their numbers."""
    found = {term.get_id(): term}
    todo = [term]
    while todo:
        for child in todo.pop().children():
            if child.get_id() not in found:
                found[child.get_id()] = child
                todo.append(child)
    return found


def test_what_replaces_methods_of_the_binding_says_the_same() -> None:
    """Of each term, beside Z3's own functions that the binding called before."""
    r = random.Random(SEED)
    some = [part for term in terms(r, 60) for part in below(term).values()]
    kinds = {part.decl().kind() for part in some}
    assert len(kinds) > 8, f"SEED={SEED}"
    for part in some:
        context, node = part.ctx.ref(), part.as_ast()
        assert z3.is_bv_value(part) == z3.z3core.Z3_is_numeral_ast(context, node)
        assert [k for k in kinds if z3.is_app_of(part, k)] == [part.decl().kind()], f"SEED={SEED}"
        assert part.get_id() == z3.z3core.Z3_get_ast_id(context, node)
        wrapped = WRAPPED(node, part.ctx)
        assert type(part) is type(wrapped) and part.sort() == wrapped.sort(), f"SEED={SEED}"
        inner = [z3.z3core.Z3_get_app_arg(context, node, n) for n in range(part.num_args())]
        assert [child.as_ast().value for child in part.children()] == [one.value for one in inner]
        assert all(part.arg(n).eq(child) for n, child in enumerate(part.children()))
        other = r.choice((part, r.choice(some)))
        assert part.eq(other) == z3.z3core.Z3_is_eq_ast(context, node, other.as_ast())
        same = [one for one in some if one.sort() == part.sort()]
        one = r.choice(same)
        assert part.__eq__(one).eq(z3.BoolRef(z3.z3core.Z3_mk_eq(context, node, one.as_ast())))
    x = z3.BitVec("x", 64)
    assert (x + 5).arg(1).as_long() == 5 and (5 + x).arg(0).eq((x + 5).arg(1))
    assert not z3.is_app_of(5, z3.Z3_OP_BNUM) and not z3.is_bv_value(5)
    for n in (2, -1):
        with pytest.raises(IndexError):
            (x + 5).arg(n)
    every = z3.ForAll([x], TABLE(x) == 0)
    assert isinstance(every, z3.QuantifierRef) and z3.is_bool(every.body())


def size(term: z3.ExprRef) -> int:
    """Nodes as a tree, up to 100."""
    total, todo = 0, [term]
    while todo and total < 100:
        total += 1
        todo += todo.pop().children()
    return total


def test_parts_are_those_of_the_binding() -> None:
    r, reader = random.Random(SEED), parts.Parts()
    for term in terms(r, 200):
        expected, found = below(term), reader.of(term)
        assert len(found) == len(expected), f"SEED={SEED}"
        for address, count, function in found:
            part = parts.at(address, term)
            same = expected.pop(part.get_id())
            assert part.eq(same) and part.sort() == same.sort() and type(part) is type(same)
            assert (count, function.name) == (same.num_args(), same.decl().name()), f"SEED={SEED}"
            assert function.is_of_state == (same.decl().kind() == z3.Z3_OP_UNINTERPRETED)
        assert not expected, f"SEED={SEED}"


@pytest.mark.parametrize("most", [1, 2, 6, 50])
def test_small_is_what_has_few_nodes(most: int) -> None:
    some = terms(random.Random(SEED), 200)
    answers = [parts.is_small(term, most) for term in some]
    assert answers == [size(term) <= most for term in some], f"SEED={SEED}"
    assert set(answers) == {True, False}


def test_a_function_that_is_gone_is_not_mistaken_for_another() -> None:
    """Names that are not used any more, whose addresses may be used again."""
    reader = parts.Parts()
    for n in range(2000):
        term = z3.BitVec(f"name{n}", 64) + 1
        assert {f.name for _, count, f in reader.of(term) if not count} == {f"name{n}", "bv"}
        del term
