# SPDX-License-Identifier: MIT
"""T3 (invariants): each success of a transition preserves every invariant; failures change nothing.

It is a theorem about the specification: T1 says that the machine code does the same. For each
case and each invariant that the case may touch, the invariant afterwards at arbitrary indices
must follow from those before, used where the formula reads the state: with few of them first,
then with more. Counters and deadlines are treated apart (counting.py, deadlines.py).
"""
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import Any

import spec
import z3
from spec.ghosts import Step
from spec.invariants import Invariant
from spec.marks import place_of
from spec.state import Key
from spec.transition import Case, Part, Spec, Transition
from spec.transitions.entry import DIRECT

from . import contexts, counting, deadlines, lines
from .after import AFTER, ORDERS_AFTER, After, Afterwards
from .contexts import Updates
from .flags import as_term
from .lazily import Lazily
from .lin import bv
from .members import MemberNames, MemberOps
from .naming import NamedState
from .reads import Reads
from .result import Failure, Row, row
from .safety import model_values
from .solve import OWN_RESOURCES, Solver, Verdict
from .vacuity import Seen

TRUE = z3.BoolVal(True)
SHOWN_FAILURES = 6
LEARNED_TERMS = 600
# An interrupt may come while nobody runs, and a call may end with nobody running: what holds of
# a process that calls is not assumed.
INTERRUPTED = frozenset({"trap_irq", "timer_interrupt", "console_interrupt", "wake_up"})
MAY_BE_IDLE = INTERRUPTED | {
    "exchange", "vgic_leave", "leave_left", "leave_irq", "leave_idle", "sched_kick", "leave_call",
    "leave_trap", "leave_kicked", "leave_wait", "leave_directly", "leave_more",
    "message",
    "any state"}
# Events after which a process runs, or what is done still is for one that does.
RUNS = frozenset({"eret", "hypercall", *DIRECT, "trap_sync", "trap_stop", "trap_doomed",
                  "vgic_enter"})
# Events after which an interrupt may come, or is handled.
WAITS = frozenset({"trap_irq", "wait"})
# Whose registers the core holds, which nothing changes but the ways in and out.
HELD = frozenset({"sched.cpus.loaded", "sched.cpus.ctx"})
AFTER_BOOT = "the invariants hold when boot ends"


