# SPDX-License-Identifier: MIT
"""Nothing is proved of what cannot happen. T1: under the assumptions about the state before a call
each error of its specification must be possible, and each of its choices both ways. T3: so must
each choice of a success, under all that was assumed to prove the cases that make it. (Not each
combination of choices: a text that several transitions share has some that one never takes.)

Contradictory invariants would otherwise prove everything.
"""
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import z3

from .flags import as_term
from .lazily import Lazily
from .lines import of_marks
from .result import Failure
from .solve import STATE_RESOURCES, Solver
from .target import Routine


def _outcomes(case: Any) -> dict[str, str]:
    """What happens in the case, in parts, and the words for it."""
    kind = "success" if case.errno is None else f"errno {case.errno}"
    return {part: f"{part} ({kind})" for part in case.case.split(", ")}


@dataclass
class Seen:
    """Cases, with what tells whether each is possible. Not all outcomes need to be: those that
    `counts` leaves out."""

    counts: Callable[[str], bool] = lambda part: True
    cases: list[tuple[Any, dict[str, str], Callable[[], bool]]] = field(default_factory=list)

    def add(self, case: Any, is_possible: Callable[[], bool]) -> None:
        """One more; whether it is possible is asked when all are there, if that says something."""
        outcomes = {part: text for part, text in _outcomes(case).items() if self.counts(part)}
        self.cases.append((case, outcomes, is_possible))

    def failures(self, what: str, where: str) -> list[Failure]:
        """One for each outcome of which no case is possible; `what` excludes it. Asked first is
        the case that says most."""
        possible: set[str] = set()
        missing: dict[str, tuple[str, Any]] = {}
        left = dict(enumerate(self.cases))
        while left := {n: one for n, one in left.items() if one[1].keys() - possible}:
            most = max(left, key=lambda n: len(left[n][1].keys() - possible))
            case, outcomes, is_possible = left.pop(most)
            if is_possible():
                possible |= outcomes.keys()
            else:
                missing |= {part: (text, case) for part, text in outcomes.items()}
        return [Failure(f"{what} exclude {text}", where, "", "vacuous", (), "",
                        of_marks(case.marks, frozenset()))
                for part, (text, case) in missing.items() if part not in possible]


def impossible(cases: Iterable[Any], solver: Solver, call: Routine) -> list[Failure]:
    """Outcomes of which no case is known to be possible under the solver's hypotheses. In a
    part a trap need not go every way; hypercalls that end with it do."""
    seen = Seen(lambda part: call.has_result or ": " not in part)
    kept = Lazily(z3.SolverFor("QF_UFBV"), solver.names, [])
    for case in cases:
        seen.add(case, lambda case=case: solver.is_possible((as_term(case.condition),),
                                                            "possible", kept,
                                                            STATE_RESOURCES))
    return seen.failures("the assumptions", call.source)
