# SPDX-License-Identifier: MIT
"""What an invariant says after a case, in parts and without the words of contexts: it is neither
less nor more than what it says (pytest)."""
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import z3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

import spec  # noqa: E402
from snippets import KERNEL  # noqa: E402
from spec.transition import Case, Transition  # noqa: E402
from spec.vocabulary import set_saved  # noqa: E402
from verif import contexts, counting, induct, premises  # noqa: E402
from verif.after import Afterwards, Part  # noqa: E402

CONSTANTS = premises.constants(KERNEL)
WRITERS = ("map_frame", "grant_page", "dup", "reap")


def subject_of(text: spec.Spec) -> induct.Subject:
    return induct.Subject(CONSTANTS, text.name, text, apart=None)


def whole_and_parts(name: str) -> Iterator[tuple[induct.Subject, z3.BoolRef, tuple[Part, ...]]]:
    """Of all invariants that are in more than one part after a success."""
    subject = subject_of(spec.transition(name))
    afterwards = Afterwards(CONSTANTS, subject.before)
    for case in subject.cases:
        for rule in subject.rules.values() if case.errno is None else ():
            at = tuple(z3.BitVec(f"at{n}", 64) for n in range(len(rule.kinds)))
            parts = afterwards.parts(rule, case.state.updates, at) or ()
            if len(parts) > 1:
                yield subject, afterwards.says(rule, case.state.updates, at), parts


def implied(subject: induct.Subject, parts: tuple[Part, ...]) -> z3.BoolRef:
    return z3.And(*(z3.Implies(z3.And(*part.given), part.term) for part in parts))


def are_equal(subject: induct.Subject, one: z3.BoolRef, other: z3.BoolRef) -> bool:
    solver = z3.SolverFor("QF_UFBV")
    goal = one != other
    solver.add(goal, *subject.names.defining((goal,)).values())
    result = solver.check()
    assert result != z3.unknown
    return result == z3.unsat


@pytest.mark.parametrize("name", WRITERS)
def test_the_parts_are_the_whole(name: str) -> None:
    found = list(whole_and_parts(name))
    assert found
    for subject, whole, parts in found:
        assert are_equal(subject, whole, implied(subject, parts))


def test_a_part_too_few_is_not_the_whole() -> None:
    subject, whole, parts = next(whole_and_parts("map_frame"))
    assert not all(are_equal(subject, whole, implied(subject, parts[:n] + parts[n + 1:]))
                   for n in range(len(parts)))


def said_of(afterwards: Afterwards, case: Case) -> list[z3.BoolRef]:
    """All that is said after a case, whole and in parts."""
    found = []
    for rule in spec.invariants().values():
        at = tuple(z3.BitVec(f"at{n}", 64) for n in range(len(rule.kinds)))
        for updates in (case.state.updates, afterwards.forgotten(case.state.updates)):
            parts = afterwards.parts(rule, updates, at) or ()
            found += [afterwards.says(rule, updates, at),
                      *(term for part in parts for term in (*part.given, part.term))]
    return found


@pytest.mark.parametrize("name", ["close", "reply"])
def test_what_was_said_of_one_case_is_not_said_of_another(name: str) -> None:
    subject = subject_of(spec.transition(name))
    shared = Afterwards(CONSTANTS, subject.before)
    alone = [said_of(Afterwards(CONSTANTS, subject.before), case) for case in subject.cases]
    together = [said_of(shared, case) for case in subject.cases]
    assert len({tuple(term.get_id() for term in said) for said in alone}) > 1
    for one, other in zip(alone, together):
        assert len(one) == len(other) and all(a.eq(b) for a, b in zip(one, other))


def test_contexts_alone_are_forgotten() -> None:
    for name, are_any in (("map_frame", False), ("reply", True)):
        subject = subject_of(spec.transition(name))
        afterwards = Afterwards(CONSTANTS, subject.before)
        case = next(case for case in subject.cases if case.errno is None)
        short = afterwards.forgotten(case.state.updates)
        assert (short is not case.state.updates) == are_any
        assert len(short[contexts.PAGES]) == 1 and len(case.state.updates[contexts.PAGES]) >= 1


# ---- what is written there is not ----


def _context_of_nobody(t: Transition) -> None:
    """What an unused process's context is nobody says: it may be a table."""
    set_saved(t, t.o.word(5), t.c.CTX_X0, 1)


def _table(t: Transition) -> None:
    t.set("pages", (t.get("procs.root", t.self), 3), 1)


def _table_after_context(t: Transition) -> None:
    set_saved(t, t.self, t.c.CTX_X0, 1)
    t.set("pages", (t.get("procs.root", t.self), 3), 1)
    set_saved(t, t.self, t.c.CTX_X0 + 1, 1)


def _own_context(t: Transition) -> None:
    set_saved(t, t.self, t.c.CTX_X0, 1)


@pytest.mark.parametrize("writes,is_kept", [
    (_context_of_nobody, False), (_table, False), (_table_after_context, False),
    (_own_context, True)])
def test_a_table_that_is_written_is_noticed(
        writes: Callable[[Transition], None], is_kept: bool, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    def text(t: Transition) -> int:
        writes(t)
        return 0
    asked = {"entry_names_page": spec.invariants()["entry_names_page"]}
    monkeypatch.setattr(induct.Induction, "_rules", lambda self, case: asked)
    monkeypatch.setattr(counting, "obligations", lambda *_: ())
    row = induct.prove(subject_of(spec.Spec("set_name", text)), tmp_path, "")
    assert row.passed == is_kept
    assert is_kept or [failure.what for failure in row.failures] == \
        ["entry_names_page is not preserved in case done"]
