# SPDX-License-Identifier: MIT
"""Hypercalls of IPC: a rendezvous at an endpoint.

A message is a page (0: none), a handle (HV_NONE: none) and four words. The page and the handle
move. A sender that has to wait leaves its message in its own context page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import sets
from ..schedule import block, hand_over, may_run, run_next, wake, wake_with
from ..transition import Group, Transition
from ..vocabulary import (give_page, in_state, is_file, is_free_slot, is_handle, is_page, is_pid,
                          is_slot, require_object, saved, set_saved)
from ..words import Truth, Word
from .handle import move

CALLS = Group()


@dataclass(frozen=True)
class Message:
    """What travels; `words` are four."""

    page: Word
    handle: Word
    words: tuple[Word, ...]


# ---- checks ---------------------------------------------------------------------------


def require_attached(t: Transition, page: Word, handle: Word) -> None:
    """They are self's to give away: EINVAL, EACCES, EBADF."""
    o, c = t.o, t.c
    none = page == 0
    t.require(o.or_(none, is_page(t, page, c.HV_PAGE_FREE, c.HV_PAGE_PARCEL)), c.HV_EINVAL)
    t.require(o.or_(none, t.get("page_descs.owner", page) == t.self), c.HV_EACCES)
    t.require(o.or_(handle == c.HV_NONE, is_handle(t, t.self, handle)), c.HV_EBADF)


def has_room(t: Transition, pid: Word, handle: Word) -> Truth:
    """No handle comes, or pid has a free slot for it."""
    return t.o.or_(handle == t.c.HV_NONE, is_free_slot(t, pid, t.get("procs.recv_slot", pid)))


def require_endpoint(t: Transition, handle: Word, right: int) -> Word:
    """EBADF, EINVAL, EPERM. Returns the endpoint."""
    return require_object(t, handle, t.c.HV_FILE_ENDPOINT, right)


# ---- messages -------------------------------------------------------------------------


def deliver(t: Transition, giver: Word, taker: Word, m: Message) -> None:
    """The taker has the message: x1 who, x2 page, x3 handle, x4..x7 words."""
    c = t.c
    if t.choose(m.page != 0, "page"):
        give_page(t, m.page, taker)
    slot = c.HV_NONE
    if t.choose(m.handle != c.HV_NONE, "handle"):
        slot = t.get("procs.recv_slot", taker)
        move(t, giver, m.handle, taker, slot)
        t.set("procs.recv_slot", (taker,), c.HV_NONE)
    for n, value in enumerate((giver, m.page, slot, *m.words), start=1):
        set_saved(t, taker, c.CTX_X0 + n, value)


def may_end_with_message(t: Transition, giver: Word, taker: Word, page: Word, handle: Word,
                         *_rest: Word) -> Truth:
    """Both live; page and handle are the giver's, who does not wait to send them or by the handle,
    and the taker has room."""
    o, c = t.o, t.c
    at = t.get("procs.wait_file", giver)
    page_fits = o.or_(page == 0, o.and_(is_page(t, page, c.HV_PAGE_FREE, c.HV_PAGE_PARCEL),
                                        t.get("page_descs.owner", page) == giver))
    needed = o.and_(sets.has(t, sets.receivers(at), giver),
                    t.get("ghost.wait_handle", giver) == handle)
    handle_fits = o.or_(handle == c.HV_NONE,
                        o.and_(is_handle(t, giver, handle), has_room(t, taker, handle),
                               o.not_(needed)))
    return o.and_(*(o.and_(is_pid(t, p), in_state(t, p, c.HV_PROC_LIVE)) for p in (giver, taker)),
                  giver != taker, page_fits, handle_fits,
                  o.not_(sets.has(t, sets.senders(at), giver)))


@CALLS.part(may_end_with_message)
def message(t: Transition, giver: Word, taker: Word, page: Word, handle: Word,
            w0: Word, w1: Word, w2: Word, w3: Word, result: Word) -> Word:
    """`deliver`, when all else is done; the call returns `result`."""
    deliver(t, giver, taker, Message(page, handle, (w0, w1, w2, w3)))
    return result


def give_message(t: Transition, giver: Word, taker: Word, m: Message) -> None:
    """`message`, of a Message, before something else."""
    t.go_through(CALLS.parts["message"], (giver, taker, m.page, m.handle, *m.words, 0))


def end_with_message(t: Transition, giver: Word, taker: Word, m: Message, result: Word) -> Word:
    """`message`, of a Message."""
    return message(t, giver, taker, m.page, m.handle, *m.words, result)


def park(t: Transition, m: Message) -> None:
    """Self leaves its message where a receiver will find it."""
    for n, value in enumerate((m.page, m.handle, *m.words)):
        set_saved(t, t.self, t.c.CTX_MSG_PAGE + n, value)


