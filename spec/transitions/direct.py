# SPDX-License-Identifier: MIT
"""call and reply_wait in one go, from exception to `eret` (kernel/direct.S).

If nothing else is to be done than to hand a message and the core over, that is done where the
hypercall comes in: what `call` and `reply_wait` do then, and the way out. The message stays in
registers, and those that describe an exception at EL1 are lost. In all other cases the hypercall
goes the way of its class.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import sets
from ..descriptor import address
from ..schedule import OFF, take_core, wait_for
from ..state import SAVED_REGISTERS
from ..transition import Group, Reader, Transition
from ..vocabulary import give_page, is_page, page_va, set_core, set_saved
from ..words import Truth, Word
from .entry import ASID_SHIFT, BEHIND, GENERAL, ZEROED, come_in_full, give_way, loaded_ctx

CALLS = Group()

# What is lost: these are zero afterwards, and not saved.
EXCEPTION = ("elr_el1", "spsr_el1", "esr_el1", "far_el1", "par_el1")
LASTING = tuple((at, name) for at, name in enumerate(SAVED_REGISTERS[:-2])
                if name not in EXCEPTION)
MESSAGE = 8         # x0 .. x7
MORE = "leave_more"     # what is done behind this event
# Transitions behind the event that another ends with.
REST = {**{name: (name, behind) for name, behind in BEHIND.items()}, MORE: (MORE,)}


def is_plain(r: Reader, handle: Word, deadline: Word, page: Word, passed: Word) -> Truth:
    """What both ask for first: the process is not doomed, nobody has a deadline, no handle goes
    along, the pid is below 64 and the handle one, and the page is none or can be given away."""
    o, c = r.o, r.c
    self = r.get("sched.cpus.current", r.cpu)
    page_fits = o.or_(page == 0, o.and_(is_page(r, page, c.HV_PAGE_FREE, c.HV_PAGE_PARCEL),
                                        r.get("page_descs.owner", page) == self))
    return o.and_(r.get("sched.cpus.doomed", r.cpu) == 0, deadline == c.HV_FOREVER,
                  passed == c.HV_NONE, o.ult(self, 64), o.ult(handle, c.HV_NHANDLE),
                  r.get("timer_tree", o.add(self, c.HV_NPROC)) == OFF, page_fits)


def names_endpoint(r: Reader, handle: Word, right: int) -> Truth:
    """The handle is one of an endpoint, with the right. An empty handle has none."""
    self = r.get("sched.cpus.current", r.cpu)
    return r.o.and_(r.o.any_bit(r.get("handles.rights", self, handle), right),
                    r.get("files.type", file_of(r, handle)) == r.c.HV_FILE_ENDPOINT)


def file_of(r: Reader, handle: Word) -> Word:
    """The file object that self's handle names."""
    return r.get("handles.file", r.get("sched.cpus.current", r.cpu), handle)


def come_in_directly(t: Transition, number: int, is_direct: Callable[..., Truth],
                     rest: Callable[..., Word]) -> Word:
    """With the lock: if it is direct the rest is done, else the hypercall of that number."""
    args = [t.get("sys.x", n) for n in range(MESSAGE)]
    t.event("lock_take")
    if t.choose(is_direct(t, *args), "direct"):
        return rest(t, *args)
    come_in_full(t, number)
    return 0


# ---- call -----------------------------------------------------------------------------


def is_direct_call(r: Reader, handle: Word, deadline: Word, page: Word, passed: Word,
                   *_words: Word) -> Truth:
    """One of those who wait to receive may run on this core and has a pid below 64."""
    return r.o.and_(is_plain(r, handle, deadline, page, passed),
                    names_endpoint(r, handle, r.c.HV_RIGHT_WRITE),
                    near_receivers(r, handle) != 0)


def near_receivers(r: Reader, handle: Word) -> Word:
    """They, as a word of a set."""
    waiting = r.get("files.receivers.word", file_of(r, handle), 0)
    return waiting & r.get("sched.cpus.allowed.word", r.cpu, 0)


@CALLS.hypercall
def direct_call(t: Transition) -> Word:
    """The hypercall `call`."""
    return come_in_directly(t, t.c.HC_FULL_FIRST, is_direct_call, call_directly)


