# SPDX-License-Identifier: MIT
"""The tree of deadlines stays one (T3): setting a key, proved once for all states.

A transition then needs no look at the tree: each step must set a key that a leaf may have.
"""
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import spec
import z3
from spec.schedule import OFF, KeyStep, set_key
from spec.state import SymbolicState
from spec.transition import SymbolicTransition

from .counting import Claim
from .flags import as_term
from .lin import bv

RULES = frozenset({"timer_node", "timer_leaf"})


def _is_key(c: SimpleNamespace, step: KeyStep) -> z3.BoolRef:
    """The process is one of the tree's leaves, and the key off or the process's."""
    ops = SymbolicState().ops
    pid, key = ops.word(step.pid), ops.word(step.key)
    return z3.And(z3.ULT(pid, bv(c.HV_NPROC)), z3.Or(key == bv(OFF), key & bv(0xFF) == pid))


def lemmas(c: SimpleNamespace) -> Iterator[Claim]:
    """After set_key each node is the smaller of the two below, and each leaf has a key of its
    process."""
    before = SymbolicState("any.")
    pid, key, at = z3.BitVecs("p k at", 64)
    t = SymbolicTransition(c, before, False, False, ())
    set_key(t, pid, key)
    after = t.state
    for name in sorted(RULES):
        rule = spec.invariants()[name]
        goal = as_term(rule.holds(c, after, at))
        given = [_is_key(c, KeyStep(pid, key)), as_term(rule.holds(c, before, at))]
        yield Claim(f"set_key keeps {name}", tuple(given), goal, name, tuple(t.marks))


def obligations(c: SimpleNamespace, case: Any) -> Iterator[Claim]:
    """What a case must keep."""
    steps = [s for s in case.steps if isinstance(s, KeyStep)]
    updates = len(case.state.updates.get("timer_tree", ()))
    if updates != len(steps) * (c.TIMER_LEVELS + 1):
        yield Claim("timer_tree is changed otherwise", (), z3.BoolVal(False), "timer_node")
    for number, step in enumerate(steps):
        yield Claim(f"timer_leaf: key {number}", (), _is_key(c, step), "timer_leaf")