def parked(t: Transition, sender: Word) -> Message:
    """The message of a sender that waits."""
    page, handle, *words = (saved(t, sender, t.c.CTX_MSG_PAGE + n) for n in range(6))
    return Message(page, handle, tuple(words))


# ---- send and call --------------------------------------------------------------------


def first_receiver(t: Transition, file: Word) -> Word:
    """Who has waited to receive has no rank: the lowest pid."""
    return sets.lowest(t, sets.receivers(file))


def near_receiver(t: Transition, file: Word) -> Word:
    """The first of those that may run on this core; if there is none, the first."""
    return sets.lowest_near(t, sets.receivers(file), sets.allowed(t.cpu))


def require_send(t: Transition, handle: Word, deadline: Word, m: Message,
                 choice: Callable[[Transition, Word], Word]) -> tuple[Word, Word]:
    """Self may send that now or wait. Returns the endpoint and the receiver of choice, or 0."""
    o, c = t.o, t.c
    file = require_endpoint(t, handle, c.HV_RIGHT_WRITE)
    require_attached(t, m.page, m.handle)
    t.require(m.handle != handle, c.HV_EINVAL)
    receiver = choice(t, file)
    nobody = receiver == 0
    t.require(o.or_(o.not_(nobody), t.get("files.readers", file) != 0), c.HV_EPIPE)
    t.require(o.or_(nobody, has_room(t, receiver, m.handle)), c.HV_ENOBUFS)
    t.require(o.not_(o.and_(nobody, deadline == c.HV_NOWAIT)), c.HV_EAGAIN)
    return file, receiver


def end_wait(t: Transition, file: Word, receiver: Word, reply_to: Word) -> None:
    """The waiting receiver will have the message and waits no more."""
    sets.remove(t, sets.receivers(file), receiver)
    set_saved(t, receiver, t.c.CTX_X0, 0)
    t.set("procs.reply_to", (receiver,), reply_to)


def wait_to_send(t: Transition, handle: Word, file: Word, flags: int, deadline: Word,
                 m: Message) -> Word:
    """Self waits for a receiver."""
    park(t, m)
    sets.add(t, sets.senders(file), t.self)
    t.set("ghost.wait_handle", (t.self,), handle)
    block(t, file, 0, flags, deadline)
    run_next(t)
    return t.o.word(-t.c.HV_EPIPE)


