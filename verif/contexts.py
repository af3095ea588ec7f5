# SPDX-License-Identifier: MIT
"""Words of contexts, forgotten: for T3 of what is said of tables.

An IPC writes a dozen words of two context pages. An invariant that reads no such word needs no
more of them than which pages they are in: here these pages have any words. What is proved of
any words holds of the true ones; where it is not proved, the true ones decide.
"""
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from types import SimpleNamespace

import z3
from spec.state import Update

from .naming import Names

PAGES, CONTEXT, TYPE = "pages", "procs.ctx", "page_descs.type"
FORGOTTEN = "forgotten"
Updates = dict[str, tuple[Update, ...]]


def _is_context_of(term: z3.ExprRef) -> bool:
    """Is the page written as some process's context?"""
    return term.num_args() == 1 and term.decl().name() == CONTEXT


def are_read(term: z3.BoolRef, names: Names) -> bool:
    """Does it read a word of a context?"""
    return any(one.name == PAGES and _is_context_of(one.key[0])
               for part in (term, *names.defining((term,)).values())
               for one in names.applications(part))


def _becomes_context(c: SimpleNamespace, updates: Updates) -> Iterator[int]:
    for update in updates.get(TYPE, ()):
        if z3.is_bv_value(update.value) and update.value.as_long() == c.HV_PAGE_CTX:
            yield update.key[0].get_id()


def _any_words(page: z3.BitVecRef, run: int) -> Update:
    """All words of the page are any."""
    sort = z3.BitVecSort(64)
    words = z3.Function(f"{FORGOTTEN}!{run}", sort, sort, sort)
    return Update((page,), content=lambda word: words(page, word))


@dataclass
class Forgotten:
    """Updates that stand for others; those of the same pages in the same order are the same."""

    known: dict[tuple[int, int], Update] = field(default_factory=dict)

    def of(self, c: SimpleNamespace, updates: Updates) -> Updates:
        """The updates after which contexts that were written have any words; the same updates,
        if none was."""
        new = set(_becomes_context(c, updates))
        found: list[Update] = []
        is_any = False
        runs = groupby(updates.get(PAGES, ()), key=lambda update: update.key[0].get_id())
        for run, (number, group) in enumerate(runs):
            some = list(group)
            page = some[0].key[0]
            if _is_context_of(page) or number in new:
                found.append(self.known.setdefault((number, run), _any_words(page, run)))
                is_any = True
            else:
                found += some
        return {**updates, PAGES: tuple(found)} if is_any else updates
