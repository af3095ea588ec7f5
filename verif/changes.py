# SPDX-License-Identifier: MIT
"""What a path does to a table beside what the specification does: update by update, in order."""
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import is_

import spec.state
import z3

from .lin import bv
from .memory import PAGE_WORDS, CellWrite, PageCopy, Update


@dataclass(frozen=True)
class Change:
    """One update: a cell of the table, or a whole page that is zeroed or copied; and the words
    that say where and what."""

    kind: str
    words: tuple[z3.BitVecRef, ...]


def _made(updates: tuple[Update, ...]) -> Iterator[Change | None]:
    """Those of a path; None for what no specification says in one."""
    for at, update in enumerate(updates):
        if isinstance(update, CellWrite):
            yield Change("cell", (*update.indices, update.value))
        elif isinstance(update, PageCopy):
            is_of_now = len(update.older) == at and all(map(is_, update.older, updates))
            yield Change("copy", (update.page, update.source)) if is_of_now else None
        else:
            yield Change("zero", (update.page,)) if update.count == PAGE_WORDS else None


def _said(updates: tuple[spec.state.Update, ...]) -> Iterator[Change]:
    """Those of the specification; of some words of a page one by one."""
    for update in updates:
        if update.content is None:
            yield Change("cell", (*update.key, update.value))
        elif update.words is not None:
            first, count = update.words
            for index in (bv(first + k) for k in range(count)):
                yield Change("cell", (*update.key, index, update.content(index)))
        elif update.source is not None:
            yield Change("copy", (*update.key, update.source))
        else:
            yield Change("zero", update.key)


def _is_undone(one: Change | None, following: Change | None) -> bool:
    """Is the same cell written again at once?"""
    return one is not None and following is not None and one.kind == following.kind == "cell" and \
        all(a.eq(b) for a, b in zip(one.words[:-1], following.words[:-1]))


def _lasting(some: Iterable[Change | None]) -> list[Change | None]:
    """Without those that are undone."""
    found = [*some, None]
    return [one for one, following in pairwise(found) if not _is_undone(one, following)]


def pairs(made: tuple[Update, ...], said: tuple[spec.state.Update, ...],
          ) -> list[tuple[z3.ExprRef, z3.ExprRef]] | None:
    """What must be equal if both are the same updates in the same order; None if they are not of
    the same kinds."""
    actual, wanted = _lasting(_made(made)), _lasting(_said(said))
    if len(actual) != len(wanted):
        return None
    found: list[tuple[z3.ExprRef, z3.ExprRef]] = []
    for one, other in zip(actual, wanted):
        if one is None or other is None or one.kind != other.kind:
            return None
        found += zip(one.words, other.words)
    return found


def places(made: tuple[Update, ...], said: tuple[spec.state.Update, ...],
           ) -> Iterator[tuple[z3.BitVecRef, ...]]:
    """Indices of what either writes; of a page those of its first word."""
    for change in (*_made(made), *_said(said)):
        if change is not None and change.kind == "cell":
            yield change.words[:-1]
        elif change is not None:
            yield change.words[0], bv(0)
