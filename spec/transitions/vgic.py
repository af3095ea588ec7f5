# SPDX-License-Identifier: MIT
"""Interrupts of processes: from the physical one to a list register of the virtual CPU interface,
and how that interface changes hands (kernel/irq.c, kernel/vgic.c).

An event names a register that is written: `gicd` is the distributor's at an offset, `vgic_*`
those of the virtual interface (IHI 0048B, 5.3; IHI 0069H, 12.4: ICH_*_EL2). What is read there
are `vgic.*` of the state.
"""

from __future__ import annotations

from .. import sets
from ..schedule import interrupt_core, is_blocked, run_next, stop_waiting, wake, wake_with
from ..transition import Group, Reader, Transition
from ..vocabulary import core_has, in_state
from ..words import Truth, Word
from .interrupt import sched_kick

CALLS = Group()

# Registers of the distributor with a bit for each INTID (IHI 0048B, 4.3; IHI 0069H, 12.9).
ISENABLER, ICENABLER, ISPENDR, ICACTIVER = 0x100, 0x180, 0x200, 0x380
# ICH_HCR_EL2 and GICH_HCR: En, UIE; ICH_HCR_EL2: TC, TALL0, TALL1
ENABLE, UNDERFLOW, TRAP_COMMON, TRAP_GROUP_0, TRAP_GROUP_1 = 1, 1 << 1, 1 << 10, 1 << 11, 1 << 12
PENDING, STATES = 1, 3      # of a list register
MASKED = 1 << 1             # CNTV_CTL_EL0.IMASK (D19.12)
LISTS = 4                   # HV_NLR
DEVICES = 0b1110            # list registers 1 to 3; 0 is the timer's


def is_v2(r: Reader) -> Truth:
    """The machine has a GICv2."""
    return r.get("machine.gic_version") == 2


def written(r: Reader, value: Word) -> Word:
    """Registers of GICv2 have 32 bits."""
    return r.o.ite(is_v2(r), value & 0xFFFF_FFFF, value)


def waiting_lines(pid: Word) -> sets.SetOf:
    """Lines of pid's that are in no list register."""
    return sets.SetOf("procs.irqs_pending.word", (pid,))


# ---- the distributor ------------------------------------------------------------------


def set_bit(t: Transition, register: int, intid: Word) -> None:
    """The interrupt's bit is written; the others, as 0, change nothing."""
    offset = t.o.add(register, t.o.shl(t.o.shr(intid, 5), 2))
    t.event("gicd", offset, t.o.shl(1, intid & 31))


# ---- list registers -------------------------------------------------------------------


def state_bits(r: Reader, state: Word) -> Word:
    """Bits 29:28 (GICv2), 63:62 (GICv3)."""
    return r.o.ite(is_v2(r), r.o.shl(state, 28), r.o.shl(state, 62))


def state_of(r: Reader, word: Word) -> Word:
    """The two bits of a list register that was read."""
    return r.o.ite(is_v2(r), r.o.shr(word, 28), r.o.shr(word, 62)) & STATES


def control(t: Transition, pid: Word) -> None:
    """On; a maintenance interrupt comes while lines of pid's wait."""
    o = t.o
    more = o.ite(sets.is_empty(t, waiting_lines(pid)), 0, UNDERFLOW)
    t.event("vgic_hcr", ENABLE | more | o.ite(is_v2(t), 0, TRAP_GROUP_0))


def take_timer(t: Transition, pid: Word) -> bool:
    """Does the timer's line wait? List register 0, which is its own, gets it: no two may hold one
    INTID, and it may come again while the process serves it."""
    if not t.choose(sets.has(t, waiting_lines(pid), t.c.HV_IRQ_TIMER), "the timer waits"):
        return False
    sets.remove(t, waiting_lines(pid), t.c.HV_IRQ_TIMER)
    t.set("procs.listed", (pid, 0), t.c.HV_IRQ_TIMER)
    return True


