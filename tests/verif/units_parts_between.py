# SPDX-License-Identifier: MIT
"""A part that something follows (T3): all that it needs before, and what follows it, is shown.

`reply_wait` gives its answer by the part `message`, and then receives by `receive_from`.
"""
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "spec")]

import spec  # noqa: E402
from constants import enumerators  # noqa: E402
from spec import sets  # noqa: E402
from spec.transition import Part, Transition  # noqa: E402
from spec.transitions import ipc  # noqa: E402
from spec.words import Truth, Word  # noqa: E402
from verif import induct  # noqa: E402
from verif.flags import as_term  # noqa: E402
from verif.reads import Reads  # noqa: E402

GIVE, ANSWERED = ipc.give_message, "somebody sends"
WITH_HANDLE = "not page, handle"


def induction(folder: Path) -> induct.Induction:
    """T3 of reply_wait, as it is now."""
    return induct.Induction(induct.Subject(
        enumerators(), "reply_wait", spec.transition("reply_wait"), apart=None), folder)


def is_proved(whole: induct.Induction, case: str, name: str) -> bool:
    """One goal of one case."""
    found, = (c for c in whole.subject.cases if c.case == case)
    goal, = (g for g in whole.goals(found) if g.name == name)
    path = tuple(as_term(t) for t in found.path)
    return whole._ask(whole.subject.further, path, Reads(), goal, name).status == "proved"


def lose_wake(_t: Transition, _pid: Word) -> None:
    """The answered caller would be nowhere."""


def receive_unasked(t: Transition, file: Word, _deadline: Word) -> Word:
    """Without a look at the receiver's slot."""
    return sets.following(t, sets.senders(file), t.get("files.last_sender", file))


def give_and(change: Callable[[Transition, Word], None]) -> Callable[..., None]:
    def both(t: Transition, giver: Word, taker: Word, m: ipc.Message) -> None:
        GIVE(t, giver, taker, m)
        change(t, taker)
    return both


@pytest.mark.parametrize("name, fault, case, goal", [
    ("wake", lose_wake, ANSWERED, "callers_exact"),
    ("give_message", lambda t, giver, taker, m: GIVE(t, giver, giver, m), ANSWERED,
     "the premise of message"),
    ("require_receive", receive_unasked, f"{ANSWERED}, {WITH_HANDLE}",
     "the premise of receive_from"),
    ("give_message", give_and(lambda t, taker: sets.remove(t, sets.READY, taker)),
     f"{ANSWERED}, {WITH_HANDLE}", "callers_exact"),
    ("give_message", give_and(lambda t, _: t.set("sched.cpus.current", (t.cpu,), 0)),
     f"{ANSWERED}, {WITH_HANDLE}", "core_holds_current"),
])
def test_what_is_not_so_is_noticed(name: str, fault: Callable[..., object], case: str, goal: str,
                                   tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc, name, fault)
    assert not is_proved(induction(tmp_path), case, goal)


@pytest.mark.parametrize("case, goal", [
    (ANSWERED, "callers_exact"), (ANSWERED, "the premise of message"),
    (f"{ANSWERED}, {WITH_HANDLE}", "the premise of receive_from")])
def test_what_is_so_is_proved(case: str, goal: str, tmp_path: Path) -> None:
    assert is_proved(induction(tmp_path), case, goal)


def test_what_the_part_keeps_is_not_asked_again(tmp_path: Path) -> None:
    """Nothing changes between both, so after the first only the second's premise is shown."""
    whole = induction(tmp_path)
    asked = {case.case: [goal.name for goal in whole.goals(case)]
             for case in whole.subject.cases if case.follows}
    assert sorted(asked) == sorted(f"{ANSWERED}, {page}, {handle}"
                                   for page in ("page", "not page")
                                   for handle in ("handle", "not handle"))
    assert all(goals[-1:] == ["the premise of receive_from"] and len(goals) <= 2
               for goals in asked.values())


def nobody_is_loaded(t: Transition) -> Truth:
    """Another premise than the part has."""
    return t.get("sched.cpus.loaded", t.cpu) == 0


def test_a_premise_behind_an_event_is_named(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """`leave_kicked` ends with an event behind which a part comes."""
    part = spec.parts()["vgic_leave"]
    changed = {**spec.parts(), part.name: Part(part.name, part.text, nobody_is_loaded)}
    monkeypatch.setattr(spec, "parts", lambda: changed)
    subject = induct.Subject(enumerators(), "leave_kicked", spec.transition("leave_kicked"))
    failure, *_ = induct.prove(subject, tmp_path, "").failures
    assert failure.what.startswith("the premise of vgic_leave is not preserved in case ")
    assert (failure.lines[0].kind, failure.lines[0].text) == ("premise", "vgic_leave")
    assert "units_parts_between.py" in failure.lines[0].where
