# SPDX-License-Identifier: MIT
"""T3 where the lock goes from one core to another: what one has kept, the other may assume.

An invariant that reads no register holds whichever core looks, but for what it says of the core
that executes: that is proved, for a core that has settled (premise core_is_settled) and any other.
An invariant about a core's registers holds again when it gets the lock, as it did when it dropped
it: it reads its own registers, what never changes, and what other cores leave alone (T5,
others_are_left). That it reads no more is checked here.
"""
import time
from pathlib import Path as FilePath
from types import SimpleNamespace

import spec
import z3
from spec.invariants import Invariant
from spec.isolation import HELD, OWN
from spec.state import KINDS, Key, SymbolicState
from spec.transition import Reader

from . import lines
from .flags import as_term
from .lin import bv
from .result import Failure, Row, row
from .safety import model_values
from .solve import Solver

NAME = "the lock changes hands"
EXECUTES = "sys.cpu"
LEFT_ALONE = frozenset((*(f"sched.cpus.{name}" for name in OWN),
                        *(f"procs.{name}" for name in HELD)))


def reads(c: SimpleNamespace, rule: Invariant) -> set[tuple[str, Key]]:
    """What of the state an invariant reads, at free indices."""
    found: set[tuple[str, Key]] = set()
    state = SymbolicState(observer=lambda name, key: found.add((name, key)))
    rule.text(Reader(c, state), *(z3.BitVec(f"any!{kind}", 64)
                                                  for kind in rule.kinds))
    return found


def _is_own(name: str) -> bool:
    """Nobody else changes it."""
    return name.startswith(("sys.", "machine.")) or name in LEFT_ALONE


def _assumed(c: SimpleNamespace, cores: tuple[z3.BitVecRef, ...]) -> tuple[z3.BoolRef, ...]:
    """The invariants of who runs where at these cores and their processes; the first has the
    lock, has settled, and is not the second."""
    state, rules = SymbolicState(), spec.invariants()
    pids = [state.get(f"sched.cpus.{name}", core)
            for core in cores for name in ("loaded", "current")]
    terms = [state.get(EXECUTES) == cores[0], cores[0] != cores[1],
             *(z3.ULT(core, bv(KINDS["cpu"](c))) for core in cores)]
    terms += [as_term(rule.holds(c, state)) for rule in spec.settled().values()]
    terms += [as_term(rules[name].holds(c, state, core))
              for name in ("core_ranges", "others_are_settled") for core in cores]
    terms += [as_term(rules["running_exact"].holds(c, state, core, pid))
              for core in cores for pid in pids]
    return tuple(terms)


def _failure(rule: Invariant, what: str, status: str, query: str = "",
             values: tuple[tuple[str, str], ...] = ()) -> Failure:
    about = lines.of_function("invariant", rule.name, rule.text)
    return Failure(f"{rule.name} {what}", about.where, "", status, values, query, (about,))


def prove(c: SimpleNamespace, folder: FilePath) -> Row:
    """The row T3 of the lock's change of hands."""
    begin = time.process_time()
    cores = tuple(z3.BitVec(f"{name}!core", 64) for name in ("old", "new", "any"))
    solver = Solver(_assumed(c, cores), folder)
    taken = SymbolicState().set(EXECUTES, (), cores[1])
    failures, proved, private = [], 0, 0
    for rule in spec.invariants().values():
        names = {name for name, _ in reads(c, rule)}
        if {name for name in names if name.startswith("sys.")} - {EXECUTES}:
            private += 1
            if not all(map(_is_own, names)):
                failures.append(_failure(rule, "reads what other cores change", "failed"))
        elif EXECUTES in names:
            proved += 1
            verdict = solver.prove((), as_term(rule.holds(c, taken, cores[2])),
                                   f"handover-{rule.name}")
            if verdict.status != "proved":
                failures.append(_failure(rule, "does not hold for the next core", verdict.status,
                                         str(verdict.query), model_values(verdict)))
    running = SymbolicState().get("sched.cpus.current", cores[1]) != 0
    if solver.prove((running,), z3.BoolVal(False), "", False).status != "refuted":
        failures.append(Failure("no two cores can be", "spec/invariants.py", "", "vacuous", (), ""))
    return row(NAME, "T3", time.process_time() - begin,
               {"of the core that executes": proved, "of its registers": private}, failures, (),
               "spec/isolation.py")
