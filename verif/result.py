# SPDX-License-Identifier: MIT
"""What a theorem about one routine came to: the rows of the report."""
from dataclasses import asdict, dataclass
from typing import Any

ACTUAL, EXPECTED = "actual", "expected"
DIFFERS = " differs from "


@dataclass(frozen=True)
class Decision:
    """A conditional branch on a path: `where` is file:line, `taken` says if the machine's
    branch was taken, which need not be the condition in the source."""

    where: str
    taken: bool


@dataclass(frozen=True)
class Line:
    """A line that a failure is about: `kind` says what it is (guard, update, invariant, ...),
    `text` of what, `where` is file:line, `callers` the lines that led there, innermost first."""

    kind: str
    text: str
    where: str
    callers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """One thing that was not proved, for a human to read.

    `where` is "file:line (function+offset)"; `path` the branches, "file:line:T file:line:F";
    `values` names and numbers of the counterexample, those called ACTUAL and EXPECTED decimal;
    `lines` those of the specification and the stores that it is about.
    """

    what: str
    where: str
    path: str
    status: str
    values: tuple[tuple[str, str], ...]
    query: str
    lines: tuple[Line, ...] = ()

    @property
    def place(self) -> str:
        """file:line of `where`."""
        return self.where.partition(" ")[0]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The branches of `path`, in order."""
        parts = (word.rpartition(":") for word in self.path.split())
        return tuple(Decision(where, mark == "T") for where, _, mark in parts)

    @property
    def component(self) -> str:
        """What differs from the specification; empty if that is not what failed."""
        before, found, _ = self.what.partition(DIFFERS)
        return before if found else ""

    def value(self, name: str) -> str:
        """The value of that name; empty if there is none."""
        return dict(self.values).get(name, "")

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """The counterexample without ACTUAL and EXPECTED."""
        return tuple(v for v in self.values if v[0] not in (ACTUAL, EXPECTED))


@dataclass(frozen=True)
class Row:
    """Theorem `theorem` of `subject`: proved exactly if there is no failure."""

    subject: str
    theorem: str
    status: str
    seconds: float
    facts: tuple[tuple[str, str], ...]
    failures: tuple[Failure, ...]
    assumptions: tuple[str, ...]
    source: str

    @property
    def passed(self) -> bool:
        """Was everything proved?"""
        return self.status == "proved"

    def fact(self, name: str) -> str:
        """The fact of that name; empty if there is none."""
        return dict(self.facts).get(name, "")

    @property
    def is_cached(self) -> bool:
        """Was it proved by an earlier run, from the same inputs?"""
        return self.fact("cached").lower() not in ("", "0", "no", "false")


def row(subject: str, theorem: str, seconds: float, facts: dict[str, object],
        failures: list[Failure], assumptions: tuple[str, ...], source: str) -> Row:
    """A row whose status follows from its failures."""
    return Row(subject, theorem, "failed" if failures else "proved", round(seconds, 3),
               tuple((k, str(v)) for k, v in facts.items()), tuple(failures), assumptions, source)


def to_json(one: Row) -> dict[str, Any]:
    """The row as JSON has it: facts and values are objects with strings."""
    found = asdict(one)
    found["facts"] = dict(one.facts)
    for place, failure in zip(found["failures"], one.failures):
        place["values"] = dict(failure.values)
    return found


def _lines(found: list[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(x["kind"], x["text"], x["where"], tuple(x["callers"])) for x in found)


def from_json(found: dict[str, Any]) -> Row:
    """The row that `to_json` made `found` of. Other keys of a failure are ignored."""
    failures = tuple(Failure(f["what"], f["where"], f["path"], f["status"],
                             tuple(f["values"].items()), f["query"], _lines(f["lines"]))
                     for f in found["failures"])
    return Row(found["subject"], found["theorem"], found["status"], found["seconds"],
               tuple(found["facts"].items()), failures, tuple(found["assumptions"]),
               found["source"])
