# SPDX-License-Identifier: MIT
"""Failures in words, as the terminal and the page show them."""
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from .guide import Guide, printable
from .result import ACTUAL, DIFFERS, EXPECTED, Failure, Line, Row

EVENTS = "events "
INSTEAD = " instead of"


@dataclass(frozen=True)
class Difference:
    """One component of the state or result, and the query that shows it."""

    component: str
    actual: str
    expected: str
    query: str


@dataclass(frozen=True)
class Step:
    """A decision: `text` is the source line, `taken` is about the machine's branch."""

    where: str
    text: str
    taken: bool


@dataclass(frozen=True)
class About:
    """A line of the specification, or a store: `what` it is, its source text, and the lines
    that called it."""

    what: str
    where: str
    text: str
    callers: str


@dataclass(frozen=True)
class Shown:
    """Failures of one path together: `inputs` and `query` are those of the first."""

    what: str
    status: str
    where: str
    text: str
    steps: tuple[Step, ...]
    about: tuple[About, ...]
    differences: tuple[Difference, ...]
    inputs: tuple[tuple[str, str], ...]
    query: str


def _difference(failure: Failure, guide: Guide) -> Difference:
    name = failure.component
    if name.startswith(EVENTS) and INSTEAD in name:
        actual, _, expected = name.removeprefix(EVENTS).partition(INSTEAD)
        return Difference("events", actual.strip() or "none", expected.strip() or "none",
                          failure.query)
    return Difference(name, guide.number(name, failure.value(ACTUAL)),
                      guide.number(name, failure.value(EXPECTED)), failure.query)


def _about(line: Line, guide: Guide) -> About:
    return About(guide.explained(f"{line.kind} {line.text}"), line.where, guide.line(line.where),
                 ", ".join(line.callers))


def _together(subject: str, group: list[Failure], guide: Guide) -> Shown:
    first = group[0]
    what = f"differs from {first.what.partition(DIFFERS)[2]}" if first.component else first.what
    return Shown(
        guide.explained(what), first.status, first.where, guide.line(first.place),
        tuple(Step(d.where, guide.line(d.where), d.taken) for d in first.decisions),
        tuple(_about(line, guide) for line in dict.fromkeys(x for f in group for x in f.lines)),
        tuple(_difference(f, guide) for f in group if f.component),
        tuple((guide.named(subject, name), value) for name, value in first.inputs), first.query)


def failures(row: Row, guide: Guide) -> list[Shown]:
    """Those of a row; what differs on the same path in the same case is one of them."""
    def key(item: tuple[int, Failure]) -> tuple[str, ...]:
        number, f = item
        if not f.component:
            return (str(number),)
        return (f.where, f.path, f.what.partition(DIFFERS)[2], f.status)

    groups = groupby(enumerate(row.failures), key=key)
    return [_together(row.subject, [f for _, f in group], guide) for _, group in groups]


def columns(table: list[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a table with aligned columns."""
    widths = [max(len(cells[i]) for cells in table) for i in range(len(table[0]))]
    for cells in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()


def text(shown: Shown) -> list[str]:
    """The lines for a terminal: what, where, the way there, the lines of the specification that
    it is about, what differs, with what input."""
    lines = [f"{shown.what} [{shown.status}]", f"at    {shown.where}"]
    if shown.text:
        lines.append(f"          {shown.text}")
    steps = [(s.where, s.text, "taken" if s.taken else "not taken") for s in shown.steps]
    for label, line in zip(["path", *[""] * len(steps)], columns(steps) if steps else ()):
        lines.append(f"{label:6}{line}")
    about = [(a.where, a.what, a.text, f"(from {a.callers})" if a.callers else "")
             for a in shown.about]
    for label, line in zip(["spec", *[""] * len(about)], columns(about) if about else ()):
        lines.append(f"{label:6}{line}")
    if shown.differences:
        table = [("differs", "actual", "expected", "query"),
                 *((d.component, d.actual, d.expected, d.query) for d in shown.differences)]
        lines += columns(table)
    elif shown.query:
        lines.append(f"query {shown.query}")
    for label, (name, value) in zip(["with", *[""] * len(shown.inputs)], shown.inputs):
        lines.append(f"{label:6}{name:24} {value}")
    return [printable(line) for line in lines]
