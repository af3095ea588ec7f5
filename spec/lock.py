# SPDX-License-Identifier: MIT
"""The kernel's one lock: its word, the steps of one core, and what the steps of all cores keep.

A ticket lock. Bits 31:16 of the word are the next ticket, bits 15:0 the one that is served. A
core loads the word exclusively (`mark`) and takes the next ticket by storing the word with
another next one, exclusively (`take`); if that store does not succeed it begins again (`fail`).
It has the lock if its ticket is served, at once or when a later load says so (`look`). To give
the lock back it loads what is served (`load`) and stores the following ticket there (`drop`).

Of exclusives (DDI 0487J.a, B2.9) no more is used than that a store does not succeed if anybody
has written to the word since the core's load; it may fail at any time. Words are of 64 bits,
with the operators of words.py: on Z3 terms, or on ints for runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

from .words import Ops, Truth, Word

HALF_BITS = 16
HALF, WHOLE = (1 << 16) - 1, (1 << 32) - 1
OUT, MARKED, WAITING, HOLDING, LEAVING = range(5)


def upcoming(o: Ops, word: Word) -> Word:
    """The next ticket of the lock's word."""
    return o.shr(word, HALF_BITS) & HALF


def served(word: Word) -> Word:
    """The ticket whose core has the lock."""
    return word & HALF


def taken(o: Ops, word: Word) -> Word:
    """The word when its next ticket is taken: modulo 2**32, so that nothing of the other half
    changes."""
    return o.add(word, 1 << HALF_BITS) & WHOLE


def following(o: Ops, ticket: Word) -> Word:
    """The ticket after that, modulo 2**16."""
    return o.add(ticket, 1) & HALF


@dataclass(frozen=True)
class Core:
    """`place` in its way through the lock, its `ticket`, what it has `seen` of the word before
    it stores, and whether nobody `is_fresh`: has written to the word since."""

    place: Word
    ticket: Word
    seen: Word
    is_fresh: Truth


@dataclass(frozen=True)
class Lock:
    """The word and all cores."""

    word: Word
    cores: tuple[Core, ...]


def first(count: int) -> Lock:
    """As the kernel is loaded: no ticket is out."""
    return Lock(0, (Core(OUT, 0, 0, False),) * count)


# ---- the steps of a core: what becomes of it, and the word that it stores, if it does --------

Done = tuple[Core, Word | None]


def mark(o: Ops, word: Word, core: Core) -> Done:
    """Loads the word exclusively."""
    return replace(core, place=MARKED, seen=word, is_fresh=True), None


def fail(o: Ops, word: Word, core: Core) -> Done:
    """The exclusive store does not succeed."""
    return replace(core, place=OUT, is_fresh=False), None


def take(o: Ops, word: Word, core: Core) -> Done:
    """It succeeds."""
    ticket = upcoming(o, core.seen)
    place = o.ite(ticket == served(core.seen), HOLDING, WAITING)
    return replace(core, place=place, ticket=ticket), taken(o, core.seen)


def look(o: Ops, word: Word, core: Core) -> Done:
    """Loads what is served."""
    return replace(core, place=o.ite(served(word) == core.ticket, HOLDING, WAITING)), None


def load(o: Ops, word: Word, core: Core) -> Done:
    """Loads it to give the lock back."""
    return replace(core, place=LEAVING, seen=served(word)), None


def drop(o: Ops, word: Word, core: Core) -> Done:
    """Stores the low half."""
    return replace(core, place=OUT), word & (WHOLE ^ HALF) | following(o, core.seen)


@dataclass(frozen=True)
class Step:
    """What a core does that is at `place`; if it `is_exclusive`, only while it is fresh."""

    place: int
    run: Callable[[Ops, Word, Core], Done]
    is_exclusive: bool = False


STEPS = {"mark": Step(OUT, mark), "fail": Step(MARKED, fail), "take": Step(MARKED, take, True),
         "look": Step(WAITING, look), "load": Step(HOLDING, load), "drop": Step(LEAVING, drop)}


def step(o: Ops, name: str, lock: Lock, at: int) -> tuple[Truth, Lock]:
    """That core `at` may do the step, and the lock afterwards. A store is seen by all."""
    what, core = STEPS[name], lock.cores[at]
    may = o.and_(core.place == what.place, o.or_(not what.is_exclusive, core.is_fresh))
    new, word = what.run(o, lock.word, core)
    cores = (*lock.cores[:at], new, *lock.cores[at + 1:])
    if word is None:
        return may, Lock(lock.word, cores)
    return may, Lock(word, tuple(replace(c, is_fresh=False) for c in cores))


# ---- what holds in every state -----------------------------------------------------------


