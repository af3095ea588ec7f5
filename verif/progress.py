# SPDX-License-Identifier: MIT
"""T9 (progress), from the statements of spec/progress.py.

Of every state that satisfies the invariants: who is ready, who waits, and that the tick is
armed. Of each transition: no ready process is kept from its turn. docs/verify.md has the
argument that makes the bound of them.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

import z3
from spec import progress
from spec.transition import Case

from . import lines, members
from .flags import as_term
from .induct import SHOWN_FAILURES, Subject
from .lin import bv
from .reads import Reads
from .result import Failure, Row, row
from .safety import model_values
from .solve import Solver

SOURCE = "spec/progress.py"
PLACES = frozenset({"sched.cpus.turn", "sched.ready.word", "sched.cpus.current", "procs.state",
                    "sched.cpus.allowed.word"})
Text = Callable[..., Any]


@dataclass(frozen=True)
class Statement:
    """`text` over a transition, for any of what `of` names. `tables`: it is true of what
    writes none of these; None: of nothing without proof. `due`: what it supposes."""

    what: str
    text: Text
    tables: frozenset[str] | None = None
    of: tuple[str, ...] = ("pid",)
    due: Text | None = None
    is_exact: bool = False  # it needs what functions are that are known by facts


PASSED = Statement("a ready process is passed over", progress.nobody_is_passed_over, PLACES)
TAKEN = Statement("a turn is not taken", progress.turn_is_taken,
                  frozenset({"sched.cpus.turn", "sched.cpus.current"}), ())
IDLE = Statement("the core idles while somebody is ready", progress.core_is_used, PLACES)
TICK = Statement("the next tick is another", progress.tick_goes_on,
                 frozenset({"sched.cpus.next_tick"}), ())
STAY = Statement("a core has no ticks any more", progress.ticks_stay,
                 frozenset({"sched.cpus.next_tick", "sched.cpus.current"}), ())
ARMED = Statement("no core is armed for the first deadline", progress.deadline_is_armed,
                  frozenset({"timer_tree"}), ())
MAY = Statement("who runs may not", progress.who_runs_may,
                frozenset({"sched.cpus.current", "sched.cpus.allowed.word"}), ())
USUAL = (PASSED, TAKEN, IDLE, TICK, STAY, ARMED, MAY)
CALLED = Statement("a core waits for who is ready, and none is called",
                   progress.waiting_cores_are_called, None, ("pid", "core"), is_exact=True)
STAYS = Statement("who stays may not", progress.who_stays_may, None, ())
OVER = Statement("a core that has been called still is", progress.call_is_over, None, (),
                 is_exact=True)
IDLE_AFTER = Statement(IDLE.what, IDLE.text, PLACES, due=progress.core_is_busy)
READY = Statement("who is interrupted must wait", progress.preempted_is_ready)
INTERRUPT = (PASSED, TAKEN, IDLE_AFTER, READY, STAY, ARMED, MAY)
# An interrupt is one of the first two, if any, and then the third. The ways in and out move
# nothing, and come between a transition and what it leaves.
PIECES = ("timer_interrupt", "console_interrupt", "leave_idle")
# A part that is left out of what ends with it: it writes nothing that a statement is about.
APART = ("message",)
WAITED = (PASSED, TAKEN, Statement(IDLE.what, IDLE.text), READY, STAY, ARMED,
          Statement("a core that waited has no ticks", progress.ticks_begin, None, ()),
          STAYS)
OF = {
    "yield": (*USUAL, Statement("a yield ends no turn", progress.turn_ends)),
    "timer_interrupt": (
        *INTERRUPT,
        Statement("the next tick is another", progress.tick_goes_on, None, ()),
        Statement("a tick ends no turn", progress.turn_ends, due=progress.tick_is_due),
        Statement("the alarm stays behind", progress.alarm_is_ahead, None, ()),
        Statement("a deadline is set", progress.deadline_is_kept)),
    "console_interrupt": (*INTERRUPT, TICK),
    "leave_idle": (*WAITED, replace(CALLED, due=progress.core_waited), OVER),
    "leave_irq": WAITED,
    "sched_kick": (*USUAL, CALLED),
}


def _any(*names: str) -> tuple[z3.BitVecRef, ...]:
    return tuple(z3.BitVec(f"any!{name}", 64) for name in names)


@dataclass(frozen=True)
class Goal:
    """`term`, which the function `text` states, must follow from `given`."""

    what: str
    given: tuple[z3.BoolRef, ...]
    term: z3.BoolRef
    text: Text
    is_exact: bool = False


def _vacuous(what: str) -> Failure:
    return Failure(what, SOURCE, "", "vacuous", (), "")


def _reads(subject: Subject, goal: Goal) -> Reads:
    near = Reads().scan((*goal.given, goal.term), subject.names)
    near.index("pid", bv(0))
    return near


def _prove(subject: Subject, folder: FilePath, goal: Goal,
           near: Reads | None = None) -> list[Failure]:
    """The goal from the invariants at what it reads."""
    near = near or _reads(subject, goal)
    name = f"{subject.name}-T9-{goal.what.replace(' ', '-')}"[:80]
    verdict = subject.prove(goal.given, goal.term, lambda: near, name, folder,
                            is_exact=goal.is_exact)
    if verdict.status == "proved":
        return []
    about = lines.of_function("statement", goal.text.__name__, goal.text)
    return [Failure(goal.what, about.where, "", verdict.status, model_values(verdict),
                    str(verdict.query), (about,))]


def _is_possible(subject: Subject, folder: FilePath, goal: Goal) -> bool:
    """What is given can be, as far as the invariants say that were used."""
    known = subject.instances(_reads(subject, goal), 1)
    known += subject.names.meanings((*known, *goal.given))
    solver = Solver(known, folder, subject.names)
    return solver.prove(goal.given, z3.BoolVal(False), "", False).status == "refuted"


# ---- every state ----------------------------------------------------------------------


def _tree_path(subject: Subject) -> Reads:
    """Nodes from the root of the tree of deadlines down to the leaf with the same key."""
    near = Reads()
    node, tree = bv(1), lambda at: subject.before.get("timer_tree", at)
    for _ in range(subject.c.TIMER_LEVELS):
        near.index("pid", node)
        node = z3.If(tree(2 * node) == tree(node), 2 * node, 2 * node + 1)
    near.index("pid", node - bv(subject.c.HV_NPROC))
    return near


def _of_states(subject: Subject) -> list[tuple[Goal, Reads | None]]:
    c, s = subject.c, subject.before
    pid, file, peer = _any("pid", "file", "peer")
    found: tuple[tuple[str, Text, tuple[z3.BitVecRef, ...], Reads | None], ...] = (
        ("the tick is not armed", progress.tick_is_armed, (), None),
        ("a turn is too far away", progress.bound_is_kept, (pid,), None),
        ("who can run waits", progress.runnable_wait_for_nothing, (pid, file, peer), None),
        ("who runs has no core", progress.who_runs_has_a_core, (pid,), None),
        ("who waits for nothing does not run", progress.others_wait, (pid,), None),
        ("nobody's deadline", progress.first_deadline_is_somebodys, (), _tree_path(subject)))
    return [(Goal(what, (), as_term(text(c, s, *at)), text), near)
            for what, text, at, near in found]


def _facts(subject: Subject, folder: FilePath) -> list[Failure]:
    """Those functions have the facts by which they are known here."""
    failures = []
    for claim in members.lemmas(subject.c):
        verdict = Solver(claim.given, folder).prove((), claim.goal, f"any-T9-{claim.name}")
        if verdict.status != "proved" and claim.text is not None:
            about = lines.of_function("function", claim.text.__name__, claim.text)
            failures.append(Failure(claim.name, about.where, "", verdict.status,
                                    model_values(verdict), str(verdict.query), (about,)))
    return failures


def prove_states(subject: Subject, folder: FilePath) -> Row:
    """The row T9 of all states that satisfy the invariants; some state of each kind that the
    statements are about must do so."""
    begin = time.process_time()
    failures = _facts(subject, folder)
    goals = _of_states(subject)
    for goal, near in goals:
        failures += _prove(subject, folder, goal, near)
    pid = _any("pid")[0]
    for what, truth in progress.kinds(subject.c, subject.before, pid).items():
        every = z3.And(*(goal.term for goal, _ in goals))
        if not _is_possible(subject, folder, Goal(what, (as_term(truth),), every,
                                                  progress.kinds)):
            failures.append(_vacuous(f"the invariants exclude {what}"))
    return row("every state", "T9", time.process_time() - begin, {"statements": len(goals)},
               failures, subject.assumptions, SOURCE)


# ---- each transition ------------------------------------------------------------------


def _goal(subject: Subject, case: Case, statement: Statement) -> Goal:
    indices = _any(*statement.of)
    term = as_term(statement.text(subject.c, subject.before, case.state, *indices))
    path = tuple(as_term(t) for t in case.path)
    if statement.due is not None:
        path = (*path, as_term(statement.due(subject.before)))
    path = (*path, *members.besides(subject.names, (*path, term), *_any("pid")))
    return Goal(f"{statement.what}: not excluded in case {case.case}", path, term,
                statement.text, statement.is_exact)


def prove(subject: Subject, folder: FilePath, source: str) -> Row:
    """The row T9 of one transition."""
    begin = time.process_time()
    failures: list[Failure] = []
    proved = 0
    possible: dict[str, bool] = {}
    for case in (case for case in subject.cases if case.errno is None):
        if len(failures) >= SHOWN_FAILURES:
            break
        for statement in OF.get(subject.name, USUAL):
            if statement.tables is not None and not statement.tables & set(case.state.updates):
                continue
            if subject.name in APART:
                failures.append(Failure(f"{statement.what}: {subject.name} may not change what "
                                        "this is about", source, "", "failed", (), ""))
            goal = _goal(subject, case, statement)
            proved += 1
            failures += _prove(subject, folder, goal)
            if statement.due is not None and not possible.get(statement.what):
                possible[statement.what] = _is_possible(subject, folder, goal)
    failures += [_vacuous(f"{what}: never due") for what, seen in possible.items()
                 if not seen]
    return row(subject.name, "T9", time.process_time() - begin,
               {"statements": proved, **subject.facts}, failures, subject.assumptions, source)