@CALLS.part(is_direct_call)
def call_directly(t: Transition, handle: Word, _deadline: Word, page: Word, _passed: Word,
                  w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The message and the core go to the first receiver that may run on it; self waits for the
    reply."""
    file, receiver = file_of(t, handle), t.o.ctz(near_receivers(t, handle))
    sets.remove(t, sets.receivers(file), receiver)
    if t.choose(page != 0, "page"):
        give_page(t, page, receiver)
    wait_for(t, file, receiver, t.c.HV_WAIT_CALL)
    sets.add(t, sets.callers(receiver), t.self)
    t.set("procs.reply_to", (receiver,), t.self)
    take_core(t, receiver)
    return leave_directly(t, page, w0, w1, w2, w3)


# ---- reply_wait -----------------------------------------------------------------------


def is_direct_reply(r: Reader, handle: Word, deadline: Word, page: Word, passed: Word,
                    *_words: Word) -> Truth:
    """Nobody waits to send, but somebody might; the last caller still waits, may run on this core
    and has a pid below 64."""
    o = r.o
    self = r.get("sched.cpus.current", r.cpu)
    caller = r.get("procs.reply_to", self)
    waits = r.get("procs.callers.word", self, 0) & r.get("sched.cpus.allowed.word", r.cpu, 0)
    return o.and_(is_plain(r, handle, deadline, page, passed),
                  names_endpoint(r, handle, r.c.HV_RIGHT_READ),
                  r.get("files.writers", file_of(r, handle)) != 0,
                  sets.is_empty(r, sets.senders(file_of(r, handle))),
                  o.ult(caller, 64), o.bit(waits, caller))


@CALLS.hypercall
def direct_reply_wait(t: Transition) -> Word:
    """The hypercall `reply_wait`."""
    return come_in_directly(t, t.c.HC_FULL_FIRST + 1, is_direct_reply, reply_directly)


@CALLS.part(is_direct_reply)
def reply_directly(t: Transition, handle: Word, _deadline: Word, page: Word, _passed: Word,
                   w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The last caller has the message and the core; self waits for the next."""
    file, caller = file_of(t, handle), t.get("procs.reply_to", t.self)
    if t.choose(page != 0, "page"):
        give_page(t, page, caller)
    wait_for(t, file, 0, 0)
    t.set("procs.reply_to", (t.self,), 0)
    sets.remove(t, sets.callers(t.self), caller)
    sets.add(t, sets.receivers(file), t.self)
    t.set("ghost.wait_handle", (t.self,), handle)
    take_core(t, caller)
    return leave_directly(t, page, w0, w1, w2, w3)


# ---- out ------------------------------------------------------------------------------


def as_received(r: Reader, giver: Word, page: Word, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """x0 to x7 of who gets the message: no error, who, page, no handle, words."""
    return 0, giver, page, r.c.HV_NONE, *words


def has_handed_over(r: Reader, *_message: Word) -> Truth:
    """The process that came in has given the core to another."""
    loaded, current = (r.get(f"sched.cpus.{name}", r.cpu) for name in ("loaded", "current"))
    return r.o.and_(loaded != 0, current != 0, current != loaded)


@CALLS.part(has_handed_over)
def leave_directly(t: Transition, page: Word, w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The message comes with the core. If some cores or some processes have more than every core
    has, it goes by way of the context."""
    c = t.c
    left, came = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    message = as_received(t, left, page, (w0, w1, w2, w3))
    set_saved(t, left, c.CTX_X0, t.o.word(-c.HV_EPIPE))
    for n in range(ZEROED, GENERAL):
        set_saved(t, left, c.CTX_X0 + n, t.get("sys.x", n))
    if t.choose(t.get("sched.cpus.more", t.cpu) != 0, "more"):
        _deliver(t, came, message)
        t.event(MORE)
        return 0
    _exchange(t, left, came)
    if t.choose(t.get("procs.has_vgic", came) != 0, "with an interface"):
        _deliver(t, came, message)
        set_core(t, c.HV_CPU_VGIC)
        t.event("vgic_enter")
        return 0
    t.event("lock_drop")
    for n in range(GENERAL):
        value = message[n] if n < MESSAGE else t.get("pages", loaded_ctx(t), c.CTX_X0 + n)
        t.set("sys.x", (n,), value)
    t.event("eret")
    return 0


@CALLS.part(has_handed_over)
def leave_more(t: Transition) -> Word:
    """Who has the core gets it, with what some cores or some processes have."""
    return give_way(t)


def _deliver(t: Transition, pid: Word, message: tuple[Word, ...]) -> None:
    for n, value in enumerate(message):
        set_saved(t, pid, t.c.CTX_X0 + n, value)


def _exchange(t: Transition, left: Word, came: Word) -> None:
    """What every core has changes hands; what describes an exception is lost."""
    first = t.c.CTX_ELR_EL2
    for at, register in LASTING:
        set_saved(t, left, first + at, t.get(f"sys.{register}"))
    t.set("sys.ttbr0_el1", (),
          address(t.state, t.get("procs.root", came)) | t.o.shl(came, ASID_SHIFT))
    t.set("sched.cpus.switches", (t.cpu,), t.o.add(t.get("sched.cpus.switches", t.cpu), 1))
    t.set("sched.cpus.loaded", (t.cpu,), came)
    t.set("sched.cpus.ctx", (t.cpu,), page_va(t, t.get("procs.ctx", came)))
    for at, register in LASTING:
        t.set(f"sys.{register}", (), t.get("pages", t.get("procs.ctx", came), first + at))
    for register in EXCEPTION:
        t.set(f"sys.{register}", (), 0)
