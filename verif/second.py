# SPDX-License-Identifier: MIT
"""A second opinion: cvc5 is asked each query that Z3 called `unsat` (queries.py).

`unsat` agrees. `sat` is a disagreement and fails the row. Anything else says nothing: the
obligation is listed as not confirmed. Answers are kept by the hash of the query, cvc5's
version and, if it gave up, the limit.
"""
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import VerifError
from .queries import EXPECTED, Query, Record
from .result import Failure, Row

PROGRAM = "cvc5"
CONFIRMED, OPEN = "confirmed", "not confirmed"
AGAINST = "sat"
UNKNOWN = "unknown"


def _limit(seconds: int) -> None:
    """In the child: processor time, so that a busy machine gives the same answer."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclass(frozen=True)
class Second:
    """cvc5, given `limit` seconds of processor time for each query. Answers are kept in files
    of `kept`, open queries under `folder`."""

    folder: Path
    kept: Path | None
    limit: int
    version: str

    @property
    def key(self) -> str:
        """What its answers depend on beside the query."""
        return f"{self.version}, {self.limit} s"

    def clear(self, job: str) -> None:
        """Removes what an earlier run has left of a job's queries."""
        shutil.rmtree(self.folder / job, ignore_errors=True)

    def _known(self, path: Path) -> str:
        try:
            found = json.loads(path.read_text())
            is_final = found["answer"] in (EXPECTED, AGAINST) or found["limit"] >= self.limit
            return str(found["answer"]) if is_final else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def answer(self, query: Query) -> str:
        """unsat, sat, or unknown for whatever else it says or does."""
        path = self.kept / f"{query.digest}-{self.version.replace(' ', '-')}.json" if self.kept \
            else None
        known = self._known(path) if path else ""
        if known:
            return known
        done = subprocess.run([PROGRAM, "--lang", "smt2", self.folder / query.file],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False,
                              preexec_fn=lambda: _limit(self.limit))
        words = done.stdout.decode(errors="replace").split()
        answer = words[0] if done.returncode == 0 and words in ([EXPECTED], [AGAINST]) else UNKNOWN
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part")
            partial.write_text(json.dumps({"answer": answer, "limit": self.limit}))
            partial.replace(path)
        return answer

    def opinion(self, rows: list[Row], record: Record, is_kept: bool) -> list[Row]:
        """The rows with what is said of the queries they rest on. Those confirmed are removed
        unless `is_kept`."""
        answers: dict[str, str] = {}
        for query in record.queries:
            if query.file not in answers:
                answers[query.file] = self.answer(query)
                if answers[query.file] == EXPECTED and not is_kept:
                    (self.folder / query.file).unlink()
        if record.folder.is_dir() and not any(record.folder.iterdir()):
            record.folder.rmdir()
        return [self._with(one, [q for q in record.queries if q.is_of(one.subject, one.theorem)],
                           answers) for one in rows]

    def _with(self, one: Row, own: list[Query], answers: dict[str, str]) -> Row:
        def place(query: Query) -> str:
            return str(self.folder / query.file)

        agreed = sum(answers[q.file] == EXPECTED for q in own)
        left = [f"{q.goal} ({place(q)})" for q in own if answers[q.file] == UNKNOWN]
        wrong = [Failure(f"Z3 says {q.expected}, {self.version} says {AGAINST}: {q.goal}",
                         one.source, "", "disagreement", (), place(q))
                 for q in own if answers[q.file] == AGAINST]
        facts = (*one.facts, (CONFIRMED, f"{agreed} of {len(own)} by {self.version}"),
                 *(((OPEN, "; ".join(left)),) if left else ()))
        return replace(one, facts=facts, failures=(*one.failures, *wrong),
                       status="failed" if wrong else one.status)


def installed(folder: Path, kept: Path | None, limit: int) -> Second:
    """The cvc5 of this machine; VerifError if there is none."""
    try:
        done = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise VerifError(f"no {PROGRAM} to ask: {error}") from None
    version = done.stdout.decode(errors="replace").partition("version ")[2].split()
    if not version:
        raise VerifError(f"{PROGRAM} --version does not say its version")
    return Second(folder, kept, limit, f"{PROGRAM} {version[0]}")


def summary(rows: Iterable[Row]) -> list[str]:
    """For a terminal: what is not confirmed, by name, and how many rows are; nothing if no row
    was looked at."""
    asked = [one for one in rows if one.fact(CONFIRMED)]
    if not asked:
        return []
    left = [one for one in asked if one.fact(OPEN)]
    wrong = sum(any(f.status == "disagreement" for f in one.failures) for one in asked)
    whole = sum(not one.fact(OPEN) and one.passed for one in asked)
    lines = ["", f"Not {CONFIRMED}:"] if left else []
    lines += [f"  {one.subject} {one.theorem}: {goal}"
              for one in left for goal in one.fact(OPEN).split("; ")]
    return [*lines, f"second opinion: {whole} of {len(asked)} rows confirmed, {len(left)} in part, "
            f"{wrong} disagreements"]
