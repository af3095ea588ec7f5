# SPDX-License-Identifier: MIT
"""vectors.S and direct.S from each exception vector to `eret`, in segments between calls of C.

A segment begins at a vector, or behind a call or WFI at which another ends. Where a segment ends
it hands over what linkage.py says, and where one begins it has that and nothing else: so
segments, handlers and traps may be proved one by one. What lies behind an end is found from it,
and each place has one specification.
"""
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spec.transitions.direct import MORE
from spec.transitions.entry import BEHIND, DIRECT

from . import linkage
from .errors import VerifError
from .explore import Contract, Start
from .machine import ERET, HYPERCALL, WAIT, Path
from .safety import Handled, explore, given
from .target import Routine, Target

# Offset of the vector (D1.3.1, table D1-5) and the specification of what is done there.
VECTORS = {
    0x400: "enter_sync", 0x480: "enter_irq", 0x500: "enter_irq", 0x580: "enter_serror",
    0x600: "enter_aarch32", 0x680: "enter_irq", 0x700: "enter_irq", 0x780: "enter_serror",
}
# Every segment, and the routines of assembly that they run through.
NAMES = (*(f"vector {offset:#05x}" for offset in VECTORS), "return, free", "return, fast",
         "return, full", "return, trap", "after a wait", "return, waiting", *DIRECT, MORE,
         *(f"return, {name}" for name in BEHIND))
CODE = ("el2_vectors", "vectors_sync", "vectors_fast", "vectors_free", "vectors_trap",
        "vectors_doomed", "vectors_full", "vectors_locked", "vectors_dropped", "vectors_leave",
        "vectors_resume", "vectors_kick", "vectors_return", "vectors_unknown", "vectors_switch",
        "vectors_exchange", "vectors_switch_more", "vectors_save", "vectors_load",
        "vectors_save_fp", "vectors_idle", "vectors_vgic_leave", "vectors_vgic_enter",
        "context_save_fp",
        "direct_call", "direct_call_locked", "direct_call_wait", "direct_call_leave",
        "direct_call_page", "direct_call_forever", "direct_call_full", "direct_reply_wait",
        "direct_reply_locked", "direct_reply_wait_next", "direct_reply_leave", "direct_reply_page",
        "direct_reply_forever", "direct_reply_full", "direct_full", "direct_more", "direct_vgic")


@dataclass(frozen=True)
class Segment:
    """A stretch of vectors.S and the transition that it is, `text`."""

    routine: Routine
    text: str
    start: Start


def cuts(target: Target) -> dict[int, str]:
    """Where control leaves a segment for what has a proof of its own, or for good."""
    return {**{trap.address: trap.name for trap in target.traps},
            **{target.image.function(name).address: name for name in (*DIRECT, "panic")}}


def _cuts(target: Target, segment: Segment) -> dict[int, str]:
    """The same, of one segment: those of direct.S end where what some cores have is exchanged."""
    more = {target.image.function("vectors_switch_more").address: MORE}
    return {**cuts(target), **(more if segment.text in DIRECT else {})}


def _routine(target: Target, name: str, address: int, parameters: tuple[str, ...] = (),
             is_running: bool = True, has_lock: bool = True) -> Routine:
    return Routine(name, address, parameters, target.debug.line_of(address),
                   False, is_running, True, has_lock)


def _at_vectors(target: Target) -> Iterator[Segment]:
    base = target.image.function("el2_vectors").address
    for offset, text in VECTORS.items():
        routine = _routine(target, f"vector {offset:#05x}", base + offset, has_lock=False)
        yield Segment(routine, text, linkage.entry(target, base + offset))


def _behind(target: Target, segment: Segment, path: Path) -> Segment | None:
    """What goes on behind the end of a path."""
    if path.finished == ERET:
        return None
    if path.finished == WAIT:
        at = path.pc + 4
        return Segment(_routine(target, "after a wait", at, (), False, False), "wake_up",
                       linkage.full_return(target, at, False))
    if path.finished in DIRECT:
        return Segment(_routine(target, path.finished, path.pc, has_lock=False), path.finished,
                       linkage.direct(target, path.pc))
    if path.finished == MORE:
        return Segment(_routine(target, MORE, path.pc, (), False), MORE,
                       linkage.full_return(target, path.pc, True))
    back = path.regs[30]
    if not back.is_const or path.finished == "panic":
        raise VerifError(f"{segment.routine.name}: {path.finished} at {path.pc:#x} has no way back")
    at = back.const
    if linkage.is_fast(path) and not path.has_lock:
        return Segment(_routine(target, "return, free", at, ("result",), False, False),
                       "leave_free", linkage.fast_return(target, at))
    if linkage.is_fast(path):
        return Segment(_routine(target, "return, fast", at, ("result",), False), "leave_fast",
                       linkage.fast_return(target, at))
    if path.finished == HYPERCALL:
        return Segment(_routine(target, "return, full", at, ("result",), False),
                       "leave_call", linkage.full_return(target, at, True))
    if path.finished in BEHIND:
        return Segment(_routine(target, f"return, {path.finished}", at, (), False),
                       BEHIND[path.finished], linkage.full_return(target, at, True))
    if segment.text == "wake_up":
        return Segment(_routine(target, "return, waiting", at, (), False), "leave_wait",
                       linkage.full_return(target, at, False))
    return Segment(_routine(target, "return, trap", at, (), False), "leave_trap",
                   linkage.full_return(target, at, True))


def explore_all(target: Target, contracts: dict[int, Contract]) -> list[tuple[Segment, Handled]]:
    """Every segment that can be reached from a vector for lower exception levels.

    VerifError if a place behind a call is reached in two ways that differ."""
    found: dict[int, tuple[Segment, Handled]] = {}
    todo = list(_at_vectors(target))
    while todo:
        segment = todo.pop(0)
        address = segment.routine.address
        if address in found:
            if found[address][0].text != segment.text:
                raise VerifError(f"{segment.routine.name} is also {found[address][0].routine.name}")
            continue
        start = replace(segment.start, given=given(target, segment.text))
        handled = explore(target, segment.routine, contracts, start, _cuts(target, segment))
        found[address] = segment, handled
        for path in handled.exploration.ended:
            following = _behind(target, segment, path)
            if following is not None:
                todo.append(following)
    return list(found.values())
