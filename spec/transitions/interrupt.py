# SPDX-License-Identifier: MIT
"""What changes the state besides hypercalls: interrupts, and traps that stop or block.

Named after the C functions. They have no guards and their result is always 0.
"""

from __future__ import annotations

from .. import sets
from ..schedule import (PID_BITS, OFF, alarm, block, end_turn, interrupt_core, is_blocked,
                        leave_here, may_run, may_stop, run_next, set_key, stop, stop_waiting,
                        wake, wake_with)
from ..transition import Group, Transition
from ..vocabulary import set_saved
from ..words import Truth, Word
from .console import BREAK_KEY, CADENCE

CALLS = Group()


def expire(t: Transition, pid: Word) -> None:
    """The deadline of pid has passed; it may be left over from a wait that has ended."""
    set_key(t, pid, OFF)
    if t.choose(is_blocked(t, pid), "still blocked"):
        stop_waiting(t, pid)
        is_call = (t.get("procs.wait_flags", pid) & t.c.HV_WAIT_WFI) == 0
        if t.choose(is_call, "in a call"):
            set_saved(t, pid, t.c.CTX_X0, t.o.word(-t.c.HV_ETIMEDOUT))
        wake(t, pid)


@CALLS.hypercall
def timer_interrupt(t: Transition) -> Word:
    """One deadline, and the tick, if they have passed."""
    o, now = t.o, t.get("sys.cntpct_el0")
    first = t.get("timer_tree", 1)
    if t.choose(o.ule(o.shr(first, PID_BITS), now), "deadline passed"):
        expire(t, first & (t.c.HV_NPROC - 1))
    if t.choose(o.ule(t.get("sched.cpus.next_tick", t.cpu), now), "tick"):
        then = o.add(now, t.get("machine.tick_period"))
        t.set("sched.cpus.next_tick", (t.cpu,), o.ite(t.self != 0, then, OFF))
        t.set("sched.ticks", (), o.add(t.get("sched.ticks"), 1))
        if t.choose(t.self != 0, "not idle"):
            end_turn(t)
    t.set("sys.cnthp_cval_el2", (), alarm(t))
    return 0


@CALLS.hypercall
def console_interrupt(t: Transition) -> Word:
    """One byte: the break key for who waits for it, else for a reader, else for the ring; a
    break key for nobody is kept, and what was typed before it forgotten. A Cadence UART's status of
    the interrupt is cleared first: a byte that comes later sets it again."""
    o, c, file = t.o, t.c, t.c.HV_FILE_CONSOLE_INDEX
    if t.choose(t.get("machine.uart_kind") == CADENCE, "Cadence"):
        t.event("uart_rx_irq_clear", 1)
    if t.choose(t.get("uart.rx_empty") != 0, "no byte"):
        return 0
    head = t.get("console.head")
    if t.choose(o.sub(head, t.get("console.tail")) == c.CONSOLE_RING, "ring full"):
        t.event("uart_rx_irq", 0)
        return 0
    byte = t.get("uart.rx_byte") & 0xff
    watched = o.not_(sets.is_empty(t, sets.senders(file)))
    reader = sets.lowest(t, sets.receivers(file))
    if t.choose(o.and_(byte == BREAK_KEY, watched), "break"):
        sets.wake_all(t, sets.senders(file))
    elif t.choose(reader != 0, "reader waits"):
        sets.remove(t, sets.receivers(file), reader)
        wake_with(t, reader, byte)
    elif t.choose(byte == BREAK_KEY, "kept"):
        t.set("console.tail", (), head)
        t.set("console.has_break", (), 1)
    else:
        t.set("console.byte", (head & (c.CONSOLE_RING - 1),), byte)
        t.set("console.head", (), o.add(head, 1))
    return 0


def may_stop_self(t: Transition) -> Truth:
    """A process runs."""
    return may_stop(t, t.self, 0)


@CALLS.part(may_stop_self)
def trap_stop(t: Transition) -> Word:
    """The process did what nobody emulates: it dies, and its parent can see of what."""
    for name in ("esr", "elr", "far"):
        t.set(f"procs.cause_{name}", (t.self,), t.get(f"sys.{name}_el2"))
    return stop(t, t.self, 0)


@CALLS.part(may_stop_self)
def trap_doomed(t: Transition) -> Word:
    """Another core has killed the process while it ran here."""
    t.set("sched.cpus.doomed", (t.cpu,), 0)
    return stop(t, t.self, t.get("procs.status", t.self))


def wanted(t: Transition) -> Word:
    """Bit i: somebody is ready who may run on core i."""
    found = t.o.word(0)
    for core in range(t.c.HV_NCPU):
        common = sets.have_common(t, sets.READY, sets.allowed(core))
        found = found | t.o.ite(common, 1 << core, 0)
    return found


@CALLS.part(lambda t: True)
def sched_kick(t: Transition) -> Word:
    """If one of the other cores that wait may run somebody who is ready, the first such is sent an
    interrupt."""
    o = t.o
    others = t.get("sched.idle") & o.inv(t.get("sched.cpus.bit", t.cpu)) & wanted(t)
    core = o.ctz(others) & (t.c.HV_NCPU - 1)
    if not t.choose(others == 0, "nobody to wake, or for nothing"):
        t.set("sched.idle", (), t.get("sched.idle") & o.inv(t.get("sched.cpus.bit", core)))
        interrupt_core(t, core)
    return 0


@CALLS.hypercall
def trap_wfi(t: Transition) -> Word:
    """Blocked until the process's virtual timer (D11.2.4) fires, if it is enabled."""
    o = t.o
    t.set("sys.elr_el2", (), o.add(t.get("sys.elr_el2"), 4))
    enabled = o.bit(t.get("sys.cntv_ctl_el0"), 0)
    deadline = t.get("sys.cntv_cval_el0")
    if t.choose(o.and_(enabled, o.ule(deadline, t.get("sys.cntvct_el0"))), "fires already"):
        return 0
    block(t, 0, 0, t.c.HV_WAIT_WFI, o.ite(enabled, deadline, t.c.HV_FOREVER))
    run_next(t)
    return 0


@CALLS.part(lambda t: True)
def leave_idle(t: Transition) -> Word:
    """An idle core takes the next ready process, if there is one (end of trap_irq), and then has
    ticks; another core may have somebody to run too. Who may not run here any more leaves."""
    t.set("ghost.called", (t.cpu,), 0)
    if not t.choose(t.get("sched.cpus.current", t.cpu) == 0, "idle"):
        if not t.choose(may_run(t, t.cpu, t.get("sched.cpus.current", t.cpu)), "may stay"):
            leave_here(t)
        return 0
    run_next(t)
    starts = t.o.and_(t.get("sched.cpus.current", t.cpu) != 0,
                      t.get("sched.cpus.next_tick", t.cpu) == OFF)
    if t.choose(starts, "its ticks begin"):
        then = t.o.add(t.get("sys.cntpct_el0"), t.get("machine.tick_period"))
        t.set("sched.cpus.next_tick", (t.cpu,), then)
        t.set("sys.cnthp_cval_el2", (), alarm(t))
    return sched_kick(t)
