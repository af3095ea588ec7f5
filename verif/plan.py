# SPDX-License-Identifier: MIT
"""Which rows there are, and the jobs that make them."""
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import spec
from spec.marks import place_of

from . import (boot, contracts, direct, handover, induct, isolate, leaves, lock, order, premises,
               progress, queries, refine, safety, segments, steps, tickets, whole)
from .boot_machine import Machine
from .explore import Contract
from .result import Row
from .target import Hypercall, Routine, Target
from .world import LOCK

THEOREMS = ("T1", "T2", "T3", "T4", "T5", "T6", "T8", "T9", "T10")
OF_CODE = ("T1", "T2", "T6", "T8")
VECTORS = "vectors"     # the job of all segments of vectors.S
# What proofs of all hypercalls use: lemmas, leaf routines.
LEAF_ROUTINES, STEPS, EVERY_STATE = "leaf routines", "steps", "every state"
SHARED = (LEAF_ROUTINES, STEPS, handover.NAME, direct.NAME, EVERY_STATE)
# Those that take longest are begun first, if no earlier run says which these are; this changes
# nothing but the time that is needed.
LONG = (("reply_wait", "T1"), ("trap_irq", "T1"), ("call", "T1"), ("clone", "T3"),
        ("recv", "T1"), ("call", "T3"), ("reply_wait", "T3"), ("send", "T3"))


@dataclass(frozen=True)
class Job:
    """Makes the rows of some theorems about one subject; `code` are entries of machine code,
    `inputs` a hash of what else the rows depend on."""

    name: str
    theorems: tuple[str, ...]
    code: tuple[int, ...]
    work: Callable[[], list[Row]]
    inputs: bytes = b""

    @property
    def folder(self) -> str:
        """A name for its files."""
        return "-".join((self.name, *self.theorems)).replace(" ", "_")


