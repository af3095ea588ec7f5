# SPDX-License-Identifier: MIT
"""Nothing is proved of what cannot happen: under the assumptions about the state before a call
each case of its specification, errors and successes alike, must be possible.

Contradictory invariants would otherwise prove everything.
"""
from collections.abc import Iterable
from typing import Any

import z3

from .flags import as_term
from .result import Failure
from .solve import Solver


def impossible(cases: Iterable[Any], solver: Solver, name: str, source: str) -> list[Failure]:
    """Cases that the solver's hypotheses exclude, or of which that is not known."""
    failures = []
    for number, case in enumerate(cases):
        verdict = solver.prove((as_term(case.condition),), z3.BoolVal(False),
                               f"{name}-T1-case-{number}", False)
        if verdict.status != "refuted":
            errno = "success" if case.errno is None else f"errno {case.errno}"
            status = "vacuous" if verdict.status == "proved" else verdict.status
            failures.append(Failure(f"the assumptions exclude case {case.case} ({errno})", source,
                                    "", status, (), ""))
    return failures
