# SPDX-License-Identifier: MIT
"""Symbolic execution (pytest): routines of a few instructions, each with one thing to notice."""
import sys
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import BASE, KERNEL, explored  # noqa: E402

from verif import explore, safety, solve  # noqa: E402
from verif.errors import UndecodedError, UnmodelledError  # noqa: E402
from verif.explore import Exploration, Explorer, standard_start  # noqa: E402
from verif.lin import bv  # noqa: E402
from verif.memory import base_read  # noqa: E402
from verif.premises import Hypotheses  # noqa: E402
from verif.result import Row  # noqa: E402

X0, X1 = z3.BitVecs("x0 x1", 64)
STATE = KERNEL.layout.families["procs.state"]
FIRST_STATE = STATE.base + STATE.offset
STRIDE = STATE.dims[0].stride
MINUS = bv((1 << 64) - 1)


def is_valid(found: Exploration, term: z3.BoolRef) -> bool:
    """Does the formula hold for all values? Its names stand for what the exploration gave them."""
    solver = z3.Solver()
    solver.add(z3.Not(term), *found.world.symbols.defining([term]).values())
    return solver.check() == z3.unsat


def returns(text: str, expected: z3.BitVecRef, paths: int = 1) -> bool:
    """Is x0 this at the end of each path, of so many?"""
    found = explored(text)
    assert len(found.ended) == paths and not found.stuck, found.stuck
    return all(is_valid(found, z3.Implies(z3.And(*path.given), path.regs[0].z == expected))
               for path in found.ended)


def stuck(text: str) -> str:
    """The reason of a routine whose one path is stuck."""
    found = explored(text)
    assert not found.ended and len(found.stuck) == 1
    return found.stuck[0][1]


def proved(text: str, folder: Path) -> tuple[Row, Row]:
    """The rows T2 and T8 of a routine, without any hypothesis."""
    handled = safety.Handled(KERNEL.hypercalls[0], explored(text), Hypotheses((), ()), 0.0)
    return safety.prove(KERNEL, handled, folder)


def address_of_state(register: str) -> str:
    """Assembly: x9 = &procs[register].state."""
    parts = [f"movk x9, #{FIRST_STATE >> at & 0xFFFF}, lsl #{at}" for at in (16, 32, 48)]
    return "\n".join([f"movz x9, #{FIRST_STATE & 0xFFFF}", *parts, f"mov x10, #{STRIDE}",
                      f"madd x9, {register}, x10, x9"])


STATE_OF_0 = address_of_state("xzr")


# ---- the stack ----

@pytest.mark.parametrize("text, reason", [
    ("ldr x0, [sp, #-8]\nret", "below SP"),
    ("sub sp, sp, #16\nldr x0, [sp]\nret", "read before it is written"),
    ("str x0, [sp, #-16]!\nldp x0, x1, [sp]\nret", "read before it is written"),
    ("str x0, [sp, #-16]!\nadd sp, sp, #16\nldr x0, [sp, #-16]\nret", "below SP"),
    ("ldr x0, [sp]\nret", "above the top"),
    ("str x0, [sp]\nret", "above the top"),
    ("mov sp, x1\nsub sp, sp, #16\nret", "SP is"),
    ("str w1, [sp, #-16]!\nldr x0, [sp]\nret", "read before it is written"),
])
def test_a_bad_use_of_the_stack_is_stuck(text: str, reason: str) -> None:
    assert reason in stuck(text)


def test_half_of_a_stack_cell_is_not_overwritten() -> None:
    with pytest.raises(UnmodelledError,
                       match=f"partial overwrite of a stack cell at {BASE + 4:#x}"):
        explored("str x0, [sp, #-16]!\nstr w1, [sp, #4]\nret")


def test_parts_of_a_stack_cell_are_read() -> None:
    assert returns("str x0, [sp, #-16]!\nldr w0, [sp, #4]\nadd sp, sp, #16\nret", z3.LShR(X0, 32))
    assert returns("str x0, [sp, #-16]!\nldrsb x0, [sp, #7]\nadd sp, sp, #16\nret",
                   z3.SignExt(56, z3.Extract(63, 56, X0)))


