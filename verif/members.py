# SPDX-License-Identifier: MIT
"""Who is in a set, without its words: for T3, T5 and T9.

A set of processes has a bit of a word for each. That bit is followed through all that was done
to the word, down to the words of the state before, and there it is `bit64`, a function known by
its facts. So are `following`, who follows in a set, and `places`, how far it is to a turn. What
is proved of any functions with these facts holds of the real ones, which have them (`lemmas`);
and no shift by an unknown number is left for a solver. `meanings` are for when facts are too few.
"""
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations
from types import SimpleNamespace

import z3
from spec import progress, sets
from spec.words import Word, Z3Ops

from . import parts
from .counting import Claim
from .flags import as_term
from .lin import bv
from .naming import TRAILING, Names, SharedOps

BIT, FOLLOWING, PLACES = BY_FACTS = "bit64", "following", "places"
WIDTH = 64
PIDS = WIDTH * sets.WORDS     # in a set
Rule = Callable[["MemberNames", z3.BitVecRef, z3.BitVecRef], z3.BoolRef]


def bit_of(word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
    """Bit `at`, less than 64, of a bv64."""
    sort = z3.BitVecSort(WIDTH)
    return z3.Function(BIT, sort, sort, z3.BoolSort())(word, at)


def is_call(term: z3.ExprRef, name: str) -> bool:
    """Is the term that function of something?"""
    return term.num_args() > 0 and term.decl().name() == name


def _meaning(leaf: z3.BoolRef) -> z3.BoolRef:
    return leaf == (z3.LShR(leaf.arg(0), leaf.arg(1)) & bv(1) == bv(1))


def _number(names: "MemberNames", word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
    value = word.as_long()
    if value in (0, (1 << word.size()) - 1):
        return z3.BoolVal(value != 0)
    return z3.Or(*(at == bv(n) for n in range(word.size()) if value >> n & 1))


def _shifted(names: "MemberNames", word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
    """What is shifted left is 1, or all ones, or it is by a known number."""
    value, by = word.children()
    if z3.is_bv_value(value) and value.as_long() == 1:
        return at == by
    if z3.is_bv_value(value) and value.as_long() == (1 << WIDTH) - 1:
        return z3.ULE(by, at)
    if z3.is_bv_value(by):
        return z3.And(z3.ULE(by, at), names.bit(value, at - by))
    return bit_of(word, at)


def _joined(names: "MemberNames", word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
    """The last part has the low bits."""
    found, low = z3.BoolVal(False), 0
    for part in reversed(word.children()):
        here = z3.And(z3.ULE(bv(low), at), z3.ULT(at, bv(low + part.size())))
        found = z3.Or(found, z3.And(here, names.bit(part, at - bv(low))))
        low += part.size()
    return found


RULES: dict[int, Rule] = {
    z3.Z3_OP_BNUM: _number,
    z3.Z3_OP_BSHL: _shifted,
    z3.Z3_OP_CONCAT: _joined,
    z3.Z3_OP_EXTRACT: lambda n, w, at: n.bit(w.arg(0), at + bv(w.params()[1])),
    z3.Z3_OP_BNOT: lambda n, w, at: z3.Not(n.bit(w.arg(0), at)),
    z3.Z3_OP_BAND: lambda n, w, at: z3.And(*(n.bit(x, at) for x in w.children())),
    z3.Z3_OP_BOR: lambda n, w, at: z3.Or(*(n.bit(x, at) for x in w.children())),
    z3.Z3_OP_ITE: lambda n, w, at: z3.If(w.arg(0), n.bit(w.arg(1), at), n.bit(w.arg(2), at)),
}


@dataclass
class MemberNames(Names):
    """Names under which only identical terms are one; the bits of words; what functions are
    that a specification says are known by facts."""

    is_sweeping: bool = False
    bits: dict[tuple[int, int], z3.BoolRef] = field(default_factory=dict)
    values: dict[int, z3.BoolRef] = field(default_factory=dict)
    called: dict[int, list[z3.ExprRef]] = field(default_factory=dict)

    def bit(self, word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
        """Bit `at` of the word, if it has so many."""
        key = (word.get_id(), at.get_id())
        if key not in self.bits:
            self.kept += [word, at]
            self.bits[key] = z3.simplify(self._bit(word, z3.simplify(at)))
        return self.bits[key]

    def _bit(self, word: z3.BitVecRef, at: z3.BitVecRef) -> z3.BoolRef:
        kind = word.decl().kind()
        if kind in RULES:
            return RULES[kind](self, word, at)
        if word.num_args() == 0 and word.decl().name() in self.equations:
            return self.bit(self.equations[word.decl().name()].arg(1), at)
        return bit_of(z3.ZeroExt(WIDTH - word.size(), word), at)

    def call(self, name: str, value: z3.BitVecRef, arguments: tuple[Word, ...]) -> z3.BitVecRef:
        """A function of that name in place of the value."""
        sorts = [z3.BitVecSort(WIDTH)] * (len(arguments) + 1)
        found = z3.Function(name, *sorts)(*(z3.simplify(x) for x in arguments))
        self.kept.append(found)
        self.values[found.get_id()] = found == value
        return found

    def meanings(self, terms: Iterable[z3.ExprRef]) -> tuple[z3.BoolRef, ...]:
        """What all functions in the terms are that are known by facts elsewhere."""
        found: dict[int, z3.BoolRef] = {}
        todo = list(terms)
        while todo:
            new = [todo.pop()]
            for part in self.calls(new):
                if part.get_id() in found:
                    continue
                if is_call(part, BIT):
                    found[part.get_id()] = _meaning(part)
                elif part.get_id() in self.values:
                    found[part.get_id()] = self.values[part.get_id()]
                    todo.append(found[part.get_id()])
        return tuple(found.values())

    def calls(self, terms: Iterable[z3.ExprRef]) -> list[z3.ExprRef]:
        """What is known by facts in the terms and in the equations of their names, each once."""
        terms = tuple(terms)
        return list({part.get_id(): part for term in (*terms, *self.defining(terms).values())
                     for part in self._called(term)}.values())

    def _called(self, term: z3.ExprRef) -> list[z3.ExprRef]:
        known = self.called.get(term.get_id())
        if known is None:
            known = [parts.at(part, term) for part, count, function in self.parts.of(term)
                     if count and function.name in BY_FACTS]
            self.kept.append(term)
            self.called[term.get_id()] = known
        return known

    def fact(self, part: z3.ExprRef) -> z3.BoolRef | None:
        """See Names."""
        if is_call(part, BIT):
            word, at = part.children()
            return _meaning(part) if z3.is_bv_value(at) else z3.Implies(word == 0, z3.Not(part))
        if is_call(part, FOLLOWING):
            return self._is_member(part)
        if not is_call(part, TRAILING):
            return None
        value = part.arg(0)
        return z3.If(value == 0, part == 64, z3.And(z3.ULT(part, bv(64)), self.bit(value, part)))

    def _has(self, own: z3.BitVecRef, other: z3.BitVecRef, home: z3.BitVecRef,
             pid: z3.BitVecRef) -> z3.BoolRef:
        """Is pid in the set of two words, of which `own` has the bit of `home`?"""
        return z3.If(z3.LShR(pid, 6) == z3.LShR(home, 6), self.bit(own, pid & 63),
                     self.bit(other, pid & 63))

    def _is_member(self, found: z3.BitVecRef) -> z3.BoolRef:
        """What is known of who follows in a set."""
        own, other, pid = found.children()
        return z3.Implies(z3.ULT(pid, bv(PIDS)), z3.If(
            z3.And(own == 0, other == 0), found == 0,
            z3.And(z3.ULT(found, bv(PIDS)), self._has(own, other, pid, found))))

    def nobody_between(self, found: z3.BitVecRef, pid: z3.BitVecRef) -> z3.BoolRef:
        """What T9 uses besides: of who follows another in a set of which pid is a member."""
        own, other, another = found.children()
        is_member = z3.And(z3.ULT(another, bv(PIDS)), z3.ULT(pid, bv(PIDS)),
                           self._has(own, other, another, pid))
        after, before = z3.ULT(another, found), z3.ULE(found, pid)
        return z3.Implies(is_member, z3.And(z3.Or(own != 0, other != 0), z3.If(
            z3.ULT(another, pid), z3.And(after, before), z3.Or(after, before))))


def compared(one: z3.BitVecRef, other: z3.BitVecRef) -> z3.BoolRef:
    """What T9 uses of two numbers of places to the same turn."""
    (turn, pid), other_turn = one.children(), other.arg(0)
    inside = z3.And(*(z3.And(z3.ULT(bv(0), x), z3.ULT(x, bv(PIDS)))
                      for x in (turn, pid, other_turn)))
    fewer = as_term(progress.fewer_places(Z3Ops(), turn, other_turn, pid))
    return z3.Implies(inside, z3.ULT(one, other) == fewer)


@dataclass(frozen=True)
class MemberOps(SharedOps):
    """Words of the specification, of which single bits are looked at."""

    names: MemberNames

    def bit(self, a: z3.BitVecRef, n: z3.BitVecRef) -> z3.BoolRef:
        """Bit n of a."""
        return self.names.bit(self.word(a), self.word(n))

    def by_facts(self, name: str, value: z3.BitVecRef, *arguments: Word) -> z3.BitVecRef:
        """A function of that name."""
        return self.names.call(name, value, tuple(self.word(x) for x in arguments))


def besides(names: MemberNames, terms: Iterable[z3.ExprRef],
            pid: z3.BitVecRef) -> Iterator[z3.BoolRef]:
    """All that T9 uses besides, of the functions in the terms."""
    found = names.calls(terms)
    for part in found:
        if is_call(part, FOLLOWING):
            yield names.nobody_between(part, pid)
    for one, other in permutations([p for p in found if is_call(p, PLACES)], 2):
        if one.arg(1).eq(other.arg(1)):
            yield compared(one, other)


def lemmas(c: SimpleNamespace) -> Iterator[Claim]:
    """The real functions have these facts."""
    o, names = Z3Ops(), MemberNames()
    own, other, pid, another, turn, next_turn = z3.BitVecs("own other p q t u", WIDTH)
    bit = bit_of(own, another)
    found = names.call(FOLLOWING, sets.first_after(o, own, other, pid), (own, other, pid))
    far, near = (names.call(PLACES, progress.places_from(o, c.HV_NPROC, at, pid), (at, pid))
                 for at in (turn, next_turn))
    for name, fact, text in (
            ("bit", names.fact(bit), sets.has), ("following", names.fact(found), sets.first_after),
            ("nobody between", names.nobody_between(found, another), sets.first_after),
            ("places", compared(far, near), progress.fewer_places)):
        assert fact is not None
        yield Claim(f"facts of {name}", names.meanings((fact,)), fact, text=text)
