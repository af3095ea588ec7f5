# SPDX-License-Identifier: MIT
"""Which cases of the specification a run has met, and which it has not."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import spec
import z3
from spec.state import SymbolicState

Cases = Counter[tuple[str, str]]


def _errors(c: SimpleNamespace, name: str) -> list[int]:
    """Error numbers with which the hypercall can refuse, each once."""
    call = spec.transition(name)
    args = tuple(z3.BitVec(p, 64) for p in call.parameters)
    cases = call.symbolic(c, SymbolicState(), args, ghosts=False)
    return sorted({case.errno for case in cases if case.errno is not None})


def report(c: SimpleNamespace, cases: Cases) -> str:
    """A line for each hypercall and each other transition."""
    names = {value: name[3:] for name, value in vars(c).items()
             if name.startswith("HV_E") and name[4:].isupper() and "_" not in name[3:]}
    lines, met, there, succeeded = [], 0, 0, 0
    for call in spec.hypercalls():
        errors = _errors(c, call)
        seen = {e: cases[call, f"error {e}"] for e in errors}
        ways = {case: n for (name, case), n in cases.items()
                if name == call and not case.startswith("error ")}
        met, there = met + sum(map(bool, seen.values())), there + len(errors)
        succeeded += bool(ways)
        lines.append(f"{call:14} {sum(ways.values()):7} in {len(ways):2} ways; "
                     + ", ".join(f"{names[e]} {n}" for e, n in seen.items()))
    for name in sorted({name for name, _ in cases} - spec.hypercalls().keys()):
        ways = {case: n for (other, case), n in cases.items() if other == name}
        lines.append(f"{name:14} {sum(ways.values()):7} in {len(ways):2} ways")
    lines.append(f"{met} of {there} errors met, {succeeded} of {len(spec.hypercalls())} "
                 f"hypercalls successful, {len(cases)} cases")
    return "\n".join(lines)
