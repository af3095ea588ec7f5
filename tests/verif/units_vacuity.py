# SPDX-License-Identifier: MIT
"""What contradicts the successes of a transition is reported, and not taken for a proof (T3)."""
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import spec  # noqa: E402
from snippets import KERNEL  # noqa: E402
from spec.ghosts import REFS  # noqa: E402
from spec.invariants import RULES, Invariant  # noqa: E402
from verif import counting, induct, premises, vacuity  # noqa: E402

CONSTANTS = premises.constants(KERNEL)


def messages(name: str, folder: Path) -> list[str]:
    subject = induct.Subject(CONSTANTS, name, spec.transition(name))
    return [f"{f.what} [{f.status}]" for f in induct.prove(subject, folder, "").failures]


def test_a_call_that_does_what_it_should_passes(tmp_path: Path) -> None:
    assert messages("dup", tmp_path) == []


def test_a_counter_of_all_others_excludes_the_success(tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's counter would be exact and count who does not name it; `is_counted_handle` says
    that it counts who does. So there would be no handle to duplicate."""
    here = sys.modules["spec.invariants"]
    right = counting.belongs

    def belongs(r: Any, counted: Any, group: Any, item: Any) -> Any:
        truth = right(r, counted, group, item)
        return r.o.not_(truth) if counted is REFS else truth
    for module in (here, counting):
        monkeypatch.setattr(module, "belongs", belongs)
    assert messages("dup", tmp_path) == ["the invariants exclude done (success) [vacuous]"]


def test_an_invariant_that_excludes_one_choice_is_reported(tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """That no other core runs anybody is kept by kill, of which one choice is then never made."""
    monkeypatch.setitem(RULES.members, "alone", Invariant("alone", ("pid",), lambda r, p: r.o.among(
        r.get("sched.core", p), 0, r.get("sched.cpus.number", r.cpu))))
    assert messages("kill", tmp_path) == [
        "the invariants exclude another core runs it (success) [vacuous]"]


def case(*parts: str) -> Any:
    return SimpleNamespace(case=", ".join(parts), errno=None, marks=())


@pytest.mark.parametrize("possible, missing", [
    ((True, True), []), ((True, False), ["not a (success)"]),
    ((False, True), ["a (success)"]), ((False, False), ["a (success)", "b (success)",
                                                       "not a (success)"])])
def test_each_choice_needs_a_case_that_can_be(possible: tuple[bool, bool],
                                              missing: list[str]) -> None:
    seen = vacuity.Seen()
    for one, answer in zip((case("a", "b"), case("not a", "b")), possible):
        seen.add(one, lambda answer=answer: answer)
    assert sorted(f.what for f in seen.failures("they", "")) == [f"they exclude {m}"
                                                                 for m in missing]


def test_only_what_says_something_new_is_asked() -> None:
    asked: list[str] = []
    seen = vacuity.Seen(lambda part: part != "of no account")
    for parts in (("a", "b"), ("b", "a"), ("a", "of no account"), ("c",)):
        seen.add(case(*parts), lambda parts=parts: asked.append(parts[0]) is None)
    assert not seen.failures("they", "")
    assert asked == ["a", "c"]
