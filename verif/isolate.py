# SPDX-License-Identifier: MIT
"""T5 (isolation), from the statements of spec/isolation.py.

Of every state that satisfies the invariants: what a live process can reach by a walk over the
raw bits of its tables, and who waits where. Of each transition: handles come only from those
who have them, pages leave their owner only as agreed, and no word of a frame changes. With T3
the statements about states hold after each transition.
"""
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath

import z3
from spec import isolation
from spec.transition import Case

from . import lines, walk
from .flags import as_term
from .induct import Subject
from .lin import bv
from .naming import NamedState
from .reads import Reads
from .result import Failure, Line, Row, row
from .safety import model_values
from .solve import Solver

APART = ("leave_irq",)


@dataclass(frozen=True)
class Statement:
    """What holds of each case that changes one of these tables: `text` is in spec/isolation.py,
    `term` makes it the goal. `is_kept`: two steps keep it if each does."""

    what: str
    tables: frozenset[str]
    text: Callable[..., object]
    term: Callable[[Subject, Case], z3.BoolRef]
    is_kept: bool = False


def _any(*names: str) -> tuple[z3.BitVecRef, ...]:
    return tuple(z3.BitVec(f"any!{name}", 64) for name in names)


def _prove(subject: Subject, folder: FilePath, what: str, path: tuple[z3.BoolRef, ...],
           goal: z3.BoolRef, about: tuple[Line, ...]) -> list[Failure]:
    """The goal, which is `about` these lines, from the invariants at what it reads."""
    near = Reads().scan((*path, goal), subject.names)
    near.index("pid", bv(0))
    name = f"{subject.name}-T5-{what.split()[0]}"
    verdict = subject.prove(path, goal, lambda: near, name, folder)
    if verdict.status == "proved":
        return []
    return [Failure(what, about[0].where, "", verdict.status, model_values(verdict),
                    str(verdict.query), about)]


def _stated(function: Callable[..., object]) -> Line:
    return lines.of_function("statement", function.__name__, function)


def _vacuous(subject: Subject, folder: FilePath, pid: z3.BitVecRef,
             goal: z3.BoolRef) -> list[Failure]:
    """The invariants, where they were used, must let some process live."""
    lives = subject.before.get("procs.state", pid) == bv(subject.c.HV_PROC_LIVE)
    near = Reads().scan((lives, goal), subject.names)
    solver = Solver(subject.instances(near, 1), folder, subject.names)
    status = solver.prove((lives,), z3.BoolVal(False), "", False).status
    if status == "refuted":
        return []
    return [Failure("the invariants let no process live",
                    _stated(isolation.memory_is_isolated).where, "",
                    "vacuous" if status == "proved" else status, (), "")]


def prove_states(subject: Subject, folder: FilePath) -> Row:
    """The row T5 of all states that satisfy the invariants."""
    begin = time.process_time()
    c = subject.c
    pid, file, lr, state, *indices = _any("pid", "file", "lr", "state", "i0", "i1", "i2", "i3")
    isolated = as_term(isolation.memory_is_isolated(c, subject.before, pid, tuple(indices)))
    waits = as_term(isolation.waiting_is_authorised(c, subject.before, pid, file))
    about = (_stated(isolation.memory_is_isolated),)
    failures = [failure for what, term in walk.claims(c, subject.before, pid)
                for failure in _prove(subject, folder, what, (), term, about)]
    failures += _prove(subject, folder, "memory of a process is isolated",
                       walk.known(c, subject.before, pid, tuple(indices)), isolated, about)
    failures += _prove(subject, folder, "waiting is by a handle", (), waits,
                       (_stated(isolation.waiting_is_authorised),))
    listed = as_term(isolation.listed_is_own(c, subject.before, pid, lr, state))
    failures += _prove(subject, folder, "interrupts of a process are its own", (), listed,
                       (_stated(isolation.listed_is_own),))
    kept = [one for one in STATEMENTS if one.is_kept]
    for one in kept:
        failures += _prove(subject, folder, f"two steps keep it: {one.what}", (),
                           two_steps(subject, one), (_stated(one.text),))
    failures += _vacuous(subject, folder, pid, isolated)
    return row("every state", "T5", time.process_time() - begin,
               {"statements": 3 + len(kept)}, failures, subject.assumptions, "spec/isolation.py")


