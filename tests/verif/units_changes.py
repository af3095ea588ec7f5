# SPDX-License-Identifier: MIT
"""Updates of a path beside those of the specification: what is taken for the same must be so."""
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import z3

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from snippets import KERNEL  # noqa: E402
from spec.state import SymbolicState  # noqa: E402
from spec.transition import Transition  # noqa: E402
from spec.words import Word  # noqa: E402
from verif import boot, changes  # noqa: E402
from verif.lin import bv  # noqa: E402
from verif.memory import PAGE_WORDS, CellWrite, PageCopy, PageZero, Update  # noqa: E402
from verif.plan import Plan  # noqa: E402
from verif.result import Row  # noqa: E402

TO, FROM, VALUE, OTHER = z3.BitVecs("to from value other", 64)
FIRST = CellWrite((TO, bv(3)), VALUE)
COPY = PageCopy(TO, FROM, (FIRST,))
SAID = SymbolicState().set("pages", (TO, 3), VALUE).copy_page(TO, FROM)


def pairs(made: tuple[Update, ...], said: SymbolicState) -> list[tuple[str, str]] | None:
    """Those that are not plainly equal, as text."""
    found = changes.pairs(made, said.updates["pages"])
    return None if found is None else [(str(a), str(b)) for a, b in found if not a.eq(b)]


def test_the_same_updates_are_equal() -> None:
    assert pairs((FIRST, COPY), SAID) == []
    assert pairs((PageZero(TO, 0, PAGE_WORDS),), SymbolicState().zero_page(TO)) == []


def test_what_is_copied_must_be_equal() -> None:
    assert pairs((FIRST, replace(COPY, source=OTHER)), SAID) == [("other", "from")]
    assert pairs((FIRST, replace(COPY, page=OTHER)), SAID) == [("other", "to")]


@pytest.mark.parametrize("made", [
    (FIRST, replace(COPY, older=())),                       # not what the page has by then
    (FIRST, replace(COPY, older=(CellWrite((TO, bv(3)), OTHER),))),
    (PageCopy(TO, FROM, ()), FIRST),                        # the other order
    (FIRST, PageZero(TO, 0, PAGE_WORDS)),                   # not copied
    (FIRST,),
], ids=("nothing before", "another before", "order", "zero", "left out"))
def test_other_updates_are_noticed(made: tuple[Update, ...]) -> None:
    assert pairs(made, SAID) is None


def test_a_part_of_a_page_is_not_all() -> None:
    assert pairs((PageZero(TO, 0, PAGE_WORDS - 1),), SymbolicState().zero_page(TO)) is None


def test_the_last_of_two_writes_counts() -> None:
    twice = SymbolicState().set("pages", (TO, 3), OTHER).set("pages", (TO, 3), VALUE)
    assert pairs((FIRST,), twice) == []
    between = SymbolicState().set("pages", (TO, 3), OTHER).set("pages", (FROM, 3), VALUE).set(
        "pages", (TO, 3), VALUE)
    assert pairs((FIRST,), between) is None
    assert pairs((FIRST, CellWrite((TO, bv(4)), OTHER)), SAID) is None


# ---- the real clone -------------------------------------------------------------------------


def cloned(folder: Path) -> Row:
    """T1 of it."""
    call = next(call for call in KERNEL.hypercalls if call.name == "clone")
    plan = Plan(KERNEL, folder, ("T1",), boot.files(KERNEL, None), ())
    (row,) = (row for job in plan.jobs((call,), ()) for row in job.work())
    return row


def _copies_elsewhere(t: Transition, to: Word, source: Word) -> None:
    t.become(t.state.copy_page(t.o.add(to, 1), source))


def _zeroes(t: Transition, to: Word, source: Word) -> None:
    t.zero_page(to)


@pytest.mark.parametrize("wrong", [_copies_elsewhere, _zeroes])
def test_another_context_is_noticed(wrong: Callable[[Transition, Word, Word], None],
                                    tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cloned(tmp_path).passed
    monkeypatch.setattr(Transition, "copy_page", wrong)
    wrongs = [failure.what for failure in cloned(tmp_path).failures]
    assert wrongs and all(what.startswith("pages differs from case ") for what in wrongs), wrongs