@dataclass
class Subject:
    """One transition: the state before, its cases, and what is assumed."""

    c: SimpleNamespace
    name: str
    text: Spec
    is_fast: bool = False
    apart: tuple[str, ...] | None = ()
    names: MemberNames = field(default_factory=lambda: MemberNames())
    rules: dict[str, Invariant] = field(default_factory=spec.invariants)
    known: dict[tuple[object, ...], z3.BoolRef] = field(default_factory=dict)
    shown: dict[int, list[set[int]]] = field(default_factory=dict)
    learned: Lazily | None = None
    taken: dict[int, z3.BoolRef] = field(default_factory=dict)
    facts: dict[str, int] = field(
        default_factory=lambda: {"queries": 0, "shared": 0, "second tries": 0})

    def __post_init__(self) -> None:
        self.before = NamedState(ops=MemberOps(self.names))
        self.assumed = {**self.rules, **self._besides()}
        arguments = tuple(z3.BitVec(f"x{i}", 64) for i in range(len(self.text.parameters)))
        self.cases = self.text.symbolic(self.c, self.before, arguments, orders=False,
                                        apart=self.apart)

    def _besides(self) -> dict[str, Invariant]:
        if self.name in INTERRUPTED:
            return spec.settled()
        return {} if self.name in MAY_BE_IDLE else spec.premises()

    def was(self, rule: Invariant, indices: Key) -> z3.BoolRef:
        """The invariant of the state before."""
        key = (rule.name, *(i.get_id() for i in indices))
        if key not in self.known:
            term = as_term(rule.holds(self.c, self.before, *indices))
            self.known[key] = TRUE if z3.is_true(term) else term
            self.names.kept += indices
        return self.known[key]

    @property
    def place(self) -> str:
        """Where the transition is written."""
        return f"{place_of(self.text.text)} ({self.name})"

    def instances(self, reads: Reads, rounds: int) -> tuple[z3.BoolRef, ...]:
        """What is assumed of the state before, at these indices; then at what that reads."""
        found: dict[tuple[object, ...], z3.BoolRef] = {
            ("cpu",): z3.ULT(self.before.get("sys.cpu"), bv(self.c.HV_NCPU))}
        for _ in range(rounds):
            for name, rule in self.assumed.items():
                for indices in reads.tuples(rule):
                    found[(name, *(i.get_id() for i in indices))] = self.was(rule, indices)
            reads = Reads().scan(found.values(), self.names)
        terms = tuple(term for term in found.values() if term is not TRUE)
        self.taken |= {term.get_id(): term for term in terms}
        return terms

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What rows about this transition assume."""
        return (AFTER_BOOT, *(f"invariant {name}" for name in self.assumed
                              if name not in self.rules))

    def easily(self, path: tuple[z3.BoolRef, ...], goal: z3.BoolRef, near: Callable[[], Reads],
               name: str, folder: FilePath, own: tuple[z3.BoolRef, ...] = (),
               is_exact: bool = False) -> Verdict:
        """Does the goal follow from `path` and `own`, which are instances of invariants, or
        (not `is_exact`) from those that are used at `near`? `refuted`: not from these. What
        another case has shown with a part of this path is not asked again."""
        taken = {t.get_id() for t in path}
        if any(needed <= taken for needed in self.shown.get(goal.get_id(), ())):
            self.facts["shared"] += 1
            return Verdict("proved", 0.0)
        self.facts["queries"] += 1
        solver = Solver(own, folder, self.names)
        needed = solver.core(path, goal, name, OWN_RESOURCES)
        if needed is None and not is_exact:
            self.facts["queries"] += 1
            solver = Solver(self.instances(near(), 1), folder, self.names)
            needed = solver.core(path, goal, name, kept=self._learned())
        if needed is None:
            return Verdict("refuted" if solver.is_refuted else "unknown", 0.0)
        self._remember(goal, path, needed)
        return Verdict("proved", 0.0, is_contradiction=solver.is_contradicted)

    def _remember(self, goal: z3.BoolRef, path: tuple[z3.BoolRef, ...],
                  needed: tuple[z3.BoolRef, ...]) -> None:
        """It follows from what is needed of the path."""
        self.names.kept += (*path, goal)
        self.shown.setdefault(goal.get_id(), []).append({t.get_id() for t in needed})

    def _learned(self) -> Lazily:
        """What is kept from goal to goal, until it has so much that a new start is quicker."""
        if self.learned is None or len(self.learned.terms) > LEARNED_TERMS:
            self.learned = Lazily(z3.SolverFor("QF_UFBV"), self.names, [])
        return self.learned

    def further(self, path: tuple[z3.BoolRef, ...], goal: z3.BoolRef, near: Callable[[], Reads],
                name: str, folder: FilePath, own: tuple[z3.BoolRef, ...] = (),
                is_exact: bool = False, is_last: bool = False) -> Verdict:
        """As `easily`; then with the invariants at what those at `near` read, at last with what
        functions are that are known by facts (`is_exact`: with these at once)."""
        verdict = self.easily(path, goal, near, name, folder, own, is_exact)
        if verdict.status == "proved":
            return verdict
        tries = ((1, True), (2, True)) if is_exact else \
            ((1, False), (2, False), (2, True))[verdict.status == "refuted":]
        for rounds, has_meanings in tries:
            self.facts["queries"] += 1
            known = self.instances(near(), rounds)
            if has_meanings:
                known += self.names.meanings((*known, *path, goal))
            solver = Solver(known, folder, self.names)
            needed = solver.core(path, goal, name)
            verdict = Verdict("unknown" if needed is None else "proved", 0.0,
                              is_contradiction=solver.is_contradicted)
            # The last try has all that there is, and so its counterexamples are true ones.
            if needed is None and is_last and (
                    rounds == 2 and has_meanings or rounds == 1 and not solver.is_refuted):
                needed, verdict = path, self._at_length(solver, path, goal, name)
            if verdict.status == "proved":
                self._remember(goal, path, needed or ())
                return verdict
            self.facts["second tries"] += 1
        return verdict

    def _at_length(self, solver: Solver, path: tuple[z3.BoolRef, ...], goal: z3.BoolRef,
                   name: str) -> Verdict:
        """With all resources, for what was used so far or for all."""
        if Solver(solver.used, solver.folder, self.names).quickly(path, goal):
            return Verdict("proved", 0.0)
        return solver.prove(path, goal, name)

    def prove(self, path: tuple[z3.BoolRef, ...], goal: z3.BoolRef, near: Callable[[], Reads],
              name: str, folder: FilePath, own: tuple[z3.BoolRef, ...] = (),
              is_exact: bool = False) -> Verdict:
        """As `further`, with all resources. An open query is kept under `name`."""
        return self.further(path, goal, near, name, folder, own, is_exact, is_last=True)


@dataclass(frozen=True)
class Goal:
    """The invariant `rule` after a case, or what it needs, or what is asked for where the part
    `begins`: `given` is known besides, `at` are its indices, `own` is what was assumed of these
    before. If there are `parts`, it follows from all of them; if they `may_be_more` than it
    says, they are of any words of contexts, and it may hold where they do not."""

    name: str
    rule: str
    given: tuple[z3.BoolRef, ...]
    term: z3.BoolRef
    at: tuple[tuple[str, z3.BitVecRef], ...]
    own: tuple[z3.BoolRef, ...] = ()
    parts: "tuple[Goal, ...] | None" = None
    may_be_more: bool = False
    begins: Part | None = None


def _premise(part: Part, truth: Any) -> Goal:
    """What is asked for where the part begins."""
    return Goal(f"the premise of {part.name}", "", (), as_term(truth), (), begins=part)


@dataclass
class Induction:
    """The proof for one transition. `impossible`: cases that were found to be."""

    subject: Subject
    folder: FilePath
    impossible: int = 0

    def __post_init__(self) -> None:
        self.seen = Seen()
        self.states = Lazily(z3.SolverFor("QF_UFBV"), self.subject.names, [])
        self.afterwards = Afterwards(self.subject.c, self.subject.before)

    def goals(self, case: Case) -> Iterator[Goal]:
        """Every invariant that the case may touch, and the obligations of its counters."""
        subject, updates = self.subject, case.state.updates
        after = self.afterwards.state(updates)
        for name, rule in self._rules(case).items():
            if name in counting.RULES | deadlines.RULES or self._is_apart(rule, case):
                continue
            at = tuple((kind, z3.BitVec(f"any{n}!{kind}", 64)) for n, kind in enumerate(rule.kinds))
            indices = tuple(term for _, term in at)
            was = subject.was(rule, indices)
            now = self.afterwards.says(rule, updates, indices)
            own = (was,) if name in subject.assumed else ()
            if not own or not was.eq(now):
                goal = Goal(name, name, self._counted(after, now), now, at, own)
                yield self._in_parts(goal, rule, updates, was)
        if case.part is not None:
            yield _premise(spec.parts()[case.part], case.given)
        if case.events and case.events[-1][0] in spec.parts():
            part = spec.parts()[case.events[-1][0]]
            yield _premise(part, part.given(Transition(subject.c, after)))
        if set(case.state.updates) & HELD and subject.name not in spec.edges():
            yield Goal("what the core holds", "core_context", (), z3.BoolVal(False), ())
        for claim in () if case.follows else (
                *counting.obligations(subject.c, subject.before, case),
                *deadlines.obligations(subject.c, case)):
            yield Goal(claim.name, claim.rule, claim.given, claim.goal, ())

    def _in_parts(self, goal: Goal, rule: Invariant, updates: Updates, was: z3.BoolRef) -> Goal:
        """With its parts, but for those that say what was assumed."""
        fewer = updates if contexts.are_read(was, self.subject.names) else \
            self.afterwards.forgotten(updates)
        parts = self.afterwards.parts(rule, fewer, tuple(term for _, term in goal.at))
        if parts is None or any(part.term.eq(goal.term) for part in parts):
            return goal
        goals = tuple(replace(goal, term=part.term,
                              given=part.given + self._counted(part.state, part.term))
                      for part in parts if not part.term.eq(was) or not goal.own)
        return replace(goal, parts=goals, may_be_more=fewer is not updates)

    def _is_apart(self, rule: Invariant, case: Case) -> bool:
        """Does it read nothing that the case may change, and was it assumed?"""
        return rule.name in self.subject.assumed and \
            not (counting.ORDERS | case.state.updates.keys()) & set(self.afterwards.tables(rule))

    def _rules(self, case: Case) -> dict[str, Invariant]:
        """What must hold afterwards: every invariant, unless a part has just left them so; if a
        process runs then, what is assumed of that too."""
        always = {} if case.follows else self.subject.rules
        runs = RUNS & {event[0] for event in case.events[-1:]}
        needs = runs or self.subject.is_fast or case.part not in (None, *MAY_BE_IDLE)
        if needs:
            return {**always, **spec.premises()}
        waits = WAITS & {event[0] for event in case.events[-1:]}
        return {**always, **(spec.settled() if waits else {})}

    def _counted(self, after: After, goal: z3.BoolRef) -> tuple[z3.BoolRef, ...]:
        """What is known of the orders afterwards: the counts are exact, where the goal asks."""
        known = []
        reads = Reads()
        names = self.subject.names
        for term in (goal, *names.defining([goal]).values()):
            for one in names.applications(term):
                if one.name in ORDERS_AFTER:
                    reads.note(one.name.removeprefix(AFTER), one.key)
        for name in sorted(n for n in counting.RULES if n.endswith("_count_exact")):
            rule = self.subject.rules[name]
            known += [as_term(rule.holds(self.subject.c, after, *i)) for i in reads.tuples(rule)]
        return tuple(known)

    def prove_case(self, case: Case, number: int) -> list[Failure]:
        """What a case does not preserve."""
        subject = self.subject
        path = tuple(as_term(t) for t in case.path)
        subject.taken.clear()
        steps = Reads()
        for step in (s for s in case.steps if isinstance(s, Step)):
            for item in (step.item, step.other):
                steps.note(step.counted.slot, tuple(map(subject.before.ops.word,
                                                        (step.group, item))))
        failures = []
        for goal in self.goals(case):
            verdict = self._prove(path, steps, goal, f"{subject.name}-T3-{number}-{goal.name}")
            subject.taken |= {term.get_id(): term for term in goal.own}
            if verdict.is_contradiction:
                self.impossible += 1
                self.seen.add(case, lambda: False)
                return []
            if verdict.status != "proved":
                failures.append(self._failure(case, goal, verdict))
        if not failures:
            taken = tuple(subject.taken.values())
            self.seen.add(case, lambda: self._is_possible(path, taken))
        return failures

    def _is_possible(self, path: tuple[z3.BoolRef, ...], taken: tuple[z3.BoolRef, ...]) -> bool:
        """Is there a state of which all is so that was assumed to prove the case?"""
        subject = self.subject
        solver = Solver(taken, self.folder, subject.names)
        return solver.is_possible(path, f"{subject.name}-T3-possible", self.states)

    def _failure(self, case: Case, goal: Goal, verdict: Verdict) -> Failure:
        subject = self.subject
        if goal.begins is not None:
            about = lines.of_function("premise", goal.begins.name, goal.begins.given)
            tables = frozenset(case.state.updates)
        else:
            rule = {**subject.rules, **spec.premises(), **spec.settled()}[goal.rule]
            about = lines.of_function("invariant", rule.name, rule.text)
            tables = lines.tables_read(subject.c, rule)
        found = (about, *lines.of_case(subject.text, case, tables))
        return Failure(f"{goal.name} is not preserved in case {case.case}", subject.place, "",
                       verdict.status, model_values(verdict), str(verdict.query), found)

    def _prove(self, path: tuple[z3.BoolRef, ...], steps: Reads, goal: Goal,
               name: str) -> Verdict:
        """In parts, if it has some and these are proved; else whole."""
        ask = self.subject.easily if goal.may_be_more else self.subject.further
        for part in goal.parts or ():
            verdict = self._ask(ask, path, steps, part, name)
            if verdict.is_contradiction:
                return verdict
            if verdict.status != "proved":
                break
        else:
            if goal.parts is not None:
                return Verdict("proved", 0.0)
        return self._ask(self.subject.prove, path, steps, goal, name)

    def _ask(self, ask: Callable[..., Verdict], path: tuple[z3.BoolRef, ...], steps: Reads,
             goal: Goal, name: str) -> Verdict:
        @cache
        def near() -> Reads:
            """Where invariants are used."""
            found = Reads().scan((*path, *goal.given, goal.term), self.subject.names).joined(steps)
            for kind, index in (*goal.at, ("pid", bv(0))):
                found.index(kind, index)
            return found

        term = z3.Implies(z3.And(*goal.given), goal.term) if goal.given else goal.term
        return ask(path, term, near, name, self.folder, goal.own)


def prove(subject: Subject, folder: FilePath, source: str) -> Row:
    """The row T3 of one transition."""
    begin = time.process_time()
    induction = Induction(subject, folder)
    failures: list[Failure] = []
    successes = [case for case in subject.cases if case.errno is None]
    for number, case in enumerate(successes):
        failures += induction.prove_case(case, number)
        if len(failures) >= SHOWN_FAILURES:
            break
    if not failures:
        failures += induction.seen.failures("the invariants", subject.place)
    if not successes:
        failures.append(Failure("no success is possible", subject.place, "", "vacuous", (), ""))
    facts = {"successes": len(successes), "impossible": induction.impossible,
             **subject.facts}
    return row(subject.name, "T3", time.process_time() - begin, facts, failures,
               subject.assumptions, source)