def test_a_wide_store_replaces_narrow_cells() -> None:
    text = "stp w1, w1, [sp, #-16]!\nstr x0, [sp]\nldr x0, [sp], #16\nret"
    assert returns(text, X0)


def test_a_misaligned_stack_access_is_an_obligation(tmp_path: Path) -> None:
    safe, _ = proved("str x0, [sp, #-12]!\nadd sp, sp, #12\nret", tmp_path)
    assert not safe.passed and "aligned" in safe.failures[0].what


def test_the_depth_of_the_stack_is_counted(tmp_path: Path) -> None:
    _, bound = proved("sub sp, sp, #48\nstr x0, [sp, #-16]!\nadd sp, sp, #64\nret", tmp_path)
    assert dict(bound.facts) == {"instructions": "4", "stack bytes": "64"}


# ---- paths ----

def test_ways_that_meet_are_one_path() -> None:
    text = "cmp x0, #7\nb.hi 1f\nmov x0, #1\nnop\nb 2f\n1: mov x0, #2\n2: add x0, x0, x1\nret"
    assert returns(text, z3.If(z3.UGT(X0, 7), bv(2), bv(1)) + X1)
    path = explored(text).ended[0]
    assert path.given == [] and path.count == 7


def test_a_decision_is_forgotten_where_its_ways_meet() -> None:
    text = ("cbz x0, 1f\nadd x1, x1, #1\n1: cbz x0, 2f\nmov x0, #5\nret\n2: mov x0, #6\nret")
    assert returns(text, z3.If(X0 == 0, bv(6), bv(5)))


def test_flags_that_meet() -> None:
    """Three comparisons, of which the last on the way counts."""
    text = ("cmp x0, #1\ncbz x1, 1f\ncmp x0, #2\ntbz x1, #0, 1f\ncmn x0, #1\n1: cset x0, eq\nret")
    other = z3.If(z3.Extract(0, 0, X1) == 0, X0 == 2, X0 == MINUS)
    assert returns(text, z3.If(z3.If(X1 == 0, X0 == 1, other), bv(1), bv(0)))


def test_stack_contents_that_meet() -> None:
    text = ("str x0, [sp, #-16]!\ncbz x1, 1f\nstr x1, [sp]\n1: ldr x0, [sp], #16\nret")
    assert returns(text, z3.If(X1 == 0, X0, X1))


def test_paths_with_different_stores_stay_apart() -> None:
    """What was stored last is read, and each path knows its decision: not taken again."""
    text = (f"{STATE_OF_0}\nstr x0, [x9]\ncbz x1, 1f\nstr x1, [x9]\n1: ldr x0, [x9]\n"
            "cbz x1, 2f\nret\n2: add x0, x0, #1\nret")
    assert returns(text, z3.If(X1 == 0, X0 + 1, X1), paths=2)
    given = [z3.And(*path.given) for path in explored(text).ended]
    assert is_valid(explored(text), z3.Xor(*given))


def test_addresses_that_meet_and_are_used_stay_apart() -> None:
    text = (f"{STATE_OF_0}\ncbz x0, 1f\nadd x9, x9, #{STRIDE}\nnop\n1: ldr x0, [x9]\nret")
    first, second = (z3.ZeroExt(64 - 8 * STATE.width, base_read(STATE, (bv(i),)))
                     if STATE.width < 8 else base_read(STATE, (bv(i),)) for i in (0, 1))
    assert returns(text, z3.If(X0 == 0, first, second))
    assert len(explored(text.replace("ldr x0, [x9]", "mov x0, #0")).ended) == 1


def test_a_register_lost_on_one_way_only_is_lost(tmp_path: Path) -> None:
    safe, _ = proved("cbz x0, 1f\nmov x19, x1\n1: ret", tmp_path)
    assert not safe.passed and "x19 is not kept" in safe.failures[0].what
    safe, _ = proved("cbz x0, 1f\nmov x9, x19\nmov x19, x1\nmov x19, x9\n1: ret", tmp_path)
    assert safe.passed


