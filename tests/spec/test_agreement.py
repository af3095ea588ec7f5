# SPDX-License-Identifier: MIT
"""The specification against hypercall.def and the headers: names, parameters, errors in order,
names of functions; and the ints against the Z3 terms."""

from __future__ import annotations

import random
import re
import sys
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import z3  # noqa: E402

import spec  # noqa: E402
from callers import Caller  # noqa: E402
from constants import ROOT, enumerators, parameters  # noqa: E402
from machine import Machine, small_limits  # noqa: E402
from spec.state import FIELDS, SymbolicState  # noqa: E402


def documented_errors() -> dict[str, list[str]]:
    """Names of the errors of each hypercall as its comment lists them, in order."""
    text = (ROOT / "include/uapi/hypercall.def").read_text()
    calls = {}
    for comment, name in re.findall(r"/\*((?:(?!\*/).)*?)\*/\s*HC\d\(\d+, (\w+)", text, re.S):
        lines = re.findall(r"^ \* (E[A-Z]+) +(?!after waiting)\S", comment, re.M)
        calls[name] = lines
    return calls


def specified_errors(name: str) -> list[str]:
    """Names of the errors of a hypercall in the order of its guards."""
    c = enumerators()
    names = {v: k[3:] for k, v in vars(c).items() if re.fullmatch(r"HV_E[A-Z]+", k)}
    call = spec.transition(name)
    args = tuple(z3.BitVec(p, 64) for p in call.parameters)
    cases = call.symbolic(c, SymbolicState(), args, ghosts=False)
    return [names[case.errno] for case in cases if case.errno is not None]


def merged(errors: list[str]) -> list[str]:
    """Two checks with the same error in a row are one line here or there."""
    return [error for error, _ in groupby(errors)]


def test_parameters() -> None:
    """Each hypercall is specified, with the parameters that the table gives it."""
    assert {n: s.parameters for n, s in spec.hypercalls().items()} == parameters()


def test_errors_in_order() -> None:
    """The guards are those of the manual, in its order."""
    documented = documented_errors()
    for name in spec.hypercalls():
        errors = specified_errors(name)
        if name == "wait":              # the second half is the way without a console
            errors = errors[:4]
        assert merged(errors) == merged(documented[name]), name


def test_field_names() -> None:
    """Every field of a table that the specification names is in the headers."""
    text = "".join((ROOT / h).read_text() for h in ("include/uapi/tables.h", "kernel/state.h"))
    for name in FIELDS:
        if name.split(".")[0] not in ("sys", "uart", "gic", "vgic", "ghost"):
            for part in name.split("."):
                assert re.search(rf"\b{part}\b", text), name


def evaluate(term: object, caller: Caller, args: tuple[int, ...],
             memo: dict[int, tuple[z3.ExprRef, z3.ExprRef]]) -> z3.ExprRef:
    """The value of a Z3 term in the machine's state: every function application replaced
    from the inside out by the value that the concrete state has."""
    def value(t: z3.ExprRef) -> z3.ExprRef:
        if t.get_id() not in memo:
            memo[t.get_id()] = (t, compute(t))      # kept, since ids of lost terms return
        return memo[t.get_id()][1]

    def compute(t: z3.ExprRef) -> z3.ExprRef:
        parts, name = [value(child) for child in t.children()], t.decl().name()
        if name in FIELDS:
            key = tuple(part.as_long() for part in parts)
            return z3.BitVecVal(caller.m.state.get(name, *key), 64)
        if name.startswith("arg!"):
            return z3.BitVecVal(args[int(name[4:])], 64)
        return z3.simplify(z3.substitute(t, *zip(t.children(), parts))) if parts else t

    return value(term) if isinstance(term, z3.ExprRef) else z3.BoolVal(term)


def test_ints_agree_with_terms() -> None:
    """On random states and calls, exactly one case's condition is true, and its result and
    every cell that the ints have changed are those of its terms."""
    machine = Machine(small_limits())
    caller = Caller(machine, 7)
    caller.warm_up()
    picker = random.Random(7)
    compared = 0
    for step in range(400):
        name, args = caller.next_call()
        if machine.current == 0 or step % 4 or name == "reply_wait" and compared % 2:
            caller.step()
            continue
        call, memo = spec.transition(name), {}
        terms = tuple(z3.BitVec(f"arg!{i}", 64) for i in range(len(args)))
        cases = [case for case in call.symbolic(machine.c, SymbolicState(), terms)
                 if z3.is_true(evaluate(case.condition, caller, args, memo))]
        assert len(cases) == 1, (name, args)
        machine.state.writes = set()
        before = machine.state.copy()
        after = before.copy()
        outcome = call.run(machine.c, after, args)
        result = evaluate(cases[0].result, caller, args, memo)
        assert result.as_long() == outcome.result, (name, args)
        cells = list(after.cells()) + list(before.cells())
        for function, key, _ in picker.sample(cells, 20):
            expected = evaluate(cases[0].state.get(function, *key), caller, args, memo)
            assert expected.as_long() == after.get(function, *key), (name, args, function, key)
        compared += 1
    assert compared > 60
