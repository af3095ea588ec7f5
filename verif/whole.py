# SPDX-License-Identifier: MIT
"""Which rows the report of a whole kernel has, and those that earlier runs brought."""
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spec

from . import boot, coverage, direct, handover, lock, progress, segments
from .contracts import LEAVES
from .result import Row, from_json
from .theorems import THEOREMS

OF_CODE = ("T1", "T2", "T6", "T8")
OF_TEXT = ("T3", "T5", "T9")
# What several hypercalls end with; T5 is about all that they do.
ENDS = ("stop", "receive_from", "message")
# T9 of an interrupt is about its pieces.
NOT_T9 = ("stop", "receive_from", "trap_irq", "leave_idle")
# What a report must agree on for its rows to be about the same thing.
SAME = ("schema", "sha256", "kernel", "verifier", "solver")


def expected(calls: Iterable[str]) -> list[tuple[str, str]]:
    """Subject and theorem of each row that proves a kernel with these hypercalls."""
    of_calls = [(call, t.key) for call in calls for t in THEOREMS if t.is_of_calls]
    of_text = [(name, t) for name in (*spec.traps(), *spec.edges()) for t in OF_TEXT
               if t != "T9" or name not in NOT_T9] + [(name, "T9") for name in progress.PIECES]
    of_code = [(name, t) for name in (*spec.traps(), *segments.NAMES) for t in OF_CODE]
    return [*of_calls, *of_code, *of_text, *((name, "T3") for name in ENDS),
            *((name, "T9") for name in ENDS if name not in NOT_T9),
            (coverage.NAME, "T10"), *((leaf.name, "T2") for leaf in LEAVES), ("steps", "T3"),
            (handover.NAME, "T3"), (direct.NAME, "T1"), ("every state", "T5"),
            ("every state", "T9"),
            *((lock.NAME, t) for t in ("T1", "T2", "T3", "T8", "T9")),
            *((f"boot {machine.name}", "T4") for machine in boot.machines(False))]


def seconds(path: Path) -> dict[tuple[str, str], float]:
    """What each row took, by subject and theorem, as the report at `path` has it; none if it
    cannot be read."""
    try:
        rows = [from_json(one) for one in json.loads(path.read_text())["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {(row.subject, row.theorem): row.seconds for row in rows}


def earlier(path: Path, new: dict[str, Any], rows: list[Row]) -> list[Row]:
    """Rows of the report at `path` that `rows` do not replace. None if that report is about
    another kernel, or was made by another verifier or solver than `new`, or is none."""
    try:
        found = json.loads(path.read_text())
        if any(found[key] != new[key] for key in SAME):
            return []
        old = [from_json(one) for one in found["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    wanted = set(expected(new["hypercalls"])) - {(r.subject, r.theorem) for r in rows}
    return [r for r in old if (r.subject, r.theorem) in wanted]
