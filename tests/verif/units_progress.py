# SPDX-License-Identifier: MIT
"""T9: each planted fault makes the row fail that must, with the words that say what."""
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import spec  # noqa: E402
from snippets import KERNEL  # noqa: E402
from spec import schedule, sets  # noqa: E402
from spec.invariants import RULES, Invariant  # noqa: E402
from spec.transition import Spec, Transition  # noqa: E402
from spec.transitions import interrupt, process  # noqa: E402
from verif import induct, premises, progress  # noqa: E402
from verif.result import Row  # noqa: E402

CONSTANTS = premises.constants(KERNEL)
PASSED = "a ready process is passed over"


def row_of(text: Spec, folder: Path, what: str = "") -> Row:
    """The row T9, or only its statement with that name, up to the first case in which it fails:
    each takes some seconds."""
    subject = induct.Subject(CONSTANTS, text.name, text)
    statements = progress.OF.get(text.name, progress.USUAL)
    chosen = tuple(s for s in statements if what in ("", s.what))
    assert chosen, f"{text.name} has no statement {what}"
    with patch.dict(progress.OF, {text.name: chosen}), \
            patch.object(progress, "SHOWN_FAILURES", 1):
        return progress.prove(subject, folder, "")


def messages(row: Row) -> str:
    return "\n".join(f"{failure.what} [{failure.status}]" for failure in row.failures)


def losing(name: str, field: str) -> Spec:
    """The transition whose writes to that field are lost."""
    right = spec.transition(name)

    @wraps(right.text)
    def text(t: Transition, *args: Any) -> Any:
        kept = t.set
        t.set = lambda what, key, value: (  # type: ignore[method-assign]
            None if what == field else kept(what, key, value))
        return right.text(t, *args)
    return replace(right, text=text)


@pytest.mark.parametrize("name", ["yield", "leave_idle", "switch_to"])
def test_the_right_ones_hold(name: str, tmp_path: Path) -> None:
    row = row_of(spec.transition(name), tmp_path)
    assert row.passed and dict(row.facts)["statements"] != "0", messages(row)


@pytest.mark.parametrize("name, field, what", [
    ("yield", "sched.cpus.turn", "a yield ends no turn"),
    ("timer_interrupt", "sched.cpus.turn", "a tick ends no turn"),
    ("timer_interrupt", "sched.cpus.next_tick", "the next tick is another"),
    ("timer_interrupt", "sched.cpus.next_tick", "the alarm stays behind"),
    ("timer_interrupt", "timer_tree", "the alarm stays behind"),
    ("timer_interrupt", "sched.ready.word", "who is interrupted must wait"),
    ("yield", "sched.cpus.current", "a turn is not taken"),
    ("leave_idle", "sched.cpus.current", "the core idles while somebody is ready"),
    ("leave_idle", "ghost.called", "a core that has been called still is"),
])
def test_a_lost_write_is_noticed(name: str, field: str, what: str, tmp_path: Path) -> None:
    row = row_of(losing(name, field), tmp_path, what)
    assert f"{what}: not excluded" in messages(row), messages(row)


def after_current(t: Transition, pid: Any) -> Any:
    """As it once was: after the current process, whose turn it need not have been."""
    return t.get("sched.cpus.current", t.cpu)


def after_nobody(t: Transition, pid: Any) -> Any:
    """No order of turns at all: always the lowest."""
    return t.o.word(0)


@pytest.mark.parametrize("wrong", [after_current, after_nobody])
@pytest.mark.parametrize("name", ["yield", "timer_interrupt"])
def test_another_order_is_noticed(name: str, wrong: Callable[[Transition, Any], Any],
                                  tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = schedule.run_after
    monkeypatch.setattr(schedule, "run_after", lambda t, pid: right(t, wrong(t, pid)))
    row = row_of(spec.transition(name), tmp_path, PASSED)
    assert f"{PASSED}: not excluded" in messages(row), messages(row)


def test_a_turn_that_a_yield_does_not_end_is_noticed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = schedule.run_after
    monkeypatch.setattr(schedule, "run_after", lambda t, pid: right(t, t.o.sub(pid, 1)))
    what = "a yield ends no turn"
    row = row_of(spec.transition("yield"), tmp_path, what)
    assert f"{what}: not excluded" in messages(row), messages(row)


def test_a_core_that_is_handed_over_is_no_turn(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    def run_as_turn(t: Transition, pid: Any) -> None:
        t.set("sched.cpus.turn", (t.cpu,), pid)
        schedule.run(t, pid)
    monkeypatch.setattr(process, "run", run_as_turn)
    row = row_of(spec.transition("switch_to"), tmp_path, PASSED)
    assert f"{PASSED}: not excluded" in messages(row), messages(row)


def states(folder: Path) -> Row:
    return progress.prove_states(
        induct.Subject(CONSTANTS, "any state", spec.transition("self")), folder)


def test_an_alarm_without_the_tick_is_noticed(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(tmp_path).passed
    monkeypatch.setitem(RULES.members, "timer_armed", Invariant(
        "timer_armed", (), lambda r: r.o.ule(
            r.get("sys.cnthp_cval_el2"), r.o.shr(r.get("timer_tree", 1), schedule.PID_BITS))))
    row = states(tmp_path)
    assert "the tick is not armed [refuted]" in messages(row), messages(row)


@pytest.mark.parametrize("name, what", [
    ("timer_armed", "the tick is not armed"), ("core_ranges", "a turn is too far away"),
    ("one_place", "who can run waits"), ("waiting_exact", "who waits for nothing does not run"),
    ("timer_leaf", "nobody's deadline")])
def test_the_invariants_are_needed(name: str, what: str, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    without = {n: rule for n, rule in spec.invariants().items() if n != name}
    every = progress._of_states
    monkeypatch.setattr(progress, "_of_states", lambda subject: [
        one for one in every(subject) if what in one[0].what])
    row = progress.prove_states(induct.Subject(CONSTANTS, "any state", spec.transition("self"),
                                               rules=without), tmp_path)
    assert what in messages(row), messages(row)


def test_invariants_that_let_nobody_be_ready_are_noticed(tmp_path: Path) -> None:
    nobody = Invariant("nobody_ready", ("pid",),
                       lambda r, p: r.o.not_(sets.has(r, sets.READY, p)))
    rules = {**spec.invariants(), nobody.name: nobody}
    row = progress.prove_states(induct.Subject(CONSTANTS, "any state", spec.transition("self"),
                                               rules=rules), tmp_path)
    assert "the invariants exclude a ready process beside one that runs" in messages(row)


def test_a_core_for_who_may_not_run_there_is_noticed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "following_both",
                        lambda t, members, others, pid: sets.following(t, members, pid))
    what = "who runs may not"
    row = row_of(spec.transition("yield"), tmp_path, what)
    assert f"{what}: not excluded" in messages(row), messages(row)


def any_core(t: Transition) -> Any:
    """As it once was: the first core that waits, whoever is ready."""
    return t.o.word(-1)


def test_a_call_of_another_core_is_noticed(tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "wanted", any_core)
    what = "a core waits for who is ready, and none is called"
    row = row_of(spec.transition("sched_kick"), tmp_path, what)
    assert f"{what}: not excluded" in messages(row), messages(row)


def test_who_stays_where_it_may_not_is_noticed(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "leave_here", lambda t: None)
    what = "who stays may not"
    row = row_of(spec.transition("leave_idle"), tmp_path, what)
    assert f"{what}: not excluded" in messages(row), messages(row)
