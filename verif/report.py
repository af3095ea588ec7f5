# SPDX-License-Identifier: MIT
"""Rows for people and for programs: the terminal, and report.json and report.html."""
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

import z3

from . import html, show, sources, trusted, whole
from .guide import Guide, printable, root_of
from .result import Failure, Row, row, to_json
from .target import Target

SCHEMA = 2
TOLD = ("paths", "cases", "instructions", "stack bytes")


def guide_of(target: Target) -> Guide:
    """Looks things up in the sources that the ELF was built of."""
    return Guide(root_of(target.image.path))


@dataclass
class Progress:
    """Rows as they come, in whatever order; a terminal also sees what runs now.

    `total` counts calls of `add`, each with all rows of one job."""

    out: TextIO
    total: int
    guide: Guide = Guide(None)
    done: int = 0
    rows: list[Row] = field(default_factory=list)
    _begun: dict[str, float] = field(default_factory=dict)

    def running(self, subject: str) -> None:
        """A job begins; more than one may run."""
        self._begun[subject] = time.monotonic()
        self._redraw()

    def add(self, rows: list[Row], job: str = "") -> None:
        """A job has ended: its rows in a line, failures in short (`finish` has them in full).
        `job` is what `running` called it, if that is not the subject of its rows."""
        self.done += 1
        self.rows += rows
        for name in (job, *(one.subject for one in rows)):
            self._begun.pop(name, None)
        if self.out.isatty():
            self.out.write("\r\033[K")
        for line in _lines_of(rows, self.done, self.total, self.guide):
            self.out.write(f"{line}\n")
        self._redraw()
        self.out.flush()

    def _redraw(self) -> None:
        if not self.out.isatty() or self.done >= self.total:
            return
        now = time.monotonic()
        jobs = ", ".join(f"{subject} {now - begun:.0f} s" for subject, begun in self._begun.items())
        line = printable(f"  {self.done}/{self.total}  running: {jobs}")
        width = shutil.get_terminal_size().columns - 1
        self.out.write(f"\r\033[K{line[:width]}")
        self.out.flush()


def _lines_of(rows: list[Row], done: int, total: int, guide: Guide) -> Iterable[str]:
    for subject in dict.fromkeys(one.subject for one in rows):
        own = [one for one in rows if one.subject == subject]
        marks = "  ".join(f"{r.theorem} {'ok' if r.passed else 'FAILED'}" for r in own)
        facts = {k: v for r in own for k, v in r.facts if k in TOLD}
        told = ", ".join(f"{v} {k}" for k, v in facts.items())
        cached = [r.theorem for r in own if r.is_cached]
        if cached:
            told += f" (cached: {' '.join(cached)})"
        # T8 is read off the exploration that T2 has paid for.
        seconds = sum(r.seconds for r in own if r.theorem != "T8" or len(own) == 1)
        width = len(str(total))
        yield printable(f"  {done:{width}}/{total}  {subject:16} {marks:22} "
                        f"{seconds:7.2f} s  {told}").rstrip()
    for one in rows:
        for shown in show.failures(one, guide):
            names = ", ".join(d.component for d in shown.differences)
            what = f"{names} {shown.what}".lstrip()
            yield printable(f"      {one.theorem}: {what} at {shown.where}")


def _failed(one: Row, guide: Guide) -> Iterable[str]:
    yield printable(f"  {one.subject} {one.theorem} ({one.source})")
    for shown in show.failures(one, guide):
        yield from (f"    {line}" for line in show.text(shown))
        yield ""


def with_undeclared(rows: list[Row]) -> list[Row]:
    """The rows, and one that fails if a row assumes what verif/trusted.py does not declare."""
    known = {a.text for a in trusted.assumptions()}
    wrong = [Failure(f"{r.subject} {r.theorem} assumes what is not declared: {a}",
                     "verif/trusted.py", "", "undeclared", (), "")
             for r in rows for a in r.assumptions if a not in known]
    return [*rows, row("assumptions", "declared", 0, {}, wrong, (), "verif/trusted.py")] \
        if wrong else rows


def finish(out: TextIO, rows: list[Row], guide: Guide = Guide(None)) -> bool:
    """Failures in full, together, then the last line. True if nothing failed."""
    rows = with_undeclared(rows)
    failed = [one for one in rows if not one.passed]
    if failed:
        out.write("\nNot proved:\n")
    for one in failed:
        for line in _failed(one, guide):
            out.write(f"{line}\n")
    out.write(f"{len(rows) - len(failed)} passed, {len(failed)} failed\n")
    out.flush()
    return not failed


def _row(one: Row, guide: Guide) -> dict[str, Any]:
    """The row with what people need beside it; docs/verify.md has the schema."""
    found = to_json(one)
    for place, failure in zip(found["failures"], one.failures):
        place["text"] = guide.line(failure.place)
        place["decisions"] = [{"where": d.where, "text": guide.line(d.where), "taken": d.taken}
                              for d in failure.decisions]
        place["component"] = failure.component
        for line in place["lines"]:
            line["source"] = guide.line(line["where"])
    return found


def document(target: Target, rows: list[Row], seconds: float, guide: Guide) -> dict[str, Any]:
    """report.json. Rows are in the order of the hypercalls, whatever the order they came in."""
    rows = with_undeclared(rows)
    calls = [call.name for call in target.hypercalls]
    order = {name: at for at, name in enumerate(calls)}
    rows = sorted(rows, key=lambda r: (order.get(r.subject, len(order)), r.subject, r.theorem))
    tried = {(r.subject, r.theorem) for r in rows}
    missing = [f"{subject} {key}" for subject, key in whole.expected(calls)
               if (subject, key) not in tried]
    failed = sum(not r.passed for r in rows)
    return {
        "schema": SCHEMA, "elf": str(target.image.path), "sha256": target.image.sha256,
        "kernel": target.kernel_hash, "verifier": sources.digest(),
        "solver": f"Z3 {z3.get_full_version()}",
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2), "verdict": "failed" if failed else "proved",
        "passed": len(rows) - failed, "failed": failed, "hypercalls": calls, "missing": missing,
        "assumptions": sorted({a for r in rows for a in r.assumptions}),
        "rows": [_row(r, guide) for r in rows],
    }


def _replace(path: Path, content: str) -> None:
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_text(content)
    partial.replace(path)


def save(path: Path, target: Target, rows: list[Row], seconds: float) -> None:
    """Writes the report to `path`, as JSON, and beside it as a page. It keeps the rows that are
    there already and are about the same kernel by the same verifier, so that a run of one
    hypercall adds to a report and does not end it."""
    guide = guide_of(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = document(target, rows, seconds, guide)
    older = whole.earlier(path, found, rows)
    if older:
        found = document(target, [*rows, *older], seconds, guide)
    _replace(path, json.dumps(found, indent=1) + "\n")
    _replace(path.with_suffix(".html"), html.page(found, guide))