def take_line(t: Transition, pid: Word, empty: Word) -> Word:
    """The lowest list register of which `empty` has the bit gets the waiting line that follows
    what it had last. The line; 0 if there is none, or no register."""
    k = t.o.ctz(empty) & (LISTS - 1)
    following = sets.following(t, waiting_lines(pid), t.get("procs.listed", pid, k))
    line = t.o.ite(empty == 0, 0, following)
    if t.choose(line != 0, "one more is listed"):
        sets.remove(t, waiting_lines(pid), line)
        t.set("procs.listed", (pid, k), line)
        return line
    return t.o.word(0)


def list_one(t: Transition, pid: Word) -> None:
    """The loaded process gets its timer's interrupt, and one line more if there is room."""
    o, empty = t.o, t.get("vgic.elrsr") & DEVICES
    if take_timer(t, pid):
        state = state_of(t, t.get("vgic.lr", 0)) | PENDING
        word = t.get("irqs.lr", t.c.HV_IRQ_TIMER) | state_bits(t, state)
        t.event("vgic_lr", 0, written(t, word))
    line = take_line(t, pid, empty)
    if t.choose(line != 0, "listed"):
        word = t.get("irqs.lr", line) | state_bits(t, o.word(PENDING))
        t.event("vgic_lr", o.ctz(empty) & (LISTS - 1), written(t, word))
    control(t, pid)


def forget(t: Transition, pid: Word, line: Word) -> None:
    """The running process lists the line, which is a device's, no longer."""
    o = t.o
    sets.remove(t, waiting_lines(pid), line)
    gone = {k: t.get("procs.listed", pid, k) == line for k in range(1, LISTS)}
    for k, is_gone in gone.items():
        t.set("procs.listed", (pid, k), o.ite(is_gone, 0, t.get("procs.listed", pid, k)))
    for k, is_gone in gone.items():
        t.event("vgic_lr", k, o.ite(is_gone, 0, t.get("vgic.lr", k)))


# ---- from the physical interrupt to the process ---------------------------------------


def wake_for_irq(t: Transition, pid: Word) -> None:
    """A process that waits for an interrupt gets ready; its call, if it is one, returns EINTR."""
    stop_waiting(t, pid)
    if t.choose((t.get("procs.wait_flags", pid) & t.c.HV_WAIT_WFI) == 0, "in a call"):
        wake_with(t, pid, t.o.word(-t.c.HV_EINTR))
    else:
        wake(t, pid)


def waits_for_irq(r: Reader, pid: Word) -> Truth:
    """Blocked in WFI, or in a call that an interrupt ends."""
    flags = r.c.HV_WAIT_WFI | r.c.HV_WAIT_IRQ
    return r.o.and_(is_blocked(r, pid), r.o.any_bit(r.get("procs.wait_flags", pid), flags))


def forward(t: Transition, intid: Word) -> bool:
    """The owner of the line gets it, and ends it; else it is masked, and pending again."""
    line = t.get("irq_line", intid)
    owner = t.get("irqs.owner", line)
    is_used = t.o.and_(t.get("irqs.state", line) == t.c.HV_IRQ_USED,
                       in_state(t, owner, t.c.HV_PROC_LIVE))
    if t.choose(is_used, "in use"):
        sets.add(t, waiting_lines(owner), line)
        if t.choose(waits_for_irq(t, owner), "its owner waits"):
            wake_for_irq(t, owner)
        core = t.get("sched.core", owner)
        there = t.o.and_(core != 0, core != t.get("sched.cpus.number", t.cpu))
        if t.choose(there, "its owner runs elsewhere"):
            interrupt_core(t, core & (t.c.HV_NCPU - 1))
        return True
    set_bit(t, ICENABLER, intid)
    set_bit(t, ISPENDR, intid)
    return False


