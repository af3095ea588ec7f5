# SPDX-License-Identifier: MIT
"""Every process that can run does so within a bounded number of ticks (theorem T9).

The statements about one transition are pieces of one argument (docs/verify.md): turns go round,
a ready process stays ready until its turn, no turn passes it over, and a tick ends the turn of
whoever runs. `places` is the bound: at most HV_NPROC - 1.
"""

from __future__ import annotations

from typing import Any

from . import sets
from .schedule import may_run, runs
from .sets import READY
from .state import State
from .transition import Reader
from .vocabulary import in_state, is_pid
from .words import Ops, Truth, Word

PID_BITS = 8        # of a word of timer_tree: deadline << 8 | pid
OFF = (1 << 64) - 1


def places_from(o: Ops, count: int, turn: Word, pid: Word) -> Word:
    """How many turns end until it is pid's, if everybody between wants one: pids go round
    from 1 to count - 1."""
    return o.ite(o.ult(turn, pid), o.sub(pid, turn), o.sub(o.add(pid, count - 1), turn))


def _turn(s: State) -> Word:
    return s.get("sched.cpus.turn", s.get("sys.cpu"))


def places(c: Any, s: State, pid: Word) -> Word:
    """The same, from the turn that it is on the core."""
    return places_from(s.ops, c.HV_NPROC, _turn(s), pid)


def _places(c: Any, s: State, pid: Word) -> Word:
    """The same, of which only what is more and what is less is asked."""
    return s.ops.by_facts("places", places(c, s, pid), _turn(s), pid)


def fewer_places(o: Ops, turn: Word, other: Word, pid: Word) -> Truth:
    """There are fewer from this turn to pid's than from the other; all three are pids."""
    passed, other_passed = o.ule(pid, turn), o.ule(pid, other)
    return o.or_(o.and_(o.not_(passed), other_passed),
                 o.and_(o.iff(passed, other_passed), o.ult(other, turn)))


def _current(s: State) -> Word:
    return s.get("sched.cpus.current", s.get("sys.cpu"))


def _is_ready(c: Any, s: State, pid: Word) -> Truth:
    return s.ops.and_(is_pid(Reader(c, s), pid), sets.has(Reader(c, s), READY, pid))


def _is_next_here(c: Any, s: State, pid: Word) -> Truth:
    """Ready, and the core is one that it may run on."""
    return s.ops.and_(_is_ready(c, s, pid), may_run(Reader(c, s), s.get("sys.cpu"), pid))


def _is_runnable(c: Any, s: State, pid: Word) -> Truth:
    """Ready, or it runs."""
    return s.ops.or_(_is_ready(c, s, pid), s.ops.and_(pid != 0, runs(Reader(c, s), pid)))


# ---- of every state -------------------------------------------------------------------


def bound_is_kept(c: Any, s: State, pid: Word) -> Truth:
    """There are never more than HV_NPROC - 1 turns until pid's, and always one."""
    o, count = s.ops, places(c, s, pid)
    return o.implies(is_pid(Reader(c, s), pid),
                     o.and_(o.ule(1, count), o.ule(count, c.HV_NPROC - 1)))


def runnable_wait_for_nothing(c: Any, s: State, pid: Word, file: Word, peer: Word) -> Truth:
    """Who is ready or runs lives, is not both, and is in no set of those who wait for a file
    or for a reply."""
    r, o = Reader(c, s), s.ops
    ready, has_core = _is_ready(c, s, pid), o.and_(is_pid(r, pid), runs(r, pid))
    at_file = o.and_(o.ult(file, c.HV_NFILE), o.or_(sets.has(r, sets.senders(file), pid),
                                                    sets.has(r, sets.receivers(file), pid)))
    for_reply = o.and_(o.ult(peer, c.HV_NPROC), sets.has(r, sets.callers(peer), pid))
    return o.implies(o.or_(ready, has_core), o.and_(
        in_state(r, pid, c.HV_PROC_LIVE), o.not_(o.and_(ready, has_core)),
        o.not_(at_file), o.not_(for_reply)))


def who_runs_has_a_core(c: Any, s: State, pid: Word) -> Truth:
    """It is the current process of the core that is said, and of no other."""
    r, o = Reader(c, s), s.ops
    core, own = r.get("sched.core", pid) & (c.HV_NCPU - 1), s.get("sys.cpu")
    there = o.and_(o.ult(core, c.HV_NCPU), r.get("sched.cpus.current", core) == pid)
    elsewhere = o.and_(_current(s) == pid, core != own)
    return o.implies(o.and_(is_pid(r, pid), runs(r, pid)), o.and_(there, o.not_(elsewhere)))


