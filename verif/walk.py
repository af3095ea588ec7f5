# SPDX-License-Identifier: MIT
"""That the memory of a process is isolated, one level of its translation tables after the other.

Asked of all four levels at once the solver takes ten times as long. So it is shown what a
walk may have come to at each level, of any table there, and that the statement of
spec/isolation.py follows from that. None of this is assumed: each claim is a query of its own.
"""
from collections.abc import Iterator
from typing import Any

import z3
from spec import descriptor as d
from spec import isolation
from spec.transition import Reader
from spec.words import Truth, Word

from .flags import as_term

LEVELS = 4


def is_reached(r: Reader, pid: Word, table: Word, level: int) -> Truth:
    """A table of the process or of the read-only view, of this level or one above: the entry that
    names its own table keeps a walk where it is."""
    o, c = r.o, r.c
    kinds = (c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3)[:level + 1]
    own = o.and_(r.get("page_descs.owner", table) == pid,
                 o.among(r.get("page_descs.type", table), *kinds))
    view = r.get("ghost.view_level", table)
    return o.and_(o.ult(table, c.HV_NPAGE), o.or_(own, o.and_(view != 0, o.ule(view, level))))


def step(r: Reader, pid: Word, table: Word, index: Word, level: int) -> z3.BoolRef:
    """An entry of such a table leads to one of the next level, or the walk ends well."""
    o, entry = r.o, r.get("pages", table, index)
    if level == LEVELS - 1:
        goal = o.implies(o.any_bit(entry, d.AF), isolation.leaf_is_isolated(r, pid, entry))
    else:
        goal = o.and_(o.not_(o.any_bit(entry, d.HIERARCHICAL)),
                      is_reached(r, pid, d.page_at(r.state, entry), level + 1))
    return as_term(o.implies(o.and_(is_reached(r, pid, table, level), d.is_valid(o, entry)),
                             o.and_(o.any_bit(entry, d.TABLE_OR_PAGE), goal)))


def _begins(r: Reader, pid: z3.BitVecRef) -> z3.BoolRef:
    return as_term(is_reached(r, pid, r.get("procs.root", pid), 0))


def claims(c: Any, s: Any, pid: z3.BitVecRef) -> Iterator[tuple[str, z3.BoolRef]]:
    """What to show of a process and its root, and of any table and index at each level."""
    r = Reader(c, s)
    table, index = z3.BitVecs("any!table any!index", 64)
    lives = as_term(isolation.may_walk(r, pid, (index,)))
    yield "root of a walk", z3.Implies(lives, _begins(r, pid))
    for level in range(LEVELS):
        yield f"level-{level} of a walk", z3.Implies(lives, step(r, pid, table, index, level))


def known(c: Any, s: Any, pid: z3.BitVecRef,
          indices: tuple[z3.BitVecRef, ...]) -> tuple[z3.BoolRef, ...]:
    """What `claims` say of the walk by these indices."""
    r = Reader(c, s)
    lives = as_term(isolation.may_walk(r, pid, indices))
    table, found = r.get("procs.root", pid), [_begins(r, pid)]
    for level, index in enumerate(indices):
        found.append(step(r, pid, table, index, level))
        table = d.page_at(s, r.get("pages", table, index))
    return tuple(z3.Implies(lives, term) for term in found)
