# SPDX-License-Identifier: MIT
"""Hypercalls on processes and pids."""

from __future__ import annotations

from collections.abc import Callable

from .. import descriptor, sets
from ..ghosts import ENTRIES, clear
from ..schedule import (block, doom, end_turn, interrupt_core, leave_core, leave_here, may_run, run,
                        run_next, runs, stop)
from ..state import FP_WORDS, SAVED_REGISTERS
from ..transition import Group, Transition
from ..vocabulary import (clear_core, core_has, give_page, give_pid, in_state, is_child, is_pid,
                          require_build, require_embryo, require_heir, require_object, require_page,
                          set_saved)
from ..words import Truth, Word

CALLS = Group()


@CALLS.hypercall
def self_(t: Transition) -> Word:
    """The caller's pid."""
    return t.self


@CALLS.hypercall
def set_name(t: Transition, pid: Word, name0: Word, name1: Word) -> Word:
    """The name of the process: two words."""
    require_build(t, pid)
    t.set("procs.name", (pid, 0), name0)
    t.set("procs.name", (pid, 1), name1)
    return 0


@CALLS.hypercall
def set_entry(t: Transition, pid: Word, pc: Word, arg: Word) -> Word:
    """The embryo will start at pc with all registers 0 but x0."""
    require_embryo(t, pid)
    t.zero_page(t.get("procs.ctx", pid))
    set_saved(t, pid, t.c.CTX_X0, arg)
    set_saved(t, pid, t.c.CTX_ELR_EL2, pc)
    set_saved(t, pid, t.c.CTX_SPSR_EL2, descriptor.SPSR_START)
    return 0


@CALLS.hypercall
def set_runnable(t: Transition, pid: Word) -> Word:
    """The embryo lives and is ready."""
    require_embryo(t, pid)
    t.set("procs.state", (pid,), t.c.HV_PROC_LIVE)
    sets.add(t, sets.READY, pid)
    return 0


@CALLS.hypercall
def reap(t: Transition, pid: Word) -> Word:
    """A dead child that holds nothing any more becomes an unused pid of self's."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(is_child(t, pid, t.self), t.c.HV_EPERM)
    t.require(in_state(t, pid, t.c.HV_PROC_ZOMBIE), t.c.HV_ESTATE)
    counts = ("pages_count", "pids_count", "files_count", "handles_count", "devices_count",
              "irqs_count")
    t.require(t.o.and_(*(t.get(f"procs.{n}", pid) == 0 for n in counts)), t.c.HV_EBUSY)
    t.set("procs.state", (pid,), t.c.HV_PROC_UNUSED)
    sets.remove(t, sets.zombies(t.self), pid)
    return 0


@CALLS.hypercall
def reparent(t: Transition, pid: Word) -> Word:
    """A child of a dead child becomes self's."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(t.o.not_(in_state(t, pid, t.c.HV_PROC_UNUSED)), t.c.HV_ESTATE)
    parent = t.get("procs.ppid", pid)
    t.require(is_child(t, parent, t.self), t.c.HV_EPERM)
    t.require(in_state(t, parent, t.c.HV_PROC_ZOMBIE), t.c.HV_EBUSY)
    sets.remove(t, sets.zombies(parent), pid)
    sets.add(t, sets.zombies(t.self), pid, in_state(t, pid, t.c.HV_PROC_ZOMBIE))
    give_pid(t, pid, t.self)
    return 0


@CALLS.hypercall
def grant_pid(t: Transition, child: Word, pid: Word) -> Word:
    """An unused pid of self's becomes the child's."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    require_heir(t, child)
    t.require(is_child(t, pid, t.self), t.c.HV_EACCES)
    t.require(in_state(t, pid, t.c.HV_PROC_UNUSED), t.c.HV_EBUSY)
    give_pid(t, pid, child)
    return 0


@CALLS.hypercall
def revoke_pid(t: Transition, pid: Word) -> Word:
    """An unused pid of a child's becomes self's."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(in_state(t, pid, t.c.HV_PROC_UNUSED), t.c.HV_EBUSY)
    t.require(is_child(t, t.get("procs.ppid", pid), t.self), t.c.HV_EPERM)
    give_pid(t, pid, t.self)
    return 0


def save_system_registers(t: Transition, ctx: Word) -> None:
    """The core's EL1 and return state go to context page ctx; the FP/SIMD registers too if
    they are in use, and are trapped from then on (CPTR_EL2.TFP)."""
    for at, register in enumerate(SAVED_REGISTERS[:-2]):
        t.set("pages", (ctx, t.c.CTX_ELR_EL2 + at), t.get(f"sys.{register}"))
    if t.choose(core_has(t, t.c.HV_CPU_RAS), "has RAS"):
        t.set("pages", (ctx, t.c.CTX_VDISR_EL2), t.get("sys.vdisr_el2"))
        if t.choose(t.get("machine.has_sme") != 0, "has SME"):
            t.set("pages", (ctx, t.c.CTX_TPIDR2_EL0), t.get("sys.tpidr2_el0"))
    if t.choose(core_has(t, t.c.HV_CPU_FP), "FP in use"):
        before = t.state
        t.become(before.set_words(ctx, t.c.CTX_FPCR, FP_WORDS,
                                  lambda k: before.get("sys.fp", k)))
        clear_core(t, t.c.HV_CPU_FP)
        t.set("sys.cptr_el2", (), t.get("machine.cptr"))


