# SPDX-License-Identifier: MIT
"""Synchronous exceptions that are no hypercall: what the specification must make of them, from
the syndrome (ESR_EL2, DDI 0487J.a, D19.2.37), stated here again from docs/design.md; and what an
AT instruction will say, by a walk of the process's tables."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from replay.memory import Mirror
from spec.descriptor import ADDRESS, AF, VALID, page_at

EC_WFX, EC_FP, EC_HVC, EC_SYSREG = 0x01, 0x07, 0x16, 0x18
HVC_0 = 0x5A000000          # EC_HVC, IL, immediate 0
AARCH32 = 1 << 4            # SPSR_EL2.M[4]
ISS_REGISTER = 0x3FFC1F     # Op0, Op2, Op1, CRn, CRm and direction of an EC_SYSREG syndrome
XZR = 31


def _system(op0: int, op1: int, crn: int, crm: int, op2: int, reads: int) -> int:
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | reads


READ = {_system(3, 3, 0, 0, 1, 1): "ctr_el0", _system(3, 1, 0, 0, 1, 1): "clidr_el1"}
CLEAN = {_system(1, 0, 7, 6, 1, 0), _system(1, 3, 7, 10, 1, 0), _system(1, 3, 7, 14, 1, 0)}


FAULT = 1                   # PAR_EL1.F


@dataclass(frozen=True)
class Trap:
    """What is to be done: the specification's choice of that name (empty: the process stops);
    `register` is read for it, and `par` is what PAR_EL1 says of the address."""

    what: str
    label: str = ""
    register: str = ""
    par: int = FAULT


STOP = Trap("trap_stop")


def translate(c: SimpleNamespace, state: Mirror, va: int) -> int:
    """PAR_EL1 of a read of `va` at EL1, from raw descriptors of the current process: FAULT, or
    the address of the page."""
    table = state.get("procs.root", state.get("sched.cpus.current", 0))
    if va >> 48:
        return FAULT
    for shift in (39, 30, 21, 12):
        entry = state.get("pages", table, va >> shift & 511)
        if not entry & VALID:
            return FAULT
        table = page_at(state, entry & ADDRESS | VALID)
        if table >= c.HV_NPAGE and shift > 12:
            raise ValueError(f"a table outside pages[] on the walk of {va:#x}")
    return entry & ADDRESS if entry & AF else FAULT


def _system_register(c: SimpleNamespace, state: Mirror, esr: int) -> Trap:
    key, target = esr & ISS_REGISTER, esr >> 5 & 31
    if key in READ:
        register = READ[key]
        return Trap(f"reads {register}", f"reads {register.upper()}", register)
    if key in CLEAN:
        par = translate(c, state, 0 if target == XZR else state.get("sys.x", target))
        return Trap("cache line", "not no translation", par=par) if par != FAULT else STOP
    return STOP


def classify(c: SimpleNamespace, state: Mirror) -> Trap:
    """What the exception in sys.esr_el2 is."""
    esr, spsr = state.get("sys.esr_el2"), state.get("sys.spsr_el2")
    kind = esr >> 26 & 0x3F
    if kind == EC_FP and not state.get("sched.cpus.more", 0) & c.HV_CPU_FP:
        return Trap("trap_fp", "FP")
    if spsr & AARCH32:
        return STOP
    if kind == EC_SYSREG:
        return _system_register(c, state, esr)
    if kind == EC_WFX and esr & 3 == 0:
        return Trap("trap_wfi", "WFI")
    return Trap("hvc #n", "hvc #n") if kind == EC_HVC else STOP


def agrees(trap: Trap, case: str) -> bool:
    """Did the specification do that?"""
    chosen = case.split(", ")
    stopped = any(label.startswith("stop: ") for label in chosen)
    return stopped if not trap.label else not stopped and trap.label in chosen
