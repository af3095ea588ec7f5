# SPDX-License-Identifier: MIT
"""What vectors.S and C hand to each other in registers and on the stack: shown where one ends,
used where the other begins.

At a hypercall of the FAST class x0..x7 are the caller's, x18..x29 too and stay so, and the
process's x30 is on the stack. Where direct.S begins all are the caller's but x16 and x17. At every
other call X19 is the core's struct, X20 the context page of the process whose registers the core
holds, and the stack is empty.
"""
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import z3
from spec.transitions.direct import MORE
from spec.transitions.entry import BEHIND, DIRECT

from .explore import Start
from .lin import Lin, bv, const, lift, symbol
from .machine import CPU, ERET, HYPERCALL, PAGE, STACK_TOP, WAIT, Path
from .target import Target

Pair = tuple[str, z3.BitVecRef, z3.BitVecRef]
ARGUMENTS = range(8)
KEPT = range(18, 30)
GENERAL = 31
LOST = (16, 17)         # where direct.S begins
SP, FRAME = 31, -16     # a hypercall of the FAST class has 16 bytes of stack below it


def sys_x(number: int) -> Lin:
    """X register `number` of the process: sys.x of the specification."""
    sort = z3.BitVecSort(64)
    return lift(z3.Function("sys.x", sort, sort)(bv(number)))


def _base(target: Target, name: str, *indices: z3.BitVecRef) -> z3.BitVecRef:
    sorts = [z3.BitVecSort(64)] * len(indices)
    width = 8 * target.layout.families[name].width
    return z3.Function(name, *sorts, z3.BitVecSort(width))(*indices)


def loaded(target: Target) -> z3.BitVecRef:
    """The process whose registers the core holds, at the start of an exploration."""
    return _base(target, "sched.cpus.loaded", symbol(CPU).z)


def context(target: Target) -> Lin:
    """Its context page, as an address."""
    page = _base(target, "procs.ctx", loaded(target))
    return const(target.layout.families["pages"].base) + lift(page).scaled(PAGE)


def _context_of(target: Target, case: Any) -> z3.BitVecRef:
    """The same, of the process whose registers the core holds after a case."""
    page = case.state.get("procs.ctx", case.state.get("sched.cpus.loaded", symbol(CPU).z))
    return bv(target.layout.families["pages"].base) + page * bv(PAGE)


def is_fast(path: Path) -> bool:
    """Does the path end in the way of a hypercall of the FAST class?"""
    return path.finished == HYPERCALL and path.regs[SP].same(symbol(STACK_TOP).plus(FRAME))


def registers(target: Target, path: Path, case: Any, is_running: bool) -> Iterator[Pair]:
    """Where a path ends: which register, what it has, what it must have. `is_running`: the
    core holds the registers of a process."""
    if path.finished == ERET:
        for n in range(GENERAL):
            yield f"x{n}", path.regs[n].z, case.state.get("sys.x", n)
    elif path.finished == HYPERCALL:
        for n in ARGUMENTS:
            yield f"x{n}", path.regs[n].z, case.state.get("sys.x", n)
        number = path.events[-1].operands[0]
        fast = z3.ULT(number, bv(target.constant("HC_FULL_FIRST")))
        yield "class", z3.If(fast, bv(1), bv(0)), bv(int(is_fast(path)))
    elif path.finished in DIRECT:
        for n in (n for n in range(GENERAL) if n not in LOST):
            yield f"x{n}", path.regs[n].z, case.state.get("sys.x", n)
        yield "sp", path.regs[SP].z, symbol(STACK_TOP).z
        return
    elif path.finished not in (WAIT, MORE):
        yield "x0", path.regs[0].z, target.cpu.z
    if is_fast(path):
        for n in KEPT:
            yield f"x{n}", path.regs[n].z, case.state.get("sys.x", n)
        yield "x30 on the stack", path.stack[FRAME, 8].z, case.state.get("sys.x", 30)
        return
    yield "sp", path.regs[SP].z, symbol(STACK_TOP).z
    if path.finished != ERET:
        yield "x19", path.regs[19].z, target.cpu.z
        if path.finished in BEHIND or (path.finished != WAIT and is_running):
            yield "x20", path.regs[20].z, _context_of(target, case)


def entry(target: Target, address: int) -> Start:
    """At a vector: every register is the process's but SP and TPIDR_EL2."""
    regs = tuple(sys_x(n) for n in range(GENERAL)) + (symbol(STACK_TOP),)
    return Start(address, regs, {"tpidr_el2": target.cpu})


def direct(target: Target, address: int) -> Start:
    """Where direct.S begins."""
    start = entry(target, address)
    return replace(start, regs=tuple(symbol(f"lost{n}") if n in LOST else reg
                                     for n, reg in enumerate(start.regs)))


def fast_return(target: Target, address: int) -> Start:
    """Behind the call of a handler of the FAST class: X0 is its result."""
    kept = {0: symbol("x0"), **{n: sys_x(n) for n in KEPT}}
    regs = tuple(kept.get(n, symbol(f"lost{n}")) for n in range(GENERAL))
    sp = symbol(STACK_TOP).plus(FRAME)
    return Start(address, (*regs, sp), {"tpidr_el2": target.cpu},
                 stack=(((FRAME, 8), sys_x(30)),))


def full_return(target: Target, address: int, is_running: bool) -> Start:
    """Behind any other call, or a wait (not `is_running`: X20 is nobody's context)."""
    known = {0: symbol("x0"), 19: target.cpu,
             **({20: context(target)} if is_running else {})}
    regs = tuple(known.get(n, symbol(f"lost{n}")) for n in range(GENERAL))
    return Start(address, (*regs, symbol(STACK_TOP)), {"tpidr_el2": target.cpu})
