# SPDX-License-Identifier: MIT
"""What a proof of this verifier rests on: the one list that rows, the page and TRUST.md go by.

A row that assumes something else fails the run (report.py); `make trust` refuses a complete
report in which something of this list is not assumed any more.
"""
import sys
from dataclasses import dataclass

import spec
from spec.invariants import Invariant

from . import induct, leaves, order, premises, tickets


@dataclass(frozen=True)
class Assumption:
    """`text` as rows have it, and what it says or why it may be assumed."""

    text: str
    reason: str


@dataclass(frozen=True)
class Part:
    """Something that no theorem is about, and what stands behind it."""

    name: str
    behind: str


FIXED = (
    Assumption(premises.CORE_AT_ENTRY,
               "TPIDR_EL2 is written by boot alone: T4 looks at it, and no proved path writes it"),
    Assumption(premises.STACK_AT_ENTRY,
               "T1 of each stretch of assembly shows it where it ends; T4 at the first `eret`"),
    Assumption(induct.AFTER_BOOT,
               "T4, on the machines that it boots; not proved of every device tree"),
    Assumption(order.CLEAN_AT_ENTRY,
               "no TLB holds a translation that the tables do not give (spec/translation.py). Each "
               "hypercall, trap and way out leaves it so (T6); boot invalidates all; not proved"),
    Assumption(tickets.EXCLUSIVES,
               "DDI 0487J.a, B2.9, of all cores that share the word; not proved"),
    Assumption(tickets.IN_PAIRS,
               "T2 of all that calls `lock_take` and `lock_drop`: no path takes it twice or drops "
               "what it has not. Of boot: reading"),
    Assumption(leaves.PAGES_PASSED, "proved at each call of these routines, in the caller's T2"),
)

PARTS = (
    Part("`spec/`: what is meant", "reading; random runs of it (`make test-spec`)"),
    Part("the meaning of instructions (`verif/isa/`, `verif/machine.py`)",
         "comparison with QEMU's (`tests/isa`)"),
    Part("the reading of ELF and DWARF", "each DWARF tag or form that is not known stops the run"),
    Part("Z3", "what it calls satisfiable or unknown counts as a failure; `make verify "
         "SOLVER=both` puts each `unsat` to cvc5, too; nothing checks its simplifier"),
    Part("that stretches of assembly and calls of C fit together as `verif/linkage.py` says",
         "reading: what one ends with is what the next begins with"),
    Part("that EL2 takes no exception of its own, but what T2 excludes: SError and debug",
         "both are masked at EL2; it would end in `panic`"),
    Part("that the armed timer interrupts (CNTHP_CTL_EL2, GIC), and that a process gets on "
         "between two ticks",
         "`usertests preempt_`; only boot writes CNTHP_CTL_EL2 (`tests/layout`)"),
    Part("boot, on machines other than those of T4",
         "reading; it boots to the shell on those of `tests/boot`"),
    Part("QEMU, which shows T4 the machine at its first `eret`",
         "T4 reads system registers by MRS, and each damaged dump fails"),
    Part("that barriers and TLB maintenance do on a real core what DDI 0487J.a says; cache "
         "maintenance but for the order within `page_sync`", "reading"),
    Part("that who has the lock sees what was written before it was dropped (load-acquire and "
         "store-release, B2.3: T1 says that they are there), that WFE ends when the lock is "
         "dropped (B2.9), and that of cores that ask at once one succeeds", "reading"),
    Part("translation on cores other than the one that executes",
         "the invariants say that they run nobody; TLB maintenance is broadcast"),
)


def _says(invariant: Invariant) -> str:
    """The docstring of the statement, or of the function that made it."""
    text = invariant.text
    maker = getattr(sys.modules[text.__module__], text.__qualname__.partition(".")[0])
    return " ".join((text.__doc__ or maker.__doc__ or "").split())


def _reason(name: str, invariant: Invariant) -> str:
    """An invariant is proved to last (T3), what is assumed of an entry to hold after a way out."""
    behind = "preserved by each transition (T3)" if name in spec.invariants() else \
        "after each `eret` it holds again (T3), and no process can change it"
    return f"{_says(invariant)} ({behind})"


def assumptions() -> tuple[Assumption, ...]:
    """All that a row may assume."""
    known = {**spec.invariants(), **spec.premises(), **spec.settled()}
    used = dict.fromkeys((*premises.USED, *spec.premises(), *spec.settled()))
    return FIXED + tuple(Assumption(f"invariant {name}", _reason(name, known[name]))
                         for name in used)
