# SPDX-License-Identifier: MIT
"""Who runs, who waits, until when, and how a process dies.

A live process is ready, runs on the core whose number sched.core has, or is blocked, which is
neither. What a blocked process waits for is in wait_file, wait_peer and wait_flags; they are stale
once it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import sets
from .sets import READY
from .transition import Group, Reader, Transition
from .vocabulary import in_state, is_pid, set_saved
from .words import Truth, Word

ENDS = Group()

PID_BITS = 8        # of a key of the timer tree: deadline << 8 | pid
OFF = (1 << 64) - 1


def runs(r: Reader, pid: Word) -> Truth:
    """It is the current process of some core."""
    return r.get("sched.core", pid) != 0


def is_blocked(r: Reader, pid: Word) -> Truth:
    """Live, and neither ready nor running."""
    return r.o.and_(in_state(r, pid, r.c.HV_PROC_LIVE), r.o.not_(sets.has(r, READY, pid)),
                    r.o.not_(runs(r, pid)))


# ---- the core -------------------------------------------------------------------------


def run(t: Transition, pid: Word) -> None:
    """The core goes to a ready process."""
    sets.remove(t, READY, pid)
    take_core(t, pid)


def take_core(t: Transition, pid: Word) -> None:
    """The core goes to a process that is neither ready nor running."""
    t.set("sched.core", (pid,), t.get("sched.cpus.number", t.cpu))
    t.set("sched.cpus.current", (t.cpu,), pid)


def hand_over(t: Transition, pid: Word, may: Truth) -> None:
    """The core goes to a process that is neither ready nor running, if it may run on it; else that
    is ready, and the core free."""
    if t.choose(may, "may run here"):
        take_core(t, pid)
    else:
        run_next(t)
        wake(t, pid)


def may_run(r: Reader, cpu: Word, pid: Word) -> Truth:
    """The core is one of those of the process's mask."""
    return sets.has(r, sets.allowed(cpu), pid)


def turn(r: Reader) -> Word:
    """Whose turn it is on the core that executes."""
    return r.get("sched.cpus.turn", r.cpu)


def run_after(t: Transition, pid: Word) -> None:
    """It becomes the turn of the ready process that follows pid in circular order, of those that
    may run on the core, and the core goes to it, or idles. Who is given the core in another way
    has not had its turn."""
    following = sets.following_both(t, READY, sets.allowed(t.cpu), pid)
    if t.choose(following != 0, "somebody is ready"):
        t.set("sched.cpus.turn", (t.cpu,), following)
        run(t, following)
    else:
        t.set("sched.cpus.current", (t.cpu,), 0)


def run_next(t: Transition) -> None:
    """The core is free: it goes to whose turn it is, or else to who follows, or idles."""
    run_after(t, t.o.sub(turn(t), 1))


def end_turn(t: Transition) -> None:
    """Self leaves the core, ready, and the turn is over, whosever it was."""
    leave_core(t, t.self)
    run_after(t, turn(t))


def leave_here(t: Transition) -> None:
    """Self, which may not run on the core any more, leaves it, ready, and the core is free."""
    leave_core(t, t.self)
    run_next(t)


def leave_core(t: Transition, pid: Word) -> None:
    """A running process becomes ready."""
    t.set("sched.core", (pid,), 0)
    sets.add(t, READY, pid)


def wake(t: Transition, pid: Word) -> None:
    """A process that waits in no set any more becomes ready."""
    sets.add(t, READY, pid)


def wake_with(t: Transition, pid: Word, result: Word) -> None:
    """... and its call returns that."""
    set_saved(t, pid, t.c.CTX_X0, result)
    wake(t, pid)


# ---- waiting --------------------------------------------------------------------------


def block(t: Transition, file: Word, peer: Word, flags: int, deadline: Word) -> None:
    """Self leaves the core and waits: in a set of `file`, for the reply of `peer`, or (both
    0) for a wake-up. The caller of this puts it into the set and gives away the core."""
    set_deadline(t, t.self, deadline)
    wait_for(t, file, peer, flags)


def wait_for(t: Transition, file: Word, peer: Word, flags: int) -> None:
    """The same, with the deadline that it has."""
    t.set("procs.wait_file", (t.self,), file)
    t.set("procs.wait_peer", (t.self,), peer)
    t.set("procs.wait_flags", (t.self,), flags)
    t.set("sched.core", (t.self,), 0)


def stop_waiting(t: Transition, pid: Word) -> None:
    """pid is in no set of waiting processes any more. File 0 and process 0 have none."""
    file, peer = t.get("procs.wait_file", pid), t.get("procs.wait_peer", pid)
    for members in (sets.senders(file), sets.receivers(file), sets.callers(peer)):
        sets.remove(t, members, pid)


# ---- deadlines ------------------------------------------------------------------------


