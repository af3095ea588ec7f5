# SPDX-License-Identifier: MIT
"""Where in spec/ a transition does what it does: for messages, no proof looks at it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = str(Path(__file__).resolve().parent)
# Those that call `mark_here` for others.
PLUMBING = (str(Path(FOLDER, "transition.py")), str(Path(__file__).resolve()))


def place(file: str, line: int) -> str:
    """file:line, the file named from the root of the project."""
    return f"spec{file.removeprefix(FOLDER)}:{line}"


@dataclass(frozen=True)
class Mark:
    """`kind`: guard, refused, choice, update or event. `text`: the errno, the choice, the table
    or the event. `lines`: file and line of the statement, then of what called it, up to the
    transition's own."""

    kind: str
    text: str
    lines: tuple[tuple[str, int], ...]

    @property
    def places(self) -> tuple[str, ...]:
        """`lines` as file:line; the same line only once."""
        return tuple(dict.fromkeys(place(*line) for line in self.lines))


def mark_here(kind: str, text: str) -> Mark:
    """A mark at what called the method of Transition that calls this."""
    frame: Any = sys._getframe(1)
    while frame.f_code.co_filename in PLUMBING:
        frame = frame.f_back
    lines = []
    while frame and frame.f_code.co_filename.startswith(FOLDER):
        if frame.f_code.co_filename not in PLUMBING:
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return Mark(kind, text, tuple(lines))


def place_of(function: Callable[..., Any]) -> str:
    """file:line of the `def` below its decorators, or of the lambda."""
    code = function.__code__
    line = code.co_firstlineno
    with open(code.co_filename, encoding="utf-8") as stream:
        text = stream.read().split("\n")
    while line < len(text) and text[line - 1].lstrip().startswith("@"):
        line += 1
    return place(code.co_filename, line)
