# SPDX-License-Identifier: MIT
"""The kernel under proof: image, types, hypercalls, and how a handler starts."""
from dataclasses import dataclass
from pathlib import Path as FilePath

from . import devices, dwarf, image, layout, stamped
from .errors import ImageError
from .explore import Start, standard_start
from .lin import Lin, const, symbol
from .machine import World

CPU = "sys.cpu"


@dataclass(frozen=True)
class Hypercall:
    """One entry of the table, as the ELF has it."""

    name: str
    number: int
    address: int
    parameters: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Target:
    """An ELF with everything read from it."""

    image: image.Image
    debug: dwarf.DebugInfo
    layout: layout.Layout
    hypercalls: tuple[Hypercall, ...]
    kernel_hash: str

    def world(self, zva_block: int = 0) -> World:
        """A new, empty World for one exploration."""
        return World(self.image, self.layout, devices.windows(self.layout),
                     self.constant("HV_PAGE_RESERVED"), zva_block)

    def constant(self, name: str) -> int:
        """The value of an enumerator; ImageError if there is none."""
        if name not in self.debug.constants:
            raise ImageError(f"no enumerator {name}")
        return self.debug.constants[name]

    def handler_start(self, call: Hypercall) -> Start:
        """Entry of a handler: TPIDR_EL2 = &sched.cpus[cpu], everything else free."""
        family = self.layout.families["sched.cpus.current"]
        cpu: Lin = const(family.base + family.offset) + symbol(CPU).scaled(family.dims[0].stride)
        return standard_start(call.address, {"tpidr_el2": cpu})


def _hypercalls(img: image.Image, debug: dwarf.DebugInfo) -> tuple[Hypercall, ...]:
    """Names and numbers from enum hypercall_number; addresses from hypercall_table in rodata."""
    table = img.symbols.get("hypercall_table")
    if table is None:
        raise ImageError("no hypercall_table")
    names = {v: k.removeprefix("HC_NR_") for k, v in debug.constants.items() if k.startswith("HC_NR_")}
    if sorted(names) != list(range(table.size // 8)):
        raise ImageError("hypercall_table and enum hypercall_number differ")
    calls = []
    for number, name in sorted(names.items()):
        address = img.constant(table.address + 8 * number, 8)
        handler = img.function(f"hc_{name}")
        if address != handler.address:
            raise ImageError(f"entry {number} of hypercall_table is not hc_{name}")
        function = debug.functions[f"hc_{name}"]
        calls.append(Hypercall(name, number, handler.address, function.parameters,
                               f"{function.file}:{function.line}"))
    return tuple(calls)


def load(path: FilePath) -> Target:
    """Reads the ELF at `path`; ImageError if it would print another hash than its own."""
    kernel_hash = stamped.kernel_hash(path)
    img = image.load(path)
    debug = dwarf.load(path)
    return Target(img, debug, layout.build(img, debug), _hypercalls(img, debug),
                  kernel_hash)
