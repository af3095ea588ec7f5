# SPDX-License-Identifier: MIT
"""What holds of the cores that a process may run on (theorem T3). Which those are is in the sets
of the cores; a pid has its bits whether it is used or not, and `clone` writes them anew."""

from __future__ import annotations

from .invariants import Family
from .schedule import may_run
from .transition import Reader
from .words import Truth, Word

AFFINITY = Family()


@AFFINITY.invariant()
def cores_have_numbers(r: Reader) -> Truth:
    """What boot says of the cores that run processes is a mask of cores."""
    return r.o.ult(r.get("machine.cores"), 1 << r.c.HV_NCPU)


@AFFINITY.invariant("cpu", "pid")
def allowed_cores_run(r: Reader, cpu: Word, p: Word) -> Truth:
    """No process may run on a core that runs none."""
    return r.o.implies(may_run(r, cpu, p), r.o.bit(r.get("machine.cores"), cpu))


@AFFINITY.invariant("pid")
def some_core_is_allowed(r: Reader, p: Word) -> Truth:
    """There is a core for each process."""
    home = r.get("ghost.home", p)
    return r.o.and_(r.o.ult(home, r.c.HV_NCPU), may_run(r, home, p))


@AFFINITY.invariant("cpu")
def who_runs_may(r: Reader, cpu: Word) -> Truth:
    """Who runs on a core may, unless an interrupt is on its way to that core, to end it."""
    current = r.get("sched.cpus.current", cpu)
    return r.o.or_(current == 0, may_run(r, cpu, current), r.get("ghost.called", cpu) != 0)
