# SPDX-License-Identifier: MIT
"""T4 of the EL2 address space: what is mapped, over raw descriptor bits (spec/kernel_map.py)."""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spec import descriptor as d
from spec.devices import frames
from spec.kernel_map import Area, Mapping, aliases, overlap, what_is_wrong

from . import devices
from .boot_state import PAGE, DumpState, physical
from .boot_walk import mappings
from .image import PF_W, PF_X, Image
from .target import Target

# The tables that a process may be shown, each of whole pages.
SHOWN = ("bootinfo", "sched", "procs", "files", "handles", "devices", "irqs", "page_descs")


@dataclass(frozen=True)
class Problem:
    """A statement that is false, numbers to go with it, and file:line of what says so."""

    what: str
    values: tuple[tuple[str, str], ...] = ()
    place: str = "spec/kernel_map.py"


def _shown(m: Mapping) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"{getattr(m, name):#x}") for name in ("va", "pa", "size", "bits"))


def _up(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _resident(image: Image, kernel_pa: int) -> tuple[Area, ...]:
    """The segments that stay."""
    begin = image.markers["__text_start"]
    kinds = {0: "constants", PF_X: "text", PF_W: "data"}
    stay = ((kinds[s.flags & (PF_X | PF_W)], s) for s in image.segments if s.base >= begin)
    return tuple(Area(f"the kernel's {kind}", kind, s.base, _up(s.size),
                      physical(image, s.base, kernel_pa)) for kind, s in stay)


def areas(target: Target, state: DumpState) -> tuple[Area, ...]:
    """All that EL2 may have mapped."""
    windows = {w.name: w.base for w in devices.windows(target.layout)}
    device = tuple(Area(name, "devices", windows[name], size, pa)
                   for name, (pa, size) in frames(state.dump.machine.where).items())
    pages = Area("pages[]", "data", target.image.symbols["pages"].address,
                 state.c.HV_NPAGE * PAGE, state.get("machine.pages_pa"))
    return (*_resident(target.image, state.dump.kernel_pa), *device, pages)


def _text_is_the_elfs(target: Target, state: DumpState) -> Iterator[Problem]:
    """What was proved is what runs: text and constants in RAM are those of the ELF."""
    begin = target.image.markers["__text_start"]
    for s in target.image.segments:
        if s.base >= begin and not s.flags & PF_W:
            at = physical(target.image, s.base, state.dump.kernel_pa) - state.ram_base
            if state.dump.ram[at:at + len(s.data)] != s.data:
                yield Problem("text or constants in RAM are not those of the ELF",
                              (("segment", f"{s.base:#x}"),))


def _missing(area: Area, found: tuple[Mapping, ...]) -> Iterator[Problem]:
    """All of it is mapped, or of pages[] all that are not reserved (see below)."""
    mapped = sum(m.size for m in found if area.holds(m))
    if mapped != area.size:
        yield Problem(f"{area.name}: not all of it is mapped", (("bytes", f"{mapped:#x}"),))


def _pages(image: Image, state: DumpState, area: Area,
           found: tuple[Mapping, ...]) -> Iterator[Problem]:
    """Every page that is not reserved is mapped, is RAM, and is not the kernel's."""
    mapped = np.zeros(state.c.HV_NPAGE, dtype=bool)
    for m in found:
        if area.holds(m):
            first = (m.va - area.va) // PAGE
            mapped[first:first + m.size // PAGE] = True
    used = state.get("page_descs.type", np.arange(state.c.HV_NPAGE, dtype=np.uint64)) \
        != state.c.HV_PAGE_RESERVED
    for page in np.flatnonzero(used & ~mapped)[:1]:
        yield Problem("a page that is not reserved is not mapped", (("page", f"{page:#x}"),))
    for page in np.flatnonzero(used[state.page_count:])[:1]:
        yield Problem("a page that is not reserved is not RAM",
                      (("page", f"{page + state.page_count:#x}"),))
    if d.page_at(state, state.get("machine.empty_root")) >= state.page_count:
        yield Problem("the empty table of idle cores is not RAM")
    begin, end = ((pa - area.pa) // PAGE for pa in _kernel_range(image, state.dump.kernel_pa))
    for page in np.flatnonzero(used[max(begin, 0):max(end, 0)])[:1]:
        yield Problem("a page of the kernel is not reserved", (("page", f"{page + begin:#x}"),))


def _kernel_range(image: Image, kernel_pa: int) -> tuple[int, int]:
    """Physical addresses of the whole image, boot section and bss included: begin and end."""
    return kernel_pa, physical(image, image.markers["__kernel_end"], kernel_pa)


def _view(target: Target, state: DumpState) -> Iterator[Problem]:
    """What processes may see of the image is the tables meant for it."""
    begin, end = _kernel_range(target.image, state.dump.kernel_pa)
    symbols = [target.image.symbols[name] for name in SHOWN]
    shown = [(physical(target.image, s.address, state.dump.kernel_pa), s.size) for s in symbols]
    for symbol in symbols:
        if symbol.address % PAGE or symbol.size % PAGE:
            yield Problem(f"{symbol.name} shares a page with something else")
    levels = state.get("ghost.view_level", np.arange(state.c.HV_NPAGE, dtype=np.uint64))
    for table in np.flatnonzero(np.broadcast_to(levels == 3, (state.c.HV_NPAGE,))):
        entries = state.get("pages", int(table), np.arange(512, dtype=np.uint64))
        for entry in entries[entries & np.uint64(d.VALID) != 0]:
            pa = int(entry) & d.ADDRESS
            if overlap(pa, PAGE, begin, end - begin) and \
                    not any(at <= pa < at + size for at, size in shown):
                yield Problem("the view shows something else of the kernel", (("pa", f"{pa:#x}"),))


def problems(target: Target, state: DumpState) -> Iterator[Problem]:
    """All that is wrong with what EL2, and by the view EL1, has mapped."""
    found = tuple(mappings(state.ram, state.ram_base, state.dump.registers["TTBR0_EL2"]))
    allowed = areas(target, state)
    pages, begin, end = allowed[-1], *_kernel_range(target.image, state.dump.kernel_pa)
    for m in found:
        wrong = what_is_wrong(m, allowed)
        if wrong:
            yield Problem(f"what EL2 has mapped {wrong}", _shown(m))
        elif pages.holds(m) and overlap(m.pa, m.size, begin, end - begin):
            yield Problem("EL2 has the kernel's image mapped twice", _shown(m))
        if aliases(m, found):
            yield Problem("what is executed or constant can be written elsewhere", _shown(m))
    for area in allowed[:-1]:
        yield from _missing(area, found)
    yield from _pages(target.image, state, pages, found)
    yield from _text_is_the_elfs(target, state)
    yield from _view(target, state)
