# SPDX-License-Identifier: MIT
"""Which rows there are, and the jobs that make them."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import spec
from spec.transitions import entry, interrupt

from . import contracts, induct, isolate, leaves, premises, progress, refine, safety
from .explore import Contract
from .result import Row
from .target import Hypercall, Target

THEOREMS = ("T1", "T2", "T3", "T5", "T8", "T9")
OF_CODE = ("T1", "T2", "T8")
# Those that take longest are begun first; this changes nothing but the time that is needed.
LONG = (("reply_wait", "T3"), ("reply_wait", "T1"), ("recv", "T3"), ("call", "T3"), ("call", "T1"),
        ("kill", "T3"), ("trap_stop", "T3"), ("send", "T3"), ("recv", "T1"),
        ("timer_interrupt", "T3"), ("clone", "T3"))
SOURCES = {"timer_interrupt": "kernel/timer.c", "console_interrupt": "kernel/uart_pl011.c"}
# Interrupts may come while nobody runs, and so may the ways in and out: what holds of a process that calls is not assumed.
MAY_BE_IDLE = frozenset({"timer_interrupt", "console_interrupt", "leave_idle", *entry.CALLS.specs})


@dataclass(frozen=True)
class Job:
    """Makes the rows of some theorems about one subject; `code` are entries of machine code."""

    name: str
    theorems: tuple[str, ...]
    code: tuple[int, ...]
    work: Callable[[], list[Row]]


def _rank(job: Job) -> int:
    """Place in the order in which jobs are begun."""
    return next((at for at, (name, theorem) in enumerate(LONG)
                 if name == job.name and theorem in job.theorems), len(LONG))


@dataclass
class Plan:
    """Jobs for one kernel."""

    target: Target
    out: Path
    theorems: tuple[str, ...]

    def __post_init__(self) -> None:
        self.c = premises.constants(self.target)
        self.costs = leaves.costs(self.target) if set(OF_CODE) & set(self.theorems) else {}
        addresses = {name: self.target.image.function(name).address for name in self.costs}
        self.leaf_code = tuple(addresses.values())
        self.known: dict[int, Contract] = contracts.table(
            self.target.layout, addresses, self.costs) if self.costs else {}

    def jobs(self, calls: tuple[Hypercall, ...], is_whole: bool, has_leaves: bool) -> list[Job]:
        """All jobs about these calls; if it is the whole kernel, those about no call too."""
        found = []
        for call in calls:
            found += self._of_call(call)
        if is_whole:
            found += self._of_others()
        if has_leaves and "T2" in self.theorems:
            found.append(Job("leaf routines", ("T2",), self.leaf_code, self._leaves))
        if "T3" in self.theorems:
            found.append(Job("steps", ("T3",), (), lambda: [induct.prove_steps(self.c, self.out)]))
        for theorem, prove in (("T5", isolate.prove_states), ("T9", progress.prove_states)):
            if theorem in self.theorems:
                found.append(Job("every state", (theorem,), (), self._rows_of_states(prove)))
        return sorted(found, key=_rank)

    def _rows_of_states(self, prove: Callable[[induct.Subject, Path], Row]) -> Callable[
            [], list[Row]]:
        def work() -> list[Row]:
            subject = induct.Subject(self.c, "state", spec.transition("self"),
                                     prove is progress.prove_states)
            return [prove(subject, self.out)]
        return work

    def _leaves(self) -> list[Row]:
        return leaves.prove_all(self.target, self.out)[0]

    def _of_call(self, call: Hypercall) -> list[Job]:
        machine = tuple(t for t in OF_CODE if t in self.theorems)
        jobs = []
        if machine:
            jobs.append(Job(call.name, machine, (call.address, *self.leaf_code),
                            lambda: self._prove_code(call, machine)))
        return jobs + self._of_text(call.name, call.source)

    def _of_text(self, name: str, source: str) -> list[Job]:
        jobs = []
        for theorem, prove in (("T3", induct.prove), ("T5", isolate.prove),
                               ("T9", progress.prove)):
            if theorem in self.theorems:
                jobs.append(Job(name, (theorem,), (), self._rows_of_text(prove, name, source)))
        return jobs

    def _rows_of_text(self, prove: Callable[[induct.Subject, Path, str], Row], name: str,
                      source: str) -> Callable[[], list[Row]]:
        def work() -> list[Row]:
            subject = induct.Subject(self.c, name, spec.transition(name), name in MAY_BE_IDLE,
                                     prove is induct.prove)
            return [prove(subject, self.out, source)]
        return work

    def _of_others(self) -> list[Job]:
        """Interrupts and traps, and what several hypercalls end with."""
        jobs = [job for name in interrupt.CALLS.specs
                for job in self._of_text(name, SOURCES.get(name, "kernel/trap.c"))]
        if "T9" in self.theorems:
            jobs += [Job(name, ("T9",), (),
                         self._rows_of_text(progress.prove, name, "kernel/vectors.S"))
                     for name in entry.CALLS.specs]
        if "T3" in self.theorems:
            jobs += [Job(name, ("T3",), (), self._rows_of_part(part))
                     for name, part in spec.parts().items()]
        return jobs

    def _rows_of_part(self, part: spec.Part) -> Callable[[], list[Row]]:
        def work() -> list[Row]:
            return [induct.prove(induct.Subject(self.c, part.name, part, stand_apart=True),
                                 self.out, part.source)]
        return work

    def _prove_code(self, call: Hypercall, theorems: tuple[str, ...]) -> list[Row]:
        handled = safety.explore_handler(self.target, call, self.known)
        rows: list[Row] = []
        if "T1" in theorems:
            rows.append(refine.prove(self.target, handled, spec.transition(call.name), self.out))
        if {"T2", "T8"} & set(theorems):
            rows += [r for r in safety.prove(self.target, handled, self.out)
                     if r.theorem in theorems]
        return rows