def others_wait(c: Any, s: State, pid: Word) -> Truth:
    """A live process that is not ready and does not run waits where it can be found: for the
    reply of one who lives, or in a set of a file that somebody could use, or else for its own
    deadline, a child's death or its parent alone."""
    r, o = Reader(c, s), s.ops
    file, peer = r.get("procs.wait_file", pid), r.get("procs.wait_peer", pid)
    for_reply = o.and_(sets.has(r, sets.callers(peer), pid), in_state(r, peer, c.HV_PROC_LIVE))
    sends, receives = (sets.has(r, of(file), pid) for of in (sets.senders, sets.receivers))
    endpoint = r.get("files.type", file) == c.HV_FILE_ENDPOINT
    met = o.and_(endpoint, o.or_(
        o.and_(sends, o.or_(r.get("files.readers", file) == 0,
                            o.not_(sets.is_empty(r, sets.receivers(file))))),
        o.and_(receives, o.or_(r.get("files.writers", file) == 0,
                               o.not_(sets.is_empty(r, sets.senders(file)))))))
    alone = o.and_(file == 0, peer == 0)
    waits = o.and_(is_pid(r, pid), in_state(r, pid, c.HV_PROC_LIVE),
                   o.not_(_is_runnable(c, s, pid)))
    return o.implies(waits, o.or_(alone, for_reply,
                                  o.and_(peer == 0, o.or_(sends, receives), o.not_(met))))


def first_deadline_is_somebodys(c: Any, s: State) -> Truth:
    """The earliest key of the tree is that of the process whose pid it has."""
    o, first = s.ops, s.get("timer_tree", 1)
    leaf = o.add(first & (c.HV_NPROC - 1), c.HV_NPROC)
    return o.or_(first == OFF, s.get("timer_tree", leaf) == first)


def tick_is_armed(c: Any, s: State) -> Truth:
    """The EL2 timer of the core fires (CNTHP_CVAL_EL2, D11.2.4) at its next tick, or before."""
    return s.ops.ule(s.get("sys.cnthp_cval_el2"), _next_tick(s))


def _next_tick(s: State) -> Word:
    return s.get("sched.cpus.next_tick", s.get("sys.cpu"))


def kinds(c: Any, s: State, pid: Word) -> dict[str, Truth]:
    """States that these statements are about, each of which must be possible, and a name."""
    o, r = s.ops, Reader(c, s)
    live = o.and_(is_pid(r, pid), in_state(r, pid, c.HV_PROC_LIVE))
    other = o.and_(_current(s) != 0, _current(s) != pid, _turn(s) != pid)
    return {"a ready process beside one that runs": o.and_(_is_ready(c, s, pid), other),
            "a process that waits": o.and_(live, other, o.not_(_is_runnable(c, s, pid))),
            "a deadline before the tick": s.get("sys.cnthp_cval_el2") != _next_tick(s)}


# ---- of each transition ---------------------------------------------------------------


def nobody_is_passed_over(c: Any, before: State, after: State, pid: Word) -> Truth:
    """A ready process that may run on the core gets it, or has died, or is ready and its turn no
    farther away; it is nearer if another had a turn. So only the process itself can make it
    wait, or who takes the core out of its mask."""
    o = before.ops
    was, now = _places(c, before, pid), _places(c, after, pid)
    same = _turn(after) == _turn(before)
    waits = o.and_(_is_ready(c, after, pid), o.or_(o.ult(now, was), o.and_(same, now == was)))
    dead = after.get("procs.state", pid) == c.HV_PROC_ZOMBIE
    may = may_run(Reader(c, after), after.get("sys.cpu"), pid)
    return o.implies(o.and_(_is_ready(c, before, pid), may),
                     o.or_(_current(after) == pid, dead, waits))


def turn_is_taken(c: Any, before: State, after: State) -> Truth:
    """A turn is that of who runs then."""
    return before.ops.or_(_turn(after) == _turn(before), _turn(after) == _current(after))


def core_is_used(c: Any, before: State, after: State, pid: Word) -> Truth:
    """The core idles only if nobody is ready who may run on it."""
    o = before.ops
    return o.implies(_current(after) == 0, o.not_(_is_next_here(c, after, pid)))


def waiting_cores_are_called(c: Any, before: State, after: State, pid: Word, core: Word) -> Truth:
    """If another core waits that may run who is ready, an interrupt is on its way to one that may
    run somebody who is ready. When that has come this is said of it, and one is ready no more, whom
    it has taken or another core has; so in the end no such core is left."""
    o, own, r = before.ops, before.get("sys.cpu"), Reader(c, after)
    waits = o.and_(o.ult(core, c.HV_NCPU), core != own, o.bit(after.get("sched.idle"), core))
    called = (o.and_(own != other, after.get("ghost.called", other) != 0,
                     sets.have_common(r, READY, sets.allowed(other)),
                     o.bit(before.get("sched.idle"), other)) for other in range(c.HV_NCPU))
    return o.implies(o.and_(_is_ready(c, after, pid), waits, may_run(r, core, pid)),
                     o.or_(*called))


def who_runs_may(c: Any, before: State, after: State) -> Truth:
    """Who runs on the core may run on it, or did when it might not, and an interrupt is on its
    way to the core that ends it."""
    o, current, own = before.ops, _current(after), before.get("sys.cpu")
    stayed = o.and_(_current(before) == current, before.get("ghost.called", own) != 0)
    return o.or_(current == 0, may_run(Reader(c, after), own, current), stayed)


