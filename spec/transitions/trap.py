# SPDX-License-Identifier: MIT
"""What a trap or an interrupt is, and what is done about it (kernel/trap.c).

Syndromes: ESR_EL2, D19.2.37. A trap that is not made useful by emulation stops the process that
took it, and nothing else.
"""

from __future__ import annotations

from ..descriptor import ADDRESS, PAGE_SHIFT
from ..state import FP_WORDS
from ..transition import Group, Transition
from ..vocabulary import core_has, is_page, saved, set_core, set_saved
from ..words import Truth, Word
from .entry import loaded_ctx
from .interrupt import console_interrupt, leave_idle, timer_interrupt, trap_stop, trap_wfi
from .vgic import forward, is_v2, list_one, virtual_timer

CALLS = Group()

EC_WFX, EC_FP, EC_HVC, EC_SYSREG = 0x01, 0x07, 0x16, 0x18
SGI = 0                     # that cores send each other
SPURIOUS = 1020             # INTIDs from here on are no interrupts (IHI 0048B, 3.2.5)
XZR = 31
FAULT = 1                   # PAR_EL1.F (D19.2.110)


def _key(op0: int, op1: int, crn: int, crm: int, op2: int, is_read: int) -> int:
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | is_read


# ISS of EC_SYSREG: all but Rt.
KEY_BITS = _key(3, 7, 15, 15, 7, 1)
CTR, CLIDR = _key(3, 3, 0, 0, 1, 1), _key(3, 1, 0, 0, 1, 1)
DC_IVAC, DC_CVAC, DC_CIVAC = (_key(1, 0, 7, 6, 1, 0), _key(1, 3, 7, 10, 1, 0),
                              _key(1, 3, 7, 14, 1, 0))


def skip_instruction(t: Transition) -> None:
    """The process goes on behind it."""
    t.set("sys.elr_el2", (), t.o.add(t.get("sys.elr_el2"), 4))


@CALLS.hypercall
def trap_fp(t: Transition) -> Word:
    """The first use of FP/SIMD since the process was loaded: its registers are loaded and
    not trapped any more."""
    for k in range(FP_WORDS):
        t.set("sys.fp", (k,), t.get("pages", loaded_ctx(t), t.c.CTX_FPCR + k))
    set_core(t, t.c.HV_CPU_FP)
    t.set("sys.cptr_el2", (), t.get("machine.cptr") & t.o.inv(1 << 10))
    return 0


def emulate_read(t: Transition, register: Word, value: Word) -> Word:
    """The process has the value in Xt. Word 31 of its registers, XZR, is written in vain."""
    set_saved(t, t.self, t.o.add(t.c.CTX_X0, register), value)
    skip_instruction(t)
    return 0


def clean_line(t: Transition, va: Word) -> Word:
    """DC by address, if the process can read there: its line of a frame is cleaned and
    invalidated."""
    o, par = t.o, t.get("sys.at_par")
    t.event("at_s1e1r", va)
    if t.choose((par & FAULT) != 0, "no translation"):
        return trap_stop(t)
    page = o.shr(o.sub(par & ADDRESS, t.get("machine.pages_pa")), PAGE_SHIFT)
    if t.choose(is_page(t, page, t.c.HV_PAGE_FRAME), "frame"):
        t.event("dc_civac", page, va & ((1 << PAGE_SHIFT) - 1))
    skip_instruction(t)
    return 0


def system_register(t: Transition, esr: Word) -> Word:
    """MRS or SYS that EL1 may not do itself."""
    o, key = t.o, esr & KEY_BITS
    register = o.shr(esr, 5) & 31
    if t.choose(key == CTR, "reads CTR_EL0"):
        return emulate_read(t, register, t.get("sys.ctr_el0"))
    if t.choose(key == CLIDR, "reads CLIDR_EL1"):
        return emulate_read(t, register, t.get("sys.clidr_el1"))
    if t.choose(o.among(key, DC_IVAC, DC_CVAC, DC_CIVAC), "cache line"):
        operand = saved(t, t.self, o.add(t.c.CTX_X0, register))
        return clean_line(t, o.ite(register == XZR, 0, operand))
    return trap_stop(t)


def is_aarch32(t: Transition) -> Truth:
    """The exception came from AArch32 (SPSR_EL2.M[4], C5.2.19)."""
    return t.o.bit(t.get("sys.spsr_el2"), 4)


@CALLS.hypercall
def trap_sync(t: Transition) -> Word:
    """A synchronous exception that is no hypercall. AArch32 has nothing emulated but the
    first use of FP/SIMD."""
    o, esr = t.o, t.get("sys.esr_el2")
    kind = o.shr(esr, 26) & 0x3F
    if t.choose(o.and_(kind == EC_FP, o.not_(core_has(t, t.c.HV_CPU_FP))), "FP"):
        return trap_fp(t)
    if t.choose(is_aarch32(t), "AArch32"):
        return trap_stop(t)
    if t.choose(kind == EC_SYSREG, "system register"):
        return system_register(t, esr)
    if t.choose(o.and_(kind == EC_WFX, (esr & 3) == 0), "WFI"):
        return trap_wfi(t)
    if t.choose(kind == EC_HVC, "hvc #n"):
        set_saved(t, t.self, t.c.CTX_X0, o.word(-t.c.HV_ENOSYS))
        return 0
    return trap_stop(t)


def take_interrupt(t: Transition, intid: Word) -> bool:
    """What the interrupt means. Does a process end it?"""
    if t.choose(intid == t.get("machine.timer_intid"), "timer"):
        timer_interrupt(t)
    elif t.choose(intid == t.get("machine.uart_intid"), "UART"):
        console_interrupt(t)
    elif t.choose(intid == t.get("machine.vtimer_intid"), "virtual timer"):
        virtual_timer(t)
    elif not t.choose(t.o.or_(intid == t.get("machine.vgic_intid"), intid == SGI), "look again"):
        return forward(t, intid)
    return False


@CALLS.part(lambda t: True)
def leave_irq(t: Transition) -> Word:
    """The end of an interrupt: a line that waits is listed, if it is the loaded process's; then
    leave_idle."""
    if t.choose(core_has(t, t.c.HV_CPU_VGIC), "has an interface"):
        list_one(t, t.get("sched.cpus.loaded", t.cpu))
    return leave_idle(t)


@CALLS.hypercall
def trap_irq(t: Transition) -> Word:
    """One interrupt, and leave_irq."""
    iar = t.get("gic.iar")
    intid = t.o.ite(is_v2(t), iar & 0x3FF, iar)
    if t.choose(t.o.ult(intid, SPURIOUS), "an interrupt"):
        t.event("gic_drop", iar)
        if not take_interrupt(t, intid):
            t.event("gic_deactivate", iar)
    return leave_irq(t)
