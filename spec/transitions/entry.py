# SPDX-License-Identifier: MIT
"""The way in and out of EL2 around a transition (kernel/vectors.S).

An event says where control goes: `hypercall` n, `trap_sync`, `trap_irq`, `trap_stop`,
`trap_doomed`, `eret`, `wait` (WFI), to `sched_kick` if a core waits, or to `vgic_leave` and
`vgic_enter` around a switch. Between `lock_take` and `lock_drop` no other core changes the state:
what was there before is any state that satisfies the invariants, but for what is this core's alone
(spec/isolation.py, others_are_left). A hypercall of the FAST class is `enter_sync`, the hypercall,
`leave_fast`; one of the FULL class ends with `leave_call`, and its first two begin with
`direct_call` and `direct_reply_wait` (direct.py); the one of the FREE class takes no lock
and ends with `leave_free`. A trap is
`enter_sync` or one of the other three, the trap, `leave_trap`. A core that waits goes on with
`wake_up`, trap_irq, `leave_wait`; behind `vgic_leave` comes `leave_left`, behind `vgic_enter`
`leave_entered`.
"""

from __future__ import annotations

from ..descriptor import address
from ..state import SAVED_REGISTERS
from ..transition import Group, Transition
from ..vocabulary import clear_core, core_has, page_va, set_core
from ..words import Truth, Word
from .process import save_system_registers

CALLS = Group()

HVC_0 = 0x5A000000  # ESR_EL2 of `hvc #0` from AArch64: EC 0x16, IL 1, imm16 0 (D19.2.37)
ZEROED = 18         # x0 .. x17 come back as zero, less what the call writes
GENERAL = 31        # x0 .. x30
# What changes hands around a switch, and the transition behind it.
BEHIND = {"vgic_leave": "leave_left", "vgic_enter": "leave_entered",
          "sched_kick": "leave_kicked"}
FREE = 0            # the one hypercall that takes no lock
# What is tried first of the first two hypercalls of the class FULL.
DIRECT = ("direct_call", "direct_reply_wait")
ASID_SHIFT = 48     # TTBR0_EL1.ASID (D19.2.155), 16 bits


def loaded_ctx(t: Transition) -> Word:
    """Context page of the process whose registers the core holds."""
    return t.get("procs.ctx", t.get("sched.cpus.loaded", t.cpu))


def save_registers(t: Transition, kept: bool) -> None:
    """x0..x30 go to the context page; of a hypercall the first 18 as zeroes."""
    ctx = loaded_ctx(t)
    for n in range(GENERAL):
        value = t.get("sys.x", n) if kept or n >= ZEROED else 0
        t.set("pages", (ctx, t.c.CTX_X0 + n), value)


def come_in(t: Transition, what: str, *operands: Word) -> None:
    """With the lock, the core goes there unless another core has killed its process."""
    if t.choose(t.get("sched.cpus.doomed", t.cpu) != 0, "doomed"):
        t.event("trap_doomed")
    else:
        t.event(what, *operands)


def come_in_full(t: Transition, number: Word) -> None:
    """A hypercall of the FULL class."""
    save_registers(t, False)
    come_in(t, "hypercall", number)


def trap(t: Transition, what: str) -> None:
    """All registers are kept, and C sees to it."""
    save_registers(t, True)
    t.event("lock_take")
    come_in(t, what)


def return_fast(t: Transition, result: Word) -> None:
    """x0 is the result, x1..x17 are zero; everything else is as the process left it."""
    for n in range(ZEROED):
        t.set("sys.x", (n,), result if n == 0 else 0)
    t.event("eret")


# ---- in -------------------------------------------------------------------------------


