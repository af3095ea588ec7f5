# SPDX-License-Identifier: MIT
"""T4 of one dump: each invariant at every index, the initial state, registers, devices, and
what a walk from the first process's root reaches. Everything is what spec/ says, on numbers."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import spec
from spec import initial, isolation
from spec.descriptor import address
from spec.devices import devices
from spec.ghosts import ENTRIES
from spec.invariants import Invariant, is_counting
from spec.marks import place_of
from spec.registers import OF_OTHERS, REQUIRED, Facts, tick_is_near
from spec.schedule import alarm
from spec.state import FIELDS, KINDS, SAVED_REGISTERS
from spec.table_invariants import is_table
from spec.transition import Reader
from spec.transitions.vgic import STATES
from spec.words import Truth, Word

from . import boot_devices, boot_info, boot_map
from .arrays import Array, where_false
from .boot_machine import Dump
from .boot_map import Problem
from .boot_state import DumpState, core_address, physical
from .boot_walk import paths
from .target import Target

REGISTERS, DEVICES = "spec/registers.py", "spec/devices.py"
INITIAL = "spec/initial.py"
MOST = 1 << 20              # so many instances of an invariant at once


def grid(sizes: tuple[int, ...]) -> tuple[Array, ...]:
    """Every tuple of indices below these sizes."""
    grids = np.meshgrid(*(np.arange(n, dtype=np.uint64) for n in sizes), indexing="ij")
    return tuple(grid.ravel() for grid in grids)


@dataclass
class Check:
    """One dump of a machine that booted with `initrd`, in which `entry` is the entry point of
    init. `instances` counts what was looked at."""

    c: Any
    target: Target
    dump: Dump
    initrd: Path
    entry: int
    instances: int = 0

    @cached_property
    def state(self) -> DumpState:
        """The dump as a state of the specification."""
        return DumpState(self.c, self.target, self.dump)

    @cached_property
    def reader(self) -> Reader:
        """The same, to talk about it."""
        return Reader(self.c, self.state)

    @cached_property
    def facts(self) -> Facts:
        """What required values depend on."""
        r, image = self.reader, self.target.image
        pid = self.c.HV_INIT_PID
        ctx = r.get("procs.ctx", pid)
        words = {name: r.get("pages", ctx, self.c.CTX_ELR_EL2 + at)
                 for at, name in enumerate(SAVED_REGISTERS)}
        words |= {f"x{n}": r.get("pages", ctx, self.c.CTX_X0 + n) for n in range(31)}
        stack = image.symbols["cpu_stacks"]
        return Facts(
            ids=self.dump.registers, board=self.dump.machine.where, context=words,
            vectors=image.function("el2_vectors").address, cpu=core_address(self.target),
            stack=stack.address + stack.size // self.c.HV_NCPU,
            pages=image.symbols["pages"].address,
            el2_root=physical(image, image.symbols["el2_tables"].address, self.dump.kernel_pa),
            process_root=address(self.state, r.get("procs.root", pid)),
            entry=self.entry, alarm=alarm(r), affinities=tuple(
                core["MPIDR_EL1"] for core in (self.dump.registers, *self.dump.others)))

    # ---- invariants ------------------------------------------------------------------------

    def _keys(self, rule: Invariant) -> Iterator[tuple[Word, ...]]:
        """Indices of every instance, in parts. Of (page, entry) those of tables: an invariant of
        entries holds by its premise where the page is no table that counts, is walked by EL1 or
        belongs to the view; and the order of what does not count is the identity."""
        sizes = tuple(KINDS[kind](self.c) for kind in rule.kinds)
        if rule.kinds == ("page", "entry"):
            groups: Any = self._tables()
        elif len(sizes) == 2 and sizes[0] * sizes[1] > MOST:
            groups = range(sizes[0])
        else:
            yield grid(sizes) if sizes else ()
            return
        for group in groups:
            yield int(group), np.arange(sizes[1], dtype=np.uint64)

    def _tables(self) -> Array:
        r, pages = self.reader, np.arange(self.c.HV_NPAGE, dtype=np.uint64)
        truths = (is_table(r, pages), is_counting(r, ENTRIES, pages),
                  r.get("ghost.view_level", pages) != 0)
        return np.flatnonzero(np.logical_or.reduce([np.broadcast_to(t, pages.shape)
                                                    for t in truths]))

    def rules(self) -> dict[str, Invariant]:
        """What must hold: the invariants, and what holds besides while a process runs."""
        return {**spec.invariants(), **spec.premises()}

    def invariants(self) -> Iterator[Problem]:
        """Each of rules() at every index."""
        for name, rule in self.rules().items():
            for key in self._keys(rule):
                yield from self._false(f"invariant {name}", rule.kinds, key,
                                       rule.holds(self.c, self.state, *key), place_of(rule.text))

    def _false(self, what: str, kinds: tuple[str, ...], key: tuple[Word, ...],
               truth: Truth, place: str) -> Iterator[Problem]:
        """The first index of a part at which it is false, and how many there are."""
        arrays = [k for k in key if isinstance(k, np.ndarray)]
        self.instances += len(arrays[0]) if arrays else 1
        wrong = where_false(truth)
        if len(wrong):
            at = [int(k[wrong[0]]) if isinstance(k, np.ndarray) else k for k in key]
            values = tuple((kind, f"{i:#x}") for kind, i in zip(kinds, at))
            yield Problem(f"{what} does not hold", (*values, ("instances", str(len(wrong)))), place)

    # ---- the initial state -----------------------------------------------------------------

    def initial(self) -> Iterator[Problem]:
        """Every field of every table is as spec/initial.py has it."""
        r, f = self.reader, self.facts
        for name in initial.NAMES:
            key = grid(tuple(KINDS[kind](self.c) for kind in FIELDS[name])) \
                if FIELDS[name] else ()
            yield from self._false(f"initial value of {name}", FIELDS[name], key,
                                   initial.is_initial(r, f, name, *key), INITIAL)
        for family in self.target.layout.families.values():
            if family.name.rpartition(".")[2].startswith("reserved"):
                key = grid(tuple(dim.count for dim in family.dims))
                yield from self._false(f"initial value of {family.name}", ("", "", ""), key,
                                       r.get(family.name, *key) == 0, INITIAL)
        yield from self._initial_pages(r, f)

    def _initial_pages(self, r: Reader, f: Facts) -> Iterator[Problem]:
        word, page, line, intid = (np.arange(n, dtype=np.uint64) for n in (
            self.c.HV_PAGE_WORDS, self.c.HV_NPAGE, self.c.HV_NIRQ, self.c.NINTID))
        statements: tuple[tuple[str, tuple[Word, ...], Truth], ...] = (
            ("context of init", (word,), initial.context_is_initial(r, f, word)),
            ("empty table of idle cores", (word,), initial.idle_table_is_empty(r, word)),
            ("lines of devices", (intid,), initial.lines_are_the_devices(r, f, intid)),
            ("lines are init's", (line,), initial.lines_are_inits(r, f, line)),
            ("count of pages that are no tables", (page,), initial.count_is_unused(r, page)),
            ("pages are init's or nobody's", (page,), initial.pages_are_inits(r, page)))
        for what, key, truth in statements:
            yield from self._false(what, ("index",), key, truth, INITIAL)

    # ---- registers and devices ---------------------------------------------------------------

    def registers(self) -> Iterator[Problem]:
        """Each required register that the core has; and the tick is not far away."""
        for required in REQUIRED:
            if not required.exists(self.facts):
                continue
            actual = self.dump.registers[required.name]
            if not required.holds(self.facts, actual):
                yield _differs(required.name, actual, required.value(self.facts), required.mask,
                               REGISTERS)
        for number, actual in enumerate(self.dump.others, start=1):
            yield from self._of_other(number, actual)
        if not tick_is_near(self.facts, self.dump.registers["CNTHP_CVAL_EL2"], self.c.HV_TICK_HZ):
            yield Problem("the tick is more than its period ahead", (), REGISTERS)

    def _of_other(self, number: int, actual: dict[str, int]) -> Iterator[Problem]:
        """A core that waits for the lock for the first time."""
        r, (stack, stride) = self.reader, self._places()
        facts = replace(self.facts, ids=actual, cpu=self.facts.cpu + number * stride,
                        stack=self.facts.stack + number * stack,
                        process_root=int(r.get("machine.empty_root")),
                        alarm=int(r.get("sched.cpus.next_tick", number)))
        for required in OF_OTHERS:
            if required.exists(facts) and not required.holds(facts, actual[required.name]):
                yield _differs(f"core {number}: {required.name}", actual[required.name],
                               required.value(facts), required.mask, REGISTERS)

    def _places(self) -> tuple[int, int]:
        """Bytes from one core's stack to the next, and from one struct hv_cpu."""
        families = self.target.layout.families
        return (self.target.image.symbols["cpu_stacks"].size // self.c.HV_NCPU,
                families["sched.cpus.current"].dims[0].stride)

    def devices(self) -> Iterator[Problem]:
        """Each required register of the interrupt controller and the UART that was read."""
        for device in devices(self.dump.machine.where):
            actual = self.dump.devices.get(device.name)
            if actual is not None and not device.holds(actual):
                yield _differs(device.name, actual, device.value, device.mask,
                               DEVICES)

    # ---- what is reached -----------------------------------------------------------------------

    def walked(self) -> tuple[int, ...]:
        """Processes that have tables: after boot, the first."""
        return (self.c.HV_INIT_PID,)

    def reached(self) -> Iterator[Problem]:
        """The statements of T5 of a state, here: every walk of a process, who waits."""
        for pid in self.walked():
            key = paths(self.state, self.reader.get("procs.root", pid))
            yield from self._false(f"isolation of the memory of {pid}", ("i0", "i1", "i2", "i3"),
                                   key, isolation.memory_is_isolated(self.c, self.state, pid, key),
                                   place_of(isolation.memory_is_isolated))
        lists = grid((self.c.HV_NPROC, self.c.HV_NLR, STATES + 1))
        yield from self._false("interrupts are its own", ("pid", "lr", "state"), lists,
                               isolation.listed_is_own(self.c, self.state, *lists),
                               place_of(isolation.listed_is_own))
        both = grid((self.c.HV_NPROC, self.c.HV_NFILE))
        yield from self._false("waiting is by a handle", ("pid", "file"), both,
                               isolation.waiting_is_authorised(self.c, self.state, *both),
                               place_of(isolation.waiting_is_authorised))

    def problems(self) -> Iterator[Problem]:
        """All that is wrong with the dump, what takes long last. BootError for what stops a walk
        of it."""
        parts: tuple[Callable[[], Iterator[Problem]], ...] = (
            self.registers, self.devices, self.initial,
            lambda: boot_map.problems(self.target, self.state),
            lambda: boot_devices.problems(self.state),
            lambda: boot_info.problems(self.target, self.state, self.facts, self.initrd),
            self.invariants, self.reached)
        for part in parts:
            yield from part()


def _differs(name: str, actual: int, expected: int, mask: int, place: str) -> Problem:
    return Problem(f"{name} differs from what is required",
                   (("actual", str(actual & mask)), ("expected", str(expected & mask))), place)