@CALLS.hypercall
def send(t: Transition, handle: Word, deadline: Word, page: Word, passed: Word,
         w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The message goes to the first receiver, who becomes ready."""
    m = Message(page, passed, (w0, w1, w2, w3))
    file, receiver = require_send(t, handle, deadline, m, first_receiver)
    if t.choose(receiver == 0, "nobody receives"):
        return wait_to_send(t, handle, file, 0, deadline, m)
    end_wait(t, file, receiver, 0)
    wake(t, receiver)
    return end_with_message(t, t.self, receiver, m, 0)


@CALLS.hypercall
def call(t: Transition, handle: Word, deadline: Word, page: Word, passed: Word,
         w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The message goes to the first receiver that may run on this core, who runs at once, in the
    place of self, who waits for the reply; if none may, to the first, who is ready. HV_NOWAIT is
    about the receiver alone."""
    m = Message(page, passed, (w0, w1, w2, w3))
    file, receiver = require_send(t, handle, deadline, m, near_receiver)
    if t.choose(receiver == 0, "nobody receives"):
        return wait_to_send(t, handle, file, t.c.HV_WAIT_CALL, deadline, m)
    may = may_run(t, t.cpu, receiver)
    end_wait(t, file, receiver, t.self)
    sets.add(t, sets.callers(receiver), t.self)
    until = t.o.ite(deadline == t.c.HV_NOWAIT, t.c.HV_FOREVER, deadline)
    block(t, file, receiver, t.c.HV_WAIT_CALL, until)
    hand_over(t, receiver, may)
    return end_with_message(t, t.self, receiver, m, t.o.word(-t.c.HV_EPIPE))


# ---- recv -----------------------------------------------------------------------------


def require_receive(t: Transition, file: Word, deadline: Word) -> Word:
    """Self can have the next message, or wait for one: ENOBUFS, EPIPE, EAGAIN. Returns the
    sender, 0 if none waits."""
    o, c = t.o, t.c
    sender = sets.following(t, sets.senders(file), t.get("files.last_sender", file))
    nobody = sender == 0
    t.require(o.or_(nobody, has_room(t, t.self, parked(t, sender).handle)), c.HV_ENOBUFS)
    t.require(o.or_(o.not_(nobody), t.get("files.writers", file) != 0), c.HV_EPIPE)
    t.require(o.not_(o.and_(nobody, deadline == c.HV_NOWAIT)), c.HV_EAGAIN)
    return sender


def may_receive_from(t: Transition, file: Word, sender: Word) -> Truth:
    """The process waits in the endpoint's set of senders, and self has room for a handle."""
    return t.o.and_(is_file(t, file), t.get("files.type", file) == t.c.HV_FILE_ENDPOINT,
                    is_pid(t, sender), sets.has(t, sets.senders(file), sender),
                    has_room(t, t.self, parked(t, sender).handle))


@CALLS.part(may_receive_from)
def receive_from(t: Transition, file: Word, sender: Word) -> Word:
    """Self has the message of the waiting sender, who waits for the reply or is ready."""
    m = parked(t, sender)
    sets.remove(t, sets.senders(file), sender)
    t.set("files.last_sender", (file,), sender)
    if t.choose(t.o.any_bit(t.get("procs.wait_flags", sender), t.c.HV_WAIT_CALL), "call"):
        sets.add(t, sets.callers(t.self), sender)
        t.set("procs.wait_peer", (sender,), t.self)
        t.set("procs.reply_to", (t.self,), sender)
    else:
        wake_with(t, sender, 0)
        t.set("procs.reply_to", (t.self,), 0)
    return end_with_message(t, sender, t.self, m, 0)


def wait_to_receive(t: Transition, handle: Word, file: Word, flags: Word, deadline: Word) -> Word:
    """Self waits for a sender. Who runs then is the caller's to say."""
    sets.add(t, sets.receivers(file), t.self)
    t.set("ghost.wait_handle", (t.self,), handle)
    block(t, file, 0, flags, deadline)
    return t.o.word(-t.c.HV_EPIPE)


@CALLS.hypercall
def recv(t: Transition, handle: Word, deadline: Word, flags: Word) -> Word:
    """The message of the sender that follows the last one received, at once or later."""
    o, c = t.o, t.c
    file = require_endpoint(t, handle, c.HV_RIGHT_READ)
    t.require((flags & o.inv(c.HV_WAIT_CHILD | c.HV_WAIT_IRQ)) == 0, c.HV_EINVAL)
    watches = o.any_bit(flags, c.HV_WAIT_CHILD)
    t.require(o.or_(o.not_(watches), sets.is_empty(t, sets.zombies(t.self))), c.HV_EINTR)
    sender = require_receive(t, file, deadline)
    if t.choose(sender != 0, "somebody sends"):
        return receive_from(t, file, sender)
    result = wait_to_receive(t, handle, file, flags, deadline)
    run_next(t)
    return result


# ---- replies --------------------------------------------------------------------------


@CALLS.hypercall
def set_recv_slot(t: Transition, handle: Word) -> Word:
    """Where the next received handle goes."""
    c = t.c
    nowhere = handle == c.HV_NONE
    t.require(t.o.or_(nowhere, is_slot(t, handle)), c.HV_EBADF)
    t.require(t.o.or_(nowhere, is_free_slot(t, t.self, handle)), c.HV_EEXIST)
    t.set("procs.recv_slot", (t.self,), handle)
    return 0


def end_call(t: Transition, caller: Word) -> None:
    """The caller will have its answer; it is neither blocked nor ready nor running yet."""
    sets.remove(t, sets.callers(t.self), caller)
    set_saved(t, caller, t.c.CTX_X0, 0)


@CALLS.hypercall
def reply(t: Transition, pid: Word, page: Word, handle: Word,
          w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """Who waits for self's reply has it and is ready."""
    m = Message(page, handle, (w0, w1, w2, w3))
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(sets.has(t, sets.callers(t.self), pid), t.c.HV_EPERM)
    require_attached(t, page, handle)
    t.require(has_room(t, pid, handle), t.c.HV_ENOBUFS)
    end_call(t, pid)
    wake(t, pid)
    return end_with_message(t, t.self, pid, m, 0)


@CALLS.hypercall
def reply_wait(t: Transition, handle: Word, deadline: Word, page: Word, passed: Word,
               w0: Word, w1: Word, w2: Word, w3: Word) -> Word:
    """The last caller is answered, then the next message received. If self has to wait for
    that, the caller runs at once in its place, or is ready if it may not run on this core."""
    c = t.c
    m = Message(page, passed, (w0, w1, w2, w3))
    file = require_endpoint(t, handle, c.HV_RIGHT_READ)
    caller = t.get("procs.reply_to", t.self)
    t.require(sets.has(t, sets.callers(t.self), caller), c.HV_EPERM)
    require_attached(t, page, passed)
    t.require(passed != handle, c.HV_EINVAL)
    t.require(has_room(t, caller, passed), c.HV_ENOBUFS)
    sender = require_receive(t, file, deadline)
    end_call(t, caller)
    if t.choose(sender != 0, "somebody sends"):
        wake(t, caller)
        give_message(t, t.self, caller, m)
        return receive_from(t, file, sender)
    t.set("procs.reply_to", (t.self,), 0)
    result = wait_to_receive(t, handle, file, 0, deadline)
    hand_over(t, caller, may_run(t, t.cpu, caller))
    return end_with_message(t, t.self, caller, m, result)
