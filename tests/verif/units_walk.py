# SPDX-License-Identifier: MIT
"""The walk of translation tables: it is shown level by level, and each step is a query."""
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import z3

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import spec  # noqa: E402
from snippets import KERNEL  # noqa: E402
from spec import isolation  # noqa: E402
from spec.invariants import Invariant  # noqa: E402
from verif import induct, isolate, premises, walk  # noqa: E402
from verif.reads import Reads  # noqa: E402
from verif.solve import Solver  # noqa: E402

CONSTANTS = premises.constants(KERNEL)
PID, *INDICES = z3.BitVecs("pid i0 i1 i2 i3", 64)
ROOT, *STEPS = ["root of a walk", *(f"level-{n} of a walk" for n in range(walk.LEVELS))]


def any_state(**without: Invariant) -> induct.Subject:
    return induct.Subject(CONSTANTS, "state", spec.transition("self"),
                          rules={**spec.invariants(), **without})


def open_steps(folder: Path, **without: Invariant) -> list[str]:
    subject = any_state(**without)
    return [what for what, term in walk.claims(CONSTANTS, subject.before, PID)
            if subject.further((), term, lambda term=term: near(subject, term), what,
                               folder).status != "proved"]


def near(subject: induct.Subject, term: z3.BoolRef) -> Reads:
    found = Reads().scan((term,), subject.names)
    found.index("pid", z3.BitVecVal(0, 64))
    return found


def test_every_step_is_proved(tmp_path: Path) -> None:
    assert open_steps(tmp_path) == []
    assert isolate.prove_states(any_state(), tmp_path).passed


def test_every_claim_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = walk.claims
    monkeypatch.setattr(walk, "claims", lambda *of: [*right(*of), ("a claim", PID != PID)])
    row = isolate.prove_states(any_state(), tmp_path)
    assert [failure.what for failure in row.failures] == ["a claim"]


@pytest.mark.parametrize("name, expected", [
    ("one_root", []), ("machine_facts", STEPS), ("kernel_entries", STEPS),
    ("entry_names_page", STEPS), ("view_entries", STEPS[1:]), ("proc_pages", [ROOT])])
def test_without_what_is_known_of_tables_a_step_is_open(
        name: str, expected: list[str], tmp_path: Path) -> None:
    """one_root says that there is no other root, which T5 does not need."""
    always = Invariant(name, spec.invariants()[name].kinds, lambda r, *at: True)
    assert open_steps(tmp_path, **{name: always}) == expected


@pytest.mark.parametrize("claim, expected", [
    (lambda r, pid, table, level: True, STEPS),
    (lambda r, pid, table, level: level == 0, STEPS[:1]),
    (lambda r, pid, table, level: r.o.ult(table, r.c.HV_NPAGE), STEPS)])
def test_a_step_that_claims_what_is_not_so_is_open(
        claim: Callable[..., Any], expected: list[str], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    """What a walk may have come to is no assumption."""
    monkeypatch.setattr(walk, "is_reached", claim)
    assert open_steps(tmp_path) == expected


def follows(folder: Path, left_out: int | None = None) -> bool:
    """Does the statement follow from the steps, without any invariant?"""
    subject = any_state()
    known = list(walk.known(CONSTANTS, subject.before, PID, tuple(INDICES)))
    if left_out is not None:
        del known[left_out]
    goal = isolation.memory_is_isolated(CONSTANTS, subject.before, PID, tuple(INDICES))
    return Solver((), folder, subject.names).core(tuple(known), goal, "memory") is not None


def test_the_statement_follows_from_all_steps(tmp_path: Path) -> None:
    assert follows(tmp_path)
    assert not any(follows(tmp_path, n) for n in range(1 + walk.LEVELS))