@CALLS.hypercall
def enter_sync(t: Transition) -> Word:
    """A synchronous exception from AArch64: a hypercall by x8 of `hvc #0`, or a trap."""
    number = t.get("sys.x", 8)
    if not t.choose(t.get("sys.esr_el2") == HVC_0, "hvc #0"):
        trap(t, "trap_sync")
    elif t.choose(number == FREE, "free"):
        t.event("hypercall", number)
    elif t.choose(t.o.ult(number, t.c.HC_FULL_FIRST), "fast"):
        t.event("lock_take")
        t.event("hypercall", number)
    elif t.choose(number == t.c.HC_FULL_FIRST, "call"):
        t.event(DIRECT[0])
    elif t.choose(number == t.c.HC_FULL_FIRST + 1, "reply_wait"):
        t.event(DIRECT[1])
    elif t.choose(t.o.ult(number, t.c.HC_COUNT), "full"):
        t.event("lock_take")
        come_in_full(t, number)
    else:
        return_fast(t, t.o.word(-t.c.HV_ENOSYS))
    return 0


@CALLS.hypercall
def enter_aarch32(t: Transition) -> Word:
    """A synchronous exception from AArch32."""
    trap(t, "trap_sync")
    return 0


@CALLS.hypercall
def enter_irq(t: Transition) -> Word:
    """IRQ or FIQ, from either state."""
    trap(t, "trap_irq")
    return 0


@CALLS.hypercall
def enter_serror(t: Transition) -> Word:
    """SError, from either state."""
    trap(t, "trap_stop")
    return 0


@CALLS.hypercall
def wake_up(t: Transition) -> Word:
    """An interrupt is pending on a core that waits."""
    t.event("lock_take")
    own = t.get("sched.cpus.bit", t.cpu)
    t.set("sched.idle", (), t.get("sched.idle") & t.o.inv(own))
    t.event("trap_irq")
    return 0


# ---- out ------------------------------------------------------------------------------


def load(t: Transition, pid: Word) -> None:
    """The core's EL1 registers, tables and ASID become those of pid. What no process owns
    (AFSR0_EL1, AFSR1_EL1) becomes 0, if the core keeps anything there."""
    ctx = t.get("procs.ctx", pid)
    ttbr = address(t.state, t.get("procs.root", pid)) | t.o.shl(pid, ASID_SHIFT)
    t.set("sys.ttbr0_el1", (), ttbr)
    for at, register in enumerate(SAVED_REGISTERS[:-2]):
        t.set(f"sys.{register}", (), t.get("pages", ctx, t.c.CTX_ELR_EL2 + at))
    if t.choose(core_has(t, t.c.HV_CPU_AFSR), "keeps AFSR"):
        t.set("sys.afsr0_el1", (), 0)
        t.set("sys.afsr1_el1", (), 0)
    if t.choose(core_has(t, t.c.HV_CPU_RAS), "has RAS"):
        t.set("sys.vdisr_el2", (), t.get("pages", ctx, t.c.CTX_VDISR_EL2))
        if t.choose(t.get("machine.has_sme") != 0, "has SME"):
            t.set("sys.tpidr2_el0", (), t.get("pages", ctx, t.c.CTX_TPIDR2_EL0))
    t.set("sched.cpus.switches", (t.cpu,), t.o.add(t.get("sched.cpus.switches", t.cpu), 1))
    t.set("sched.cpus.ctx", (t.cpu,), page_va(t, ctx))


def load_registers(t: Transition) -> Word:
    """x0..x30 of the loaded process, which goes on."""
    for n in range(GENERAL):
        t.set("sys.x", (n,), t.get("pages", loaded_ctx(t), t.c.CTX_X0 + n))
    t.event("lock_drop")
    t.event("eret")
    return 0


def idle(t: Transition) -> Word:
    """The core waits for an interrupt, with nobody's tables."""
    t.set("sys.ttbr0_el1", (), t.get("machine.empty_root"))
    t.set("sched.idle", (), t.get("sched.idle") | t.get("sched.cpus.bit", t.cpu))
    t.event("lock_drop")
    t.event("wait")
    return 0


