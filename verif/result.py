# SPDX-License-Identifier: MIT
"""What a theorem about one routine came to: the rows of the report."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One thing that was not proved, for a human to read."""

    what: str
    where: str
    path: str
    status: str
    values: tuple[tuple[str, str], ...]
    query: str


@dataclass(frozen=True)
class Row:
    """Theorem `theorem` of `subject`: proved exactly if there is no failure."""

    subject: str
    theorem: str
    status: str
    seconds: float
    facts: tuple[tuple[str, str], ...]
    failures: tuple[Failure, ...]
    assumptions: tuple[str, ...]
    source: str

    @property
    def passed(self) -> bool:
        """Was everything proved?"""
        return self.status == "proved"


def row(subject: str, theorem: str, seconds: float, facts: dict[str, object],
        failures: list[Failure], assumptions: tuple[str, ...], source: str) -> Row:
    """A row whose status follows from its failures."""
    return Row(subject, theorem, "failed" if failures else "proved", round(seconds, 3),
               tuple((k, str(v)) for k, v in facts.items()), tuple(failures), assumptions, source)
