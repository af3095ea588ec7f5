# SPDX-License-Identifier: MIT
"""Synchronous exceptions that are no hypercall: what has to happen, from the syndrome
(ESR_EL2, DDI 0487J.a, D19.2.37). The specification has the transitions; which of them a
trap is, and what is emulated, is docs/design.md's and stated here again."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from replay.memory import Mirror
from spec.descriptor import ADDRESS, AF, VALID, page_at
from spec.words import MASK

EC_WFX, EC_FP, EC_HVC, EC_SYSREG = 0x01, 0x07, 0x16, 0x18
HVC_0 = 0x5A000000          # EC_HVC, IL, immediate 0
AARCH32 = 1 << 4            # SPSR_EL2.M[4]
ISS_REGISTER = 0x3FFC1F     # Op0, Op2, Op1, CRn, CRm and direction of an EC_SYSREG syndrome
XZR = 31


def _system(op0: int, op1: int, crn: int, crm: int, op2: int, reads: int) -> int:
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | reads


READ = {_system(3, 3, 0, 0, 1, 1): "ctr_el0", _system(3, 1, 0, 0, 1, 1): "clidr"}
CLEAN = {_system(1, 0, 7, 6, 1, 0), _system(1, 3, 7, 10, 1, 0), _system(1, 3, 7, 14, 1, 0)}


@dataclass(frozen=True)
class Trap:
    """What is to be done: a transition, or an emulation: `target` becomes the value of
    `register`, or `value`, and the instruction is skipped if `skip`."""

    what: str
    transition: str = ""
    register: str = ""
    target: int = XZR
    value: int = 0
    skip: bool = False


STOP = Trap("trap_stop", "trap_stop")


def _translates(c: SimpleNamespace, state: Mirror, va: int) -> bool:
    """A read of `va` at EL1 does not fault: raw descriptors of the current process."""
    table = state.get("procs.root", state.get("sched.cpus.current", 0))
    if va >> 48:
        return False
    for shift in (39, 30, 21, 12):
        entry = state.get("pages", table, va >> shift & 511)
        if not entry & VALID:
            return False
        table = page_at(state, entry & ADDRESS | VALID)
        if table >= c.HV_NPAGE and shift > 12:
            raise ValueError(f"a table outside pages[] on the walk of {va:#x}")
    return bool(entry & AF)


def _system_register(c: SimpleNamespace, state: Mirror, esr: int) -> Trap:
    key, target = esr & ISS_REGISTER, esr >> 5 & 31
    if key in READ:
        return Trap(f"reads {READ[key]}", register=READ[key], target=target, skip=True)
    if key in CLEAN:
        va = 0 if target == XZR else state.get("sys.x", target)
        return Trap("cache line", skip=True) if _translates(c, state, va) else STOP
    return STOP


def classify(c: SimpleNamespace, state: Mirror) -> Trap:
    """What the exception in sys.esr_el2 is."""
    esr, spsr = state.get("sys.esr_el2"), state.get("sys.spsr_el2")
    kind = esr >> 26 & 0x3F
    if kind == EC_FP and state.get("sched.cpus.fp_live", 0) == 0:
        return Trap("trap_fp", "trap_fp")
    if spsr & AARCH32:
        return STOP
    if kind == EC_SYSREG:
        return _system_register(c, state, esr)
    if kind == EC_WFX and esr & 3 == 0:
        return Trap("trap_wfi", "trap_wfi")
    if kind == EC_HVC:
        return Trap("hvc #n", target=0, value=-c.HV_ENOSYS & MASK)
    return STOP