def is_inside(o: Ops, core: Core) -> Truth:
    """Does it have the lock?"""
    return o.among(core.place, HOLDING, LEAVING)


def has_ticket(o: Ops, core: Core) -> Truth:
    """Has it taken one that it has not given back?"""
    return o.or_(core.place == WAITING, is_inside(o, core))


def distance(o: Ops, lock: Lock, core: Core) -> Word:
    """How often the lock is given back until the core's ticket is served."""
    return o.sub(core.ticket, served(lock.word)) & HALF


def tickets(o: Ops, lock: Lock) -> Word:
    """How many are out."""
    return o.sub(upcoming(o, lock.word), served(lock.word)) & HALF


def _count(o: Ops, lock: Lock) -> Word:
    count: Word = o.word(0)
    for core in lock.cores:
        count = o.add(count, o.ite(has_ticket(o, core), 1, 0))
    return count


def _each(o: Ops, lock: Lock, says: Callable[[Core], Truth]) -> Truth:
    return o.and_(*(says(core) for core in lock.cores))


def _has_owner(o: Ops, lock: Lock, ticket: int) -> Truth:
    return o.or_(*(o.and_(has_ticket(o, core), distance(o, lock, core) == ticket)
                   for core in lock.cores))


# The invariants that are about each core and the word alone.
OF_ONE_CORE = ("the word has 32 bits, a ticket 16", "who leaves has read what is served",
               "what an exclusive store replaces is what was read")


def invariants(o: Ops, lock: Lock) -> dict[str, Truth]:
    """Each by its words; together they hold after every step."""
    out = tickets(o, lock)
    return {
        "the word has 32 bits, a ticket 16": o.and_(
            o.ule(lock.word, WHOLE),
            _each(o, lock, lambda c: o.ule(c.ticket, HALF))),
        "as many tickets are out as cores have": out == _count(o, lock),
        "a core's ticket is out": _each(o, lock, lambda c: o.implies(
            has_ticket(o, c), o.ult(distance(o, lock, c), out))),
        "no two cores have one ticket": o.and_(*(
            o.not_(o.and_(has_ticket(o, a), has_ticket(o, b), a.ticket == b.ticket))
            for a, b in combinations(lock.cores, 2))),
        "each ticket that is out is a core's": o.and_(*(
            o.implies(o.ult(n, out), _has_owner(o, lock, n)) for n in range(len(lock.cores)))),
        "who has the lock is served": _each(o, lock, lambda c: o.implies(
            is_inside(o, c), distance(o, lock, c) == 0)),
        "who leaves has read what is served": _each(o, lock, lambda c: o.implies(
            c.place == LEAVING, c.seen == served(lock.word))),
        "what an exclusive store replaces is what was read": _each(o, lock, lambda c: o.implies(
            o.and_(c.place == MARKED, c.is_fresh), c.seen == lock.word)),
    }


def is_exclusive(o: Ops, lock: Lock) -> Truth:
    """No two cores have the lock."""
    return o.and_(*(o.not_(o.and_(is_inside(o, a), is_inside(o, b)))
                    for a, b in combinations(lock.cores, 2)))


# ---- order -------------------------------------------------------------------------------


def somebody_is_next(o: Ops, lock: Lock) -> Truth:
    """While a ticket is out, a core has the one that is served: it has the lock, or will when it
    looks. And nobody waits for more than all others."""
    bound = _each(o, lock, lambda c: o.implies(has_ticket(o, c),
                                               o.ult(distance(o, lock, c), len(lock.cores))))
    return o.and_(bound, o.implies(tickets(o, lock) != 0, _has_owner(o, lock, 0)))


def _stay(o: Ops, before: Lock, after: Lock, says: Callable[[Word, Word, int], Truth]) -> Truth:
    """Of each core that keeps its ticket: what is said of its distances, and its number."""
    return o.and_(*(o.implies(
        o.and_(has_ticket(o, old), has_ticket(o, new)),
        says(distance(o, before, old), distance(o, after, new), i))
        for i, (old, new) in enumerate(zip(before.cores, after.cores))))


def order(o: Ops, name: str, before: Lock, after: Lock, at: int) -> dict[str, Truth]:
    """What a step of core `at` does to who waits, by its words."""
    less = 1 if name == "drop" else 0
    found = {"each drop, and nothing else, brings who waits nearer by one": _stay(
        o, before, after, lambda old, new, i: o.add(new, less) == old)}
    if name == "take":
        mine = distance(o, after, after.cores[at])
        found["who asks later comes later"] = _stay(
            o, before, after, lambda _, other, i: o.or_(at == i, o.ult(other, mine)))
    return found
