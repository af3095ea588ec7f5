# SPDX-License-Identifier: MIT
"""Every answer `unsat` that a proof rests on, as an SMT-LIB 2 file of its own.

Nothing is written unless a job runs within `recording`. A query stands alone, whatever
stack of assertions it was asked on, and its text does not depend on what else the process
has done, so that its hash names it in every run.
"""
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import z3

from .errors import VerifError

LOGIC = "QF_UFBV"
# The names that Z3 gives to shared parts have its own numbers of terms in them.
SHARED = re.compile(r"[?$]x\d+\b")
COMMENT = re.compile(r"^(;.*|\(set-info .*\))\n", re.M)
EXPECTED = "unsat"


@dataclass(frozen=True)
class Query:
    """One obligation: `file` is relative to the manifest's folder, `theorem` one or more with
    slashes, `goal` says what was asked, `digest` is the SHA-256 of the file."""

    file: str
    subject: str
    theorem: str
    goal: str
    digest: str
    expected: str = EXPECTED

    def is_of(self, subject: str, theorem: str) -> bool:
        """Does that row rest on it?"""
        return self.subject == subject and theorem in self.theorem.split("/")


@dataclass
class Record:
    """The queries of one job; `folder` is made for it, in the folder of all."""

    folder: Path
    subject: str
    theorem: str
    queries: list[Query] = field(default_factory=list)
    _files: dict[str, str] = field(default_factory=dict)

    def add(self, solver: z3.Solver, goal: str) -> None:
        """The assertions of `solver` are unsatisfiable, says Z3."""
        text = canonical(solver.to_smt2())
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest not in self._files:
            name = f"{len(self._files) + 1:05}.smt2"
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
            self._files[digest] = f"{self.folder.name}/{name}"
        self.queries.append(Query(self._files[digest], self.subject, self.theorem, goal, digest))

    def account(self, rows: set[tuple[str, str]]) -> None:
        """VerifError if a query is of no row (subject, theorem): nobody would see its answer."""
        for query in self.queries:
            if not any(query.is_of(*one) for one in rows):
                raise VerifError(f"a query of {query.subject} {query.theorem}, which is no row")


_record: ContextVar[Record | None] = ContextVar("record", default=None)


def canonical(text: str) -> str:
    """SMT-LIB 2 as Z3 writes it, without comments, and shared parts numbered as they come."""
    names: dict[str, str] = {}
    body = SHARED.sub(lambda m: names.setdefault(m[0], f"?{len(names)}"), COMMENT.sub("", text))
    return f"(set-logic {LOGIC})\n{body.strip()}\n"


def note(solver: z3.Solver, goal: str) -> None:
    """To be called wherever a proof goes on because of `unsat`."""
    record = _record.get()
    if record is not None:
        record.add(solver, goal)


def note_terms(terms: Iterable[z3.BoolRef], goal: str) -> None:
    """The same of terms that are unsatisfiable together."""
    record = _record.get()
    if record is not None:
        solver = z3.Solver()
        solver.add(*terms)
        record.add(solver, goal)


@contextmanager
def recording(record: Record) -> Iterator[None]:
    """What is asked here goes into the record."""
    token = _record.set(record)
    try:
        yield
    finally:
        _record.reset(token)


@contextmanager
def about(theorem: str = "", subject: str = "") -> Iterator[None]:
    """What is asked here is for that theorem alone, or all of the job's, of that subject or of the
    job's."""
    record = _record.get()
    if record is None:
        yield
        return
    before = record.subject, record.theorem
    record.subject = subject or record.subject
    record.theorem = theorem or record.theorem
    try:
        yield
    finally:
        record.subject, record.theorem = before
