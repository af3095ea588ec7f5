# SPDX-License-Identifier: MIT
"""T1 of what is said twice: `call_directly` and `reply_directly` (spec/transitions/direct.py) do
what the hypercalls `call` and `reply_wait` do, in every state in which they may begin.

Equal are every table afterwards and the result, once the message that came in registers is where
the hypercall puts it, in the context of who gets it. Nobody becomes ready, so that no core that
waits need be woken.
"""
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import Any

import spec
import z3
from spec.marks import place_of
from spec.state import FIELDS
from spec.transition import Case, Reader
from spec.transitions.direct import as_received

from . import lines
from .flags import as_term, fold
from .induct import Subject
from .lin import bv
from .reads import Reads
from .result import Failure, Row, row
from .safety import model_values
from .solve import Verdict

NAME = "direct ways"
SAME = {"call_directly": "call", "reply_directly": "reply_wait"}
READY = "sched.ready.word"
SHOWN_FAILURES = 1


@dataclass
class Comparison:
    """One of SAME. `matched` counts the cases in which both can be."""

    c: SimpleNamespace
    name: str
    folder: FilePath
    failures: list[Failure] = field(default_factory=list)
    matched: int = 0

    def __post_init__(self) -> None:
        self.subject = Subject(self.c, self.name, spec.parts()[self.name], apart=None)
        self.args = tuple(z3.BitVec(f"x{i}", 64) for i in range(len(self.subject.text.parameters)))
        self.hypercall = spec.hypercalls()[SAME[self.name]]
        self.cases = self.hypercall.symbolic(self.c, self.subject.before, self.args, orders=False)

    def prove(self) -> None:
        """Every way of the one beside every way of the other."""
        for at, direct in enumerate(self.subject.cases):
            if READY in direct.state.updates:
                self._fail(direct, "somebody becomes ready", Verdict("refuted", 0.0))
            wanted = self._delivered(direct)
            for number, case in enumerate(self.cases):
                if len(self.failures) < SHOWN_FAILURES:
                    self._compare(direct, wanted, case, f"{self.name}-T1-{at}-{number}")
        if not self.matched:
            self.failures.append(Failure("there is nothing to compare", self.subject.place, "",
                                         "vacuous", (), ""))

    def _delivered(self, direct: Case) -> Any:
        """The state, with the message in the context of who has the core."""
        c, before, after = self.c, self.subject.before, direct.state
        _, _, page, _, *words = self.args
        to = after.get("sched.cpus.current", before.get("sys.cpu"))
        giver = before.get("sched.cpus.current", before.get("sys.cpu"))
        for n, value in enumerate(as_received(Reader(c, before), giver, page, tuple(words))):
            after = after.set("pages", (after.get("procs.ctx", to), bv(c.CTX_X0 + n)), value)
        return after

    def _compare(self, direct: Case, wanted: Any, case: Case, name: str) -> None:
        """Where both can be, they are the same."""
        path = tuple(as_term(truth) for truth in (*direct.path, *case.path))
        never = z3.BoolVal(False)
        if self._follows(self.subject.easily, path, never, name).status == "proved":
            return
        if case.errno is not None or case.events:
            verdict = self._follows(self.subject.prove, path, never, name)
            if verdict.status != "proved":
                self._fail(direct, f"{self.hypercall.name} is {case.case}", verdict)
            return
        self.matched += 1
        for what, goal in self._goals(wanted, case):
            verdict = self._follows(self.subject.prove, path, goal, f"{name}-{what}")
            if verdict.status != "proved":
                self._fail(direct, f"{what} differs from case {case.case} of "
                                   f"{self.hypercall.name}", verdict)

    def _goals(self, wanted: Any, case: Case) -> Iterator[tuple[str, z3.BoolRef]]:
        yield "result", as_term(fold(case.result == bv(-self.c.HV_EPIPE)))
        for name in sorted({*wanted.updates, *case.state.updates}):
            key = tuple(z3.BitVec(f"any{n}!{kind}", 64) for n, kind in enumerate(FIELDS[name]))
            equal = fold(wanted.get(name, *key) == case.state.get(name, *key))
            if equal is not True:
                yield name, as_term(equal)

    def _follows(self, ask: Callable[..., Verdict], path: tuple[z3.BoolRef, ...],
                 goal: z3.BoolRef, name: str) -> Verdict:
        return ask(path, goal, partial(self._near, path, goal), name, self.folder)

    def _near(self, path: tuple[z3.BoolRef, ...], goal: z3.BoolRef) -> Reads:
        found = Reads().scan((*path, goal), self.subject.names)
        found.index("pid", bv(0))
        return found

    def _fail(self, direct: Case, what: str, verdict: Verdict) -> None:
        about = lines.of_case(self.subject.text, direct, frozenset())
        self.failures.append(Failure(f"{self.name}: {what}", self.subject.place, "",
                                     verdict.status, model_values(verdict), str(verdict.query),
                                     tuple(about)))


def prove(c: SimpleNamespace, folder: FilePath) -> Row:
    """The row T1 of both."""
    begin = time.process_time()
    compared = [Comparison(c, name, folder) for name in SAME]
    for one in compared:
        one.prove()
    facts = {"cases of both": sum(one.matched for one in compared),
             "queries": sum(one.subject.facts["queries"] for one in compared)}
    return row(NAME, "T1", time.process_time() - begin, facts,
               [failure for one in compared for failure in one.failures],
               compared[0].subject.assumptions, place_of(spec.parts()["call_directly"].text))