@CALLS.hypercall
def clone(t: Transition, pid: Word, ctx: Word, root: Word) -> Word:
    """An unused pid becomes an embryo: a copy of self's registers, an empty address space, and the
    same cores to run on."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(is_child(t, pid, t.self), t.c.HV_EACCES)
    t.require(in_state(t, pid, t.c.HV_PROC_UNUSED), t.c.HV_ESTATE)
    require_page(t, ctx, t.self, t.c.HV_PAGE_FREE)
    t.require(root != ctx, t.c.HV_EINVAL)
    require_page(t, root, t.self, t.c.HV_PAGE_FREE)

    own_ctx = t.get("procs.ctx", t.self)
    save_system_registers(t, own_ctx)
    t.copy_page(ctx, own_ctx)
    t.set("pages", (ctx, t.c.CTX_X0), 0)
    t.zero_page(root)
    t.set("pages", (root, descriptor.SELF_INDEX), descriptor.table(t.state, root))
    for page, kind in ((ctx, t.c.HV_PAGE_CTX), (root, t.c.HV_PAGE_L0)):
        t.set("page_descs.type", (page,), kind)
        give_page(t, page, pid)
    clear(t, ENTRIES, root)
    for name in ("wait_file", "wait_peer", "wait_flags", "reply_to", "status",
                 "cause_esr", "cause_elr", "cause_far", "has_vgic"):
        t.set(f"procs.{name}", (pid,), 0)
    t.set("procs.name", (pid, 0), 0)
    t.set("procs.name", (pid, 1), 0)
    t.set("procs.recv_slot", (pid,), t.c.HV_NONE)
    allow(t, pid, lambda core: may_run(t, core, t.self), t.get("ghost.home", t.self))
    t.set("procs.ctx", (pid,), ctx)
    t.set("procs.root", (pid,), root)
    t.set("procs.state", (pid,), t.c.HV_PROC_EMBRYO)
    return 0


@CALLS.hypercall
def yield_(t: Transition) -> Word:
    """The turn is over: self becomes ready, and the next ready process runs, perhaps self."""
    end_turn(t)
    return 0


@CALLS.hypercall
def switch_to(t: Transition, pid: Word) -> Word:
    """A ready child or parent that may run on this core runs in self's place."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(t.o.or_(is_child(t, pid, t.self), is_child(t, t.self, pid)), t.c.HV_EPERM)
    t.require(t.o.and_(sets.has(t, sets.READY, pid), may_run(t, t.cpu, pid)), t.c.HV_ESTATE)
    leave_core(t, t.self)
    run(t, pid)
    return 0


def require_family(t: Transition, pid: Word) -> None:
    """Self or a child, not dead: ESRCH, EPERM, ESTATE."""
    t.require(is_pid(t, pid), t.c.HV_ESRCH)
    t.require(t.o.or_(pid == t.self, is_child(t, pid, t.self)), t.c.HV_EPERM)
    t.require(in_state(t, pid, t.c.HV_PROC_EMBRYO, t.c.HV_PROC_LIVE), t.c.HV_ESTATE)


@CALLS.hypercall
def kill(t: Transition, pid: Word, status: Word) -> Word:
    """Self, an embryo or a child dies; if it runs on another core, as soon as that core gets to
    it."""
    require_family(t, pid)
    if t.choose(t.o.and_(runs(t, pid), pid != t.self), "another core runs it"):
        return doom(t, pid, status)
    return stop(t, pid, status)


def allow(t: Transition, pid: Word, cores: Callable[[int], Truth], home: Word) -> None:
    """The process may run on these cores, and on no other; home is one of them."""
    allowed = [cores(core) for core in range(t.c.HV_NCPU)]
    for core, is_allowed in enumerate(allowed):
        sets.remove(t, sets.allowed(core), pid)
        sets.add(t, sets.allowed(core), pid, is_allowed)
    t.set("ghost.home", (pid,), home)


@CALLS.hypercall
def set_affinity(t: Transition, pid: Word, cores: Word) -> Word:
    """Self or a child runs on the cores of the mask alone, all of which run processes. If it runs
    on another one, it leaves that: self at once, a child when the interrupt comes that its core is
    sent."""
    o = t.o
    require_family(t, pid)
    t.require(o.and_(cores != 0, (cores & o.inv(t.get("machine.cores"))) == 0), t.c.HV_EINVAL)
    there = t.get("sched.core", pid) & (t.c.HV_NCPU - 1)
    stays = o.or_(o.not_(runs(t, pid)), o.bit(cores, there))
    allow(t, pid, lambda core: o.bit(cores, core), o.ctz(cores))
    if t.choose(stays, "not on another core"):
        return 0
    if t.choose(there == t.cpu, "self"):
        leave_here(t)
    else:
        interrupt_core(t, there)
    return 0


@CALLS.hypercall
def wait(t: Transition, deadline: Word, console: Word) -> Word:
    """The first dead child, or self blocks until there is one or the break key is typed."""
    watches = t.choose(console != t.c.HV_NONE, "console")
    file = require_object(t, console, t.c.HV_FILE_CONSOLE, t.c.HV_RIGHT_READ) if watches else 0
    nobody = sets.is_empty(t, sets.zombies(t.self))
    unbroken = t.get("console.has_break") == 0 if watches else True
    t.require(t.o.not_(t.o.and_(nobody, unbroken, deadline == t.c.HV_NOWAIT)), t.c.HV_EAGAIN)
    if t.choose(t.o.not_(nobody), "dead child"):
        return sets.lowest(t, sets.zombies(t.self))
    if t.choose(t.o.not_(unbroken), "break kept"):
        t.set("console.has_break", (), 0)
        return t.o.word(-t.c.HV_EINTR)
    if watches:
        sets.add(t, sets.senders(file), t.self)
        t.set("ghost.wait_handle", (t.self,), console)
    block(t, file, 0, t.c.HV_WAIT_CHILD, deadline)
    run_next(t)
    return t.o.word(-t.c.HV_EINTR)
