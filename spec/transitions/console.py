# SPDX-License-Identifier: MIT
"""Hypercalls on the console and on power (PSCI, DEN 0022). The console is a UART, PL011 (DDI 0183G)
or Cadence (UG1087); what is asked of it is the same."""

from __future__ import annotations

from .. import sets
from ..schedule import block, run_next
from ..transition import Group, Transition
from ..vocabulary import require_object
from ..words import Word

CALLS = Group()

BREAK_KEY = 3       # ^C
CADENCE = 1         # machine.uart_kind; 0 is a PL011


@CALLS.hypercall
def console_write(t: Transition, handle: Word, byte: Word) -> Word:
    """The low 8 bits go to the transmitter, if it has room."""
    require_object(t, handle, t.c.HV_FILE_CONSOLE, t.c.HV_RIGHT_WRITE)
    t.require(t.get("uart.tx_full") == 0, t.c.HV_EAGAIN)
    t.event("uart_put", byte & 0xff)
    return 0


@CALLS.hypercall
def console_read(t: Transition, handle: Word, deadline: Word) -> Word:
    """The break key that is kept, or the oldest byte not read; else self waits for one."""
    o, c = t.o, t.c
    file = require_object(t, handle, c.HV_FILE_CONSOLE, c.HV_RIGHT_READ)
    tail = t.get("console.tail")
    empty = t.get("console.head") == tail
    broken = t.get("console.has_break") != 0
    t.require(o.not_(o.and_(empty, o.not_(broken), deadline == c.HV_NOWAIT)), c.HV_EAGAIN)
    if t.choose(broken, "break kept"):
        t.set("console.has_break", (), 0)
        return BREAK_KEY
    if t.choose(o.not_(empty), "byte there"):
        t.set("console.tail", (), o.add(tail, 1))
        t.event("uart_rx_irq", 1)
        return t.get("console.byte", tail & (c.CONSOLE_RING - 1))
    sets.add(t, sets.receivers(file), t.self)
    t.set("ghost.wait_handle", (t.self,), handle)
    block(t, file, 0, 0, deadline)
    run_next(t)
    return o.word(-c.HV_ETIMEDOUT)


@CALLS.hypercall
def power_off(t: Transition, handle: Word) -> Word:
    """SYSTEM_OFF; the result is seen only if the firmware comes back."""
    require_object(t, handle, t.c.HV_FILE_POWER, t.c.HV_RIGHT_WRITE)
    t.event("system_off")
    return 0


@CALLS.hypercall
def reset(t: Transition, handle: Word) -> Word:
    """SYSTEM_RESET; the result is seen only if the firmware comes back."""
    require_object(t, handle, t.c.HV_FILE_POWER, t.c.HV_RIGHT_WRITE)
    t.event("system_reset")
    return 0
