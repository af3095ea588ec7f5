# SPDX-License-Identifier: MIT
"""What spec/ says of a hypercall, in words for the reference: the errors of its guards in
order, and what each way to succeed may change."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Enumerators are read from the headers by what the tests of the specification use.
sys.path[:0] = [str(ROOT), str(ROOT / "tests/spec")]

import z3  # noqa: E402

import spec  # noqa: E402
from constants import enumerators  # noqa: E402
from spec.state import FIELDS, SymbolicState, Update  # noqa: E402

LONGEST = 60        # of an index that is shown: characters
WORKED_OUT = "..."
SELF = "sched.cpus.current"

EVENTS = {
    "tlbi_asid": "TLB entries of the ASID of `{}` invalidated",
    "page_sync": "page `{}` made visible to instruction fetches",
    "uart_put": "a byte to the UART",
    "uart_rx_irq": "the UART's receive interrupt on (1) or off (0): `{}`",
    "system_off": "PSCI SYSTEM_OFF",
    "gicd": "the GIC's distributor written at offset `{}`: `{}`",
    "vgic_hcr": "the virtual CPU interface switched on",
    "vgic_vmcr": "its control restored",
    "vgic_apr": "its active priorities restored",
    "vgic_lr": "list register `{}` restored, or emptied",
    "gic_sgi": "GIC_SGI sent, by writing `{}`",
    "system_reset": "PSCI SYSTEM_RESET",
}


class SpecError(Exception):
    """The specification lacks something, or the reference has no words for it."""


@dataclass(frozen=True)
class Change:
    """What is changed (C notation or words) and the cases in which it may be, as a sum of
    products of labels; () is always."""

    what: str
    when: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Facts:
    """`text` is the docstring; `ways` the errors (names without HV_) of the guards in order,
    one tuple for each way through `choose` that has guards of its own; `results` what x0 is;
    `changes` in the order of names."""

    text: str
    ways: tuple[tuple[str, ...], ...]
    results: tuple[Change, ...]
    changes: tuple[Change, ...]


# ---- words for terms ------------------------------------------------------------------


def term_text(term: z3.ExprRef) -> str:
    """A word in C notation, or WORKED_OUT if that would be long."""
    text = _term_text(z3.simplify(term))
    return WORKED_OUT if WORKED_OUT in text or len(text) > LONGEST else text


def _term_text(term: z3.ExprRef) -> str:
    name = term.decl().name()
    if z3.is_bv_value(term):
        return str(term.as_long())
    if name == SELF:
        return "self"
    if name in FIELDS:
        return place(name, tuple(term.children()))
    return name if not term.children() else WORKED_OUT


def place(name: str, key: tuple[z3.ExprRef, ...]) -> str:
    """A point of the state in C notation; a set of processes is one place, and so are the
    saved registers of a process and the tree of deadlines."""
    kinds = FIELDS[name]
    if name.startswith("sys."):
        return name[4:].upper()
    if name == "pages":
        page = term_text(key[0])
        whole = page.endswith(".ctx") or page == WORKED_OUT or len(key) == 1
        return f"pages[{page}]" + ("" if whole else f"[{term_text(key[1])}]")
    shown = [term_text(k) for k, kind in zip(key, kinds)
             if kind not in ("set_word", "name_word", "node", "cpu")]
    inside = "".join(f"[{index}]" for index in shown)
    table, dot, rest = name.removesuffix(".word").partition(".")
    return f"{table}{inside}{dot}{rest}"


def event_text(event: tuple[Any, ...]) -> str:
    """Something that the state does not show."""
    if event[0] not in EVENTS:
        raise SpecError(f"no words for the event {event[0]}")
    words = (str(word) if isinstance(word, int) else term_text(word) for word in event[1:])
    return EVENTS[event[0]].format(*words)


def result_text(result: Any, errors: dict[int, str]) -> str:
    """x0: a number, a negated error, or what it is."""
    value = z3.simplify(result)
    if not z3.is_bv_value(value):
        text = term_text(result)
        return "a word from the tables" if text == WORKED_OUT else f"`{text}`"
    number = value.as_signed_long()
    return f"`-{errors[-number]}`" if number < 0 else str(number)


# ---- cases ----------------------------------------------------------------------------


def labels_of(case: spec.Case) -> frozenset[str]:
    """The choices on the way to a success. One that is met twice is `again` then."""
    labels: list[str] = []
    seen: Counter[str] = Counter()
    for label in case.case.split(", ") if case.case != "done" else ():
        name = label.removeprefix("not ")
        labels.append(label + " again" * seen[name])
        seen[name] += 1
    return frozenset(labels)


def _known(path: tuple[Any, ...]) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
    """What may stand for what on a path: truths for what was tested, self for what is
    equal to it."""
    pairs: list[tuple[z3.ExprRef, z3.ExprRef]] = []
    todo = [truth for truth in path if z3.is_expr(truth)]
    while todo:
        truth = todo.pop()
        if z3.is_and(truth):
            todo += truth.children()
            continue
        holds = not z3.is_not(truth)
        tested = truth if holds else truth.arg(0)
        pairs.append((tested, z3.BoolVal(holds)))
        if not z3.is_eq(tested):
            continue
        left, right = tested.children()
        pairs.append((right == left, z3.BoolVal(holds)))
        if holds and right.decl().name() == SELF and left.decl().name() in FIELDS:
            pairs.append((left, right))
    return pairs


def _covers(wanted: frozenset[int], cases: list[frozenset[str]]
            ) -> list[tuple[tuple[str, ...], frozenset[int]]]:
    """Conjunctions of labels that hold in wanted cases alone, short ones first."""
    names = sorted({label for i in wanted for label in cases[i]},
                   key=lambda label: (label.startswith("not "), label))
    longest = max(len(cases[i]) for i in wanted)
    found: list[tuple[tuple[str, ...], frozenset[int]]] = []
    for size in range(1, longest + 1):
        for labels in combinations(names, size):
            where = frozenset(i for i, case in enumerate(cases) if case.issuperset(labels))
            if where and where <= wanted and not any(where <= w for _, w in found):
                found.append((labels, where))
    return found


def condition(wanted: frozenset[int], cases: list[frozenset[str]]
              ) -> tuple[tuple[str, ...], ...]:
    """A short sum of products of labels that holds in exactly the wanted cases."""
    if len(wanted) == len(cases):
        return ()
    terms, left = [], wanted
    candidates = _covers(wanted, cases)
    while left:
        labels, where = max(candidates, key=lambda c: (len(c[1] & left), -len(c[0])))
        terms.append(labels)
        left -= where
    return tuple(sorted(terms, key=lambda labels: (len(labels), labels)))


def _changes_of(case: spec.Case) -> set[str]:
    updates: dict[str, tuple[Update, ...]] = case.state.updates
    known = _known(case.path)

    def plain(words: tuple[Any, ...]) -> tuple[z3.ExprRef, ...]:
        return tuple(z3.substitute(word, *known)
                     if isinstance(word, z3.ExprRef) and word.num_args() else word
                     for word in words)

    places = {f"`{place(name, plain(update.key))}`" for name, some in updates.items()
              for update in some}
    return places | {event_text((event[0], *plain(event[1:]))) for event in case.events}


def _collect(found: list[set[str]], cases: list[frozenset[str]]) -> tuple[Change, ...]:
    """Everything found, in order, with the cases in which it was."""
    where = {what: frozenset(i for i, some in enumerate(found) if what in some)
             for what in sorted(set().union(*found))}
    return tuple(Change(what, condition(some, cases)) for what, some in where.items())


def _ways(errors: list[spec.Case], names: dict[int, str]) -> tuple[tuple[str, ...], ...]:
    """A new way begins where the number of the guard does not rise."""
    ways: list[list[str]] = []
    last = 0
    for case in errors:
        number = int(case.case.removeprefix("guard "))
        if number <= last or not ways:
            ways.append([])
        ways[-1].append(names[case.errno])
        last = number
    return tuple(tuple(way) for way in ways)


def facts(name: str) -> Facts:
    """What the specification says of a hypercall; SpecError if it does not know it."""
    if name not in spec.hypercalls():
        raise SpecError(f"{name} has no transition in spec/transitions")
    c = enumerators()
    names = {v: k.removeprefix("HV_") for k, v in vars(c).items()
             if re.fullmatch(r"HV_E[A-Z]+", k)}
    call = spec.hypercalls()[name]
    args = tuple(z3.BitVec(p, 64) for p in call.parameters)
    cases = call.symbolic(c, SymbolicState(), args, ghosts=False)
    done = [case for case in cases if case.errno is None]
    labels = [labels_of(case) for case in done]
    text = " ".join((call.text.__doc__ or "").split())
    return Facts(text, _ways([case for case in cases if case.errno is not None], names),
                 _collect([{result_text(case.result, names)} for case in done], labels),
                 _collect([_changes_of(case) for case in done], labels))