def test_a_loop_is_refused() -> None:
    with pytest.raises(UnmodelledError, match="loop"):
        explored("1: subs x0, x0, #1\nb.ne 1b\nret")


def test_a_loop_outside_the_leaves_is_refused() -> None:
    start = standard_start(KERNEL.image.function("page_zero").address, {})
    with pytest.raises(UnmodelledError, match="loop at page_zero"):
        Explorer(KERNEL.world(64), {}).run(start)


def test_page_zero_alone_is_one_path() -> None:
    start = standard_start(KERNEL.image.function("page_zero").address, {})
    found = Explorer(KERNEL.world(64), {}, loops_allowed=True).run(start)
    assert len(found.ended) == 1 and not found.stuck


def test_a_routine_called_twice_is_no_loop() -> None:
    text = ("str x30, [sp, #-16]!\nbl 1f\nbl 1f\nldr x30, [sp], #16\nret\n"
            "1: add x0, x0, #3\nret")
    assert returns(text, X0 + 6)


def test_recursion_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "MAX_INSTRUCTIONS", 300)
    with pytest.raises(UnmodelledError, match="instructions on a path"):
        explored("1: bl 1b")


def test_too_many_paths_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "MAX_PATHS", 20)
    stores = "\n".join(f"tbz x1, #{i}, 1f\nstr x1, [x9]\n1:" for i in range(6))
    with pytest.raises(UnmodelledError, match="more than 20 paths"):
        explored(f"{STATE_OF_0}\n{stores}\nret")


@pytest.mark.parametrize("text, error, message", [
    (".inst 0x1e602820", UndecodedError, "0x1e602820"),     # fadd d0, d1, d0
    ("mrs x0, midr_el1", UnmodelledError, "S3_0_C0_C0_0"),
    ("yield", UnmodelledError, "hint #1"),
    ("tlbi vmalle1", UnmodelledError, "sys #0, c8, c7, #0"),
    ("dsb nsh", UnmodelledError, "dsb #7"),
])
def test_what_is_not_modelled_is_named_with_its_address(
        text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"{message}.* at {BASE + 4:#x}"):
        explored(f"nop\n{text}\nret")


@pytest.mark.parametrize("text, reason", [
    ("brk #1000", "brk #1000 is reached"), (".inst 0", "udf #0 is reached"),
    ("br x1", "jump to"), ("blr x1", "call of"), ("ldr x0, [x1]", "lies in no object"),
    ("adr x1, .\nstr x0, [x1]", "lies in no object"), ("mov x1, #8\nldr x0, [x1]", "in no object"),
])
def test_a_stuck_path_fails_safety(text: str, reason: str, tmp_path: Path) -> None:
    assert reason in stuck(f"{text}\nret")
    safe, bound = proved(f"{text}\nret", tmp_path)
    assert not safe.passed and not bound.passed
    assert any(reason in failure.what for failure in safe.failures)


def test_a_stuck_path_that_is_dead_is_none(tmp_path: Path) -> None:
    safe, _ = proved("tbz x0, #0, 1f\nands x9, x0, #1\nb.ne 1f\nbrk #1\n1: ret", tmp_path)
    assert safe.passed, safe.failures


# ---- address translation ----

@pytest.mark.parametrize("between, is_known", [
    ("isb", True), ("nop", False), ("dsb sy", False), ("msr par_el1, x1\nisb", False)])
def test_a_translation_is_known_after_an_isb(between: str, is_known: bool) -> None:
    """What AT found is in PAR_EL1 then, unless something else was written there."""
    found = explored(f"at s1e1r, x0\n{between}\nmrs x0, par_el1\nret")
    (path,) = found.ended
    (answer,) = (e.operands[1] for e in path.events if e.kind == "at s1e1r")
    assert is_valid(found, path.regs[0].z == answer) == is_known


# ---- an address that is one of two ----

OF_EITHER = "cmp x0, #1\nb.eq 1f\n{one}\nb 2f\n1: {other}\n2: movk x9, #{top}, lsl #32\n"