def may_exchange(t: Transition) -> Truth:
    """Another process, or none, is current than the core holds."""
    loaded, current = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    return t.o.or_(loaded == 0, current != loaded)


@CALLS.part(may_exchange)
def exchange(t: Transition) -> Word:
    """Whose registers the core holds leaves, if it holds any, and the current process comes, if
    there is one. The virtual CPU interface is off, and nobody's now. Ends with `vgic_enter` if who
    comes has one."""
    loaded, current = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    clear_core(t, t.c.HV_CPU_VGIC)
    if not t.choose(loaded == 0, "after a wait"):
        save_system_registers(t, t.get("procs.ctx", loaded))
    t.set("sched.cpus.loaded", (t.cpu,), current)
    if t.choose(current == 0, "nobody"):
        return idle(t)
    load(t, current)
    if t.choose(t.get("procs.has_vgic", current) != 0, "with an interface"):
        set_core(t, t.c.HV_CPU_VGIC)
        t.event("vgic_enter")
        return 0
    return load_registers(t)


def resume(t: Transition) -> Word:
    """The core gets the registers of its current process, or waits if there is none. Ends with
    `vgic_leave` if who leaves has a virtual CPU interface."""
    loaded, current = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    if t.choose(current == loaded, "the same"):
        return load_registers(t)
    return give_way(t)


def give_way(t: Transition) -> Word:
    """The same, of two that are not the same."""
    if t.choose(core_has(t, t.c.HV_CPU_VGIC), "leaves its interface"):
        t.event("vgic_leave")
        return 0
    return exchange(t)


@CALLS.hypercall
def leave_fast(t: Transition, result: Word) -> Word:
    """Back to the caller, which was never left."""
    t.event("lock_drop")
    return_fast(t, result)
    return 0


@CALLS.hypercall
def leave_free(t: Transition, result: Word) -> Word:
    """The same, without the lock."""
    return_fast(t, result)
    return 0


def holds_somebody(t: Transition, _result: Word = 0) -> Truth:
    """The core holds the registers of a process: of that which came in."""
    return t.o.not_(holds_nobody(t))


def holds_nobody(t: Transition) -> Truth:
    """The core has waited."""
    return t.get("sched.cpus.loaded", t.cpu) == 0


def leave(t: Transition) -> Word:
    """Cores that wait may have something to do now; then who runs now."""
    if t.choose(t.get("sched.idle") != 0, "a core waits"):
        t.event("sched_kick")
        return 0
    return resume(t)


@CALLS.part(holds_somebody)
def leave_kicked(t: Transition) -> Word:
    """Who runs now, after `sched_kick`."""
    return resume(t)


@CALLS.part(holds_somebody)
def leave_call(t: Transition, result: Word) -> Word:
    """x0 of who called, whether it runs, waits or is dead; then who runs now."""
    t.set("pages", (loaded_ctx(t), t.c.CTX_X0), result)
    return leave(t)


@CALLS.part(holds_somebody)
def leave_trap(t: Transition) -> Word:
    """Who runs now."""
    return leave(t)


@CALLS.part(holds_nobody)
def leave_wait(t: Transition) -> Word:
    """Who runs now, after a wait; or another wait."""
    return exchange(t)


@CALLS.part(holds_somebody)
def leave_left(t: Transition) -> Word:
    """After `vgic_leave`: who runs now, unless it is the same again."""
    loaded, current = t.get("sched.cpus.loaded", t.cpu), t.get("sched.cpus.current", t.cpu)
    if t.choose(current == loaded, "the same"):
        return load_registers(t)
    return exchange(t)


def holds_current(t: Transition) -> Truth:
    """The core holds the registers of the process that runs."""
    loaded = t.get("sched.cpus.loaded", t.cpu)
    return t.o.and_(loaded != 0, t.get("sched.cpus.current", t.cpu) == loaded)


@CALLS.part(holds_current)
def leave_entered(t: Transition) -> Word:
    """After `vgic_enter`."""
    return load_registers(t)
