# SPDX-License-Identifier: MIT
"""Rows for people and for programs: the terminal, and build/verify/report.json."""
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from .result import Row
from .target import Target


@dataclass
class Progress:
    """One line for each row as it comes; a terminal also sees what runs now."""

    out: TextIO
    total: int
    done: int = 0
    rows: list[Row] = field(default_factory=list)

    def running(self, subject: str) -> None:
        """Says what runs now, if someone looks."""
        if self.out.isatty():
            self.out.write(f"\r\033[K  {self.done}/{self.total}  {subject} ...")
            self.out.flush()

    def add(self, rows: list[Row]) -> None:
        """Shows the rows of one subject in a line, failures in full at once."""
        self.done += 1
        self.rows += rows
        if self.out.isatty():
            self.out.write("\r\033[K")
        facts = ", ".join(f"{v} {k}" for r in rows for k, v in r.facts)
        marks = " ".join(f"{r.theorem}:{'ok' if r.passed else 'FAILED'}" for r in rows)
        seconds = sum(r.seconds for r in rows if r.theorem != "T8")
        self.out.write(f"  {self.done:2}/{self.total}  {rows[0].subject:16} {marks:12} "
                       f"{seconds:6.2f} s  {facts}\n")
        for row in rows:
            _show_failures(self.out, row)
        self.out.flush()


def _show_failures(out: TextIO, row: Row) -> None:
    for failure in row.failures:
        out.write(f"      {row.subject} {row.theorem}: {failure.what} [{failure.status}]\n"
                  f"        at {failure.where}\n")
        if failure.path:
            out.write(f"        path {failure.path}\n")
        for name, value in failure.values:
            out.write(f"        {name:24} {value}\n")
        if failure.query:
            out.write(f"        query {failure.query}\n")


def finish(out: TextIO, rows: list[Row]) -> bool:
    """Failures once more, together, then the last line. True if nothing failed."""
    failed = [r for r in rows if not r.passed]
    if failed:
        out.write("\nNot proved:\n")
        for row in failed:
            out.write(f"  {row.subject} {row.theorem} ({row.source})\n")
    out.write(f"{len(rows) - len(failed)} passed, {len(failed)} failed\n")
    return not failed


def save(path: Path, target: Target, rows: list[Row], seconds: float) -> None:
    """Writes the JSON report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "elf": str(target.image.path), "sha256": target.image.sha256, "seconds": round(seconds, 2),
        "passed": sum(r.passed for r in rows), "failed": sum(not r.passed for r in rows),
        "assumptions": sorted({a for r in rows for a in r.assumptions}),
        "rows": [{**asdict(r), "facts": dict(r.facts)} for r in rows],
    }
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(document, indent=1) + "\n")
    partial.replace(path)