def two_steps(subject: Subject, one: Statement) -> z3.BoolRef:
    """If the statement holds of each of two steps on a core, it holds of both as one."""
    before = subject.before
    _, _, _, *about = inspect.signature(one.text).parameters
    middle = NamedState("middle.", ops=before.ops).set("sys.cpu", (), before.get("sys.cpu"))
    after = NamedState("after.", ops=before.ops)
    first, second, both = (as_term(one.text(subject.c, of, to, *_any(*about)))
                           for of, to in ((before, middle), (middle, after), (before, after)))
    return z3.Implies(z3.And(first, second), both)


def _authority(subject: Subject, case: Case) -> z3.BoolRef:
    """For any handle afterwards: one of those that the case reads gave it, if it is new."""
    pid, slot = _any("pid", "slot")
    reads = Reads().scan((*(as_term(t) for t in case.path), *_written(case)), subject.names)
    givers = list(reads.keys.get(("pid", "handle"), {}).values()) or [(bv(0), bv(0))]
    inside = z3.And(z3.ULT(pid, bv(subject.c.HV_NPROC)), z3.ULT(slot, bv(subject.c.HV_NHANDLE)))
    return z3.Implies(inside, z3.Or(*(
        as_term(isolation.authority_is_given(subject.c, subject.before, case.state, pid, slot,
                                             *giver)) for giver in givers)))


def _written(case: Case) -> list[z3.ExprRef]:
    return [term for name in ("handles.file", "handles.rights")
            for update in case.state.updates.get(name, ()) for term in (*update.key, update.value)]


def _content(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.content_is_kept(subject.c, subject.before, case.state,
                                             *_any("page", "index")))


def _self(subject: Subject) -> z3.BitVecRef:
    return subject.before.get("sched.cpus.current", subject.before.get("sys.cpu"))


def _lines(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.line_agrees(subject.c, subject.before, case.state, _self(subject),
                                         *_any("line")))


def _owners(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.owner_agrees(subject.c, subject.before, case.state, _self(subject),
                                          *_any("page")))


def _devices(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.device_owner_agrees(subject.c, subject.before, case.state,
                                                 _self(subject), *_any("device")))


def _masks(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.mask_agrees(subject.c, subject.before, case.state, _self(subject),
                                         *_any("pid", "core")))


def _others(subject: Subject, case: Case) -> z3.BoolRef:
    return as_term(isolation.others_are_left(subject.c, subject.before, case.state,
                                             *_any("core", "word")))


STATEMENTS = (
    Statement("authority over files is given by who has it",
              frozenset({"handles.file", "handles.rights"}), isolation.authority_is_given,
              _authority),
    Statement("content of frames is kept", frozenset({"pages"}), isolation.content_is_kept,
              _content),
    Statement("ownership of pages changes as agreed", frozenset({"page_descs.owner"}),
              isolation.owner_agrees, _owners),
    Statement("ownership of interrupt lines changes as agreed", frozenset({"irqs.owner"}),
              isolation.line_agrees, _lines),
    Statement("ownership of devices changes as agreed", frozenset({
        "devices.owner", "devices.state", "devices.pa", "devices.flags"}),
              isolation.device_owner_agrees, _devices),
    Statement("where a process may run changes as agreed", frozenset({"sched.cpus.allowed.word"}),
              isolation.mask_agrees, _masks),
    Statement("what other cores hold is left alone", frozenset({
        "pages", *(f"procs.{name}" for name in isolation.HELD),
        *(f"sched.cpus.{name}" for name in isolation.OWN)}), isolation.others_are_left, _others,
        True),
)


def prove(subject: Subject, folder: FilePath, source: str) -> Row:
    """The row T5 of one transition."""
    begin = time.process_time()
    failures: list[Failure] = []
    proved = 0
    for case in subject.cases:
        path = tuple(as_term(t) for t in case.path)
        for one in STATEMENTS:
            if case.errno is None and one.tables & set(case.state.updates):
                proved += 1
                about = (_stated(one.text), *lines.of_case(subject.text, case, one.tables))
                failures += _prove(subject, folder, f"{one.what}: not in case {case.case}", path,
                                   one.term(subject, case), about)
                if subject.name in APART and not one.is_kept:
                    failures.append(Failure(
                        f"{one.what}: {subject.name} may not change what this is about",
                        about[0].where, "", "failed", (), "", about))
    return row(subject.name, "T5", time.process_time() - begin,
               {"statements": proved, **subject.facts}, failures, subject.assumptions, source)
