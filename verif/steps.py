# SPDX-License-Identifier: MIT
"""T3 of what transitions count on: steps of counters and deadlines, and facts of the functions that
stand for sets. Each is proved once for all states."""
import time
from pathlib import Path
from types import SimpleNamespace

import spec

from . import counting, deadlines, lines, members
from .result import Failure, Line, Row, row
from .safety import model_values
from .solve import Solver


def _about(claim: counting.Claim) -> Line:
    if claim.text is not None:
        return lines.of_function("function", claim.text.__name__, claim.text)
    rule = spec.invariants()[claim.rule]
    return lines.of_function("invariant", rule.name, rule.text)


def prove(c: SimpleNamespace, folder: Path) -> Row:
    """The row T3 of all these."""
    begin = time.process_time()
    failures, number = [], 0
    for claim in (*counting.lemmas(c), *deadlines.lemmas(c), *members.lemmas(c)):
        number += 1
        verdict = Solver(claim.given, folder).prove((), claim.goal, f"step-{claim.name}")
        if verdict.status != "proved":
            found = (_about(claim), *map(lines.of_mark, claim.marks))
            failures.append(Failure(f"a step: {claim.name}", found[-1].where, "", verdict.status,
                                    model_values(verdict), str(verdict.query), found))
    return row("steps", "T3", time.process_time() - begin, {"lemmas": number}, failures, (),
               "spec/ghosts.py")
