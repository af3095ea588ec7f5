# SPDX-License-Identifier: MIT
"""Sets of processes: bit p % 64 of word p / 64. A `SetOf` says which set, for example
`SetOf("files.senders.word", (file,))`; pids are in range (their guards come before)."""

from __future__ import annotations

from dataclasses import dataclass

from .transition import Reader, Transition
from .words import Ops, Truth, Word

WORDS = 2       # that `following` looks at: HV_SET_WORDS


@dataclass(frozen=True)
class SetOf:
    """The name of the function and all its indices but the last."""

    name: str
    key: tuple[Word, ...] = ()


READY = SetOf("sched.ready.word")


def senders(file: Word) -> SetOf:
    """Who is blocked in send or call at an endpoint; in wait, at the console."""
    return SetOf("files.senders.word", (file,))


def receivers(file: Word) -> SetOf:
    """Who is blocked in recv or reply_wait at an endpoint; in console_read, at the console."""
    return SetOf("files.receivers.word", (file,))


def callers(pid: Word) -> SetOf:
    """Who waits for pid's reply."""
    return SetOf("procs.callers.word", (pid,))


def allowed(cpu: Word) -> SetOf:
    """Who may run on a core, alive or not."""
    return SetOf("sched.cpus.allowed.word", (cpu,))


def zombies(pid: Word) -> SetOf:
    """pid's dead children."""
    return SetOf("procs.zombies.word", (pid,))


def has(r: Reader, members: SetOf, pid: Word) -> Truth:
    """pid is a member."""
    o = r.o
    return o.bit(r.get(members.name, *members.key, o.shr(pid, 6)), pid & 63)


def is_empty(r: Reader, members: SetOf) -> Truth:
    """Nobody is a member."""
    words = [r.get(members.name, *members.key, w) for w in range(WORDS)]
    return (words[0] | words[1]) == 0


def have_common(r: Reader, members: SetOf, others: SetOf) -> Truth:
    """Somebody is a member of both."""
    words = [r.get(members.name, *members.key, w) & r.get(others.name, *others.key, w)
             for w in range(WORDS)]
    return (words[0] | words[1]) != 0


def add(t: Transition, members: SetOf, pid: Word, if_: Truth = True) -> None:
    """pid becomes a member, if the condition holds."""
    key = (*members.key, t.o.shr(pid, 6))
    bit = t.o.ite(if_, t.o.shl(1, pid & 63), 0)
    t.set(members.name, key, t.get(members.name, *key) | bit)


def remove(t: Transition, members: SetOf, pid: Word) -> None:
    """pid is no member any more."""
    key = (*members.key, t.o.shr(pid, 6))
    others = t.o.inv(t.o.shl(1, pid & 63))
    t.set(members.name, key, t.get(members.name, *key) & others)


def wake_all(t: Transition, members: SetOf) -> None:
    """Every member becomes ready, and the set empty."""
    for w in range(WORDS):
        key = (*members.key, w)
        t.set(READY.name, (w,), t.get(READY.name, w) | t.get(members.name, *key))
        t.set(members.name, key, 0)


def following(t: Transition, members: SetOf, pid: Word) -> Word:
    """The member that follows pid in circular order, pid itself last; 0 if there is none."""
    own, other = _words_from(t, members, pid)
    return t.o.by_facts("following", first_after(t.o, own, other, pid), own, other, pid)


def following_both(t: Transition, members: SetOf, others: SetOf, pid: Word) -> Word:
    """The same, of those that are members of both."""
    (own, other), (own_too, other_too) = (_words_from(t, each, pid) for each in (members, others))
    own, other = own & own_too, other & other_too
    return t.o.by_facts("following", first_after(t.o, own, other, pid), own, other, pid)


def _words_from(r: Reader, members: SetOf, pid: Word) -> tuple[Word, Word]:
    """The word that has pid's bit, and the other."""
    home = r.o.shr(pid, 6)
    return (r.get(members.name, *members.key, home), r.get(members.name, *members.key, home ^ 1))


def first_after(o: Ops, own: Word, other: Word, pid: Word) -> Word:
    """The same, of the word that has pid's bit and the word that has not."""
    home = o.shr(pid, 6)
    after = o.shl(o.shl(o.inv(0), pid & 63), 1)
    low = o.inv(after)
    bits = o.ite((own & after) != 0, own & after, o.ite(other != 0, other, own & low))
    word = o.ite(o.or_((own & after) != 0, other == 0), home, home ^ 1)
    return o.ite(bits == 0, 0, o.add(o.shl(word, 6), o.ctz(bits)))


def lowest(t: Transition, members: SetOf) -> Word:
    """The member with the smallest number; 0 if there is none."""
    low, high = (t.get(members.name, *members.key, w) for w in range(WORDS))
    return _lowest_of(t.o, low, high)


def lowest_near(t: Transition, members: SetOf, others: SetOf) -> Word:
    """The same, of those that are members of both; if there is none, of all members."""
    o, all_ = t.o, [t.get(members.name, *members.key, w) for w in range(WORDS)]
    near = [x & t.get(others.name, *others.key, w) for w, x in enumerate(all_)]
    is_near = (near[0] | near[1]) != 0
    return _lowest_of(o, *(o.ite(is_near, x, y) for x, y in zip(near, all_)))


def _lowest_of(o: Ops, low: Word, high: Word) -> Word:
    return o.ite(low != 0, o.ctz(low), o.ite(high != 0, o.add(o.ctz(high), 64), 0))
