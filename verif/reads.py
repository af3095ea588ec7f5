# SPDX-License-Identifier: MIT
"""Where invariants are worth using: the indices at which a formula reads the state."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import z3
from spec.invariants import Invariant
from spec.state import FIELDS

from .naming import Names

Key = tuple[z3.BitVecRef, ...]
# Sets of something else than processes, and what their members are.
SETS_OF = {"procs.irqs_pending.word": "irq"}
# A core and a process also meet where no set of the core's is read: who runs there.
APART = "sched.cpus.allowed.word"
# Kinds of which some function of the state, or a set and its members, has indices.
TOGETHER = frozenset((*kinds[:-1], SETS_OF.get(name, "pid")) if kinds[-1:] == ("set_word",)
                     else kinds for name, kinds in FIELDS.items() if name != APART)
ORDERED = ("_count_exact", "_slot_inverse", "_at_inverse")


def member_of(word: z3.BitVecRef) -> z3.BitVecRef | None:
    """p, if this is the index of the word of a set that has p's bit: p / 64."""
    if z3.is_app_of(word, z3.Z3_OP_BLSHR) and word.arg(1).eq(z3.BitVecVal(6, 64)):
        return word.arg(0)
    if z3.is_app_of(word, z3.Z3_OP_CONCAT) and word.num_args() == 2:
        part = word.arg(1)
        if z3.is_bv_value(word.arg(0)) and word.arg(0).as_long() == 0 and \
                z3.is_app_of(part, z3.Z3_OP_EXTRACT) and part.params() == [63, 6]:
            return part.arg(0)
    return None


@dataclass
class Reads:
    """Indices: alone by kind, together by the kinds of their function."""

    terms: dict[str, dict[int, z3.BitVecRef]] = field(default_factory=dict)
    keys: dict[tuple[str, ...], dict[tuple[int, ...], Key]] = field(default_factory=dict)
    members: dict[tuple[str, ...], dict[tuple[int, ...], Key]] = field(default_factory=dict)
    whole: dict[tuple[str, ...], dict[tuple[int, ...], Key]] = field(default_factory=dict)

    def index(self, kind: str, term: z3.BitVecRef) -> None:
        """One index alone."""
        self.terms.setdefault(kind, {})[term.get_id()] = term

    def note(self, name: str, key: Key) -> None:
        """One read of a function of the state."""
        kinds = FIELDS[name]
        for kind, term in zip(kinds, key):
            self.index(kind, term)
        member = member_of(key[-1]) if kinds[-1:] == ("set_word",) else None
        members = (*kinds[:-1], SETS_OF.get(name, "pid"))
        if member is not None:
            about = (*key[:-1], member)
            self.index(members[-1], member)
            self.members.setdefault(members, {})[tuple(t.get_id() for t in about)] = about
        elif kinds[-1:] == ("set_word",) and len(key) > 1:
            self.whole.setdefault(members, {})[tuple(t.get_id() for t in key[:-1])] = key[:-1]
        elif len(key) > 1:
            self.keys.setdefault(kinds, {})[tuple(t.get_id() for t in key)] = key

    def scan(self, terms: Iterable[object], names: Names) -> Reads:
        """All reads in the terms and in what their names stand for."""
        roots = [t for t in terms if isinstance(t, z3.ExprRef)]
        for root in (*roots, *names.defining(roots).values()):
            for name, key in names.applications(root):
                if name in FIELDS:
                    self.note(name, key)
        return self

    def joined(self, other: Reads) -> Reads:
        """Those of both."""
        both = Reads()
        for reads in (self, other):
            for mine, theirs in ((both.terms, reads.terms), (both.keys, reads.keys),
                                 (both.members, reads.members), (both.whole, reads.whole)):
                for kind, found in theirs.items():
                    mine.setdefault(kind, {}).update(found)
        return both

    def tuples(self, rule: Invariant) -> list[Key]:
        """Where to use an invariant. Anything may be a member of a set that is read whole."""
        if not rule.kinds:
            return [()]
        if len(rule.kinds) == 1:
            return [(t,) for t in self.terms.get(rule.kinds[0], {}).values()]
        if rule.kinds not in TOGETHER:
            return list(product(*(self.terms.get(kind, {}).values() for kind in rule.kinds)))
        member = rule.kinds[-1]
        is_of_sets = member in ("pid", *SETS_OF.values()) and not rule.name.endswith(ORDERED)
        if not is_of_sets:
            return list(self.keys.get(rule.kinds, {}).values())
        found = dict(self.members.get(rule.kinds, {}))
        for of in self.whole.get(rule.kinds, {}).values():
            for one in self.terms.get(member, {}).values():
                key = (*of, one)
                found.setdefault(tuple(t.get_id() for t in key), key)
        return list(found.values())
