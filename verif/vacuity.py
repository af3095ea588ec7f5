# SPDX-License-Identifier: MIT
"""Nothing is proved of what cannot happen: under the assumptions about the state before a call
each error of its specification must be possible, and each of its choices both ways. (Not each
combination of choices: a text that several transitions share has some that one never takes.)

Contradictory invariants would otherwise prove everything.
"""
from collections.abc import Iterable
from typing import Any

import z3

from .flags import as_term
from .lines import of_marks
from .result import Failure
from .solve import Solver
from .target import Routine


def _outcomes(case: Any) -> dict[str, str]:
    """What happens in the case, in parts, and the words for it."""
    kind = "success" if case.errno is None else f"errno {case.errno}"
    return {part: f"{part} ({kind})" for part in case.case.split(", ")}


def impossible(cases: Iterable[Any], solver: Solver, call: Routine) -> list[Failure]:
    """Outcomes of which no case is known to be possible under the solver's hypotheses. In a
    part a trap need not go every way; hypercalls that end with it do."""
    missing: dict[str, tuple[str, Any]] = {}
    possible: set[str] = set()
    for case in cases:
        outcomes = {part: words for part, words in _outcomes(case).items()
                    if call.has_result or ": " not in part}
        if outcomes.keys() <= possible:
            continue
        verdict = solver.prove((as_term(case.condition),), z3.BoolVal(False), "", False)
        if verdict.status == "refuted":
            possible |= outcomes.keys()
        else:
            missing |= {part: (text, case) for part, text in outcomes.items()}
    return [Failure(f"the assumptions exclude {text}", call.source, "", "vacuous", (), "",
                    of_marks(case.marks, frozenset()))
            for part, (text, case) in missing.items() if part not in possible]