def alarm(r: Reader) -> Word:
    """CNTHP_CVAL_EL2 (D11.2.4): the earlier of the core's tick and the first deadline."""
    o = r.o
    return o.min(r.get("sched.cpus.next_tick", r.cpu), o.shr(r.get("timer_tree", 1), PID_BITS))


@dataclass(frozen=True)
class KeyStep:
    """The leaf of process `pid` gets `key`."""

    pid: Word
    key: Word


def set_key(t: Transition, pid: Word, key: Word) -> None:
    """The leaf of pid gets a key; every node above becomes the smaller of its two."""
    t.steps.append(KeyStep(pid, key))
    node = t.o.add(pid, t.c.HV_NPROC)
    t.set("timer_tree", (node,), key)
    for _ in range(t.c.TIMER_LEVELS):
        node = t.o.shr(node, 1)
        left = t.o.shl(node, 1)
        t.set("timer_tree", (node,), t.o.min(t.get("timer_tree", left),
                                             t.get("timer_tree", left | 1)))
    t.set("sys.cnthp_cval_el2", (), alarm(t))


def set_deadline(t: Transition, pid: Word, deadline: Word) -> None:
    """When pid is to be woken (counter value); HV_FOREVER and what has more than 56 bits:
    never. Nothing is written if that is what it was."""
    never = t.o.or_(deadline == t.c.HV_FOREVER, t.o.shr(deadline, 64 - PID_BITS) != 0)
    key = t.o.ite(never, OFF, t.o.shl(deadline, PID_BITS) | pid)
    if t.choose(t.get("timer_tree", t.o.add(pid, t.c.HV_NPROC)) != key, "new deadline"):
        set_key(t, pid, key)


# ---- the end --------------------------------------------------------------------------


def _tell_parent(t: Transition, pid: Word) -> None:
    """A child of it has died: it is woken if it waits for that."""
    parent = t.get("procs.ppid", pid)
    sets.add(t, sets.zombies(parent), pid)
    waits = t.o.and_(is_blocked(t, parent),
                     t.o.any_bit(t.get("procs.wait_flags", parent), t.c.HV_WAIT_CHILD))
    if t.choose(waits, "parent waits"):
        stop_waiting(t, parent)
        wake_with(t, parent, t.o.word(-t.c.HV_EINTR))


def _forget_irqs(t: Transition, pid: Word) -> None:
    """No interrupt waits for it or is listed for it any more."""
    for word in range(t.c.HV_SET_WORDS):
        t.set("procs.irqs_pending.word", (pid, word), 0)
    for k in range(t.c.HV_NLR):
        t.set("procs.listed", (pid, k), 0)


def may_stop(t: Transition, pid: Word, status: Word) -> Truth:
    """It is not dead yet, and no other core runs it."""
    here = t.o.or_(t.o.not_(runs(t, pid)), t.get("sched.cpus.current", t.cpu) == pid)
    return t.o.and_(is_pid(t, pid), here,
                    in_state(t, pid, t.c.HV_PROC_EMBRYO, t.c.HV_PROC_LIVE))


@ENDS.part(may_stop)
def stop(t: Transition, pid: Word, status: Word) -> Word:
    """An embryo or live process becomes a zombie. Who waits for its reply is woken (with
    EPIPE, which is in its saved x0), no translation of its ASID survives, and the core goes
    on if it was pid's."""
    t.set("procs.status", (pid,), status)
    _forget_irqs(t, pid)
    stop_waiting(t, pid)
    t.set("procs.state", (pid,), t.c.HV_PROC_ZOMBIE)
    sets.remove(t, READY, pid)
    t.set("sched.core", (pid,), 0)
    sets.wake_all(t, sets.callers(pid))
    _tell_parent(t, pid)
    if t.choose(t.get("sched.cpus.loaded", t.cpu) == pid, "loaded"):
        t.set("sys.ttbr0_el1", (), t.get("machine.empty_root"))
    t.event("tlbi_asid", pid)
    if t.choose(t.get("sched.cpus.current", t.cpu) == pid, "current"):
        run_next(t)
    return 0


def doom(t: Transition, pid: Word, status: Word) -> Word:
    """Another core runs it: that core is to stop it, when the interrupt comes that it is sent."""
    there = t.get("sched.core", pid) & (t.c.HV_NCPU - 1)
    t.set("procs.status", (pid,), status)
    t.set("sched.cpus.doomed", (there,), 1)
    interrupt_core(t, there)
    return 0


def interrupt_core(t: Transition, core: Word) -> None:
    """It is sent GIC_SGI. Registers of GICv2 have 32 bits."""
    sgi = t.get("sched.cpus.sgi", core)
    v2 = t.get("machine.gic_version") == 2
    t.set("ghost.called", (core,), 1)
    t.event("gic_sgi", t.o.ite(v2, sgi & 0xFFFF_FFFF, sgi))