def virtual_timer(t: Transition) -> None:
    """The loaded process's timer (CNTV) has fired: it is masked until the process sets it, and
    an interrupt of the process if it has the virtual CPU interface."""
    t.set("sys.cntv_ctl_el0", (), t.get("sys.cntv_ctl_el0") | MASKED)
    if t.choose(core_has(t, t.c.HV_CPU_VGIC), "has an interface"):
        sets.add(t, waiting_lines(t.get("sched.cpus.loaded", t.cpu)), t.c.HV_IRQ_TIMER)


# ---- the interface changes hands ------------------------------------------------------


def _has_interface(t: Transition) -> Truth:
    """The core holds the interface of a process, and so its registers."""
    return core_has(t, t.c.HV_CPU_VGIC)


def _save(t: Transition, ctx: Word) -> Word:
    """What the process has made of it. The states of all list registers, or-ed."""
    o, c = t.o, t.c
    t.set("pages", (ctx, c.CTX_VMCR), t.get("vgic.vmcr"))
    t.set("pages", (ctx, c.CTX_APR), t.get("vgic.apr"))
    states = o.word(0)
    for k in range(LISTS):
        state = state_of(t, t.get("vgic.lr", k))
        t.set("pages", (ctx, c.CTX_LR_STATE + k), state)
        states = states | state
    return states


@CALLS.part(_has_interface)
def vgic_leave(t: Transition) -> Word:
    """The loaded process leaves the core, unless it waits for an interrupt that it has, and the
    core becomes its own again. Nobody's interface is on afterwards, or still its own."""
    o, pid = t.o, t.get("sched.cpus.loaded", t.cpu)
    states = _save(t, t.get("procs.ctx", pid))
    has_one = o.or_((states & PENDING) != 0, o.not_(sets.is_empty(t, waiting_lines(pid))))
    if t.choose(o.and_(has_one, waits_for_irq(t, pid)), "an interrupt waits"):
        wake_for_irq(t, pid)
        if t.choose(t.get("sched.cpus.current", t.cpu) == 0, "the core is free"):
            run_next(t)
    if t.choose(t.get("sched.cpus.current", t.cpu) != pid, "leaves"):
        t.event("vgic_hcr", o.ite(is_v2(t), 0, TRAP_COMMON | TRAP_GROUP_0 | TRAP_GROUP_1))
        return sched_kick(t)
    return 0


def load_interface(t: Transition, pid: Word) -> None:
    """It becomes pid's, as it was left."""
    ctx = t.get("procs.ctx", pid)
    t.event("vgic_vmcr", written(t, t.get("pages", ctx, t.c.CTX_VMCR)))
    t.event("vgic_apr", written(t, t.get("pages", ctx, t.c.CTX_APR)))
    for k in range(LISTS):
        state = t.get("pages", ctx, t.c.CTX_LR_STATE + k) & STATES
        word = t.get("irqs.lr", t.get("procs.listed", pid, k)) | state_bits(t, state)
        t.event("vgic_lr", k, written(t, word))
    control(t, pid)


@CALLS.part(lambda t: True)
def vgic_enter(t: Transition) -> Word:
    """It becomes that of whose registers have just been loaded, with one more line listed if
    there is room."""
    o, c, pid = t.o, t.c, t.get("sched.cpus.loaded", t.cpu)
    ctx = t.get("procs.ctx", pid)
    if take_timer(t, pid):
        first = t.get("pages", ctx, c.CTX_LR_STATE)
        t.set("pages", (ctx, c.CTX_LR_STATE), first | PENDING)
    empty = o.word(0)
    for k in range(1, LISTS):
        is_empty = (t.get("pages", ctx, c.CTX_LR_STATE + k) & STATES) == 0
        empty = empty | o.ite(is_empty, 1 << k, 0)
    if t.choose(take_line(t, pid, empty) != 0, "listed"):
        t.set("pages", (ctx, o.add(c.CTX_LR_STATE, o.ctz(empty) & (LISTS - 1))), PENDING)
    load_interface(t, pid)
    return 0