@dataclass
class Plan:
    """Jobs for one kernel, which is booted from `files` on `machines`. `seconds` is what rows
    took in earlier runs, by subject and theorem."""

    target: Target
    out: Path
    theorems: tuple[str, ...]
    files: boot.Files
    machines: tuple[Machine, ...]
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.c = premises.constants(self.target)
        self.costs = {**leaves.costs(self.target), **lock.costs(self.target)} if \
            set(OF_CODE) & set(self.theorems) else {}
        addresses = {name: self.target.image.function(name).address for name in self.costs}
        self.leaf_code = tuple(addresses.values())
        self.known: dict[int, Contract] = contracts.table(
            self.target.layout, addresses, self.costs, lock.ends(self.target)) if self.costs else {}

    def others(self) -> tuple[str, ...]:
        """What may be chosen by name and is no hypercall."""
        return (*(trap.name for trap in self.target.traps), VECTORS, lock.NAME, *spec.edges(),
                *dict.fromkeys((*whole.ENDS, *progress.PIECES)), *SHARED)

    def jobs(self, calls: tuple[Hypercall, ...], others: tuple[str, ...],
             is_whole: bool = False) -> list[Job]:
        """All jobs about these calls and others; if it is the whole kernel, of boot too."""
        found = []
        for call in calls:
            found += self._of_call(call)
        found += [job for job in self._of_others() if job.name in others]
        if is_whole:
            found += self._of_boot()
        return sorted(found, key=self._rank)

    def _rank(self, job: Job) -> tuple[float, int]:
        """Place in the order in which jobs are begun."""
        took = sum(self.seconds.get((job.name, theorem), math.inf) for theorem in job.theorems)
        return -took, next((at for at, (name, theorem) in enumerate(LONG)
                            if name == job.name and theorem in job.theorems), len(LONG))

    def _rows_of_states(self, name: str, prove: Callable[[induct.Subject, Path], Row]) -> Callable[
            [], list[Row]]:
        return lambda: [prove(induct.Subject(self.c, name, spec.transition("self")), self.out)]

    def _leaves(self) -> list[Row]:
        return leaves.prove_all(self.target, self.out)[0]

    def _of_call(self, call: Hypercall) -> list[Job]:
        return [*self._of_code(call), *self._of_text(spec.transition(call.name), call.source,
                                                     call.number < self.c.HC_FULL_FIRST)]

    def _of_code(self, routine: Routine) -> list[Job]:
        machine = tuple(t for t in OF_CODE if t in self.theorems)
        return [Job(routine.name, machine, (routine.address, *self.leaf_code),
                    lambda: self._prove_code(routine, machine))] if machine else []

    def _of_text(self, text: spec.Spec, source: str, is_fast: bool = False) -> list[Job]:
        def rows(prove: Callable[[induct.Subject, Path, str], Row],
                 apart: tuple[str, ...] | None) -> Callable[[], list[Row]]:
            return lambda: [prove(induct.Subject(self.c, text.name, text, is_fast, apart),
                                  self.out, source)]
        jobs = []
        if "T3" in self.theorems:
            jobs.append(Job(text.name, ("T3",), (), rows(induct.prove, None)))
        for theorem, prove, left_out, apart in (
                ("T5", isolate.prove, whole.ENDS, isolate.APART),
                ("T9", progress.prove, whole.NOT_T9, progress.APART)):
            if theorem in self.theorems and text.name not in left_out:
                jobs.append(Job(text.name, (theorem,), (), rows(prove, apart)))
        return jobs

    def _of_others(self) -> list[Job]:
        """Traps, the ways in and out, and what several hypercalls end with."""
        jobs = [job for trap in self.target.traps for job in (
            *self._of_code(trap), *self._of_text(spec.transition(trap.name), trap.source))]
        machine = tuple(t for t in OF_CODE if t in self.theorems)
        if machine:
            code = tuple(self.target.image.function(name).address for name in segments.CODE)
            jobs.append(Job(VECTORS, machine, code, lambda: [
                one for rows in self.vectors(machine) for one in rows]))
        jobs += self._of_lock()
        for text in spec.edges().values():
            jobs += self._of_text(text, place_of(text.text))
        if "T9" in self.theorems:
            jobs += [Job(name, ("T9",), (), self._progress_of(spec.interrupts()[name]))
                     for name in progress.PIECES]
        for name in whole.ENDS:
            jobs += self._of_text(spec.parts()[name], spec.parts()[name].source)
        return [*jobs, *(job for job in self._shared() if set(job.theorems) <= set(self.theorems))]

    def _shared(self) -> Iterator[Job]:
        """Of SHARED, all theorems."""
        yield Job(LEAF_ROUTINES, ("T2",), self.leaf_code, self._leaves)
        yield Job(STEPS, ("T3",), (), lambda: [steps.prove(self.c, self.out)])
        yield Job(handover.NAME, ("T3",), (), lambda: [handover.prove(self.c, self.out)])
        yield Job(direct.NAME, ("T1",), (), lambda: [direct.prove(self.c, self.out)])
        for theorem, name, prove in (("T5", "state", isolate.prove_states),
                                     ("T9", "any state", progress.prove_states)):
            yield Job(EVERY_STATE, (theorem,), (), self._rows_of_states(name, prove))

    def _of_lock(self) -> list[Job]:
        """Its machine code, and what the steps of all cores make."""
        machine = tuple(t for t in ("T1", "T2", "T8") if t in self.theorems)
        code = tuple(self.target.image.function(name).address for name in LOCK)
        jobs = [Job(lock.NAME, machine, code, lambda: lock.prove(self.target, machine, self.out),
                    repr(lock.word_of(self.target)).encode())] if machine else []
        if "T3" in self.theorems:
            jobs.append(Job(lock.NAME, ("T3",), (),
                            lambda: [tickets.prove_invariants(self.c, self.out)]))
        if "T9" in self.theorems:
            jobs.append(Job(lock.NAME, ("T9",), (),
                            lambda: [tickets.prove_order(self.c, self.out)]))
        return jobs

    def _progress_of(self, text: spec.Spec) -> Callable[[], list[Row]]:
        return lambda: [progress.prove(induct.Subject(self.c, text.name, text), self.out,
                                       place_of(text.text))]

    def vectors(self, theorems: tuple[str, ...], address: int = 0) -> Iterator[list[Row]]:
        """The rows of each segment of vectors.S, first of those that run the instruction at
        `address`, of these the shortest."""
        def rank(one: tuple[segments.Segment, safety.Handled]) -> tuple[bool, int]:
            words = one[1].exploration.world.addresses
            return address not in words, len(words)

        for segment, handled in sorted(segments.explore_all(self.target, self.known), key=rank):
            yield self._rows_of_code(handled, spec.transition(segment.text), theorems)

    def _of_boot(self) -> list[Job]:
        """T4 of each machine."""
        if "T4" not in self.theorems:
            return []
        digest = boot.digest(self.files)
        return [Job(f"boot {m.name}", ("T4",), (), self._boot(m), digest) for m in self.machines]

    def _boot(self, machine: Machine) -> Callable[[], list[Row]]:
        return lambda: [boot.prove(self.target, self.files, machine)]

    def _prove_code(self, routine: Routine, theorems: tuple[str, ...]) -> list[Row]:
        return self._rows_of_code(safety.explore(self.target, routine, self.known),
                                  spec.transition(routine.name), theorems)

    def _rows_of_code(self, handled: safety.Handled, text: spec.Spec,
                      theorems: tuple[str, ...]) -> list[Row]:
        rows: list[Row] = []
        name = handled.call.name
        if "T1" in theorems:
            with queries.about("T1", name):
                rows.append(refine.prove(self.target, handled, text, self.out))
        if {"T2", "T8"} & set(theorems):
            with queries.about("T2" if "T2" in theorems else "T8", name):
                rows += [r for r in safety.prove(self.target, handled, self.out)
                         if r.theorem in theorems]
        if "T6" in theorems:
            with queries.about("T6", name):
                rows.append(order.prove(self.target, handled, self.out))
        return sorted(rows, key=lambda r: r.theorem)
