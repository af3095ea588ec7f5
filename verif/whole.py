# SPDX-License-Identifier: MIT
"""Which rows the report of a whole kernel has, and those that earlier runs brought."""
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spec
from spec.transitions import interrupt

from .contracts import LEAVES
from .result import Row, from_json
from .theorems import THEOREMS

OF_TEXT = ("T3", "T5")
# What a report must agree on for its rows to be about the same thing.
SAME = ("schema", "sha256", "kernel", "verifier", "solver")


def expected(calls: Iterable[str]) -> list[tuple[str, str]]:
    """Subject and theorem of each row that proves a kernel with these hypercalls."""
    of_calls = [(call, t.key) for call in calls for t in THEOREMS if t.is_of_calls]
    of_others = [(name, theorem) for name in interrupt.CALLS.specs for theorem in OF_TEXT]
    of_parts = [(name, "T3") for name in spec.parts()]
    return [*of_calls, *of_others, *of_parts, *((leaf.name, "T2") for leaf in LEAVES),
            ("steps", "T3"), ("every state", "T5")]


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
