# SPDX-License-Identifier: MIT
"""That `call_directly` is `call` (verif/direct.py): faults in either are noticed."""
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "spec")]

import spec  # noqa: E402
from constants import enumerators  # noqa: E402
from spec.transition import Part, Spec, Transition  # noqa: E402
from spec.transitions import direct as text  # noqa: E402
from spec.words import Truth, Word  # noqa: E402
from verif import direct  # noqa: E402

CONSTANTS = enumerators()
Text = Callable[..., Word]


def said(folder: Path) -> str:
    """What is wrong, a line for each failure."""
    return "\n".join(failure.what for failure in direct.prove(CONSTANTS, folder).failures)


def after(name: str, change: Callable[[Transition], None]) -> Spec:
    """The hypercall, which does something more before its message."""
    whole = spec.hypercalls()[name]

    def changed(t: Transition, handle: Word, deadline: Word, page: Word, passed: Word,
                w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
        change(t)
        return whole.text(t, handle, deadline, page, passed, w0, w1, w2, w3)
    return Spec(name, changed)


def test_they_are_the_same(tmp_path: Path) -> None:
    assert said(tmp_path) == ""


@pytest.mark.parametrize("name, change, what", [
    ("call", lambda t: t.set("sched.ticks", (), 0), "call_directly: sched.ticks differs"),
    ("reply_wait", lambda t: t.require(t.self != 1, t.c.HV_EPERM),
     "reply_directly: reply_wait is guard"),
])
def test_another_hypercall_is_noticed(name: str, change: Callable[[Transition], None], what: str,
                                      tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**spec.hypercalls(), name: after(name, change)}
    monkeypatch.setattr(spec, "hypercalls", lambda: changed)
    assert what in said(tmp_path)


def test_who_becomes_ready_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = spec.parts()["call_directly"]

    def waking(t: Transition, *args: Word) -> Word:
        t.set(direct.READY, (0,), 6)
        return part.text(t, *args)
    changed = {**spec.parts(), "call_directly": Woken("call_directly", waking, part.given)}
    monkeypatch.setattr(spec, "parts", lambda: changed)
    assert "call_directly: somebody becomes ready" in said(tmp_path)


def test_more_calls_than_it_may_have_are_noticed(tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """If it asked for less, the hypercall would go other ways."""
    part = spec.parts()["call_directly"]

    def given(t: Transition, *args: Word) -> Truth:
        return t.o.and_(text.names_endpoint(t, args[0], t.c.HV_RIGHT_WRITE),
                        t.o.ult(args[0], t.c.HV_NHANDLE))
    changed = {**spec.parts(), "call_directly": Part("call_directly", part.text, given)}
    monkeypatch.setattr(spec, "parts", lambda: changed)
    assert "call_directly: call is" in said(tmp_path)


class Woken(Part):
    """With the parameters of the part that it stands for."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return spec.hypercalls()["call"].parameters