def who_stays_may(c: Any, before: State, after: State) -> Truth:
    """Of an interrupt: who runs on the core then may run on it."""
    current, own = _current(after), before.get("sys.cpu")
    return before.ops.or_(current == 0, may_run(Reader(c, after), own, current))


def call_is_over(c: Any, before: State, after: State) -> Truth:
    """Of an interrupt: it was the one that was on its way to the core, if one was. Else what is
    said of cores that are called would be true of all that ever were."""
    return after.get("ghost.called", before.get("sys.cpu")) == 0


def core_is_busy(before: State) -> Truth:
    """Of an interrupt: otherwise leave_idle, which follows it, sees to `core_is_used`."""
    return _current(before) != 0


def core_waited(before: State) -> Truth:
    """Of an interrupt: otherwise the way out, which follows it, sees to
    `waiting_cores_are_called`."""
    return _current(before) == 0


def turn_ends(c: Any, before: State, after: State, pid: Word) -> Truth:
    """Of a yield, and of a tick: if somebody is ready who may run here, his turn comes nearer."""
    o = before.ops
    nearer = o.ult(_places(c, after, pid), _places(c, before, pid))
    return o.implies(_is_next_here(c, before, pid), o.or_(_current(after) == pid, nearer))


def preempted_is_ready(c: Any, before: State, after: State, pid: Word) -> Truth:
    """Of an interrupt: it makes nobody wait, not even the process that it interrupts."""
    return before.ops.implies(_is_runnable(c, before, pid), _is_runnable(c, after, pid))


def deadline_is_armed(c: Any, before: State, after: State) -> Truth:
    """If the earliest deadline becomes another, this core is armed for it, or for what is earlier.
    Who armed for a deadline stays armed for no later while it is there: each time a core arms, it
    is for no later than the earliest of all."""
    o, first = before.ops, after.get("timer_tree", 1)
    return o.or_(first == before.get("timer_tree", 1),
                 o.ule(after.get("sys.cnthp_cval_el2"), o.shr(first, PID_BITS)))


def _then(before: State) -> Word:
    """A tick from now."""
    return before.ops.add(before.get("sys.cntpct_el0"), before.get("machine.tick_period"))


def tick_goes_on(c: Any, before: State, after: State) -> Truth:
    """The next tick moves only when it has come, and then by one period from now; if nobody runs
    on the core there is no more."""
    o, was, now = before.ops, _next_tick(before), before.get("sys.cntpct_el0")
    moved = o.ite(_current(before) == 0, OFF, _then(before))
    return _next_tick(after) == o.ite(o.ule(was, now), moved, was)


def ticks_begin(c: Any, before: State, after: State) -> Truth:
    """A core that has waited and gets a process has ticks, as long as the counter has not come to
    its end; and it has those that it had."""
    o, was, tick = before.ops, _next_tick(before), _next_tick(after)
    begins = o.and_(_current(before) == 0, _current(after) != 0)
    return o.and_(o.or_(tick == was, o.and_(begins, was == OFF, tick == _then(before))),
                  o.implies(begins, o.or_(tick != OFF, _then(before) == OFF)))


def ticks_stay(c: Any, before: State, after: State) -> Truth:
    """Who has ticks keeps them, unless nobody runs on the core then."""
    o = before.ops
    kept = o.or_(_next_tick(after) != OFF, _current(after) == 0, _then(before) == OFF)
    return o.implies(_next_tick(before) != OFF, kept)


def tick_is_due(before: State) -> Truth:
    """The timer's interrupt finds that the tick has come, while a process runs."""
    o = before.ops
    return o.and_(_current(before) != 0,
                  o.ule(_next_tick(before), before.get("sys.cntpct_el0")))


def alarm_is_ahead(c: Any, before: State, after: State) -> Truth:
    """Of the timer's interrupt: afterwards the tick is ahead, as long as the counter has not
    come to its end, and of the deadlines one more is off if one had passed. So after at most
    one interrupt for each process the alarm is ahead too."""
    o, now = before.ops, before.get("sys.cntpct_el0")
    first = before.get("timer_tree", 1)
    leaf = o.add(first & (c.HV_NPROC - 1), c.HV_NPROC)
    wraps = o.ult(o.add(now, before.get("machine.tick_period")), now)
    passed = o.ule(o.shr(first, PID_BITS), now)
    return o.and_(o.or_(wraps, o.ult(now, _next_tick(after))),
                  o.implies(passed, after.get("timer_tree", leaf) == OFF))


def deadline_is_kept(c: Any, before: State, after: State, pid: Word) -> Truth:
    """Of the timer's interrupt: it sets no deadline."""
    o, leaf = before.ops, before.ops.add(pid, c.HV_NPROC)
    now = after.get("timer_tree", leaf)
    return o.implies(is_pid(Reader(c, before), pid),
                     o.or_(now == OFF, now == before.get("timer_tree", leaf)))
