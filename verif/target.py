# SPDX-License-Identifier: MIT
"""The kernel under proof: image, types, hypercalls, and how a handler starts."""
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import z3
from spec.transitions.entry import FREE

from . import devices, dwarf, image, layout, stamped
from .errors import ImageError
from .explore import Start, standard_start
from .lin import Lin, const, symbol
from .machine import CPU
from .world import World

TABLE = "hypercall_table"
CPUS = "sched.cpus."


@dataclass(frozen=True)
class Routine:
    """Machine code that is proved from `address` on. `has_result`: X0 at its return is one.
    `is_running`: it is entered from the process that the core holds and that is current.
    `is_edge`: it is the way in or out of EL2. `has_lock`: the core has the lock there."""

    name: str
    address: int
    parameters: tuple[str, ...]
    source: str
    has_result: bool = False
    is_running: bool = True
    is_edge: bool = False
    has_lock: bool = True


@dataclass(frozen=True)
class Hypercall(Routine):
    """One entry of the table, as the ELF has it."""

    number: int = -1


# C functions that vectors.S calls; an interrupt may come while the core waits.
TRAPS = {"trap_sync": True, "trap_stop": True, "trap_doomed": True, "trap_irq": False,
         "leave_irq": False, "leave_idle": False, "sched_kick": False,
         "vgic_leave": False, "vgic_enter": True}


@dataclass(frozen=True)
class Target:
    """An ELF with everything read from it."""

    image: image.Image
    debug: dwarf.DebugInfo
    layout: layout.Layout
    hypercalls: tuple[Hypercall, ...]
    traps: tuple[Routine, ...]
    kernel_hash: str

    def world(self, zva_block: int = 0) -> World:
        """A new, empty World for one exploration."""
        return World(self.image, self.layout, devices.windows(self.layout),
                     self.constant("HV_PAGE_RESERVED"), zva_block,
                     self.image.symbols[TABLE])

    def constant(self, name: str) -> int:
        """The value of an enumerator; ImageError if there is none."""
        if name not in self.debug.constants:
            raise ImageError(f"no enumerator {name}")
        return self.debug.constants[name]

    @property
    def first_of_cpu(self) -> layout.Family:
        """The first field of struct hv_cpu."""
        fields = (f for name, f in self.layout.families.items() if name.startswith(CPUS))
        return min(fields, key=lambda family: family.offset)

    @property
    def cpu(self) -> Lin:
        """&sched.cpus[cpu] of the core that executes."""
        family = self.first_of_cpu
        return const(family.base + family.offset) + symbol(CPU).scaled(family.dims[0].stride)

    def start(self, routine: Routine, given: tuple[z3.BoolRef, ...] = ()) -> Start:
        """Entry of a handler or trap: TPIDR_EL2 = &sched.cpus[cpu], of a trap X0 too;
        everything else free, but what is `given`."""
        first = replace(standard_start(routine.address, {"tpidr_el2": self.cpu}), given=given)
        if routine.has_result:
            return first
        return replace(first, regs=(self.cpu, *first.regs[1:]))


def _hypercalls(img: image.Image, debug: dwarf.DebugInfo) -> tuple[Hypercall, ...]:
    """Names and numbers from enum hypercall_number; addresses from hypercall_table in rodata."""
    table = img.symbols.get(TABLE)
    if table is None:
        raise ImageError("no hypercall_table")
    names = {v: k.removeprefix("HC_NR_") for k, v in debug.constants.items()
             if k.startswith("HC_NR_")}
    if sorted(names) != list(range(table.size // 8)):
        raise ImageError("hypercall_table and enum hypercall_number differ")
    calls = []
    for number, name in sorted(names.items()):
        address = img.constant(table.address + 8 * number, 8)
        handler = img.function(f"hc_{name}")
        if address != handler.address:
            raise ImageError(f"entry {number} of hypercall_table is not hc_{name}")
        function = debug.functions[f"hc_{name}"]
        calls.append(Hypercall(name, handler.address, function.parameters,
                               f"{function.file}:{function.line}", has_result=True,
                               has_lock=number != FREE, number=number))
    return tuple(calls)


def _traps(img: image.Image, debug: dwarf.DebugInfo) -> tuple[Routine, ...]:
    return tuple(Routine(name, img.function(name).address, (),
                         f"{debug.functions[name].file}:{debug.functions[name].line}", False, runs)
                 for name, runs in TRAPS.items())


def load(path: FilePath) -> Target:
    """Reads the ELF at `path`; ImageError if it would print another hash than its own."""
    kernel_hash = stamped.kernel_hash(path)
    img = image.load(path)
    if not all(name in img.markers for name in image.BOOT):
        raise ImageError(f"{path} does not say where its boot section is")
    debug = dwarf.load(path)
    return Target(img, debug, layout.build(img, debug), _hypercalls(img, debug),
                  _traps(img, debug), kernel_hash)