def address_of_either(one: int, other: int) -> str:
    """Assembly: x9 is the second address if x0 is 1, else the first."""
    assert one >> 32 == other >> 32
    numbers = {name: "\n".join(f"mov{'k' if at else 'z'} x9, #{number >> at & 0xFFFF}, lsl #{at}"
                               for at in (0, 16))
               for name, number in (("one", one), ("other", other))}
    return OF_EITHER.format(top=one >> 32, **numbers)


def test_one_of_two_addresses_is_written() -> None:
    """Once each: on the path where it is that one."""
    found = explored(address_of_either(FIRST_STATE, FIRST_STATE + STRIDE) + "str x1, [x9]\nret")
    assert len(found.ended) == 2 and not found.stuck, found.stuck
    for path in found.ended:
        (write,) = path.memory.updates[STATE.name]
        (index,) = write.indices
        assert is_valid(found, z3.Implies(z3.And(*path.given), index == z3.If(
            X0 == 1, bv(1), bv(0))))
        assert write.value.eq(X1)
    assert is_valid(found, z3.Or(*(z3.And(*path.given) for path in found.ended)))


def test_bounds_count_that_instruction_once(tmp_path: Path) -> None:
    text = address_of_either(FIRST_STATE, FIRST_STATE + STRIDE) + "ldr x0, [x9]\nret"
    safe, bound = proved(text, tmp_path)
    assert safe.passed and dict(bound.facts)["instructions"] == "8", bound.facts


@pytest.mark.parametrize("one, other, access", [
    (FIRST_STATE, FIRST_STATE ^ 1 << 31, "ldr x0, [x9]"),   # the second is no object
    (FIRST_STATE, FIRST_STATE + STRIDE, "ldp x0, x1, [x9]")])
def test_one_of_two_addresses_may_be_bad(one: int, other: int, access: str,
                                         tmp_path: Path) -> None:
    safe, _ = proved(address_of_either(one, other) + f"{access}\nret", tmp_path)
    assert not safe.passed and "in no object" in safe.failures[0].what


# ---- safety ----

def test_kept_registers(tmp_path: Path) -> None:
    safe, _ = proved("mov x9, x19\nmov x19, x0\nmov x19, x9\nret", tmp_path)
    assert safe.passed
    for text, name in (("mov x19, x0\nret", "x19"), ("sub sp, sp, #16\nret", "sp"),
                       ("add x29, x29, #1\nret", "x29")):
        safe, _ = proved(text, tmp_path)
        assert not safe.passed and f"{name} is not kept" in safe.failures[0].what


def test_an_index_needs_its_bound(tmp_path: Path) -> None:
    read = f"{address_of_state('x0')}\nldr x0, [x9]\n"
    safe, _ = proved(f"{read}ret", tmp_path)
    assert not safe.passed and "in bounds: index of procs.state" in safe.failures[0].what
    limit = STATE.dims[0].count
    safe, _ = proved(f"cmp x0, #{limit}\nb.hs 1f\n{read}1: ret", tmp_path)
    assert safe.passed, safe.failures
    safe, _ = proved(f"cmp x0, #{limit}\nb.hi 1f\n{read}1: ret", tmp_path)
    assert not safe.passed


def test_an_access_across_cells_fails(tmp_path: Path) -> None:
    safe, _ = proved(f"mov x0, #1\n{address_of_state('x0')}\nldr x0, [x9, #4]!\nret", tmp_path)
    assert not safe.passed and "aligned" in safe.failures[0].what


def test_what_is_stored_is_loaded() -> None:
    text = (f"{address_of_state('x0')}\nstr x1, [x9]\nmov x2, x0\n"
            f"{address_of_state('x2')}\nldr x0, [x9]\nret")
    assert returns(text, X1)


def test_an_unknown_answer_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> solve.Verdict:
        return solve.Verdict("unknown", 0.0)

    text = f"cmp x0, #5\nb.hs 1f\n{address_of_state('x0')}\nldr x0, [x9]\n1: ret"
    assert proved(text, tmp_path)[0].passed
    monkeypatch.setattr(solve.Solver, "follows", lambda *_arguments: None)
    monkeypatch.setattr(solve.Solver, "prove", unknown)
    safe, _ = proved(text, tmp_path)
    assert not safe.passed and safe.failures[0].status == "unknown"
